//! Tests of every finding at every level, and of what its message says.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod images;

use object::read::elf::FileHeader;

use images::{PRELUDE, assemble, function, link};
use static_call_verify::{FindingKey, Level, Policy, Report, verify};

const PIE: &[&str] = &["-pie", "-Wl,--no-relax"];

/// Returns an image of a function, with one place of the macros' text changed.
fn image(body: &str, change: (&str, &str)) -> Vec<u8> {
    let prelude = PRELUDE.replacen(change.0, change.1, 1);
    let object = assemble(&format!("{prelude}{}", function("_start", body)));
    let image = link(&[&object], PIE);
    let _ = std::fs::remove_file(object);
    image
}

/// Asserts that an image has a finding: none if it is allowed, otherwise with the level that is set
/// and a message with all of `parts` and the fix.
#[track_caller]
fn check(image: &[u8], key: FindingKey, parts: &[&str]) {
    for level in Level::ALL {
        let mut policy = Policy::default();
        policy.set(key, level);
        let report = verify(image, &policy);
        let found: Vec<_> = report.findings.iter().filter(|f| f.key == key).collect();
        if level == Level::Allow {
            assert!(found.is_empty(), "{report}");
            continue;
        }
        assert!(!found.is_empty() && found.iter().all(|f| f.severity == level), "{report}");
        assert_eq!(report.denied().count(), if level == Level::Deny { found.len() } else { 0 });
        // The fix for tail calls is not mentioned for a call.
        let fix = key.fix().split("; these flags do not align tail calls").next();
        let tells =
            |line: &String| parts.iter().copied().chain(fix).all(|part| line.contains(part));
        let mut lines = found.iter().map(ToString::to_string);
        assert!(lines.any(|line| tells(&line)), "{parts:?}: {report}");
    }
    // A pattern matches it as well.
    let mut policy = Policy::default();
    let (family, _) = key.as_str().split_once('.').unwrap();
    policy.set_matching(&format!("{family}.*"), Level::Deny).unwrap();
    assert_eq!(policy.level(key), Level::Deny);
}

#[test]
fn calls() {
    let same = ("", "");
    let line = image(".skip 5, 0x90\n call site_tramp\n ret", same);
    let call = "file.rs:11:13: the call of `module::key` in `_start` is retargeted in steps";
    let why = "its displacement crosses an 8-byte boundary; to retarget it in one store, compile";
    check(&line, FindingKey::CallGradeLine, &[call, why, "(at 0x"]);
    let straddle = image(".skip 61, 0x90\n call site_tramp\n ret", same);
    let why = "its displacement crosses a cache line; to retarget it in one store, compile";
    check(&straddle, FindingKey::CallGradeStraddle, &[call, why, "(at 0x"]);
    let got = image("call *tramp@GOTPCREL(%rip)\n ret", same);
    let parts = [
        "the call of `module::key` (declared at file.rs:5:9) in `_start`",
        "through the GOT, bytes ff 15 ",
    ];
    check(&got, FindingKey::CallViaGot, &parts);
    let register = image("mov tramp@GOTPCREL(%rip), %rax\n call *%rax\n ret", same);
    let parts = ["the call through the address of `module::key`", "bytes 48 8b 05 "];
    check(&register, FindingKey::CallRegister, &parts);
    let taken = image("lea tramp(%rip), %rax\n ret", same);
    let parts = ["the call through the address of `module::key`", "bytes 48 8d 05 "];
    check(&taken, FindingKey::TrampAddressTaken, &parts);
    let undecodable = image("jmp 1f\n .byte 0xe8\n .long tramp - . - 4\n1: ret", same);
    let parts = ["`module::key`", "`_start`", "it is not proved to be an instruction"];
    check(&undecodable, FindingKey::ImageUndecodable, &parts);
}

