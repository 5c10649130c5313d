//! Checks the architecture in the source text: file lengths, which module may name which, where
//! encodings and system calls may appear, and that every exception has a reason.
//!
//! Each rule is a function from files to complaints, and has a test that breaks the rule.

mod benches;
mod columns;
mod comparison;
mod order;
mod runtime;

use std::fs;
use std::path::Path;

use runtime::PLAN;

/// The most lines in a Rust file.
const MAX_LINES: usize = 400;
/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[];

/// Programs as users write them, including invalid ones, which no rule applies to.
const SUBJECTS: &[&str] = &["tests/ui/", "tests/crates/"];

/// A text file of the workspace.
struct File {
    path: String,
    text: String,
}

impl File {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Returns numbered lines without comments. The text of strings stays.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.map(|(i, line)| (i + 1, line.split("//").next().unwrap_or_default()))
    }

    /// Returns whether the file has only tests.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

/// Returns every text file of the project.
fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests are in the workspace");
    let mut files = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).expect("a directory of the project").flatten() {
            let path = entry.path();
            // The target of a link is read by its own path.
            if path.is_symlink() {
                continue;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if ![".git", "target"].contains(&name.as_str()) {
                    open.push(path);
                }
                continue;
            }
            // Cargo writes Cargo.lock. Files that are not text are skipped.
            if name != "Cargo.lock"
                && let Ok(text) = fs::read_to_string(&path)
            {
                let path = path.strip_prefix(root).expect("below the root").to_string_lossy();
                if !SUBJECTS.iter().any(|subject| path.starts_with(subject)) {
                    files.push(File { path: path.into_owned(), text });
                }
            }
        }
    }
    assert!(files.iter().any(|f| f.path == "static-call/src/lib.rs"));
    files
}

fn lengths(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|f| f.is_rust()) {
        let lines = file.text.lines().count();
        let excused = LONG_FILES.iter().any(|(path, _)| *path == file.path);
        if lines > MAX_LINES && !excused {
            complaints.push(format!("{}: {lines} lines, more than {MAX_LINES}", file.path));
        }
        if lines <= MAX_LINES && excused {
            complaints.push(format!("{}: no longer needs an exception", file.path));
        }
    }
    complaints
}

/// Finds words that mark unfinished work. They are in pieces here, so that this file has none.
fn leftovers(files: &[File]) -> Vec<String> {
    let macros = [["to", "do!"], ["dbg", "!("], ["unimplem", "ented!"]];
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]];
    let words: Vec<String> = macros.iter().chain(&marks).map(|w| w.concat()).collect();
    find(files, |line| words.iter().find(|w| line.contains(w.as_str())).cloned())
}

/// Finds hosts of package registries and their mirrors, which only their clients need to know.
fn hosts(files: &[File]) -> Vec<String> {
    let hosts = [
        ["crates", "io"],
        ["debian", "org"],
        ["npmjs", "org"],
        ["pypi", "org"],
        ["golang", "org"],
        ["ubuntu", "com"],
    ];
    let hosts = hosts.map(|h| h.join("."));
    find(files, |line| hosts.iter().find(|h| line.contains(h.as_str())).cloned())
}

fn find(files: &[File], mut wrong: impl FnMut(&str) -> Option<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        for (i, line) in file.text.lines().enumerate() {
            if let Some(word) = wrong(line) {
                complaints.push(format!("{}:{}: `{word}`", file.path, i + 1));
            }
        }
    }
    complaints
}

/// Checks that system calls are only in `sys`, that `plan` is pure, and that machine code is only
/// in `arch` and in assembly text.
fn boundaries(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|f| f.is_rust()) {
        let Some(module) = file.module() else { continue };
        let encodes = module == "arch" || file.path.contains("/private/x86_64/");
        for (number, line) in file.code() {
            let mut complain = |what: &str| {
                complaints.push(format!("{}:{number}: {what}", file.path));
            };
            if module != "sys" && line.contains("rustix") {
                complain("a system call outside `sys`");
            }
            if !encodes && (names_encoding(line) || line.contains("asm!(")) {
                complain("an encoding outside `arch`");
            }
            if module == PLAN {
                for word in ["unsafe", "atomic", "Atomic", "static mut", "extern"] {
                    if line.contains(word) {
                        complain(&format!("`{word}` in `plan`, which is pure"));
                    }
                }
            }
        }
    }
    complaints
}

