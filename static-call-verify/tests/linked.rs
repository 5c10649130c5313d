//! The fixture, linked by every installed linker, against three independent witnesses: the
//! relocations that the linker kept, a full decode, and `objdump`.

mod images;

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::thread;

use iced_x86::{Decoder, DecoderOptions, FlowControl};
use images::{CLANG, FLAGS, GNU_LD, MOLD, fixture, fresh, have};
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader, Sym};
use object::{LittleEndian as LE, Object, ObjectSection, ObjectSymbol, SymbolKind};
use static_call_verify::report::{Call, Finding, Kind, Reason, TableState};
use static_call_verify::{
    FindingKey, InputCounter, Level, Policy, Report, Stamped, stamp, table_object, verify,
};

const BIN: &[&str] = &["--bin", "fixture"];

/// One way to build and link.
struct Cell<'a> {
    profile: &'static str,
    /// Flags for every crate, after those of the workspace.
    flags: &'a [&'a str],
    /// Flags that choose the linker.
    linker: &'static [&'static str],
    /// The cargo target to build. A shared object cannot be run.
    target: &'static [&'static str],
}

const PLAIN: Cell<'static> = Cell { profile: "release", flags: &[], linker: &[], target: BIN };

/// Builds, links with a table, checks against the witnesses, stamps, and runs.
fn check(cell: &Cell<'_>) -> Report {
    let table = fresh("table.o");
    fs::write(&table, table_object(400, &Policy::default())).unwrap();
    let table_arg = format!("-Clink-arg={}", table.display());
    let mut last = cell.linker.to_vec();
    last.extend([table_arg.as_str(), "-Clink-arg=-Wl,--emit-relocs"]);
    let flags = [FLAGS, cell.flags].concat();
    let path = fixture(cell.target, cell.profile, &flags, &last);
    let mut image = fs::read(&path).unwrap();
    let report = verify(&image, &Policy::default());
    println!("{report}");
    assert_eq!(report.keys.len(), 4);
    assert_eq!(report.image.table, TableState::Empty { capacity: 400 });
    assert!(report.trampolines.iter().all(|t| t.is_sound));
    let doubted =
        [Reason::NotProved, Reason::NoExtent, Reason::UnusualPrefix, Reason::UnsoundTrampoline];
    for call in &report.calls {
        assert!(call.reason.is_none_or(|r| !doubted.contains(&r)), "{call:?}");
        assert!(call.function.is_some() || call.kind == Kind::AddressTaken, "{call:?}");
        assert_eq!(call.inline, call.grade.is_patchable());
        assert_eq!(call.inline, call.kind.is_direct(), "{call:?}");
        let displacement = call.address + u64::from(call.length.max(4)) - 4;
        let is_split = displacement / 8 != (displacement + 3) / 8;
        assert_eq!(call.grade.takes_steps(), call.inline && is_split, "{call:?}");
    }
    assert_eq!(fields(&image, &report), relocated(&image, &report), "relocations: {report}");
    assert_eq!(direct(&report), decoded(&image, &report), "full decode: {report}");
    assert_eq!(direct(&report), dumped(&path, &report), "objdump: {report}");
    stamp_and_run(&path, &mut image, &report, cell.target == BIN);
    fs::remove_file(path).unwrap();
    fs::remove_file(table).unwrap();
    report
}

