//! Checks which files are in a package.

use std::fs;
use std::path::Path;

use crate::run::Result;

const REQUIRED: &[&str] = &["Cargo.toml", "README.md", "LICENSE-APACHE", "LICENSE-MIT"];
/// What cargo adds.
const ADDED: &[&str] = &["Cargo.toml.orig", "Cargo.lock", ".cargo_vcs_info.json"];
/// Files outside `src` that a package includes in its code or its documentation.
const EXTRA: &[(&str, &str)] =
    &[("static-call", "SAFETY.md"), ("static-call-verify", "schema/report.schema.json")];

/// Returns the sorted paths of the files below a directory, relative to it.
pub(super) fn list(dir: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.push(path.strip_prefix(dir)?.to_string_lossy().into_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Returns complaints about files that are missing from a package or do not belong there. `kinds`
/// are the extensions that files in `src` may have besides `rs`.
pub(super) fn complaints(package: &str, kinds: &[&str], files: &[String]) -> Vec<String> {
    let has = |file: &str| files.iter().any(|f| f == file);
    let extra: Vec<_> = EXTRA.iter().filter(|e| e.0 == package).map(|e| e.1).collect();
    let expected = |file: &str| {
        let is_page =
            package == "static-call" && file.starts_with("docs/") && file.ends_with(".md");
        let kind = file.rsplit_once('.').map_or("", |(_, kind)| kind);
        let source = file.starts_with("src/") && (kind == "rs" || kinds.contains(&kind));
        source
            || is_page
            || REQUIRED.contains(&file)
            || ADDED.contains(&file)
            || extra.contains(&file)
    };
    let required = REQUIRED.iter().chain(&extra).filter(|file| !has(file));
    let missing = required.map(|file| format!("{package}: {file} is missing"));
    let surprises = files.iter().filter(|file| !expected(file));
    missing.chain(surprises.map(|file| format!("{package}: {file} does not belong here"))).collect()
}

#[cfg(test)]
mod tests {
    use super::complaints;

    #[test]
    fn missing_and_unexpected_files_are_named() {
        let of = |package: &str, kinds: &[&str], files: &str| {
            let files: Vec<_> = files.split(' ').map(str::to_owned).collect();
            complaints(package, kinds, &files)
        };
        let needed = "Cargo.toml README.md LICENSE-APACHE LICENSE-MIT";
        let good = format!("{needed} Cargo.lock src/lib.rs src/a/b.rs");
        assert_eq!(of("static-call-macros", &[], &good), [""; 0]);
        assert_eq!(
            of("static-call-macros", &[], &good.replace("LICENSE-MIT", "golden/call.txt")),
            [
                "static-call-macros: LICENSE-MIT is missing",
                "static-call-macros: golden/call.txt does not belong here"
            ]
        );
        let page = format!("{good} src/page.css SAFETY.md");
        assert_eq!(of("static-call", &["css"], &page), [""; 0]);
        assert_eq!(of("static-call", &[], &page).len(), 1);
        assert_eq!(of("static-call", &[], &good), ["static-call: SAFETY.md is missing"]);
        let guide = format!("{good} SAFETY.md docs/faq.md");
        assert_eq!(of("static-call", &[], &guide), [""; 0]);
        assert_eq!(of("static-call", &[], &format!("{guide} docs/faq.html")).len(), 1);
    }
}
