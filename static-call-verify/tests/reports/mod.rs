//! Reports of programs in assembly, and their contents.
#![allow(dead_code, reason = "each test file uses a part")]

use static_call_verify::report::Call;
use static_call_verify::{FindingKey, Policy, Report, verify};

use crate::images::image;

/// Returns the report of a program around `f`, whose records are right.
pub(crate) fn check(text: &str, args: &[&str]) -> Report {
    let report = verified(text, args);
    assert_eq!((report.keys.len(), report.trampolines.len()), (1, 2), "{report}");
    assert!(report.trampolines.iter().all(|t| t.is_sound), "{report}");
    report
}

/// Returns the report of a program around `f`.
pub(crate) fn verified(text: &str, args: &[&str]) -> Report {
    let text = format!(".text\n{text}\n.set _start, f\n");
    verify(&image(&text, args), &Policy::default())
}

/// Returns the only call.
pub(crate) fn only(report: &Report) -> &Call {
    let [call] = report.calls.as_slice() else { panic!("{report}") };
    call
}

/// Returns whether there is a finding with this key.
pub(crate) fn has(report: &Report, key: FindingKey) -> bool {
    report.findings.iter().any(|f| f.key == key)
}
