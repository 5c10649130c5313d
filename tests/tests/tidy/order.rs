//! Data flows one way: a module names only modules before it in a table.

use crate::{File, broken, hold, is_word};

/// The order of a crate's modules.
pub(crate) struct Order {
    /// The directory of its sources.
    pub(crate) root: &'static str,
    /// From modules that know no others to modules that know all. `a::b` is the place of the file
    /// `a/b.rs`. A file without its own place has that of its directory.
    pub(crate) modules: &'static [&'static str],
    /// Allowed references against the order, and why.
    pub(crate) against: &'static [(&'static str, &'static str, &'static str)],
    /// Modules that may name only these.
    pub(crate) pure: &'static [(&'static str, &'static [&'static str])],
    /// Roots of other crates in the same directory, which have no place.
    pub(crate) roots: &'static [&'static str],
    /// Whether items must be named by their modules and not by re-exports of the crate.
    pub(crate) names_modules: bool,
}

/// The modules of the verifier.
pub(crate) const VERIFIER: Order = Order {
    root: "static-call-verify/src/",
    modules: &[
        "process",
        "threads",
        "sort",
        "demangle",
        "atomic_file",
        "arguments",
        "hook",
        "compiled",
        "policy::names",
        "policy::level",
        "policy::keys",
        "policy::rules",
        "policy::settings",
        "policy::document",
        "policy::manifest",
        "policy",
        "report::reason",
        "report",
        "findings",
        "elf::budget",
        "elf::segment",
        "elf::section",
        "elf::symbols",
        "elf::error",
        "elf::ident",
        "elf::places",
        "elf::image",
        "elf::pieces",
        "elf::file",
        "elf::plt",
        "elf::reader",
        "elf::frames",
        "elf::unwind",
        "elf::pointers",
        "elf",
        "records",
        "records::labels",
        "search::scan",
        "search::index",
        "search::extents",
        "search::next",
        "search::flow",
        "search::functions",
        "search::decode",
        "search",
        "lines",
        "no_lines",
        "table::note",
        "table::object",
        "table::inputs",
        "table::objects",
        "table::capacity",
        "table::got",
        "table::reserved",
        "table::places",
        "table",
        "bind",
        "grade",
        "verify",
        "stamp",
        "render::text",
        "render::json",
        "render::sarif",
        "render::html",
        "render",
        "link::scratch",
        "link::side_files",
        "link::args",
        "link::install",
        "link::role",
        "link::driver",
        "link::origin",
        "link::flags",
        "link::user_linker",
        "link::linker",
        "link::build_script",
        "link",
        "cli::exit",
        "cli::options",
        "cli::output",
        "cli::progress",
        "cli::workspace",
        "cli::wrapper",
        "cli::rustc",
        "cli::build",
        "cli::tables",
        "cli::verify",
        "cli::init",
        "cli::explain",
        "cli::probe",
        "cli::completions",
        "cli",
        "lib",
    ],
    against: &[],
    pure: &[],
    roots: &["linker", "bin"],
    names_modules: true,
};

/// The modules of the macros.
const MACROS: Order = Order {
    root: "static-call-macros/src/",
    modules: &[
        "errors",
        "attributes",
        "cpu_features",
        "signature_text",
        "self_type",
        "types",
        "parse",
        "model",
        "validate",
        "expand",
        "forward",
        "derive",
        "lib",
        "golden",
    ],
    against: &[],
    pure: &[],
    roots: &[],
    names_modules: false,
};

/// Finds references against the order.
pub(crate) fn order(files: &[File], order: &Order) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|f| f.is_rust()) {
        let Some(module) = module(&file.path, order.root) else { continue };
        let is_test = module.contains(&"tests");
        if is_test || order.roots.iter().any(|root| module.first() == Some(root)) {
            continue;
        }
        let Some(own) = place(&module, order.modules) else {
            let module = module.join("::");
            complaints.push(format!("{}: `{module}` has no place in the order", file.path));
            continue;
        };
        let name = |place: usize| order.modules[place];
        for (number, path) in references(file, &module) {
            let is_excused = |other: usize| {
                let mut against = order.against.iter();
                against.any(|(from, to, _)| (*from, *to) == (name(own), name(other)))
            };
            let full = path.join("::");
            let is_pure = |(pure, others): &(&str, &[&str])| {
                let is_one = |other: &&str| full.starts_with(other);
                *pure != name(own) || full.is_empty() || others.iter().any(is_one)
            };
            let place = place(&path, order.modules).filter(|_| order.pure.iter().all(is_pure));
            match place {
                Some(other) if other <= own || is_excused(other) => {}
                None if path.is_empty()
                    || !order.names_modules && order.pure.iter().all(is_pure) => {}
                _ => {
                    complaints.push(format!("{}:{number}: names `{full}`", file.path));
                }
            }
        }
    }
    complaints
}

/// Returns the module path of a crate's file.
fn module<'p>(path: &'p str, root: &str) -> Option<Vec<&'p str>> {
    let path = path.strip_prefix(root)?.strip_suffix(".rs")?;
    Some(path.strip_suffix("/mod").unwrap_or(path).split('/').collect())
}

