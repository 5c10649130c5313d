//! Tests of source lines against addr2line, which reads debug information independently.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod images;

use images::{FLAGS, GNU_LD, fixture};
use object::{Object, ObjectSection};
use static_call_verify::report::{Call, Source};
use static_call_verify::{FindingKey, Policy, Report, verify};

const BIN: &[&str] = &["--bin", "fixture"];

type Slice<'s> = gimli::EndianSlice<'s, gimli::LittleEndian>;

/// Returns the position of a call according to addr2line: that of the caller of the key's wrapper,
/// if that is the innermost inlined function.
fn expected(
    context: &addr2line::Context<Slice<'_>>,
    report: &Report,
    call: &Call,
) -> Option<Source> {
    let mut frames = context.find_frames(call.address).skip_all_loads().ok()?;
    let innermost = frames.next().ok()??;
    let name = innermost.function.as_ref().and_then(|f| f.raw_name().ok());
    let name = name.map(|n| format!("{:#}", rustc_demangle::demangle(&n)));
    let last = |path: &str| path.rsplit("::").next().map(str::to_owned);
    let is_wrapper = name.is_some_and(|n| last(&n) == last(&report.keys[call.key].name));
    let has_line = innermost.location.as_ref().is_some_and(|l| l.line.is_some_and(|n| n != 0));
    let caller = if is_wrapper || !has_line { frames.next().ok()? } else { None };
    let location = caller.as_ref().unwrap_or(&innermost).location.as_ref()?;
    let unit = context.find_dwarf_and_unit(call.address).skip_all_loads()?;
    let file = location.file?;
    let home = std::str::from_utf8(unit.comp_dir?.slice()).ok()?;
    let below = file.strip_prefix(home).and_then(|f| f.strip_prefix('/'));
    let is_relative = !unit.name?.slice().starts_with(b"/");
    let file = below.filter(|_| is_relative).unwrap_or(file).to_owned();
    let mut source = report.keys[call.key].source.clone();
    (source.file, source.line, source.column) =
        (file, location.line?, location.column.unwrap_or(0));
    Some(source)
}

/// Compares every call that has no site, and returns how many there were.
fn compare(bytes: &[u8]) -> usize {
    let object = object::File::parse(bytes).unwrap();
    let load = |id: gimli::SectionId| {
        let section = object.section_by_name(id.name());
        Ok::<_, object::Error>(
            section.map(|s| s.uncompressed_data()).transpose()?.unwrap_or_default(),
        )
    };
    let sections = gimli::DwarfSections::load(load).unwrap();
    let dwarf = sections.borrow(|s| gimli::EndianSlice::new(s, gimli::LittleEndian));
    let context = addr2line::Context::from_dwarf(dwarf).unwrap();
    let report = verify(bytes, &Policy::default());
    assert!(report.findings.iter().all(|f| f.key != FindingKey::ImageDebugInfo), "{report}");
    let mut compared = 0;
    for call in report.calls.iter().filter(|c| c.site.is_none() && c.length > 0) {
        let expected = expected(&context, &report, call);
        assert_eq!(call.source, expected, "at {:#x} in {:?}", call.address, call.function);
        compared += usize::from(expected.is_some());
    }
    compared
}

#[test]
fn lines_agree_with_addr2line() {
    let version_5 = ["-Cdebuginfo=2", "-Cdwarf-version=5", GNU_LD[0]];
    for (profile, more) in [
        ("dev", &["-Cdebuginfo=2"][..]),
        ("release", &["-Cdebuginfo=line-tables-only"]),
        ("release", &version_5),
    ] {
        let flags: Vec<&str> = FLAGS.iter().chain(more).copied().collect();
        let image = std::fs::read(fixture(BIN, profile, &flags, &[])).unwrap();
        let compared = compare(&image);
        assert!(compared >= 10, "{profile} {more:?}: {compared}");
    }
}
