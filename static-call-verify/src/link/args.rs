//! The command line of a linker, as far as the hook must understand it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::side_files;

/// The option that the hook passes in a trial call of the driver, and that the linker role answers.
pub(crate) const TRIAL: &str = "--static-call-trial";
/// The linker role's answer to [`TRIAL`].
pub(crate) const ANSWER: &str = concat!("static-call hook ", env!("CARGO_PKG_VERSION"));

/// How deeply nested response files are followed.
const MAX_DEPTH: usize = 8;

/// A linker's command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LinkArgs {
    /// The output file of the link.
    pub(crate) output: PathBuf,
    /// Everything that may be an input file. The file's content decides.
    pub(crate) inputs: Vec<PathBuf>,
    /// The text files that the link writes besides, if they can name the output.
    pub(crate) side_files: Vec<PathBuf>,
    /// Whether the hook has nothing to do: the call makes no image, or none for x86_64.
    pub(crate) is_foreign: bool,
    /// Whether the image has no symbols.
    pub(crate) strips_symbols: bool,
}

impl LinkArgs {
    /// Parses a command line whose response files are expanded.
    pub(crate) fn parse(args: &[OsString]) -> Self {
        let mut parsed = Self {
            output: "a.out".into(),
            inputs: Vec::new(),
            side_files: Vec::new(),
            is_foreign: false,
            strips_symbols: false,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let Some(text) = arg.to_str() else {
                parsed.inputs.push(arg.into());
                continue;
            };
            let next = args.as_slice().first().and_then(|next| next.to_str());
            parsed.side_files.extend(side_files::named(text, next).map(PathBuf::from));
            match text {
                "-o" | "--output" => {
                    parsed.output = args.next().map(Into::into).unwrap_or_default()
                }
                "-m" => parsed.emulation(args.next().and_then(|m| m.to_str()).unwrap_or_default()),
                "-r" | "-i" | "--relocatable" | "-relocatable" | "--version" | "-version"
                | "--help" | "-help" => parsed.is_foreign = true,
                // rustc passes the long form for `-Cstrip=symbols`.
                "-s" | "--strip-all" | "-strip-all" => parsed.strips_symbols = true,
                _ if !text.starts_with('-') => parsed.inputs.push(arg.into()),
                _ => {
                    // `-oformat` and `-omagic` are long options with one dash.
                    let long = |o: &str| o.starts_with("format") || o.starts_with("magic");
                    if let Some(path) = text.strip_prefix("--output=") {
                        parsed.output = path.into();
                    } else if let Some(path) = text.strip_prefix("-o").filter(|o| !long(o)) {
                        parsed.output = path.into();
                    } else if let Some(name) = text.strip_prefix("-melf") {
                        parsed.emulation(&format!("elf{name}"));
                    }
                }
            }
        }
        parsed
    }

    fn emulation(&mut self, name: &str) {
        self.is_foreign |= !matches!(name, "elf_x86_64" | "elf_x86_64_fbsd" | "elf_x86_64_sol2");
    }
}

/// Replaces every `@file` with the words in the file, as linkers and drivers do: separated by white
/// space, with quotes, and with backslashes that escape the next character. If a file cannot be
/// read, its word stays.
pub(crate) fn expand(args: &[OsString], read: &dyn Fn(&Path) -> Option<String>) -> Vec<OsString> {
    let mut words = Vec::new();
    for arg in args {
        expand_into(&mut words, arg, read, 0);
    }
    words
}

fn expand_into(
    words: &mut Vec<OsString>,
    arg: &OsStr,
    read: &dyn Fn(&Path) -> Option<String>,
    depth: usize,
) {
    let file = arg.to_str().and_then(|a| a.strip_prefix('@')).filter(|_| depth < MAX_DEPTH);
    match file.and_then(|f| read(Path::new(f))) {
        Some(text) => {
            for word in split(&text) {
                expand_into(words, OsStr::new(&word), read, depth + 1);
            }
        }
        None => words.push(arg.to_owned()),
    }
}

