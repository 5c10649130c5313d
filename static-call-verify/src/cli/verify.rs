//! `cargo static-call verify` and `report`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::exit::{DENIED, UNREADABLE};
use super::options::{levels, manifest, manifest_path};
use super::output::{complain, complain_of, note};
use super::progress::Progress;
use super::{output, tables, workspace};
use crate::policy::settings::Settings;
use crate::policy::{FindingKey, Level, Policy, manifest as metadata};
use crate::render::{JSON_SCHEMA, html, json, sarif};
use crate::report::{ImageKind, Report};
use crate::verify::verify;

const FORMATS: &str = "\
Formats:
  text   for people
  json   one line for each image; print its schema with `verify --schema`
  sarif  SARIF 2.1.0, for code hosts and editors
  html   a page about one image that draws every call on its cache line: -o report.html";

pub(super) fn commands() -> [Command; 2] {
    let schema = Arg::new("schema")
        .long("schema")
        .help("Print only the JSON schema of `--format json`")
        .action(ArgAction::SetTrue);
    [
        images("verify", "Print every static call in a linked program, and the findings")
            .arg(schema),
        images("report", "Count the static calls in a linked program, by key and by source file"),
    ]
}

fn images(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .after_help(FORMATS)
        .arg(
            Arg::new("image")
                .help(
                    "An ELF executable or shared object; by default, the package's newest program",
                )
                .value_name("IMAGE")
                .num_args(1..)
                .value_parser(value_parser!(OsString)),
        )
        .arg(
            Arg::new("bin")
                .long("bin")
                .value_name("NAME")
                .help("Read the last build of this program of the package")
                .conflicts_with("image"),
        )
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .help("Print the result as text, json, sarif or html")
                .value_parser(["text", "json", "sarif", "html"])
                .hide_possible_values(true)
                .default_value("text"),
        )
        .arg(
            Arg::new("output")
                .long("output")
                .short('o')
                .value_name("FILE")
                .help("Write to a file instead of standard output")
                .value_parser(value_parser!(OsString)),
        )
        .arg(manifest_path())
        .args(levels())
}

/// Prints the reports of all images. Returns the worst exit code.
pub(super) fn main(name: &str, matches: &ArgMatches, settings: Settings) -> ExitCode {
    if name == "verify" && matches.get_flag("schema") {
        return output::finish(JSON_SCHEMA);
    }
    let manifest = manifest(matches);
    if let Some(path) = manifest.as_deref().filter(|path| !path.is_file()) {
        complain_of(path, "no such manifest");
        return ExitCode::from(UNREADABLE);
    }
    let base = match manifest.as_deref().map(metadata::read) {
        Some(Err(mistakes)) => {
            for mistake in mistakes {
                complain(mistake);
            }
            return ExitCode::from(UNREADABLE);
        }
        Some(Ok(base)) => base,
        None => Settings::default(),
    };
    let asked = settings.levels.iter().rfind(|(key, _)| *key == FindingKey::FlagsMissing);
    let asked = asked.filter(|(_, level)| *level >= Level::Warn).copied();
    let policy = settings.over(base).policy();
    let images = match images_of(matches, manifest.as_deref()) {
        Ok(images) => images,
        Err(why) => {
            complain(why);
            return ExitCode::from(UNREADABLE);
        }
    };
    let format = matches.get_one::<String>("format").map_or("text", String::as_str);
    if format == "html" && images.len() > 1 {
        complain("a page shows one image: pass only one with `--format html`");
        return ExitCode::from(UNREADABLE);
    }
    let (reports, code) = read_all(&images, &policy, asked);
    let file = matches.get_one::<OsString>("output").map(Path::new);
    let text = match format {
        "json" => reports.iter().map(|(image, report)| json(report, image) + "\n").collect(),
        "sarif" => sarif(&reports) + "\n",
        "html" => reports.iter().map(|(image, report)| html(report, image)).collect(),
        _ => text(name, &reports),
    };
    if let Err(code) = output::deliver(&text, file) {
        return code;
    }
    for (image, report) in &reports {
        match report.denied().count() {
            0 => {}
            1 => complain_of(Path::new(image), "1 finding is denied"),
            count => complain_of(Path::new(image), format_args!("{count} findings are denied")),
        }
    }
    ExitCode::from(code)
}