/// Returns whether a line has a byte that begins or pads one of our instructions.
fn names_encoding(line: &str) -> bool {
    let bytes = ["0xe8", "0xe9", "0xeb", "0xcc", "0x0f", "0xc3", "0x67", "0xb8", "0x25", "0x1f"];
    let line = line.to_ascii_lowercase();
    bytes.iter().any(|byte| {
        line.match_indices(byte).any(|(at, _)| {
            let next = line[at + byte.len()..].chars().next();
            !next.is_some_and(|c| c.is_ascii_hexdigit() || c == '_')
        })
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Checks that the crates that need no unsafe code forbid it.
fn forbidden(files: &[File]) -> Vec<String> {
    let roots = ["static-call-macros/src/lib.rs", "static-call-verify/src/lib.rs"];
    let complaint = |root: &&str| {
        let file = files.iter().find(|f| f.path == **root);
        !file.is_some_and(|f| f.code().any(|(_, l)| l.trim() == "#![forbid(unsafe_code)]"))
    };
    roots.iter().filter(|r| complaint(r)).map(|r| format!("{r}: does not forbid unsafe")).collect()
}

/// Checks that each `unsafe` block or impl of the runtime cites the invariants of SAFETY.md, or the
/// promises of its function's caller, that make it sound. Clippy checks that there is a comment.
fn invariants(files: &[File]) -> Vec<String> {
    let known = files.iter().find(|f| f.path == "SAFETY.md").map(|f| names(&f.text));
    let mut complaints = Vec::new();
    for file in files.iter().filter(|f| f.is_rust() && f.module().is_some()) {
        let lines: Vec<&str> = file.text.lines().collect();
        for (number, line) in file.code() {
            if !line.contains("unsafe {") && !line.contains("unsafe impl") {
                continue;
            }
            let comment = safety_comment(&lines[..number]);
            let cited = names(&comment);
            if cited.is_empty() && !comment.contains("promise") {
                complaints.push(format!("{}:{number}: names no invariant", file.path));
            }
            let unknown =
                |name: &&String| known.as_ref().is_some_and(|known| !known.contains(name));
            for name in cited.iter().filter(unknown) {
                complaints.push(format!("{}:{number}: SAFETY.md has no {name}", file.path));
            }
        }
    }
    complaints
}

/// Returns the comment for the last of these lines, from the nearest `SAFETY:` above.
fn safety_comment(lines: &[&str]) -> String {
    let above = lines.iter().rev().take(12).position(|l| l.contains("// SAFETY:"));
    let Some(above) = above else { return String::new() };
    let from = lines.len() - 1 - above;
    let comment = lines[from..].iter().map(|l| l.trim()).take_while(|l| l.starts_with("//"));
    comment.collect::<Vec<_>>().join(" ")
}

/// Returns the names of invariants in a text.
fn names(text: &str) -> Vec<String> {
    let name = |at: usize| -> String {
        text[at..].chars().take_while(|c| c.is_ascii_uppercase() || *c == '-').collect()
    };
    let names = text.match_indices("INV-").map(|(at, _)| name(at));
    names.map(|n| n.trim_end_matches('-').to_owned()).collect()
}

/// Checks that each lint exception outside generated code has a reason.
fn reasons(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|f| f.is_rust()) {
        for lint in ["allow", "expect"] {
            for open in [format!("#[{lint}("), format!("#![{lint}(")] {
                for (at, _) in file.text.match_indices(&open) {
                    let line = file.text[..at].lines().count();
                    let start = file.text[..at].rfind('\n').map_or(0, |n| n + 1);
                    let before = file.text[start..at].trim_start();
                    let attribute = file.text[at..].split(")]").next().unwrap_or_default();
                    let generated = file.path.starts_with("static-call-macros/src/expand/")
                        || file.path.contains("/private/x86_64/")
                        || file.path.ends_with("/private/plain.rs");
                    let is_code = !before.starts_with("//") && !before.contains('"');
                    if is_code && !generated && !attribute.contains("reason =") {
                        complaints.push(format!("{}:{line}: {attribute})]", file.path));
                    }
                }
            }
        }
    }
    complaints
}

type Rule = fn(&[File]) -> Vec<String>;

fn hold(rule: Rule) {
    let complaints = rule(&files());
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// Applies a rule to one file, and checks the number of complaints.
fn broken(rule: Rule, path: &str, text: &str, complaints: usize) {
    let found = rule(&[File { path: path.to_owned(), text: text.to_owned() }]);
    assert_eq!(found.len(), complaints, "{text:?}: {found:?}");
}

#[test]
fn files_are_short() {
    hold(lengths);
    broken(lengths, "a.rs", &"\n".repeat(MAX_LINES), 0);
    broken(lengths, "a.rs", &"\n".repeat(MAX_LINES + 1), 1);
}

#[test]
fn nothing_is_left_over() {
    hold(leftovers);
    broken(leftovers, "a.rs", &["// TO", "DO: later\nlet x = dbg", "!(y);"].concat(), 2);
}

#[test]
fn no_registry_is_named() {
    hold(hosts);
    broken(hosts, "a.sh", &["fetch https://static.crates", "io/x"].join("."), 1);
}

#[test]
fn system_calls_encodings_and_planning_stay_apart() {
    hold(boundaries);
    broken(boundaries, "static-call/src/patching/protocol.rs", "use rustix::mm::mprotect;", 1);
    broken(boundaries, "static-call/src/sys/linux.rs", "use rustix::mm::mprotect;", 0);
    broken(
        boundaries,
        "static-call/src/patching/protocol.rs",
        "let nop = [0x0F, 0x1f, 0x44, 0, 0];",
        1,
    );
    broken(boundaries, "static-call/src/layout.rs", "0x0fff; 0xe8_00; 0x0f1; 0x679", 0);
    broken(boundaries, "static-call/src/key.rs", "naked_asm!(\"ret\")", 1);
    broken(boundaries, "static-call/src/arch/x86_64/mod.rs", "[0xe8, ..] => Kind::Call,", 0);
    broken(boundaries, "static-call/src/patching/plan.rs", "unsafe { x.load() }", 1);
    broken(boundaries, "static-call/src/patching/plan.rs", "// never unsafe", 0);
}

#[test]
fn unsafe_code_is_forbidden_where_it_is_not_needed() {
    hold(forbidden);
    broken(forbidden, "static-call-verify/src/lib.rs", "// #![forbid(unsafe_code)]", 2);
    broken(forbidden, "static-call-verify/src/lib.rs", "#![forbid(unsafe_code)]", 1);
}

#[test]
fn unsafe_code_names_its_invariants() {
    hold(invariants);
    let file = "static-call/src/key.rs";
    broken(invariants, file, "// SAFETY: it is fine.\nunsafe { f() }", 1);
    broken(invariants, file, "unsafe { f() }", 1);
    broken(invariants, file, "// SAFETY: static (INV-KEY).\nunsafe { f() }", 0);
    broken(invariants, file, "// SAFETY: the caller's promise 1.\nlet x =\n    unsafe { f() };", 0);
    let text = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
    let both = [text("SAFETY.md", "INV-SLOT: …"), text(file, "// SAFETY: INV-KEY\nunsafe { f() }")];
    assert_eq!(invariants(&both), [format!("{file}:2: SAFETY.md has no INV-KEY")]);
}

#[test]
fn exceptions_have_reasons() {
    hold(reasons);
    broken(reasons, "a.rs", "#[allow(dead_code)]\nfn f() {}", 1);
    broken(reasons, "a.rs", "#![expect(\n    missing_docs,\n)]", 1);
    broken(reasons, "a.rs", "#[expect(dead_code, reason = \"for later\")]", 0);
    broken(reasons, "a.rs", "// as in #[allow(dead_code)]", 0);
}