/// Returns the place of a module or of something in it: the one with the longest name.
fn place(path: &[&str], modules: &[&str]) -> Option<usize> {
    let is_around = |name: &str| {
        let mut parts = path.iter();
        name.split("::").all(|part| parts.next() == Some(&part))
    };
    let around = modules.iter().enumerate().filter(|(_, name)| is_around(name));
    around.max_by_key(|(_, name)| name.matches("::").count()).map(|(place, _)| place)
}

/// Returns the paths from the crate's root that a file's code names, with their lines. Unit tests
/// at the end of the file may name everything.
fn references<'f>(file: &'f File, module: &[&'f str]) -> Vec<(usize, Vec<&'f str>)> {
    let end = file.text.find("#[cfg(test)]\nmod tests {").unwrap_or(file.text.len());
    let text = &file.text[..end];
    let mut found = Vec::new();
    for word in ["crate::", "super::"] {
        for (at, _) in text.match_indices(word) {
            let before = &text[..at];
            let line = before.rsplit('\n').next().unwrap_or_default();
            // Generated code names the crate by `$crate`. A path can go on with `super::super::`.
            let goes_on = line.ends_with("::") || line.ends_with(|c| c == '$' || is_word(c));
            if line.contains("//") || goes_on {
                continue;
            }
            let mut base = if word == "crate::" { Vec::new() } else { module.to_vec() };
            let mut rest = &text[at..];
            while let Some(after) = rest.strip_prefix("super::") {
                base.pop();
                rest = after;
            }
            let number = before.matches('\n').count() + 1;
            let mut paths = Vec::new();
            tree(rest.strip_prefix("crate::").unwrap_or(rest), &base, &mut paths);
            found.extend(paths.into_iter().map(|path| (number, path)));
        }
    }
    found
}

/// Reads a path that may end with a group. Returns the text after it.
fn tree<'t>(mut text: &'t str, base: &[&'t str], paths: &mut Vec<Vec<&'t str>>) -> &'t str {
    let mut path = base.to_vec();
    loop {
        text = text.trim_start();
        if let Some(mut group) = text.strip_prefix('{') {
            loop {
                group = group.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
                match group.strip_prefix('}') {
                    Some(after) => return after,
                    None if group.starts_with(|c| is_word(c) || c == '*') => {
                        group = tree(group, &path, paths);
                        // `as name`
                        group = group.trim_start_matches(|c| c != ',' && c != '}');
                    }
                    None => return group,
                }
            }
        }
        let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if !matches!(name, "" | "self") {
            path.push(name);
        }
        match rest.strip_prefix("::") {
            Some(after) => text = after,
            None => {
                paths.push(path);
                return rest.strip_prefix('*').unwrap_or(rest);
            }
        }
    }
}

fn verifier(files: &[File]) -> Vec<String> {
    order(files, &VERIFIER)
}

#[test]
fn data_flows_one_way_in_the_verifier() {
    hold(verifier);
    let broken = |path: &str, text: &str, complaints: usize| {
        broken(verifier, &format!("static-call-verify/src/{path}"), text, complaints);
    };
    broken("grade.rs", "use crate::verify::analyse;", 1);
    broken("verify.rs", "use crate::grade::calls;", 0);
    broken("grade.rs", "use crate::{findings::{Findings, hex}, stamp, verify::verify};", 2);
    broken(
        "grade.rs",
        "use crate::{\n    elf::{self, image::Image as I},\n    cli::{a, b},\n};",
        2,
    );
    broken("elf/places.rs", "use super::image::Image;\nuse super::section::Section;", 1);
    broken("elf/image.rs", "use super::super::stamp;\nuse super::{file, places::Places};", 2);
    broken("records/mod.rs", "use super::verify;\nfn f() -> crate::stamp::Stamped {}", 2);
    broken("lines/units.rs", "use super::{Slice, within};", 0);
    broken("grade.rs", "use crate::Policy;", 1);
    broken(
        "grade.rs",
        "// crate::stamp\n#[cfg(test)]\nmod tests {\n    use crate::stamp::stamp;",
        0,
    );
    broken("novel.rs", "", 1);
    broken("linker.rs", "mod novel;", 0);
}

fn macros(files: &[File]) -> Vec<String> {
    order(files, &MACROS)
}

#[test]
fn data_flows_one_way_in_the_macros() {
    hold(macros);
    let broken = |path: &str, text: &str, complaints: usize| {
        broken(macros, &format!("static-call-macros/src/{path}"), text, complaints);
    };
    broken("parse.rs", "use crate::model::Function;", 1);
    broken("model/call.rs", "use crate::parse::{self, Call};", 0);
    let group = "use crate::{\n    model::{Call, names::local},\n    parse, validate,\n};";
    broken("parse.rs", group, 3);
    broken("validate.rs", group, 0);
    broken("parse/select.rs", "use super::super::expand;", 1);
    broken("expand/handle/switch.rs", "use super::super::expand;", 0);
    broken("parse.rs", "use super::{expand};\n// crate::model", 1);
    broken("novel.rs", "", 1);
}
