//! Which module of static-call may name which, and where it asks what it is compiled for.

use super::{File, broken, hold, is_word};

/// The modules of static-call, from those that know nothing of the others to those that know all:
/// a module may name only those before it. Those of `patching` have places of their own.
const ORDER: &[&str] = &[
    "layout",
    "arch",
    "sys",
    "error",
    "target",
    "record",
    "flag/state",
    "request",
    "traits",
    "previous",
    "update",
    "site",
    "lock",
    "cycle",
    "path",
    "observer",
    "report",
    "experiment",
    "patching/cap",
    "patching/arena",
    "patching/image",
    "patching/plan",
    "patching/registry",
    "patching/pending",
    "patching/written",
    "patching/state",
    "patching/hop",
    "patching/path",
    "patching/choose",
    "patching/pages",
    "patching/store",
    "patching/recover",
    "patching/protocol",
    "patching/build",
    "patching/shared",
    "patching/report",
    "patching/probe",
    "patching",
    "slot/report",
    "slot/probe",
    "slot",
    "backend",
    "commit",
    "key",
    "flag",
    "instance",
    "handle",
    "batch",
    "probe",
    "private",
    "lib",
];
/// What the pure module may name: plain data and encodings.
pub(super) const PLAN: &str = "patching/plan";
const PLAN_NAMES: &[&str] = &["layout", "arch", PLAN];
/// References against the order, and why.
const AGAINST_ORDER: &[(&str, &str, &str)] = &[];
/// Where what the program is compiled for may be asked, besides the choice of the backend.
const PLATFORMS: &[&str] = &["arch", "private", "sys"];
/// The attributes by which `lib.rs` chooses the backend: its module and its name, of either.
const BACKEND_CHOICES: usize = 4;

impl File {
    /// The module of static-call that the file belongs to: `key`, or `patching/plan`.
    pub(super) fn module(&self) -> Option<&str> {
        let path = self.path.strip_prefix("static-call/src/")?;
        let end = |from: usize| path[from..].find(['/', '.']).map_or(path.len(), |at| from + at);
        let first = end(0);
        let inner = &path[..end((first + 1).min(path.len()))];
        Some(if ORDER.contains(&inner) { inner } else { &path[..first] })
    }

    /// The modules of static-call that the file names, each with the number of its line.
    fn named(&self) -> Vec<(usize, String)> {
        let code: Vec<&str> = self.code().map(|(_, line)| line).collect();
        let code = code.join("\n");
        let mut named = Vec::new();
        for (prefix, root) in [("crate::", Some("")), ("super::", self.parent())] {
            let Some(root) = root else { continue };
            for (at, _) in code.match_indices(prefix) {
                // Generated code names the crate by `$crate`, and its private module alone.
                let is_own = !code[..at].ends_with(|c: char| is_word(c) || c == '$' || c == ':');
                let number = code[..at].matches('\n').count() + 1;
                if is_own {
                    modules(&code[at + prefix.len()..], root, number, &mut named);
                }
            }
        }
        named
    }

    /// What `super` means, where that is not a module of its own.
    fn parent(&self) -> Option<&'static str> {
        let path = self.path.strip_prefix("static-call/src/")?;
        let path = path.strip_suffix("/mod.rs").or_else(|| path.strip_suffix(".rs"))?;
        match path.split_once('/') {
            None => Some(""),
            Some(("patching", name)) if !name.contains('/') => Some("patching/"),
            _ => None,
        }
    }
}

/// Collects what a path, or each of a group `{a, b::{c, d}}`, begins with, below the module `root`;
/// returns how long its text is.
fn modules(text: &str, root: &str, number: usize, named: &mut Vec<(usize, String)>) -> usize {
    if text.starts_with('{') {
        let mut at = 1;
        let mut opened = 1;
        let mut is_start = true;
        while opened > 0 && at < text.len() {
            let c = text[at..].chars().next().expect("inside the text");
            if is_start && (is_word(c) || c == '{') {
                let line = number + text[..at].matches('\n').count();
                at += modules(&text[at..], root, line, named).max(1);
                is_start = false;
                continue;
            }
            opened = if c == '{' { opened + 1 } else { opened - usize::from(c == '}') };
            is_start |= c == ',' && opened == 1;
            at += c.len_utf8();
        }
        return at;
    }
    let end = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
    let name = &text[..end];
    let inner = format!("{name}/");
    let has_inner = root.is_empty() && ORDER.iter().any(|module| module.starts_with(&inner));
    if has_inner && text[end..].starts_with("::") {
        return end + 2 + modules(&text[end + 2..], &inner, number, named);
    }
    let full = format!("{root}{name}");
    let is_module = root.is_empty() || ORDER.contains(&full.as_str());
    named.push((number, if is_module { full } else { root.trim_end_matches('/').to_owned() }));
    end
}

