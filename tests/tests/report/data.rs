//! The report as data: fields that a program can read.

use serde_json::Value;
use static_call::{call, static_call};

#[static_call]
fn level(x: u64) -> u64 {
    x
}

#[inline(never)]
fn site(x: u64) -> u64 {
    call!(level(x)) + 1
}

fn twice(x: u64) -> u64 {
    x * 2
}

fn strings<'a>(values: impl Iterator<Item = &'a Value>) -> Vec<&'a str> {
    values.filter_map(Value::as_str).collect()
}

#[test]
fn reports_are_data() {
    level::update(twice).unwrap();
    assert_eq!(site(std::hint::black_box(3)), 7);
    let report = static_call::report();
    let value = serde_json::to_value(&report).unwrap();
    let keys = value["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["name"] == "level").unwrap();
    assert_eq!(key["module"], "report::data");
    assert_eq!(key["signature"], "fn level(x: u64) -> u64");
    assert_eq!(key["target"]["name"], "report::data::twice");
    assert_eq!(key["target"]["is_default"], false);
    assert!(key["target"]["features"].is_null());
    assert_eq!(key["target"]["address"], level::query().address());
    let calls: Vec<&Value> = keys
        .iter()
        .flat_map(|key| key["sites"].as_array().unwrap())
        .chain(value["other_sites"].as_array().unwrap())
        .flat_map(|site| site["calls"].as_array().unwrap())
        .collect();
    assert_eq!(calls.len(), report.totals().calls);
    assert!(!calls.is_empty());
    let paths = strings(calls.iter().map(|call| &call["path"]));
    assert_eq!(paths.len(), calls.len());
    assert_eq!(paths.iter().filter(|path| **path == "inline").count(), report.totals().inline);
    let mut named = 0;
    for call in calls {
        assert_eq!(call["path"] == "inline", call["reason"].is_null(), "{call}");
        named += usize::from(call["function"] == "report::data::site");
    }
    let is_verified = cfg!(all(target_arch = "x86_64", target_os = "linux"));
    assert_eq!(named, usize::from(is_verified), "{report}");
    let totals = serde_json::to_value(report.totals()).unwrap();
    assert_eq!(totals["calls"], report.totals().calls);
    assert!(value["problems"].is_array());
    assert_eq!(value["aliased"], false);
}