/// The flags that align calls do not align jumps, so they do not fix a tail call.
#[test]
fn tail_calls() {
    let fix = |code: &str, key: FindingKey| {
        let image = image(&format!("{code} site_tramp\n ret"), ("", ""));
        let report = verify(&image, &Policy::default());
        let found = report.findings.iter().find(|f| f.key == key).expect("a finding of this grade");
        found.message.split_once("; ").expect("a fix").1.to_owned()
    };
    let (line, straddle) = (FindingKey::CallGradeLine, FindingKey::CallGradeStraddle);
    for (skip, key) in [(5, line), (61, straddle)] {
        let of = |branch: &str| fix(&format!(".skip {skip}, 0x90\n {branch}"), key);
        for (branch, flag) in [("jmp", "call+jmp"), ("jne", "call+jmp+jcc")] {
            let fix = of(branch);
            assert!(fix.contains("so that it is not a tail call"), "{fix}");
            assert!(fix.contains(&format!("`-Cllvm-args=-x86-align-branch={flag}`")), "{fix}");
            assert!(!fix.contains("init") && !fix.contains("call!"), "{fix}");
        }
        assert!(of("call").contains("`cargo static-call init`") && !of("call").contains("jmp"));
        for part in ["`-Cllvm-args=-x86-align-branch=call`", "call+jmp`", "call+jmp+jcc`"] {
            assert!(key.fix().contains(part), "explained, in SARIF and on the page: {part}");
        }
    }
}

#[test]
fn outside_every_function() {
    let object = assemble(&format!("{PRELUDE}_start: call tramp\n ret\n"));
    let image = link(&[&object], PIE);
    let _ = std::fs::remove_file(object);
    let parts = ["the call of `module::key`", "it lies in no known function"];
    check(&image, FindingKey::ImageNoFunctionExtents, &parts);
}

#[test]
fn trampolines() {
    let body = "call tramp\n ret";
    let misaligned = image(body, ("tramp:\n    .byte", " nop\ntramp:\n    .byte"));
    let parts =
        ["file.rs:5:9: a trampoline of `module::key`", "not aligned to 8 bytes", "bytes e9 "];
    check(&misaligned, FindingKey::TrampMisaligned, &parts);
    let other = image(body, ("0xcc, 0xcc, 0xcc", "0xcc, 0xcc, 0x90"));
    let parts = ["file.rs:5:9: a trampoline of `module::key`", "the macros emit", "cc 90"];
    check(&other, FindingKey::TrampBytes, &parts);
}

#[test]
fn debug_information() {
    let body = "call tramp\n ret\n .section .debug_line,\"\",@progbits\n .skip 64\n .text";
    let mut image = image(body, ("", ""));
    let key = FindingKey::ImageDebugInfo;
    let report = verify(&image, &Policy::default());
    assert!(report.findings.iter().all(|f| f.key != key), "{report}");
    // `SHF_COMPRESSED` (`sh_flags` is 8 bytes into a header), with an unknown compression method.
    let header = object::elf::FileHeader64::<object::LittleEndian>::parse(&*image).unwrap();
    let sections = header.sections(object::LittleEndian, &*image).unwrap();
    let (index, _) = sections.section_by_name(object::LittleEndian, b".debug_line").unwrap();
    let flags = header.e_shoff.get(object::LittleEndian) as usize + index.0 * 64 + 8;
    image[flags + 1] |= 8;
    check(&image, key, &["source lines may be missing"]);
}

#[test]
fn no_debug_information() {
    let key = FindingKey::ImageDebugInfo;
    let register = "mov tramp@GOTPCREL(%rip), %rax\n call *%rax\n ret";
    let without = image(register, ("", ""));
    let parts =
        ["note: ", "the image has no debug information, so", "`debug = \"line-tables-only\"`"];
    let count = |report: &Report| report.findings.iter().filter(|f| f.key == key).count();
    let report = verify(&without, &Policy::default());
    let line = report.to_string().lines().find(|l| l.contains(key.as_str())).unwrap().to_owned();
    assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    let twice = image(&format!("{register}\n{register}"), ("", ""));
    assert_eq!(count(&verify(&twice, &Policy::default())), 1, "once, not for every call");
    check(&without, key, &parts[1..]);
    let some = format!("{register}\n.section .debug_line,\"\",@progbits\n .skip 64\n .text");
    check(&image(&some, ("", "")), key, &["some calls have no debug information"]);

    // Lines are not wanted, the finding is not shown, or the source is known.
    let silent = |image: &[u8], policy: &Policy| assert_eq!(count(&verify(image, policy)), 0);
    silent(&without, Policy::default().set_source_lines(false));
    silent(&without, Policy::default().set(FindingKey::CallRegister, Level::Note));
    silent(&image(&register.replace("tramp", "site_tramp"), ("", "")), &Policy::default());
    let in_data = image("call tramp\n ret\n .data\n .quad tramp\n .text", ("", ""));
    silent(&in_data, Policy::default().set(FindingKey::TrampAddressTaken, Level::Warn));
}

#[test]
fn tables() {
    let missing = image("call tramp\n ret", ("", ""));
    let key = FindingKey::TableMissing;
    check(&missing, key, &["the image has static calls but no table"]);
}
