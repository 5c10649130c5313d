//! The program `requests`: a server's requests with hooks that are off.

use super::Options;
use super::programs::REQUESTS;
use super::results::Section;
use super::runs::{self, Run};
use crate::run::Result;

/// Measures the program.
pub(super) fn section(options: &Options) -> Result<Section> {
    runs::section("A request, end to end", &REQUESTS, &[Run::PLAIN], options)
}