/// Splits text into words by the rules of response files, which are also those of
/// `COLLECT_GCC_OPTIONS`.
pub(crate) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            // In a shell, a backslash inside single quotes is literal. GCC and the linkers treat it
            // as an escape there too, and GCC writes `'\''` when it needs a quote.
            ('\\', _) => word.get_or_insert_default().extend(chars.next()),
            (_, Some(q)) if c == q => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (_, None) if c.is_ascii_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<OsString> {
        split(line).into_iter().map(Into::into).collect()
    }

    fn parse(line: &str) -> LinkArgs {
        LinkArgs::parse(&args(line))
    }

    #[test]
    fn the_command_line_of_gcc() {
        let parsed = parse(
            "-plugin /p/liblto_plugin.so -plugin-opt=-fresolution=/tmp/c.res --build-id -m \
             elf_x86_64 -dynamic-linker /lib64/ld.so -pie -o app Scrt1.o -L/lib main.o -lc \
             libstd.rlib -z now crtn.o",
        );
        assert_eq!(parsed.output, Path::new("app"));
        assert!(!parsed.is_foreign);
        let inputs = ["Scrt1.o", "main.o", "libstd.rlib", "crtn.o"];
        assert!(inputs.iter().all(|i| parsed.inputs.contains(&PathBuf::from(i))));
        assert!(!parsed.inputs.contains(&PathBuf::from("app")));
    }

    #[test]
    fn the_output_in_every_form_and_the_last_one_wins() {
        for line in ["-o x/app", "-ox/app", "--output x/app", "--output=x/app", "-o b -o x/app"] {
            assert_eq!(parse(line).output, Path::new("x/app"), "{line}");
        }
        for line in ["", "-oformat=elf64-x86-64", "-omagic", "main.o"] {
            assert_eq!(parse(line).output, Path::new("a.out"), "{line}");
        }
        assert_eq!(parse("-o").output, Path::new(""));
    }

    #[test]
    fn calls_that_are_not_ours() {
        for line in ["-r -o a.o b.o", "--relocatable", "--version", "-m elf_i386", "-melf32_x86_64"]
        {
            assert!(parse(line).is_foreign, "{line}");
        }
        for line in ["-melf_x86_64 a.o", "-v a.o", "-static a.o", "-rpath x", "-shared a.o"] {
            assert!(!parse(line).is_foreign, "{line}");
        }
    }

    #[test]
    fn images_without_symbols() {
        for line in ["-s a.o", "a.o --strip-all", "-o -s -strip-all", "-S -s"] {
            assert!(parse(line).strips_symbols, "{line}");
        }
        for line in ["-S a.o", "--strip-debug", "-o -s", "-shared -static -soname s", "-x"] {
            assert!(!parse(line).strips_symbols, "{line}");
        }
    }

    #[test]
    fn words() {
        assert_eq!(split(" a\tb\n\nc "), ["a", "b", "c"]);
        assert_eq!(
            split(r#"a\ b "c d" 'e f' x"y z"w '' \\"#),
            ["a b", "c d", "e f", "xy zw", "", "\\"]
        );
        assert_eq!(split(r"'it'\''s'"), ["it's"]);
        assert_eq!(split("'open"), ["open"]);
        assert_eq!(split("end\\"), ["end"]);
        assert!(split("").is_empty());
    }

    #[test]
    fn response_files() {
        let read = |path: &Path| match path.to_str().unwrap() {
            "f" => Some(r"-o with\ blank @g".to_owned()),
            "g" => Some("g.o".to_owned()),
            "loop" => Some("@loop".to_owned()),
            _ => None,
        };
        assert_eq!(expand(&args("a @f b"), &read), ["a", "-o", "with blank", "g.o", "b"]);
        assert_eq!(expand(&args("@none"), &read), ["@none"]);
        assert_eq!(expand(&args("@loop"), &read), ["@loop"]);
    }
}
