//! Follows the guide's first page: writes its files, runs its commands, and compares what they
//! print with what the page shows.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use static_call_verify::FindingKey;
use toml::de::DeTable;

const PAGE: &str = "docs/getting-started.md";

/// A fenced block.
struct Block<'a> {
    language: &'a str,
    text: &'a str,
}

fn blocks<'a>(page: &'a str) -> Vec<Block<'a>> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    let block = |fenced: &'a str| {
        let (language, text) = fenced.split_once('\n').expect("a block has a first line");
        Block { language, text }
    };
    fenced.map(block).collect()
}

/// A reader at a terminal.
struct Reader {
    root: PathBuf,
    target: PathBuf,
    at: PathBuf,
}

impl Reader {
    /// Writes a block that begins with the name of its file.
    fn write(&self, text: &str) {
        let name = text.lines().next().and_then(|line| line.strip_prefix("// "));
        let name = name.unwrap_or_else(|| panic!("which file is this? {text}"));
        fs::write(self.at.join(name), format!("{text}\n")).unwrap();
    }

    /// Runs a command, and returns what it printed.
    fn run(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        let mut command = match words[..] {
            ["cd", name] => {
                self.at.push(name);
                return String::new();
            }
            // Already there.
            ["cargo", "install", ..] => return String::new(),
            ["cargo", "static-call", ..] => Command::new(env!("CARGO_BIN_EXE_cargo-static-call")),
            ["cargo", ..] => Command::new(env!("CARGO")),
            _ => panic!("not a command of the page's: {line}"),
        };
        let here = |word: &&str| word.replace("target/", &format!("{}/", self.target.display()));
        command.args(words[1..].iter().map(here)).current_dir(&self.at);
        match words[1] {
            "add" => {
                let name = words.last().expect("a crate's name");
                command.arg("--offline").arg("--path").arg(self.root.join(name));
            }
            "run" => {
                // Use the workspace's versions, so that nothing has to be fetched.
                fs::copy(self.root.join("Cargo.lock"), self.at.join("Cargo.lock")).unwrap();
                command.args(["--offline", "--quiet"]);
            }
            "new" => {
                command.args(["--vcs", "none"]);
            }
            _ => {}
        }
        for name in [
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_INCREMENTAL",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
            "STATIC_CALL",
        ] {
            command.env_remove(name);
        }
        let output = command.env("CARGO_TARGET_DIR", &self.target).output().unwrap();
        let printed =
            [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap()).concat();
        assert!(output.status.success(), "{line}: {printed}");
        printed
    }
}

/// Returns whether the lines appear in this order. `…` stands for any number of lines, and
/// addresses may differ.
fn shows(expected: &str, printed: &str) -> bool {
    let mut printed = printed.lines().map(without_addresses);
    let mut expected = expected.lines().filter(|line| *line != "…").map(without_addresses);
    expected.all(|line| printed.any(|printed| printed.trim_end() == line.trim_end()))
}

fn without_addresses(line: &str) -> String {
    let mut pieces = line.split("0x");
    let first = pieces.next().unwrap_or_default().to_owned();
    let rest = |piece: &str| piece.trim_start_matches(|c: char| c.is_ascii_hexdigit()).to_owned();
    pieces.fold(first, |text, piece| text + "0x" + &rest(piece))
}

#[test]
fn a_reader_gets_what_the_page_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let page = fs::read_to_string(root.join(PAGE)).unwrap();
    let at = std::env::temp_dir().join(format!("static-call-guide-{}", std::process::id()));
    fs::create_dir_all(&at).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nested");
    let mut reader = Reader { root, target, at: at.clone() };
    let mut commands = 0;
    for block in blocks(&page) {
        match block.language {
            "console" => {
                for step in format!("\n{}", block.text).split("\n$ ").skip(1) {
                    let (command, expected) = step.split_once('\n').unwrap_or((step, ""));
                    let printed = reader.run(command);
                    assert!(shows(expected, &printed), "{command}: {expected}\n---\n{printed}");
                    commands += 1;
                }
            }
            language if language.starts_with("rust") => reader.write(block.text),
            _ => {}
        }
    }
    assert_eq!(commands, 10, "the page's commands are found");
    fs::remove_dir_all(at).unwrap();
}

/// Returns the mistakes in a block of `Cargo.toml`.
fn mistakes(block: &str) -> Vec<String> {
    let table = DeTable::parse(block).unwrap_or_else(|e| panic!("{block}: {e}")).into_inner();
    let mut mistakes = Vec::new();
    let sections = ["dependencies", "build-dependencies"];
    let dependencies = sections.into_iter().filter_map(|s| table.get(s)?.get_ref().as_table());
    for (name, dependency) in dependencies.flatten() {
        let dependency = dependency.get_ref();
        let version = dependency.get("version").map_or(dependency, |v| v.get_ref());
        let version = version.as_str().unwrap_or_default();
        let is_ours = name.get_ref().starts_with("static-call");
        if !is_ours || !env!("CARGO_PKG_VERSION").starts_with(version) {
            mistakes.push(format!("{} = {version:?}", name.get_ref()));
        }
    }
    let metadata = |table: &DeTable<'_>| -> Option<Vec<String>> {
        let package = table.get("package")?.get_ref();
        let ours = package.get("metadata")?.get_ref().get("static-call")?.get_ref();
        let denied = ours.get("deny")?.get_ref().as_array()?.iter();
        Some(denied.map(|name| name.get_ref().as_str().unwrap_or_default().to_owned()).collect())
    };
    for name in metadata(&table).into_iter().flatten() {
        if FindingKey::matching(&name).is_err() {
            mistakes.push(format!("deny {name}"));
        }
    }
    mistakes
}

#[test]
fn manifests_are_right() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let mut blocks = 0;
    for page in fs::read_dir(docs).unwrap() {
        let text = fs::read_to_string(page.unwrap().path()).unwrap();
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            let lines: Vec<&str> = block.lines().map(str::trim_start).collect();
            assert_eq!(mistakes(&lines.join("\n")), [""; 0], "{block}");
            blocks += 1;
        }
    }
    assert!(blocks >= 3, "{blocks} blocks");
    assert_eq!(mistakes("[dependencies]\nstatic-call = \"9\"\nstatic = \"0.1\"").len(), 2);
    assert_eq!(mistakes("[package.metadata.static-call]\ndeny = [\"call.*\", \"cal.*\"]").len(), 1);
}

#[test]
fn other_output_is_not_what_the_page_shows() {
    let printed = "1 key\nat 0x12ab: inline\nend\n";
    assert!(shows("1 key\n…\nat 0x0: inline", printed));
    assert!(!shows("1 key\nat 0x0: trampoline", printed));
    assert!(!shows("end\n1 key", printed));
}
