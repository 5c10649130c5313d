//! The flags of rustc, as far as they affect the link.

use std::path::Path;

use super::origin::Origin;
use crate::compiled::Compiled;

/// The values of `-C` options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// `-C linker`.
    pub(crate) linker: Option<String>,
    /// `-C linker-flavor`.
    pub(crate) flavor: Option<String>,
    /// Every `-C link-arg` and the words of every `-C link-args`.
    pub(crate) link_args: Vec<String>,
    llvm_args: Vec<String>,
    relro_level: Option<String>,
}

/// The flags with which LLVM puts every call to a local symbol into one aligned quadword.
const ALIGNMENT: [&str; 2] =
    ["-Cllvm-args=-x86-align-branch-boundary=8", "-Cllvm-args=-x86-align-branch=call"];

/// Returns the one-line message for when they are not set, including the fix.
pub(crate) fn missing(origin: &Origin) -> String {
    let flags = ALIGNMENT.join(" ");
    let file = format!(
        "set `rustflags = {ALIGNMENT:?}` under `[target.'cfg(all(target_arch = \"x86_64\", \
         target_os = \"linux\"))']` in .cargo/config.toml"
    );
    let fix = match origin {
        Origin::Files => format!("run `cargo static-call init`, or {file}"),
        Origin::Replaced(variable) => format!(
            "{variable} is set in the environment and replaces the flags in .cargo/config.toml: \
             add `{flags}` to it, or unset it and run `cargo static-call init`"
        ),
        Origin::Hidden(what) => format!(
            "{what} sets flags for the target, so cargo ignores `[build] rustflags`: {file}"
        ),
    };
    format!(
        "flags.missing: rustc is not told to align call instructions, so an update retargets about \
         one in three static calls in steps; {fix}"
    )
}

impl Flags {
    /// Reads `CARGO_ENCODED_RUSTFLAGS`.
    pub(crate) fn from_encoded(flags: &str) -> Self {
        Self::parse(flags.split('\u{1f}'))
    }

    /// Reads a command line of rustc.
    pub(crate) fn parse<'a>(args: impl Iterator<Item = &'a str>) -> Self {
        let mut flags = Self::default();
        let mut args = args;
        while let Some(arg) = args.next() {
            let option = match arg {
                "-C" | "--codegen" => args.next(),
                _ => arg.strip_prefix("--codegen=").or_else(|| arg.strip_prefix("-C")),
            };
            let Some((name, value)) = option.and_then(|o| o.split_once('=')) else { continue };
            match name.replace('_', "-").as_str() {
                "linker" => flags.linker = Some(value.to_owned()),
                "linker-flavor" => flags.flavor = Some(value.to_owned()),
                "link-arg" => flags.link_args.push(value.to_owned()),
                "link-args" => flags.link_args.extend(words(value)),
                "relro-level" => flags.relro_level = Some(value.to_owned()),
                "llvm-args" => flags.llvm_args.extend(words(value)),
                _ => {}
            }
        }
        flags
    }

    /// Returns what is recorded about them in the image.
    pub(crate) fn compiled(&self) -> Compiled {
        let is_direct = matches!(self.relro_level.as_deref(), Some("partial" | "off"));
        Compiled { aligns_calls: self.aligns_calls(), is_direct }
    }

    /// Returns whether calls to local symbols are aligned.
    pub(crate) fn aligns_calls(&self) -> bool {
        let value = |name: &str| {
            let mut all = self.llvm_args.iter().rev().map(|a| a.trim_start_matches('-'));
            all.find_map(|a| a.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
        };
        matches!(value("x86-align-branch-boundary"), "8" | "0x8")
            && value("x86-align-branch").split('+').any(|kind| kind == "call")
    }

    /// Returns the linker that rustc runs. `linker` is cargo's setting, which a flag overrides.
    pub(crate) fn linker_or<'a>(&'a self, linker: Option<&'a str>) -> &'a str {
        self.linker.as_deref().or(linker).unwrap_or_else(|| match self.flavor.as_deref() {
            Some("ld" | "gnu") => "ld",
            Some(flavor) if is_direct_flavor(flavor) => "rust-lld",
            _ => "cc",
        })
    }

    /// Returns whether rustc runs `linker` with a linker's arguments, not a driver's. The flavor
    /// decides, or else the names that rustc knows.
    pub(crate) fn is_direct(&self, linker: &str) -> bool {
        if let Some(flavor) = &self.flavor {
            return is_direct_flavor(flavor);
        }
        let name = Path::new(linker).file_name().and_then(|n| n.to_str()).unwrap_or_default();
        matches!(name, "ld" | "lld" | "ld.lld" | "rust-lld" | "lld-link" | "link")
            || name.ends_with("-ld")
    }

    /// Returns the arguments that make a driver choose a linker, for a trial call of it.
    pub(crate) fn selecting_args(&self) -> Vec<&str> {
        const PREFIXES: &[&str] = &[
            "-fuse-ld",
            "-B",
            "--ld-path",
            "--target=",
            "--gcc-toolchain=",
            "--sysroot=",
            "-specs=",
            "-m64",
        ];
        let mut selecting = Vec::new();
        let mut args = self.link_args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            if matches!(arg, "-B" | "-target") {
                selecting.push(arg);
                selecting.extend(args.next());
            } else if PREFIXES.iter().any(|p| arg.starts_with(p)) {
                selecting.push(arg);
            }
        }
        selecting
    }
}

