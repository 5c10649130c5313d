//! `cargo static-call explain`.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};

use super::output::{self, heading, paint};
use crate::policy::FindingKey;

pub(super) fn command() -> Command {
    let finding = Arg::new("finding")
        .value_name("FINDING")
        .help("A name, or a pattern such as 'call.*'; without one, list all")
        .value_parser(FindingKey::matching);
    Command::new("explain")
        .about("Explain findings: what they mean, why they matter and how to fix them")
        .arg(finding)
}

/// Prints what findings mean; without one, their list.
pub(super) fn main(matches: &ArgMatches) -> ExitCode {
    let text = match matches.get_one::<Vec<FindingKey>>("finding") {
        Some(keys) => keys.iter().map(|key| explain(*key)).collect::<Vec<_>>().join("\n"),
        None => list(),
    };
    output::finish(&text)
}

fn list() -> String {
    let all = FindingKey::ALL;
    let width = all.iter().map(|key| key.as_str().len()).max().unwrap_or_default();
    let mut text = String::new();
    for key in all {
        let name = paint(heading(), &format!("{:<width$}", key.as_str()));
        let indent = width + 9;
        let level = key.default_level().as_str();
        let told = wrap(key.explanation(), 100 - indent);
        text += &format!("{name}  {level:<5}  {}\n", told.join(&format!("\n{:indent$}", "")));
    }
    text + "\nThe word after each name is its level unless a policy says otherwise.\n\
            `cargo static-call explain FINDING` tells why it matters, and what mends it.\n"
}

fn explain(key: FindingKey) -> String {
    let name = paint(heading(), key.as_str());
    let level = key.default_level();
    let part = |title: &str, text: &str| {
        let lines = wrap(text, 90).join("\n    ");
        format!("\n  {}\n    {lines}\n", paint(heading(), title))
    };
    let mut mend = key.mend().to_owned();
    mend.push('.');
    let mut chars = mend.chars();
    let mend: String =
        chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect();
    let policy = format!(
        "`{level}`, unless a policy says otherwise: `--deny {key}` on the command line, \
         `.deny(\"{key}\")` on the hook in build.rs, or `deny = [\"{key}\"]` under \
         `[package.metadata.static-call]`, or for all packages `[workspace.metadata.static-call]`, \
         in Cargo.toml."
    );
    [
        format!("{name}\n"),
        part("What it means", key.explanation()),
        part("Why it matters", key.why()),
        part("What mends it", &mend),
        part("Level", &policy),
    ]
    .concat()
}

/// Breaks a text into lines of at most `width` characters, where words allow.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
