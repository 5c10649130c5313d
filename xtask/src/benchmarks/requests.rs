//! The program `requests`: a server's requests with hooks that are off.

use super::Options;
use super::fresh_file::Pages;
use super::program::Build;
use super::results::Section;
use super::rounds::Measured;
use super::runs::{Run, measure};
use crate::run::Result;

/// It runs as users build programs.
const RUN: Run = Run {
    name: "as users build",
    renamed: &[],
    build: Build::Plain,
    pages: Pages::Scattered,
    cap: "inline",
    arguments: &[],
    ways: &[],
    base: &[],
};

/// Measures the program.
pub(super) fn section(options: &Options) -> Result<Section> {
    let mut section = Section::new("A request, end to end");
    let mut measured = Measured::default();
    measure("requests", &[RUN], options, &mut section, &mut measured)?;
    section.workloads = measured.workloads()?;
    Ok(section)
}
