//! Finds the linker that the user chose, which the hook runs.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::args::split;
use super::install::REAL_LD;
use crate::policy::settings;

/// Where a driver would have looked for its linker: names in order of preference, each with the
/// directories to search.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    steps: Vec<(String, Vec<PathBuf>)>,
    /// A linker given by its path. It comes before everything else.
    exact: Option<PathBuf>,
}

/// What a driver tells its linker.
pub(crate) struct Told<'a> {
    /// `PATH`.
    pub(crate) path: &'a OsStr,
    /// GCC's `COLLECT_GCC_OPTIONS`, `COMPILER_PATH` and `COLLECT_GCC`.
    pub(crate) gcc: Option<[&'a str; 3]>,
    /// If not GCC, the command line of the parent process, with response files expanded.
    pub(crate) parent: &'a [OsString],
    /// Directory of the parent's executable.
    pub(crate) parent_dir: Option<&'a Path>,
    /// Whether the hook was run because of `-fuse-ld=bfd`, which hides the user's choice.
    pub(crate) by_bfd: bool,
    /// The linker if nothing is chosen.
    pub(crate) default: Option<&'a Path>,
}

impl Choice {
    /// Follows the rules of the driver that ran the hook.
    pub(crate) fn new(told: &Told<'_>) -> Self {
        match told.gcc {
            Some([options, compiler_path, driver]) => {
                Self::of_gcc(options, compiler_path, driver, told.path)
            }
            None => Self::of_clang(told),
        }
    }

    /// collect2: another `real-ld`, `collect-ld`, then the linker of the last `-fuse-ld`, in the
    /// compiler's directories; then that linker in `PATH`, for a cross compiler by its full name
    /// first.
    fn of_gcc(options: &str, compiler_path: &str, driver: &str, path: &OsStr) -> Self {
        let options = split(options);
        let chosen = options.iter().rev().find_map(|o| o.strip_prefix("-fuse-ld="));
        let name = file_name(chosen.unwrap_or_default());
        let own: Vec<PathBuf> = std::env::split_paths(compiler_path).collect();
        let path: Vec<PathBuf> = std::env::split_paths(path).collect();
        let mut steps = vec![
            (REAL_LD.to_owned(), own.clone()),
            ("collect-ld".to_owned(), own.clone()),
            (name.clone(), own),
        ];
        let driver = Path::new(driver).file_name().and_then(|d| d.to_str()).unwrap_or_default();
        if let Some((target, _)) = driver.split_once("-gcc").or_else(|| driver.split_once("-cc")) {
            steps.push((format!("{target}-{name}"), path.clone()));
        }
        steps.push((name, path));
        Self { steps, exact: None }
    }

    /// clang: `--ld-path`, or else the linker of the last `-fuse-ld`, in the `-B` directories, next
    /// to clang, and in `PATH`.
    fn of_clang(told: &Told<'_>) -> Self {
        let args: Vec<&str> = told.parent.iter().filter_map(|a| a.to_str()).collect();
        let last = |prefix: &str| {
            let mut values = args.iter().rev().filter_map(|a| a.strip_prefix(prefix));
            values.find(|v| !is_own(Path::new(v)))
        };
        let mut dirs: Vec<PathBuf> = Vec::new();
        for (i, arg) in args.iter().enumerate() {
            match arg.strip_prefix("-B") {
                Some("") => dirs.extend(args.get(i + 1).map(PathBuf::from)),
                Some(dir) => dirs.push(dir.into()),
                None => {}
            }
        }
        dirs.extend(told.parent_dir.map(Path::to_owned));
        dirs.extend(std::env::split_paths(told.path));
        if let Some(path) = last("--ld-path=") {
            return match Path::new(path) {
                exact if path.contains('/') => {
                    Self { exact: Some(exact.to_owned()), steps: Vec::new() }
                }
                _ => Self { exact: None, steps: vec![(path.to_owned(), dirs)] },
            };
        }
        let hidden = usize::from(told.by_bfd);
        let chosen = args.iter().rev().filter_map(|a| a.strip_prefix("-fuse-ld=")).nth(hidden);
        match chosen {
            Some(path) if path.starts_with('/') => {
                Self { exact: Some(path.into()), steps: Vec::new() }
            }
            Some(name) => Self { exact: None, steps: vec![(file_name(name), dirs)] },
            None => {
                Self { exact: told.default.map(Path::to_owned), steps: vec![(file_name(""), dirs)] }
            }
        }
    }

    /// Returns the first one that exists and is not the hook itself.
    pub(crate) fn find(&self, is_program: impl Fn(&Path) -> bool) -> Option<PathBuf> {
        let exact = self.exact.iter().cloned();
        let searched =
            self.steps.iter().flat_map(|(name, dirs)| dirs.iter().map(move |d| d.join(name)));
        exact.chain(searched).find(|path| is_program(path) && !is_own(path))
    }

    /// Returns the name that was searched, for a message.
    pub(crate) fn name(&self) -> String {
        let searched = self.steps.last().map(|(name, _)| name.clone());
        searched
            .or_else(|| self.exact.as_ref().map(|p| p.display().to_string()))
            .unwrap_or_default()
    }
}

