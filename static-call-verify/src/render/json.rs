//! The report as JSON, described by `schema/report.schema.json`.

use serde_json::{Value, json};

use crate::report::{Call, Finding, Key, Report};

/// The version in the field `format`. A change that a reader would notice increases it.
const FORMAT: u32 = 3;

/// The schema of [`json()`], in JSON Schema 2020-12.
pub const JSON_SCHEMA: &str = include_str!("../../schema/report.schema.json");

/// Returns the report of an image as one line of JSON that conforms to [`JSON_SCHEMA`]. `image` is
/// the name of the image in it.
#[must_use]
pub fn json(report: &Report, image: &str) -> String {
    let s = &report.summary;
    json!({
        "format": FORMAT,
        "image": image,
        "summary": {
            "keys": s.keys,
            "sites": s.sites,
            "trampolines": s.trampolines,
            "bound": s.bound,
            "calls": {
                "total": s.calls,
                "quad": s.quad,
                "disp": s.disp,
                "line": s.line,
                "straddle": s.straddle,
            },
            "paths": { "inline": s.listed, "trampoline": s.calls.saturating_sub(s.listed) },
            "updates": { "one_store": s.one_store, "steps": s.steps },
            "via_got": s.via_got,
            "register": s.register,
            "address_taken": s.address_taken,
        },
        "calls": report.calls.iter().map(|c| call(report, c)).collect::<Vec<_>>(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
    })
    .to_string()
}

fn call(report: &Report, call: &Call) -> Value {
    json!({
        "address": call.address,
        "kind": call.kind.as_str(),
        "grade": call.grade.as_str(),
        "path": if call.listed { "inline" } else { "trampoline" },
        "steps": call.takes_steps(),
        "reason": report.reason(call).map(|reason| reason.to_string()),
        "key": report.keys.get(call.key).map(Key::path),
        "function": call.function,
        "source": call.source.as_ref().map(ToString::to_string),
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "key": finding.key.as_str(),
        "severity": finding.severity.as_str(),
        "message": finding.message,
        "address": finding.address,
        "source": finding.source.as_ref().map(ToString::to_string),
    })
}