/// Returns the reports of the images that can be read, each with its name, and the worst exit code.
/// `asked` is the level of `flags.missing` on the command line.
fn read_all(
    images: &[PathBuf],
    policy: &Policy,
    asked: Option<(FindingKey, Level)>,
) -> (Vec<(String, Report)>, u8) {
    let mut code = 0;
    let mut reports = Vec::new();
    for (n, path) in images.iter().map(PathBuf::as_path).enumerate() {
        let count = if images.len() > 1 {
            format!(" ({} of {})", n + 1, images.len())
        } else {
            String::new()
        };
        let progress = Progress::new(format!("verifying {}{count}", path.display()));
        let result = read(path, policy);
        drop(progress);
        match result {
            Ok(report) => {
                if let Some((key, level)) = asked.filter(|_| is_silent_about_flags(&report)) {
                    note(format_args!(
                        "`--{level} {key}` finds nothing in {}: only an image that was linked with \
                         the hook records how it was compiled",
                        path.display()
                    ));
                }
                if report.denied().next().is_some() {
                    code = code.max(DENIED);
                }
                reports.push((path.display().to_string(), report));
            }
            Err(why) => {
                complain_of(path, why);
                code = UNREADABLE;
            }
        }
    }
    (reports, code)
}

/// Returns the images on the command line, or else the program of the package.
fn images_of(matches: &ArgMatches, manifest: Option<&Path>) -> Result<Vec<PathBuf>, String> {
    let named: Vec<PathBuf> =
        matches.get_many::<OsString>("image").into_iter().flatten().map(PathBuf::from).collect();
    if !named.is_empty() {
        return Ok(named);
    }
    let manifest = manifest.ok_or("no Cargo.toml here or in a parent directory: pass an image")?;
    let name = matches.get_one::<String>("bin").map(String::as_str);
    let program = workspace::program(manifest, name)?;
    let current = env::current_dir().unwrap_or_default();
    let program = program.strip_prefix(&current).map(Path::to_owned).unwrap_or(program);
    note(format_args!("reading {}", program.display()));
    Ok(vec![program])
}

/// Returns whether an image has static calls but does not record how it was compiled.
fn is_silent_about_flags(report: &Report) -> bool {
    !report.calls.is_empty() && report.image.compiled.is_none()
}

/// Returns the report of an image, or why there is none.
fn read(path: &Path, policy: &Policy) -> Result<Report, String> {
    let is_file = fs::metadata(path).map_err(|error| error.to_string())?.is_file();
    if !is_file {
        return Err("not a regular file".to_owned());
    }
    let bytes = bytes(path, policy).map_err(|error| error.to_string())?;
    let report = verify(&bytes, policy);
    let unread = [FindingKey::ImageUnsupported, FindingKey::ImageCorrupt];
    match report.findings.iter().find(|finding| unread.contains(&finding.key)) {
        Some(finding) => Err(finding.message.clone()),
        None if report.image.kind == ImageKind::Unsupported => {
            Err("not a verifiable image".to_owned())
        }
        None => Ok(report),
    }
}

#[cfg(unix)]
fn bytes(path: &Path, policy: &Policy) -> std::io::Result<Vec<u8>> {
    crate::elf::file::read(path, policy.source_lines())
}

#[cfg(not(unix))]
fn bytes(path: &Path, _: &Policy) -> std::io::Result<Vec<u8>> {
    fs::read(path)
}

fn text(command: &str, reports: &[(String, Report)]) -> String {
    let mut text = String::new();
    for (image, report) in reports {
        if reports.len() > 1 {
            text += &format!("{}:\n", output::paint(output::heading(), image));
        }
        let is_empty = report.keys.is_empty() && report.trampolines.is_empty();
        if is_empty && report.findings.is_empty() {
            text += &format!("no static calls in this {}\n", report.image.kind);
        }
        text += &match command {
            "report" => tables::tables(report),
            _ => output::coloured(&report.to_string()),
        };
    }
    text
}
