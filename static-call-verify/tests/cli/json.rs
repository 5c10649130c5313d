//! Tests of the JSON against its schema, which is strict, and against the library.

use std::fs;
use std::process::Command;

use serde_json::Value;
use static_call_verify::render::JSON_SCHEMA;
use static_call_verify::{FindingKey, Policy, Stamped, stamp, table_object, verify};

use super::{BODY, Image, err, fresh, images, out, run, schema};

impl Image {
    /// Makes an image with a table that nothing has filled.
    fn with_table(body: &str) -> Self {
        let table = fresh("table.o");
        fs::write(&table, table_object(9, &Policy::default())).unwrap();
        let image = Self::new(body, &[table.to_str().unwrap()]);
        fs::remove_file(table).unwrap();
        image
    }

    /// Makes an image as a link with the hook leaves it.
    pub(super) fn stamped(body: &str) -> Self {
        let image = Self::with_table(body);
        let mut bytes = fs::read(&image.0).unwrap();
        let (report, stamped) = stamp(&mut bytes, &Policy::default());
        assert!(matches!(stamped, Stamped::Done { .. }), "{report}");
        fs::write(&image.0, bytes).unwrap();
        image
    }
}

#[test]
fn json_conforms_to_the_schema() {
    let schema: Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    assert_eq!(out(&run(&["verify", "--schema"])), JSON_SCHEMA);
    let names = schema["$defs"]["finding"]["properties"]["key"]["enum"].as_array().unwrap();
    let all: Vec<&str> = FindingKey::ALL.iter().map(|key| key.as_str()).collect();
    assert_eq!(names, &all, "the schema names every finding");

    let stripped = Image::new(BODY, &[]);
    images::run(Command::new("strip").arg(&stripped.0));
    let mut damaged = fs::read(&stripped.0).unwrap();
    let record = object::read::File::parse(&*damaged).unwrap();
    let record = object::Object::section_by_name(&record, "static_call_0_1_trampolines").unwrap();
    let at = object::ObjectSection::file_range(&record).unwrap().0 as usize;
    damaged[at + 4] ^= 1;
    let examples = [
        Image::new(BODY, &[]),
        Image::new(BODY, &["-static-pie"]),
        Image::new("    call tramp\n    ret", &["-shared"]),
        Image::of(&damaged),
        stripped,
    ];
    let mut paths: Vec<&str> = examples.iter().map(Image::path).collect();
    // An image from elsewhere, without static calls.
    paths.push("/bin/sh");
    let output = run(&[&["verify", "--format", "json"], &paths[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let lines: Vec<&str> = out(&output).lines().collect();
    assert_eq!(lines.len(), paths.len(), "one line for each image");
    let mut findings = Vec::new();
    for (line, path) in lines.iter().zip(&paths) {
        let document: Value = serde_json::from_str(line).unwrap();
        assert_eq!(schema::mistakes(&schema, &document), [""; 0], "{document:#}");
        assert_eq!(document["image"], *path);
        agrees(&document, path);
        findings.extend(document["findings"].as_array().unwrap().iter().cloned());
    }
    for key in ["call.grade.straddle", "tramp.address-taken", "record.corrupt", "table.missing"] {
        assert!(findings.iter().any(|finding| finding["key"] == key), "{key}: {findings:#?}");
    }
}

/// Checks that the numbers are those of the library, and add up.
fn agrees(document: &Value, path: &str) {
    let report = verify(&fs::read(path).unwrap(), &Policy::default());
    let s = &document["summary"];
    let numbers = [
        (&s["keys"], report.summary.keys),
        (&s["sites"], report.summary.sites),
        (&s["trampolines"], report.summary.trampolines),
        (&s["calls"]["total"], report.summary.calls),
        (&s["calls"]["quad"], report.summary.quad),
        (&s["calls"]["disp"], report.summary.disp),
        (&s["calls"]["line"], report.summary.line),
        (&s["calls"]["straddle"], report.summary.straddle),
        (&s["paths"]["inline"], report.summary.listed),
        (&s["paths"]["trampoline"], report.summary.calls - report.summary.listed),
        (&s["updates"]["one_store"], report.summary.one_store),
        (&s["updates"]["steps"], report.summary.steps),
        (&s["via_got"], report.summary.via_got),
        (&s["register"], report.summary.register),
        (&s["address_taken"], report.summary.address_taken),
    ];
    for (number, expected) in numbers {
        assert_eq!(number, expected, "{document:#}");
    }
    let calls = document["calls"].as_array().unwrap();
    let inline = calls.iter().filter(|call| call["path"] == "inline").count();
    assert_eq!(inline, report.summary.listed);
    let steps = calls.iter().filter(|call| call["steps"] == true).count();
    assert_eq!((steps, inline - steps), (report.summary.steps, report.summary.one_store));
    assert_eq!(calls.len(), report.calls.len());
    for (call, expected) in calls.iter().zip(&report.calls) {
        assert_eq!(call["address"], expected.address);
        assert_eq!(call["key"], "module::key");
        assert_eq!(call["path"] == "inline", call["reason"].is_null(), "{call}");
        let is_cut = call["grade"] == "line" || call["grade"] == "straddle";
        assert_eq!(call["steps"], call["path"] == "inline" && is_cut, "{call}");
    }
}

/// Calls that the program does not know are not inline in any format.
#[test]
fn without_a_trusted_table_nothing_is_inline() {
    let stamped = Image::stamped(BODY);
    let good = fs::read(&stamped.0).unwrap();
    let summary = verify(&good, &Policy::default()).summary;
    let inline = summary.inline;
    assert_eq!((inline, summary.steps), (5, 2));
    // As if a tool had moved something: the last segment is longer.
    let mut moved = good.clone();
    let headers = u64::from_le_bytes(*good[32..].first_chunk().unwrap()) as usize;
    let mut headers = (0..usize::from(good[56])).map(|i| headers + i * 56);
    let last = headers.rfind(|&h| good[h..h + 4] == [1, 0, 0, 0]).unwrap();
    moved[last + 40] ^= 1;
    for (image, inline, why) in [
        (stamped, inline, ""),
        (Image::of(&moved), 0, "the table does not match the image"),
        (Image::with_table(BODY), 0, "the table is empty"),
        (Image::new(BODY, &[]), 0, "the image has no table"),
    ] {
        let output = run(&["verify", "--format=json", image.path()]);
        let document: Value = serde_json::from_str(out(&output)).unwrap();
        agrees(&document, image.path());
        assert_eq!(document["summary"]["paths"]["inline"], inline, "{document:#}");
        let calls = document["calls"].as_array().unwrap();
        let graded = |c: &&Value| c["grade"] != "none";
        for call in calls.iter().filter(graded) {
            let reason = if why.is_empty() { Value::Null } else { why.into() };
            assert_eq!(call["reason"], reason, "{document:#}");
        }
        for command in ["verify", "report"] {
            let output = run(&[command, image.path()]);
            let last = format!(": {inline} inline, ");
            assert!(out(&output).lines().last().unwrap().contains(&last), "{}", out(&output));
            assert!(out(&output).contains(why), "{}", out(&output));
        }
        let output = run(&["verify", image.path()]);
        let rows = out(&output).lines().filter(|line| line.contains("  inline"));
        assert_eq!(rows.count(), inline, "{}", out(&output));
        let page = run(&["verify", "--format=html", image.path()]);
        let rows = out(&page).matches("class=\"row\" data-path=\"inline\"").count();
        assert_eq!(rows, inline);
    }
}

#[test]
fn the_schema_rejects_what_is_not_a_report() {
    let schema: Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    let image = Image::new(BODY, &[]);
    let output = run(&["verify", "--format=json", image.path()]);
    let good: Value = serde_json::from_str(out(&output)).unwrap();
    for (path, value) in [
        ("/format", Value::from(2)),
        ("/image", Value::Null),
        ("/summary/calls/quad", Value::from(-1)),
        ("/summary/calls", Value::from(3)),
        ("/calls/0/kind", Value::from("nop")),
        ("/calls/0/grade", Value::Null),
        ("/calls/0/steps", Value::Null),
        ("/calls/0/reason", Value::from(1)),
        ("/calls/0/source", Value::from("nowhere")),
        ("/findings/0/key", Value::from("call.grade")),
        ("/findings/0/severity", Value::from("allow")),
        ("/findings/0/message", Value::from("")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap() = value;
        assert!(!schema::mistakes(&schema, &bad).is_empty(), "{path}");
    }
    let mut more = good.clone();
    more["summary"]["more"] = 1.into();
    assert!(!schema::mistakes(&schema, &more).is_empty());
    let mut less = good;
    less["summary"].as_object_mut().unwrap().remove("paths");
    assert!(!schema::mistakes(&schema, &less).is_empty());
}