/// Returns the linker's file name for `-fuse-ld=name`.
fn file_name(name: &str) -> String {
    match name {
        "" | "ld" => "ld".to_owned(),
        name => format!("ld.{name}"),
    }
}

/// Returns whether a linker is a hook of this crate, either this one or another package's.
fn is_own(path: &Path) -> bool {
    path.parent().is_some_and(|dir| dir.join(settings::FILE).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<'a>(parent: &'a [OsString]) -> Told<'a> {
        Told {
            path: OsStr::new("/usr/bin:/bin"),
            gcc: None,
            parent,
            parent_dir: Some(Path::new("/llvm/bin")),
            by_bfd: false,
            default: None,
        }
    }

    fn gcc(options: &str, there: &[&str]) -> Option<PathBuf> {
        gcc_named("cc", options, there)
    }

    fn gcc_named(driver: &str, options: &str, there: &[&str]) -> Option<PathBuf> {
        let gcc = Some([options, "/rust/gcc-ld/:/hook/:/gcc/12/", driver]);
        let choice = Choice::new(&Told { gcc, ..told(&[]) });
        choice.find(|path| there.iter().any(|t| path == Path::new(t)))
    }

    fn clang(line: &str, change: impl Fn(&mut Told<'_>), there: &[&str]) -> Option<PathBuf> {
        let args: Vec<OsString> = split(line).into_iter().map(Into::into).collect();
        let mut told = told(&args);
        change(&mut told);
        Choice::new(&told).find(|path| there.iter().any(|t| path == Path::new(t)))
    }

    #[test]
    fn gcc_takes_the_last_choice() {
        let all = ["/rust/gcc-ld/ld.lld", "/usr/bin/ld.mold", "/usr/bin/ld.lld", "/usr/bin/ld"];
        let is = |options: &str, path: &str| assert_eq!(gcc(options, &all), Some(path.into()));
        is("'-m64' '-B' '/rust/gcc-ld' '-fuse-ld=lld' '-o' 'm'", "/rust/gcc-ld/ld.lld");
        is("'-fuse-ld=lld' '-fuse-ld=mold'", "/usr/bin/ld.mold");
        is("'-m64'", "/usr/bin/ld");
        assert_eq!(gcc("'-fuse-ld=gold'", &all), None);
    }

    #[test]
    fn gcc_has_other_hooks_and_cross_linkers() {
        assert_eq!(gcc("", &["/gcc/12/real-ld", "/usr/bin/ld"]), Some("/gcc/12/real-ld".into()));
        assert_eq!(gcc("", &["/gcc/12/collect-ld", "/bin/ld"]), Some("/gcc/12/collect-ld".into()));
        let there = ["/usr/bin/ld.lld", "/usr/bin/x86_64-linux-gnu-ld.lld"];
        let cross = gcc_named("/usr/bin/x86_64-linux-gnu-gcc-12", "'-fuse-ld=lld'", &there);
        assert_eq!(cross, Some("/usr/bin/x86_64-linux-gnu-ld.lld".into()));
    }

    #[test]
    fn clang_takes_the_last_choice() {
        let all = ["/rust/ld.lld", "/llvm/bin/ld.lld", "/bin/ld.mold", "/usr/bin/ld", "/x/wild"];
        let is = |line: &str, path: &str| assert_eq!(clang(line, |_| {}, &all), Some(path.into()));
        is("clang -fuse-ld=lld -o m", "/llvm/bin/ld.lld");
        is("clang -B/rust -fuse-ld=lld", "/rust/ld.lld");
        is("clang -B /rust -fuse-ld=lld", "/rust/ld.lld");
        is("clang -fuse-ld=lld -fuse-ld=mold", "/bin/ld.mold");
        is("clang -fuse-ld=/x/wild", "/x/wild");
        is("clang -fuse-ld=mold --ld-path=/x/wild", "/x/wild");
        is("clang --ld-path=ld.mold", "/bin/ld.mold");
        is("clang -o m", "/usr/bin/ld");
        is("", "/usr/bin/ld");
    }

    #[test]
    fn clang_has_a_default_and_may_be_hooked_by_bfd() {
        let all = ["/usr/bin/ld", "/usr/bin/ld.lld", "/usr/bin/ld.mold", "/usr/bin/ld.bfd"];
        let default = |told: &mut Told<'_>| told.default = Some(Path::new("/usr/bin/ld.lld"));
        assert_eq!(clang("clang", default, &all), Some("/usr/bin/ld.lld".into()));
        assert_eq!(clang("clang -fuse-ld=mold", default, &all), Some("/usr/bin/ld.mold".into()));
        let bfd = |told: &mut Told<'_>| told.by_bfd = true;
        let is = |line: &str, path: &str| assert_eq!(clang(line, bfd, &all), Some(path.into()));
        is("clang -fuse-ld=mold -fuse-ld=bfd", "/usr/bin/ld.mold");
        is("clang -fuse-ld=bfd -fuse-ld=bfd", "/usr/bin/ld.bfd");
        is("clang -fuse-ld=bfd", "/usr/bin/ld");
    }
}
