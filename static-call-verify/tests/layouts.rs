//! Calls in every place where linkers put code, and files that have no code or contradict
//! themselves.

mod images;
mod reports;

use images::{function, image, linkers};
use reports::{check, has, only, verified};
use static_call_verify::{FindingKey, Policy, Stamped, stamp, verify};

#[test]
fn several_sections_of_code_and_cold_parts() {
    let cold = function("f", "call tramp\n test %eax, %eax\n jne f.cold\n ret")
        + ".section .text.unlikely,\"ax\"\n"
        + &function("f.cold", "call site_tramp\n jmp f")
        + ".section other_code,\"ax\"\n"
        + &function("other", "nop\n call tramp\n ret")
        + ".text\n";
    let split =
        linkers(&["lld"]).pop().map(|lld| vec![lld, "-Wl,-z,keep-text-section-prefix".into()]);
    for args in [Some(vec![]), split].into_iter().flatten() {
        let args: Vec<_> = args.iter().map(String::as_str).chain(["-pie"]).collect();
        let report = check(&cold, &args);
        assert_eq!((report.summary.calls, report.summary.inline), (3, 3), "{report}");
        let names: Vec<_> = report.calls.iter().filter_map(|c| c.function.as_deref()).collect();
        assert!(names.contains(&"f.cold") && names.contains(&"other"), "{names:?}");
    }
}

#[test]
fn folded_functions_are_one() {
    // This is what `--icf=all` leaves: two names and two sizes at one address.
    let text =
        function("f", "call tramp\n ret") + ".type twin, @function\n.set twin, f\n.size twin, 6\n";
    assert!(only(&check(&text, &["-pie"])).inline);
    // These are folded by the linker itself.
    let same = |n: &str| format!(".section .text.{n},\"ax\"\n{}", function(n, "call tramp\n ret"));
    let text = function("f", "call a\n jmp b") + &same("a") + &same("b") + ".text\n";
    for linker in linkers(&["lld"]) {
        let report = check(&text, &["-pie", &linker, "-Wl,--icf=none"]);
        assert_eq!((report.summary.calls, report.summary.inline), (2, 2), "{report}");
        let report = verified(&text, &["-pie", &linker, "-Wl,--icf=all"]);
        assert_eq!((report.summary.calls, report.summary.inline), (1, 1), "{report}");
        // The trampolines of a key are identical code, so only one record of them is left.
        let [folded] = &report.trampolines[..] else { panic!("{report}") };
        assert!(folded.is_sound && folded.is_plain != (folded.sites == [0]), "{report}");
    }
}

#[test]
fn absolute_jump_tables_lead_to_calls() {
    let text = function(
        "f",
        "jmp *table(,%rdi,8)\n1: call tramp\n ret\n.p2align 3\n2: call site_tramp\n ret\n\
         .section .rodata.table,\"a\"\n.p2align 3\ntable: .quad 1b, 2b\n.text",
    );
    let report = check(&text, &["-no-pie", "-static"]);
    assert_eq!((report.summary.calls, report.summary.inline), (2, 2), "{report}");
}

#[test]
fn version_scripts_settle_who_is_called() {
    let script = images::fresh("script");
    let text = format!(
        "{}.text\n.globl visible\n.set visible, tramp\n{}.set _start, f\n",
        images::PRELUDE,
        function("f", "call visible@PLT\n ret")
    );
    let object = images::assemble(&text);
    for (body, inline) in [("{ local: *; };", true), ("V1 { global: visible; local: *; };", false)]
    {
        std::fs::write(&script, body).unwrap();
        let version = format!("-Wl,--version-script={}", script.display());
        for linker in linkers(&["bfd", "lld", "mold"]) {
            let image = images::link(&[&object], &["-shared", &linker, &version]);
            let report = verify(&image, &Policy::default());
            assert_eq!(only(&report).inline, inline, "{linker} {body}: {report}");
        }
    }
}

#[test]
fn debug_information_compressed_split_off_or_gone() {
    let text = format!(".text\n{}.set _start, f\n", function("f", "call tramp\n ret"));
    let object = images::assemble_with(&format!("{}{text}", images::PRELUDE), &["-g"]);
    let mut lines = Vec::new();
    for (how, linker) in
        [("none", "bfd"), ("none", "lld"), ("zlib", "bfd"), ("zlib", "lld"), ("zstd", "mold")]
    {
        let Some(linker) = linkers(&[linker]).pop() else { continue };
        let compressed = format!("-Wl,--compress-debug-sections={how}");
        let image = images::link(&[&object], &["-pie", &linker, &compressed]);
        let report = verify(&image, &Policy::default());
        assert!(report.image.has_debug_info && only(&report).inline, "{how}: {report}");
        lines.push(only(&report).source.clone().map(|s| s.line));
    }
    assert!(lines[0].is_some() && lines.iter().all(|l| *l == lines[0]), "{lines:?}");
    let (whole, part) = (images::fresh("whole"), images::fresh("part"));
    std::fs::write(&whole, images::link(&[&object], &["-pie"])).unwrap();
    for (how, is_program) in [("--strip-debug", true), ("--only-keep-debug", false)] {
        images::run(std::process::Command::new("objcopy").arg(how).args([&whole, &part]));
        let report = verify(&std::fs::read(&part).unwrap(), &Policy::default());
        assert_eq!(has(&report, FindingKey::ImageUnsupported), !is_program, "{how}: {report}");
        assert_eq!(report.summary.inline, usize::from(is_program), "{how}: {report}");
    }
}

#[test]
fn layouts_that_contradict_themselves_are_refused() {
    let good =
        image(&format!(".text\n{}.set _start, f\n", function("f", "call tramp\n ret")), &["-pie"]);
    assert_eq!(verify(&good, &Policy::default()).summary.inline, 1);
    let word = |at: usize| u64::from_le_bytes(*good[at..].first_chunk().unwrap());
    let (programs, sections) = (word(32) as usize, word(40) as usize);
    let text = (0..)
        .map(|i| sections + i * 64)
        .find(|&h| word(h + 8) == 6 && word(h + 4) as u32 == 1)
        .unwrap();
    let refused = |at: usize, value: u64| {
        let mut bad = good.clone();
        bad[at..at + 8].copy_from_slice(&value.to_le_bytes());
        let report = verify(&bad, &Policy::default());
        assert!(has(&report, FindingKey::ImageCorrupt) && report.calls.is_empty(), "{report}");
        assert!(matches!(stamp(&mut bad, &Policy::default()).1, Stamped::Refused));
    };
    // Code that the loader takes from elsewhere; code past the end of its segment; two sections at
    // the same place.
    refused(text + 24, word(text + 24) - 16);
    refused(text + 32, word(text + 32) + (1 << 20));
    refused(text + 64 + 16, word(text + 16));
    // A segment that covers the next one.
    let load = (0..)
        .map(|i| programs + i * 56)
        .find(|&h| word(h) as u32 == 1 && word(h + 16) == 0)
        .unwrap();
    refused(load + 40, 1 << 20);
}
