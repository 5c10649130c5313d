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

/// Prints what some findings mean, or a list of all.
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
        let lines = wrap(key.explanation(), 100 - indent);
        text += &format!("{name}  {level:<5}  {}\n", lines.join(&format!("\n{:indent$}", "")));
    }
    text + "\nThe word after each name is its default level.\n\
            `cargo static-call explain FINDING` explains why it matters and how to fix it.\n"
}

fn explain(key: FindingKey) -> String {
    let name = paint(heading(), key.as_str());
    let level = key.default_level();
    let part = |title: &str, text: &str| {
        let lines = wrap(text, 90).join("\n    ");
        format!("\n  {}\n    {lines}\n", paint(heading(), title))
    };
    let mut fix = key.fix().to_owned();
    fix.push('.');
    let mut chars = fix.chars();
    let fix: String =
        chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect();
    let policy = format!(
        "`{level}` by default. To change it, use `--deny {key}` on the command line, \
         `.deny(\"{key}\")` on the hook in build.rs, or `deny = [\"{key}\"]` in Cargo.toml, \
         under `[package.metadata.static-call]` or, for all packages, under \
         `[workspace.metadata.static-call]`."
    );
    [
        format!("{name}\n"),
        part("What it means", key.explanation()),
        part("Why it matters", key.why()),
        part("How to fix it", &fix),
        part("Level", &policy),
    ]
    .concat()
}

/// Breaks a text into lines of at most `width` characters, at spaces.
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
