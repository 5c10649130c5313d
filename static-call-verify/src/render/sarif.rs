//! The findings of several images as SARIF 2.1.0, which code hosts and editors show next to the
//! source.

use serde_json::{Value, json};

use crate::policy::{FindingKey, Level};
use crate::report::{Finding, Report};

/// Returns a SARIF log of one run with the findings of all images, each under the given name.
#[must_use]
pub fn sarif(reports: &[(String, Report)]) -> String {
    let results = reports.iter().flat_map(|(image, report)| {
        report.findings.iter().map(move |finding| result(report, image, finding))
    });
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "static-call-verify",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": FindingKey::ALL.iter().copied().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "artifacts": reports.iter().map(|(image, _)| artifact(image)).collect::<Vec<_>>(),
            "results": results.collect::<Vec<_>>(),
        }],
    });
    format!("{log:#}")
}

fn artifact(image: &str) -> Value {
    json!({
        "location": { "uri": uri(image) },
        "roles": ["analysisTarget"],
        "mimeType": "application/octet-stream",
    })
}

fn rule(key: FindingKey) -> Value {
    let explanation = key.explanation();
    let short = explanation.split_inclusive(['.', ':']).next().unwrap_or(explanation);
    json!({
        "id": key.as_str(),
        "shortDescription": { "text": format!("{}.", short.trim_end_matches(['.', ':'])) },
        "fullDescription": { "text": format!("{explanation} {}", key.why()) },
        "help": { "text": format!("How to fix it: {}.", key.fix()) },
        "defaultConfiguration": { "level": level(key.default_level()) },
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Allow => "none",
        Level::Note => "note",
        Level::Warn => "warning",
        Level::Deny => "error",
    }
}

fn result(report: &Report, image: &str, finding: &Finding) -> Value {
    let index = FindingKey::ALL.iter().position(|key| *key == finding.key);
    let mut place = match &finding.source {
        Some(source) => {
            let mut region = json!({ "startLine": source.line.max(1) });
            if source.column != 0 {
                region["startColumn"] = source.column.into();
            }
            json!({ "artifactLocation": { "uri": uri(&source.file) }, "region": region })
        }
        None => json!({ "artifactLocation": { "uri": uri(image) } }),
    };
    if let Some(address) = finding.address {
        place["address"] = json!({ "absoluteAddress": address, "kind": "instruction" });
    }
    let mut location = json!({ "physicalLocation": place });
    let call = report.calls.iter().find(|call| finding.address == Some(call.address));
    if let Some(function) = call.and_then(|call| call.function.as_ref()) {
        location["logicalLocations"] =
            json!([{ "fullyQualifiedName": function, "kind": "function" }]);
    }
    json!({
        "ruleId": finding.key.as_str(),
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": finding.message },
        "locations": [location],
        "analysisTarget": { "uri": uri(image) },
    })
}

/// Returns a path as a URI: relative unchanged, absolute with its scheme.
fn uri(path: &str) -> String {
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(byte.into());
            }
            _ => uri += &format!("%{byte:02X}"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Source;

    #[test]
    fn paths_are_uris() {
        assert_eq!(uri("src/main.rs"), "src/main.rs");
        assert_eq!(uri("/a b/ü#.rs"), "file:///a%20b/%C3%BC%23.rs");
    }

    #[test]
    fn every_result_names_a_rule_a_level_and_a_place() {
        let source = Source { file: "src/a.rs".into(), line: 3, column: 0 };
        let finding = |severity, address, source| Finding {
            key: FindingKey::CallRegister,
            severity,
            message: "a message".into(),
            address,
            source,
        };
        let mut report = Report::default();
        report.findings.push(finding(Level::Deny, Some(0x1234), Some(source)));
        report.findings.push(finding(Level::Note, None, None));
        let log: Value = serde_json::from_str(&sarif(&[("app".into(), report)])).unwrap();
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), FindingKey::ALL.len());
        let [first, second] = run["results"].as_array().unwrap().as_slice() else { panic!() };
        let rule = &run["tool"]["driver"]["rules"][first["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!((&rule["id"], &first["ruleId"]), (&"call.register".into(), &rule["id"]));
        assert_eq!((&first["level"], &second["level"]), (&"error".into(), &"note".into()));
        let place = &first["locations"][0]["physicalLocation"];
        assert_eq!(place["region"], json!({ "startLine": 3 }));
        assert_eq!(place["address"]["absoluteAddress"], 0x1234);
        let place = &second["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "app");
    }
}
