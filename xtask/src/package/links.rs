//! Checks links in packaged documents and in doc comments: each must work outside the repository.
//! Pages of the guide are not read here, because rustdoc defines their links differently and checks
//! them.

use std::path::Path;

/// The address at which the repository shows its files.
const FILES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/");

/// Returns complaints about the links of a file that are dead for readers of the package. `root` is
/// the repository.
pub(super) fn complaints(file: &str, text: &str, root: &Path) -> Vec<String> {
    let is_document = file.ends_with(".md") && !file.contains("/docs/");
    if !is_document && !file.ends_with(".rs") {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    let mut is_code = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let comment = ["//! ", "/// "].iter().find_map(|mark| line.strip_prefix(mark));
        let Some(line) = (if is_document { Some(line) } else { comment }) else { continue };
        is_code ^= line.starts_with("```");
        // Registries show a README, and resolve links as the repository does.
        let is_shown = |target: &str| file.ends_with("README.md") && root.join(target).exists();
        let dead = |target: &&str| is_dead(target, root) && !is_shown(target);
        for target in targets(line).into_iter().filter(|_| !is_code).filter(dead) {
            complaints.push(format!("{file}:{}: the link to {target} is dead", number + 1));
        }
    }
    complaints
}

/// Returns the targets of the links in a line: `[text](target)` and `[text]: target`.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let definition = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    inline.chain(definition.map(|(_, target)| target)).collect()
}

/// Returns whether a link is dead. Only absolute addresses, headings of the same page and items in
/// rustdoc's notation work everywhere. A file of this repository must exist.
fn is_dead(target: &str, root: &Path) -> bool {
    let target = target.split(' ').next().unwrap_or_default();
    if let Some(file) = target.strip_prefix(FILES) {
        return !root.join(file.split('#').next().unwrap_or_default()).exists();
    }
    let is_item = !target.contains(['/', '.']);
    !(target.starts_with("https://") || target.starts_with('#') || is_item)
}

#[cfg(test)]
mod tests {
    use super::{FILES, complaints};
    use crate::run::root;

    #[test]
    fn dead_links_are_named() {
        let dead = |file: &str, text: &str| complaints(file, text, root()).len();
        assert!(FILES.starts_with("https://"), "the workspace has a repository");
        for (link, in_readme, expected) in [
            ("[a](SAFETY.md)".to_owned(), 0, 1),
            ("[a](SAVETY.md)".to_owned(), 1, 1),
            ("[a](../docs/probe.md#run) and [b](docs/probe.md)".to_owned(), 1, 2),
            ("[a]: DESIGN.md".to_owned(), 0, 1),
            (format!("[a]({FILES}SAFETY.md#safety)"), 0, 0),
            (format!("[a]({FILES}SAVETY.md)"), 1, 1),
            ("[a](#heading) [b](https://docs.rs/object) [c](crate::Key)".to_owned(), 0, 0),
        ] {
            assert_eq!(dead("README.md", &link), in_readme, "{link}");
            assert_eq!(dead("SAFETY.md", &link), expected, "{link}");
            assert_eq!(dead("src/lib.rs", &format!("    /// {link}")), expected, "{link}");
            assert_eq!(dead("src/lib.rs", &format!("// {link}")), 0, "{link}");
            assert_eq!(dead("README.md", &format!("```text\n{link}\n```\n")), 0, "{link}");
            assert_eq!(dead("static-call/docs/faq.md", &link), 0, "{link}");
        }
    }
}