/// Stamps the image and runs it with its calls bound.
fn stamp_and_run(path: &Path, image: &mut Vec<u8>, before: &Report, runs: bool) {
    let output = |cap: &str| {
        let mut program = Command::new(path);
        // Where an instrumented program writes its counts.
        program.env("STATIC_CALL", cap).env("LLVM_PROFILE_FILE", "/dev/null");
        let output = loop {
            match program.output() {
                // Another test forked while this one wrote the program: until that child executes
                // its own program, it has the file open, too.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::yield_now(),
                result => break result.unwrap(),
            }
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let unpatched = runs.then(|| output("indirect"));
    let (report, stamped) = stamp(image, &Policy::default());
    let Stamped::Done { entries, .. } = stamped else { panic!("{stamped:?} {report}") };
    assert_eq!(entries as usize, before.calls.len());
    assert_eq!(
        report,
        verify(image, &Policy::default()),
        "the report after stamping describes the image"
    );
    assert_eq!(report.summary.via_got, 0, "{report}");
    let once = image.clone();
    let (_, again) = stamp(image, &Policy::default());
    assert_eq!(again, Stamped::Done { entries, rewritten: 0 });
    assert!(*image == once, "stamping twice changes nothing");
    fs::write(path, image).unwrap();
    if runs {
        assert_eq!(unpatched, Some(output("inline")));
    }
}

/// Returns where the displacements and pointers in the report are.
fn fields(image: &[u8], report: &Report) -> BTreeSet<u64> {
    let file = object::File::parse(image).unwrap();
    let one = |c: &Call| match (c.length, c.kind) {
        (0, _) => Some(c.address),
        // An absolute address is not at the position of a displacement.
        (_, Kind::AddressTaken) if file.kind() == object::ObjectKind::Executable => None,
        // The number of a `movabs`, whatever it is relative to.
        (10, Kind::Register) => Some(c.address + 2),
        // The assembler resolves jumps with 8 bits without a relocation.
        (2, _) => None,
        (length, _) => Some(c.address + u64::from(length) - 4),
    };
    report.calls.iter().filter_map(one).collect()
}

/// Returns where the linker applied relocations against trampolines.
fn relocated(image: &[u8], report: &Report) -> BTreeSet<u64> {
    let header = FileHeader64::<LE>::parse(image).unwrap();
    let sections = header.sections(LE, image).unwrap();
    let symbols = sections.symbols(LE, image, elf::SHT_SYMTAB).unwrap();
    let trampolines: BTreeSet<u64> = report.trampolines.iter().map(|t| t.address).collect();
    let mut all = BTreeSet::new();
    for section in sections.iter().filter(|s| !s.sh_flags(LE).contains(elf::SHF_ALLOC)) {
        let Some((relocations, _)) = section.rela(LE, image).unwrap() else { continue };
        let Ok(place) = sections.section(object::SectionIndex(section.sh_info(LE) as usize)) else {
            continue;
        };
        let name = sections.section_name(LE, place).unwrap();
        let is_record = name.starts_with(b"static_call_") || name == b".eh_frame";
        if is_record || !place.sh_flags(LE).contains(elf::SHF_ALLOC) {
            continue;
        }
        for r in relocations {
            let symbol = symbols.symbol(object::SymbolIndex(r.r_sym(LE, false) as usize)).unwrap();
            let kind = r.r_type(LE, false);
            let is_wide =
                [elf::R_X86_64_64, elf::R_X86_64_GOT64, elf::R_X86_64_GOTOFF64].contains(&kind);
            let addend = r.r_addend.get(LE) + if is_wide { 0 } else { 4 };
            if trampolines.contains(&symbol.st_value(LE).wrapping_add_signed(addend)) {
                all.insert(r.r_offset.get(LE));
            }
        }
    }
    all
}

/// Returns the direct branches of a report, with their destinations.
fn direct(report: &Report) -> BTreeSet<(u64, u64)> {
    let trampoline = |c: &Call| report.trampolines[c.trampoline].address;
    let direct = report.calls.iter().filter(|c| c.kind.is_direct());
    direct.map(|c| (c.address, trampoline(c))).collect()
}

/// Returns the branches to trampolines that decoding every function with a symbol finds.
fn decoded(image: &[u8], report: &Report) -> BTreeSet<(u64, u64)> {
    let file = object::File::parse(image).unwrap();
    let trampolines: BTreeSet<u64> = report.trampolines.iter().map(|t| t.address).collect();
    let mut all = BTreeSet::new();
    let is_code = |s: &object::Symbol| s.kind() == SymbolKind::Text && s.size() != 0;
    for symbol in file.symbols().filter(is_code) {
        let Some(section) = symbol.section_index() else { continue };
        let section = file.section_by_index(section).unwrap();
        let code = section.data_range(symbol.address(), symbol.size()).unwrap().unwrap();
        let decoder = Decoder::with_ip(64, code, symbol.address(), DecoderOptions::NONE);
        for i in decoder {
            let is_branch = matches!(
                i.flow_control(),
                FlowControl::Call
                    | FlowControl::UnconditionalBranch
                    | FlowControl::ConditionalBranch
            );
            if is_branch && trampolines.contains(&i.near_branch_target()) {
                all.insert((i.ip(), i.near_branch_target()));
            }
        }
    }
    all
}

/// Returns the branches to trampolines that `objdump` prints.
fn dumped(path: &Path, report: &Report) -> BTreeSet<(u64, u64)> {
    let text = images::run(Command::new("objdump").args(["-d", "--no-show-raw-insn"]).arg(path));
    let trampolines: BTreeSet<u64> = report.trampolines.iter().map(|t| t.address).collect();
    let mut all = BTreeSet::new();
    for line in text.lines() {
        let Some((address, instruction)) = line.split_once(":\t") else { continue };
        let mut words = instruction.split_whitespace().skip_while(|w| *w == "addr32");
        let is_branch = words.next().is_some_and(|w| w.starts_with('j') || w.starts_with("call"));
        let hex = |s: &str| u64::from_str_radix(s.trim(), 16).ok();
        if is_branch
            && let (Some(address), Some(to)) = (hex(address), words.next().and_then(hex))
            && trampolines.contains(&to)
        {
            all.insert((address, to));
        }
    }
    all
}

#[test]
fn rust_lld() {
    let report = check(&PLAIN);
    let kinds: BTreeSet<Kind> = report.calls.iter().map(|c| c.kind).collect();
    assert!(kinds.is_superset(&[Kind::Call, Kind::Jmp].into()), "{kinds:?}");
    // The compiler aligns calls to local symbols, and every `call!` is one.
    assert!(report.calls.iter().filter(|c| c.site.is_some()).all(|c| c.inline), "{report}");
    let lines: BTreeSet<String> =
        report.calls.iter().filter_map(|c| c.source.as_ref()).map(|s| s.file.clone()).collect();
    assert!(lines.iter().any(|f| f.ends_with("main.rs")), "{lines:?}");
}

#[test]
fn instrumented_for_coverage() {
    let report = check(&Cell { flags: &["-Cinstrument-coverage"], ..PLAIN });
    assert!(report.calls.iter().filter(|c| c.site.is_some()).all(|c| c.inline), "{report}");
}

/// A pass that splits the edges to a label's cold block would make two edges if the assembly named
/// the block twice. The label would then not match its record.
#[test]
fn instrumented_for_profiles() {
    // What cargo-fuzz passes, and functions instead of its runtime.
    let functions = ["bool_flag_init", "trace_pc_indir"].map(|name| {
        let name = format!("__sanitizer_cov_{name}");
        format!(".globl {name}\n{name}: ret\n")
    });
    let runtime = images::assemble(&format!(".text\n{}", functions.concat()));
    let runtime = format!("-Clink-arg={}", runtime.display());
    let fuzzed = [
        "-Cpasses=sancov-module",
        "-Cllvm-args=-sanitizer-coverage-level=4",
        "-Cllvm-args=-sanitizer-coverage-inline-bool-flag",
        &runtime,
    ];
    for flags in [&["-Cprofile-generate=/nowhere"][..], &fuzzed] {
        let report = check(&Cell { flags, ..PLAIN });
        assert!(!report.labels.is_empty() && report.labels.iter().all(|l| l.is_sound), "{report}");
        assert!(report.calls.iter().filter(|c| c.site.is_some()).all(|c| c.inline), "{report}");
    }
}

#[test]
fn gnu_ld() {
    check(&Cell { linker: GNU_LD, ..PLAIN });
}

#[test]
fn mold() {
    if have(&["ld.mold"]) {
        check(&Cell { linker: MOLD, ..PLAIN });
    }
}

#[test]
fn clang_driver() {
    if have(&["clang"]) {
        check(&Cell { linker: CLANG, ..PLAIN });
    }
}

#[test]
fn not_optimised() {
    check(&Cell { profile: "dev", ..PLAIN });
}

#[test]
fn static_position_independent() {
    check(&Cell { flags: &["-Ctarget-feature=+crt-static"], ..PLAIN });
}

#[test]
fn fixed_addresses() {
    check(&Cell { flags: &["-Crelocation-model=static"], ..PLAIN });
    check(&Cell { flags: &["-Crelocation-model=static"], linker: GNU_LD, ..PLAIN });
}

#[test]
fn through_the_got() {
    // The later flag wins: full RELRO makes calls of exported trampolines indirect.
    let report = check(&Cell { flags: &["-Crelro-level=full"], ..PLAIN });
    let kinds: BTreeSet<Kind> = report.calls.iter().map(|c| c.kind).collect();
    assert!(kinds.is_superset(&[Kind::CallGot, Kind::Register].into()), "{kinds:?}");
}

#[test]
fn large_code_model() {
    for linker in [&[], GNU_LD] {
        let report = check(&Cell { flags: &["-Ccode-model=large"], linker, ..PLAIN });
        let is_wide = |c: &&Call| c.reason == Some(Reason::CodeModel);
        let wide = report.calls.iter().filter(is_wide).count();
        assert!(wide >= 20 && report.summary.calls == 0, "{report}");
        let said = |f: &&Finding| f.key == FindingKey::CallRegister && f.severity == Level::Warn;
        assert_eq!(report.findings.iter().filter(said).count(), wide, "{report}");
    }
}

#[test]
fn packed_relocations() {
    check(&Cell { linker: &["-Clink-arg=-Wl,-z,pack-relative-relocs"], ..PLAIN });
}

#[test]
fn shared_object() {
    for linker in [&[], GNU_LD] {
        check(&Cell { target: &["--example", "shared"], linker, ..PLAIN });
    }
}

#[test]
fn stripped() {
    let whole = fixture(BIN, "release", FLAGS, &[]);
    let stripped = fixture(BIN, "release", FLAGS, &["-Cstrip=symbols"]);
    let read = |p: &Path| verify(&fs::read(p).unwrap(), &Policy::default());
    let (a, b) = (read(&whole), read(&stripped));
    assert!(a.image.has_symbols && !b.image.has_symbols);
    let calls = |r: &Report| -> Vec<_> {
        r.calls.iter().map(|c| (c.address, c.kind, c.grade, c.reason)).collect()
    };
    assert_eq!(calls(&a), calls(&b));
    assert!(b.calls.iter().filter(|c| c.site.is_some()).all(|c| c.source.is_some()));
    fs::remove_file(whole).unwrap();
    fs::remove_file(stripped).unwrap();
}

#[test]
fn inputs_are_counted() {
    // The linker's own command line names the inputs.
    let dir = fresh("save");
    let arg = format!("-Clink-arg=-Wl,--reproduce={}.tar", dir.display());
    let path = fixture(BIN, "release", FLAGS, &[&arg]);
    let tar = dir.with_extension("tar");
    let tar = if tar.exists() { tar } else { format!("{}.tar", dir.display()).into() };
    fs::create_dir_all(&dir).unwrap();
    images::run(Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(&dir));
    let mut counter = InputCounter::default();
    let mut open = vec![dir.clone()];
    while let Some(at) = open.pop() {
        if at.is_dir() {
            open.extend(fs::read_dir(at).unwrap().map(|e| e.unwrap().path()));
        } else {
            counter.add(&fs::read(at).unwrap());
        }
    }
    let report = verify(&fs::read(&path).unwrap(), &Policy::default());
    let (counted, needed) = (counter.entries() as usize, report.calls.len());
    println!("{counted} references, {needed} entries");
    assert!(counted >= needed && counted <= needed + 16, "{counted} references, {needed} entries");
    fs::remove_dir_all(dir).unwrap();
    fs::remove_file(tar).unwrap();
    fs::remove_file(path).unwrap();
}