/// Data flows one way: no module of static-call names one that comes after it.
fn order(files: &[File]) -> Vec<String> {
    let place = |module: &str| ORDER.iter().position(|m| *m == module);
    let mut complaints = Vec::new();
    for file in files.iter().filter(|f| f.is_rust()) {
        let Some(module) = file.module() else { continue };
        let Some(own) = place(module) else {
            complaints.push(format!("{}: `{module}` has no place in the order", file.path));
            continue;
        };
        for (number, name) in file.named() {
            let excused = AGAINST_ORDER.iter().any(|(from, to, _)| *from == module && *to == name);
            let after = place(&name).is_some_and(|other| other > own);
            let impure = module == PLAN && !PLAN_NAMES.contains(&name.as_str());
            if !excused && (after || impure) {
                complaints.push(format!("{}:{number}: names `{name}`", file.path));
            }
        }
    }
    complaints
}

/// What the program is compiled for is asked where the answer is known: in the modules of
/// [`PLATFORMS`], and once in `lib.rs`. A further architecture needs no other place.
fn platforms(files: &[File]) -> Vec<String> {
    let asks = |line: &str| {
        let words = ["target_arch", "target_os", "target_pointer_width", "target_family"];
        words.iter().any(|word| line.contains(word))
    };
    let mut complaints = Vec::new();
    for file in files.iter().filter(|f| f.is_rust() && !f.is_test()) {
        let Some(module) = file.module().filter(|module| !PLATFORMS.contains(module)) else {
            continue;
        };
        let choices = file.code().filter(|(_, line)| line.contains("target_arch")).count();
        if module == "lib" && choices <= BACKEND_CHOICES {
            continue;
        }
        for (number, _) in file.code().filter(|(_, line)| asks(line)) {
            complaints.push(format!("{}:{number}: asks for the platform", file.path));
        }
    }
    complaints
}

#[test]
fn data_flows_one_way() {
    hold(order);
    let plan = "static-call/src/patching/plan.rs";
    let protocol = "static-call/src/patching/protocol.rs";
    broken(order, plan, "use crate::sys::protect;", 1);
    broken(order, protocol, "use crate::sys::protect;", 0);
    broken(order, plan, "use crate::patching::protocol::run;\nuse crate::patching::registry;", 2);
    broken(order, "static-call/src/layout/mod.rs", "fn f() -> crate::key::Key {}", 1);
    broken(order, "static-call/src/key.rs", "crate::commit::commit(k)", 0);
    broken(order, "static-call/src/novel.rs", "", 1);
    broken(order, "static-call/src/lock.rs", "use crate::{layout, key};", 1);
    broken(order, "static-call/src/lock.rs", "use crate::{\n    key::{Key, a},\n    sys,\n};", 1);
    broken(order, "static-call/src/lock.rs", "use crate::patching::{cap, image::{Image, b}};", 2);
    broken(order, "static-call/src/lock.rs", "use super::key::Key; $crate::key::Key", 1);
    broken(order, protocol, "use super::{plan, report};\nuse crate::patching::commit;", 2);
    broken(order, "static-call/src/patching/registry/read.rs", "use super::plan;", 0);
}

#[test]
fn the_platform_is_asked_for_in_few_places() {
    hold(platforms);
    let ask = "#[cfg(target_arch = \"x86_64\")]\n";
    broken(platforms, "static-call/src/lock.rs", ask, 1);
    broken(platforms, "static-call/src/record.rs", "#[cfg(target_pointer_width = \"64\")]", 1);
    broken(platforms, "static-call/src/record.rs", "cfg!(target_os = \"linux\")", 1);
    broken(platforms, "static-call/src/record/tests.rs", ask, 0);
    broken(platforms, "static-call/src/arch/mod.rs", ask, 0);
    broken(platforms, "static-call/src/lib.rs", &ask.repeat(BACKEND_CHOICES), 0);
    let more = BACKEND_CHOICES + 1;
    broken(platforms, "static-call/src/lib.rs", &ask.repeat(more), more);
}
