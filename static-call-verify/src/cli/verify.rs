//! `cargo static-call verify`.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::ArgMatches;

use super::{DENIED, UNREADABLE};
use crate::hook::settings::Settings;
use crate::report::ImageKind;
use crate::verify;

/// Prints the report of every image. The exit code is the worst.
pub(super) fn main(matches: &ArgMatches, settings: &Settings) -> ExitCode {
    let images: Vec<&OsString> = matches.get_many("image").into_iter().flatten().collect();
    let codes = images.iter().map(|image| {
        if images.len() > 1 {
            println!("{}:", Path::new(image).display());
        }
        one(Path::new(image), settings)
    });
    ExitCode::from(codes.max().unwrap_or_default())
}

fn one(image: &Path, settings: &Settings) -> u8 {
    let bytes = match fs::read(image) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("static-call: {}: {error}", image.display());
            return UNREADABLE;
        }
    };
    let report = verify(&bytes, &settings.policy());
    println!("{report}");
    if report.image.kind == ImageKind::Unsupported {
        eprintln!("static-call: {}: not an ELF image for x86_64", image.display());
        return UNREADABLE;
    }
    match report.denied().count() {
        0 => 0,
        count => {
            eprintln!("static-call: {}: {count} denied", image.display());
            DENIED
        }
    }
}