fn words(value: &str) -> impl Iterator<Item = String> {
    value.split_ascii_whitespace().map(str::to_owned)
}

fn is_direct_flavor(flavor: &str) -> bool {
    matches!(flavor, "ld" | "gnu" | "gnu-lld" | "ld.lld")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(line: &str) -> Flags {
        Flags::parse(line.split(' '))
    }

    #[test]
    fn options_in_every_form() {
        let all = flags("-C linker=a -Clinker=b --codegen linker=c --codegen=linker=d -O x.rs");
        assert_eq!(all.linker.as_deref(), Some("d"));
        let args = Flags::from_encoded("-Clink-arg=-Wl,a b\u{1f}-C\u{1f}link-args=-c -d\u{1f}-C");
        assert_eq!(args.link_args, ["-Wl,a b", "-c", "-d"]);
        assert_eq!(Flags::from_encoded(""), Flags::default());
        assert_eq!(flags("-C link_arg=-x").link_args, ["-x"]);
    }

    #[test]
    fn alignment() {
        assert!(Flags::parse(ALIGNMENT.into_iter()).aligns_calls());
        assert!(!Flags::parse(ALIGNMENT.into_iter().take(1)).aligns_calls());
        let both = "-x86-align-branch-boundary=8 --x86-align-branch=jmp+call";
        assert!(Flags::from_encoded(&format!("-Cllvm-args={both}")).aligns_calls());
        for other in ["-x86-align-branch-boundary=32 -x86-align-branch=call", ""] {
            assert!(!Flags::from_encoded(&format!("-Cllvm-args={other}")).aligns_calls());
        }
    }

    #[test]
    fn calls_of_other_crates() {
        assert!(!flags("-Cllvm-args=-x").compiled().is_direct);
        assert!(!flags("-Crelro-level=full").compiled().is_direct);
        assert!(!flags("-Crelro-level=off -C relro-level=full").compiled().is_direct);
        assert!(flags("-Crelro-level=partial").compiled().is_direct);
        assert!(flags("-C relro_level=off").compiled().is_direct);
    }

    #[test]
    fn the_advice_depends_on_where_the_flags_come_from() {
        let [file, variable, hidden] =
            [Origin::Files, Origin::Replaced("RUSTFLAGS"), Origin::Hidden("`--config`".into())]
                .map(|origin| missing(&origin));
        assert!(file.contains("; run `cargo static-call init`, or set `rustflags = [\"-C"));
        let all =
            "add `-Cllvm-args=-x86-align-branch-boundary=8 -Cllvm-args=-x86-align-branch=call`";
        assert!(variable.contains("; RUSTFLAGS is set") && variable.contains(all), "{variable}");
        assert!(hidden.contains("ignores `[build] rustflags`: set `rustflags"), "{hidden}");
    }

    #[test]
    fn which_linker() {
        assert_eq!(flags("").linker_or(None), "cc");
        assert_eq!(flags("").linker_or(Some("clang")), "clang");
        assert_eq!(flags("-Clinker=gcc").linker_or(Some("clang")), "gcc");
        assert_eq!(flags("-Clinker-flavor=gnu-lld").linker_or(None), "rust-lld");
        assert_eq!(flags("-Clinker-flavor=ld").linker_or(None), "ld");
    }

    #[test]
    fn which_linkers_have_no_driver() {
        for linker in ["rust-lld", "/llvm/bin/ld.lld", "x86_64-linux-gnu-ld", "ld"] {
            assert!(flags("").is_direct(linker), "{linker}");
            assert!(!flags("-Clinker-flavor=gnu-lld-cc").is_direct(linker), "{linker}");
        }
        for linker in ["cc", "clang-14", "/usr/bin/x86_64-linux-gnu-gcc", "zig-cc", "mold"] {
            assert!(!flags("").is_direct(linker), "{linker}");
            assert!(flags("-Clinker-flavor=gnu-lld").is_direct(linker), "{linker}");
        }
    }

    #[test]
    fn what_a_trial_call_needs() {
        let line = "-Clink-args=-fuse-ld=mold -Clink-arg=-B -Clink-arg=/d -Clink-arg=a.o \
                    -Clink-arg=-Wl,-z,now";
        assert_eq!(flags(line).selecting_args(), ["-fuse-ld=mold", "-B", "/d"]);
    }
}
