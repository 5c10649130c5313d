//! Runs the phases and makes the report.

use crate::{Policy, Report};

/// Finds and grades everything in `image` that names a trampoline.
///
/// Never fails: a damaged image is a finding (`image.*`), one without static calls an empty
/// report.
#[must_use]
pub fn verify(image: &[u8], policy: &Policy) -> Report {
    let _ = (image, policy);
    Report::default()
}
