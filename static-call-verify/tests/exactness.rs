//! What is a call instruction and what is not: programs in assembly, some of them hostile.

mod images;
mod reports;

use images::{function, linkers};
use reports::{check, has, only};
use static_call_verify::report::{Grade, Kind, Reason};
use static_call_verify::{FindingKey, Policy, Report, Stamped, stamp, table_object, verify};

/// Returns the report of one function `f`.
fn body(text: &str) -> Report {
    check(&function("f", text), &["-pie"])
}

#[test]
fn records_are_read() {
    let report = body("call tramp\n call site_tramp\n ret");
    let key = &report.keys[0];
    assert_eq!((key.path(), key.source.to_string()), ("module::key".into(), "file.rs:5:9".into()));
    assert_eq!(key.signature, "fn key()");
    let calls: Vec<_> = report.calls.iter().map(|c| (c.kind, c.length, c.site)).collect();
    assert_eq!(calls, [(Kind::Call, 5, None), (Kind::Call, 5, Some(0))]);
    assert_eq!(report.calls[1].source.as_ref().map(ToString::to_string).unwrap(), "file.rs:11:13");
    assert_eq!(report.calls[0].function.as_deref(), Some("_start"));
    assert_eq!(report.summary.sites, 2, "a `call!`, and the plain calls of the key");
}

#[test]
fn kinds_and_grades() {
    let report = body(
        ".p2align 6
         call tramp                 # 0: quad
         .nops 2                    # 5
         call tramp                 # 7: the displacement in the next quadword: disp
         .nops 1                    # 12
         call tramp                 # 13: 14..18 crosses 16: line
         .nops 4                    # 18
         .byte 0x67
         call tramp                 # 22: 22..28, disp 24..28
         .p2align 6
         .nops 62
         call tramp                 # 62: disp 63..67: straddle
         jne tramp
         jmp tramp",
    );
    let found: Vec<_> = report.calls.iter().map(|c| (c.kind, c.grade, c.length)).collect();
    let expected = [
        (Kind::Call, Grade::Quad, 5),
        (Kind::Call, Grade::Disp, 5),
        (Kind::Call, Grade::Line, 5),
        (Kind::Call, Grade::Disp, 6),
        (Kind::Call, Grade::Straddle, 5),
        (Kind::Jcc, Grade::Disp, 6),
        (Kind::Jmp, Grade::Line, 5),
    ];
    assert_eq!(found[..5], expected[..5], "{report}");
    assert_eq!(found.iter().map(|c| c.0).collect::<Vec<_>>(), expected.map(|c| c.0));
    assert!(report.calls.iter().all(|call| call.inline), "{report}");
    // A note for each call that is retargeted in steps, and for no other.
    let noted = |key| {
        let of_key = report.findings.iter().filter(move |f| f.key == key);
        of_key.filter_map(|f| f.address).collect::<Vec<_>>()
    };
    let graded = |grade| {
        let of_grade = report.calls.iter().filter(move |c| c.grade == grade);
        of_grade.map(|c| c.address).collect::<Vec<_>>()
    };
    assert_eq!(noted(FindingKey::CallGradeLine), graded(Grade::Line), "{report}");
    assert_eq!(noted(FindingKey::CallGradeStraddle), graded(Grade::Straddle), "{report}");
}

#[test]
fn bytes_inside_an_instruction_are_not_a_call() {
    // The immediate holds `e8` and a displacement that leads to the trampoline.
    let report = body(".byte 0x48, 0xb8, 0xe8\n.long tramp - . - 4\n.byte 0, 0, 0\n ret");
    assert!(report.calls.is_empty(), "{report}");
    // The end of a displacement and the beginning of the next instruction.
    let report = body(".byte 0xe8, 0\n.long tramp - . - 4\n.byte 0xc0\n ret");
    assert!(report.calls.is_empty(), "{report}");
    // An immediate that would lead there as a displacement.
    let report = body(".byte 0xb8\n.long tramp - . - 4\n ret");
    assert!(report.calls.is_empty(), "{report}");
}

#[test]
fn data_that_is_jumped_over_is_not_proved() {
    let report = body("jmp 1f\n.byte 0xe8\n.long tramp - . - 4\n1: ret");
    assert_eq!(only(&report).reason, Some(Reason::NotProved));
    assert!(has(&report, FindingKey::ImageUndecodable));
}

#[test]
fn data_after_a_return_is_not_proved() {
    let report = body("ret\n.byte 0xe8\n.long tramp - . - 4");
    assert_eq!(only(&report).reason, Some(Reason::NotProved));
}

#[test]
fn data_that_the_function_reads_leaves_a_doubt() {
    // When decoded from the start, the data swallows the beginning of the code after it.
    let report = body("mov 2f(%rip), %rax\n jmp 1f\n2: .quad 0xb848\n1: call tramp\n ret");
    assert!(report.calls.iter().all(|c| !c.inline), "{report}");
    let report = body(
        "lea 2f(%rip), %rax\n test %eax, %eax\n je 1f\n2: .quad 0x9090909090909090\n\
         1: call tramp\n ret",
    );
    assert!(report.calls.iter().all(|c| !c.inline), "{report}");
}

#[test]
fn a_branch_into_an_instruction_leaves_a_doubt() {
    let report = body("jmp 1f\n.byte 0xb8\n1: call tramp\n ret");
    assert!(report.calls.iter().all(|c| !c.inline), "{report}");
    assert!(has(&report, FindingKey::ImageUndecodable));
}

#[test]
fn undecodable_bytes_leave_a_doubt() {
    let report = body("call tramp\n ret\n .byte 0x06, 0x06");
    assert_eq!(only(&report).reason, Some(Reason::NotProved));
    assert_eq!(only(&report).grade, Grade::None);
}

#[test]
fn symbols_inside_an_instruction_leave_a_doubt() {
    let report = body(".byte 0xb8\ninner: .byte 0, 0, 0, 0\n call tramp\n ret");
    assert_eq!(only(&report).reason, Some(Reason::NotProved));
    let report = body("nop\n.type data, @object\ndata: .byte 0x90\n call tramp\n ret");
    assert_eq!(only(&report).reason, Some(Reason::NotProved));
}

#[test]
fn overlapping_functions_are_one() {
    // `g` starts inside an instruction of `f`, and both claim the call.
    let text =
        ".type g, @function\n.byte 0xb8\ng: .byte 0, 0, 0, 0\n call tramp\n ret\n.size g, . - g";
    assert_eq!(only(&body(text)).reason, Some(Reason::NotProved));
    // An alias and a second entry at a boundary are fine.
    let text = ".type g, @function\n nop\ng: call tramp\n ret\n.size g, . - g";
    let report = body(text);
    assert!(only(&report).inline, "{report}");
    assert_eq!(only(&report).function.as_deref(), Some("g"));
}

#[test]
fn operand_size_prefixes_are_ambiguous() {
    let report = body(".byte 0x66\n call tramp\n ret");
    assert!(report.calls.iter().all(|c| !c.inline), "{report}");
    let report = body(".byte 0x66\n call shim\n call tramp\n ret");
    assert_eq!(only(&report).reason, Some(Reason::NotProved));
    let report = body(".byte 0x2e\n call tramp\n ret");
    assert_eq!(only(&report).reason, Some(Reason::UnusualPrefix));
}

#[test]
fn short_jumps_are_reported() {
    let near = ".section .text.tramp\n.type f, @function\nf:\n.cfi_startproc\n test %eax, %eax\n\
                .byte 0x74, tramp - . - 1\n.byte 0xeb, tramp - . - 1\n.cfi_endproc\n.size f, . - f";
    let report = check(near, &["-pie"]);
    let kinds: Vec<_> =
        report.calls.iter().map(|c| (c.kind, c.grade, c.reason, c.length)).collect();
    let short = Some(Reason::ShortJump);
    let expected = [(Kind::Jcc, Grade::None, short, 2), (Kind::Jmp, Grade::None, short, 2)];
    assert_eq!(kinds, expected);
}

#[test]
fn jump_tables_and_landing_pads_lead_to_calls() {
    let report = body(
        "lea table(%rip), %rax
         movslq (%rax,%rdi,4), %rcx
         add %rax, %rcx
         jmp *%rcx
      1: call tramp
         ret
         .p2align 3
      2: call site_tramp
         ret
         .section .rodata.table,\"a\"
         .p2align 2
   table: .long 1b - table, 2b - table
         .text",
    );
    assert_eq!(report.summary.inline, 2, "{report}");
    let no_table = body("jmp *%rdi\n call tramp\n ret");
    assert_eq!(only(&no_table).reason, Some(Reason::NotProved));
    let pad = body(
        ".cfi_lsda 0x1b, lsda
      1: call shim
      2: ret
         .p2align 3
      3: call tramp
         ud2
         .section .gcc_except_table,\"a\"
    lsda: .byte 0xff, 0xff, 0x01, 4
         .byte 1b - f, 2b - 1b, 3b - f, 0
         .text",
    );
    assert!(only(&pad).inline, "{pad}");
}

#[test]
fn no_extent_no_call() {
    let report = check("f: call tramp\n ret", &["-pie"]);
    assert_eq!(only(&report).reason, Some(Reason::NoExtent));
    assert!(has(&report, FindingKey::ImageNoFunctionExtents));
    // In a stripped image the unwind table knows the function; without it nothing does.
    let text = function("f", "call tramp\n ret");
    for (args, inline) in [(["-pie", "-s"], true), (["-pie", "-s"], false)] {
        let text = if inline { text.clone() } else { text.replace(".cfi_", "# .cfi_") };
        let report = check(&text, &args);
        assert_eq!(only(&report).inline, inline, "{report}");
    }
}

#[test]
fn unwind_table_without_header() {
    let report =
        check(&function("f", "call tramp\n ret"), &["-pie", "-s", "-Wl,--no-eh-frame-hdr"]);
    assert!(only(&report).inline, "{report}");
}

#[test]
fn addresses_are_reported() {
    let report = body("lea tramp(%rip), %rax\n ret\n.data\n.p2align 3\n.quad tramp\n.text");
    let found: Vec<_> = report.calls.iter().map(|c| (c.kind, c.reason, c.length)).collect();
    let computed = (Kind::AddressTaken, Some(Reason::AddressComputed), 7);
    assert_eq!(found, [computed, (Kind::AddressTaken, Some(Reason::AddressInData), 0)]);
    assert_eq!((report.summary.calls, report.summary.address_taken), (0, 2));
}

#[test]
fn addresses_in_packed_relocations() {
    let text = function("f", "ret") + ".data\n.p2align 3\n.quad tramp, 0, tramp\n.text";
    for linker in linkers(&["lld"]) {
        let report = check(&text, &["-pie", &linker, "-Wl,--pack-dyn-relocs=relr"]);
        assert_eq!(report.summary.address_taken, 2, "{report}");
    }
}

#[test]
fn executables_at_fixed_addresses() {
    let text = function("f", "call tramp\n mov $tramp, %edi\n ret")
        + ".data\n.p2align 3\n.quad tramp\n.text";
    for linker in linkers(&["bfd", "lld", "mold"]) {
        let report = check(&text, &["-no-pie", "-static", &linker]);
        let kinds: Vec<_> = report.calls.iter().map(|c| (c.kind, c.inline)).collect();
        let address = (Kind::AddressTaken, false);
        assert_eq!(kinds, [(Kind::Call, true), address, address], "{linker}: {report}");
    }
}

#[test]
fn numbers_of_the_large_code_model() {
    let from_got = "lea -7(%rip), %rax\n movabs $_GLOBAL_OFFSET_TABLE_+9, %rcx\n add %rcx, %rax\n \
                    movabs $tramp@GOTOFF, %rdx\n movabs $site_tramp@GOTOFF, %r11\n \
                    movabs $tramp@GOT, %rdx\n ret";
    let absolute = "movabs $tramp, %rdx\n movabs $site_tramp, %r11\n ret";
    let code_model = Some(Reason::CodeModel);
    let linkers = [("ld", "-fuse-ld=bfd"), ("ld.lld", "-fuse-ld=lld"), ("mold", "-fuse-ld=mold")];
    for (_, linker) in linkers.into_iter().filter(|(program, _)| images::have(&[*program])) {
        for (body, mode, sites) in [
            (from_got, "-pie", &[None, Some(0), None][..]),
            (from_got, "-shared", &[None, Some(0), None]),
            (from_got, "-static", &[None, Some(0), None]),
            (absolute, "-static", &[None, Some(0)]),
        ] {
            let args = [mode, linker, "-s"];
            let args =
                if mode == "-static" { [&args[..], &["-no-pie"]].concat() } else { args.to_vec() };
            let report = check(&function("f", body), &args);
            let found: Vec<_> = report.calls.iter().map(|c| (c.kind, c.reason, c.site)).collect();
            let expected: Vec<_> = sites.iter().map(|s| (Kind::Register, code_model, *s)).collect();
            assert_eq!(found, expected, "{linker} {mode}: {report}");
            assert!(has(&report, FindingKey::CallRegister), "{report}");
        }
    }
}

#[test]
fn numbers_that_look_like_addresses() {
    // As a number, the displacement of the call is an address inside the trampoline.
    let text = function(
        "f",
        ".byte 0xe8
         .long tramp + 1
         mov $tramp + 2, %eax
         mov $tramp + 0x1000, %eax
         call tramp
         ret",
    );
    for linker in linkers(&["bfd", "lld"]) {
        let report = check(&text, &["-no-pie", "-static", &linker]);
        assert_eq!(only(&report).kind, Kind::Call, "{report}");
        assert!(!has(&report, FindingKey::TrampEntered), "{report}");
    }
}

#[test]
fn trampolines_are_checked() {
    let broken = |from: &str, to: &str| {
        let prelude = images::PRELUDE.replacen(from, to, 1);
        assert_ne!(prelude, images::PRELUDE);
        let text = format!("{prelude}.text\n{}.set _start, f\n", function("f", "call tramp\n ret"));
        let object = images::assemble(&text);
        let report = verify(&images::link(&[&object], &["-pie"]), &Policy::default());
        let _ = std::fs::remove_file(object);
        assert!(report.calls.iter().all(|c| !c.inline), "{report}");
        report
    };
    let misaligned = broken("tramp:\n    .byte", " nop\ntramp:\n    .byte");
    assert!(has(&misaligned, FindingKey::TrampMisaligned), "{misaligned}");
    let padding = broken(".byte 0xcc, 0xcc, 0xcc\n", ".byte 0x90, 0x90, 0x90\n");
    assert!(has(&padding, FindingKey::TrampBytes), "{padding}");
    let elsewhere =
        broken("tramp:\n    .byte 0xe9\n    .long stub", "tramp:\n    .byte 0xe9\n    .long shim");
    assert!(has(&elsewhere, FindingKey::TrampBytes), "{elsewhere}");
    let call = broken("tramp:\n    .byte 0xe9", "tramp:\n    .byte 0xe8");
    assert!(has(&call, FindingKey::TrampBytes), "{call}");
    let slot = broken("REX_GOTPCRELX, record - 4", "REX_GOTPCRELX, record + 4");
    assert!(has(&slot, FindingKey::TrampBytes), "{slot}");
    let register = broken("jmp *(%r11)", "jmp *(%r10)");
    assert!(has(&register, FindingKey::TrampBytes), "{register}");
    let stub = broken("tramp - ., stub - .", "tramp - ., shim - .");
    assert!(has(&stub, FindingKey::RecordCorrupt), "{stub}");
    let name = broken(".short 6, 3", ".short 6, 0x7fff");
    assert!(has(&name, FindingKey::RecordCorrupt), "{name}");
    let text = format!(
        "{}.text\n{}.set _start, f\n",
        images::PRELUDE,
        function("f", "call tramp\n call tramp + 2\n ret")
    );
    let object = images::assemble(&text);
    let entered = verify(&images::link(&[&object], &["-pie"]), &Policy::default());
    assert!(has(&entered, FindingKey::TrampEntered), "{entered}");
    assert_eq!(entered.summary.inline, 0, "{entered}");
}

#[test]
fn calls_through_the_got_are_rewritten() {
    let text = format!(
        ".text\n{}.set _start, f\n",
        function(
            "f",
            ".p2align 6
             .byte 0xff, 0x15            # as lld leaves it: `call *tramp@GOTPCREL(%rip)`
             .reloc ., R_X86_64_GOTPCREL, tramp - 4
             .long 0
             .nops 2
             mov tramp@GOTPCREL(%rip), %rax
             call *data(%rip)
             .byte 0xff, 0x25
             .reloc ., R_X86_64_GOTPCREL, site_tramp - 4
             .long 0
             .data
             .p2align 3
       data: .quad tramp
             .text"
        )
    );
    let table = images::fresh("table.o");
    std::fs::write(&table, table_object(9, &Policy::default())).unwrap();
    let object = images::assemble(&format!("{}{text}", images::PRELUDE));
    for (linker, kind) in [("bfd", "-pie"), ("lld", "-pie"), ("bfd", "-no-pie")] {
        let Some(linker) = linkers(&[linker]).pop() else { continue };
        let args = [kind, &linker, "-Wl,--no-relax"];
        let mut image = images::link(&[&object, &table], &args);
        let before = verify(&image, &Policy::default());
        let kinds = |r: &Report| r.calls.iter().map(|c| c.kind).collect::<Vec<_>>();
        let (got, reg, taken) = (Kind::CallGot, Kind::Register, Kind::AddressTaken);
        assert_eq!(kinds(&before), [got, reg, Kind::JmpGot, taken], "{args:?} {before}");
        assert_eq!(before.summary.via_got, 2);
        let (report, stamped) = stamp(&mut image, &Policy::default());
        assert_eq!(stamped, Stamped::Done { entries: 4, rewritten: 2 }, "{report}");
        assert_eq!(kinds(&report), [Kind::Call, reg, Kind::Jmp, taken], "{report}");
        assert_eq!(report, verify(&image, &Policy::default()));
        assert_eq!((report.calls[0].length, report.calls[0].grade), (6, Grade::Quad));
    }
}

#[test]
fn calls_of_interposable_trampolines_are_not_rewritten() {
    let text = format!(
        "{}.text\n.globl visible\n.set visible, tramp\n{}.set _start, f\n",
        images::PRELUDE,
        function("f", "call visible@PLT\n call *visible@GOTPCREL(%rip)\n ret")
    );
    let object = images::assemble(&text);
    for linker in linkers(&["bfd", "lld", "mold"]) {
        let report = verify(&images::link(&[&object], &["-shared", &linker]), &Policy::default());
        let found: Vec<_> = report.calls.iter().map(|c| (c.kind, c.reason)).collect();
        let via_plt = (Kind::Call, Some(Reason::ThroughPlt));
        let via_got = (Kind::CallGot, Some(Reason::ThroughGot));
        assert_eq!(found, [via_plt, via_got], "{linker}: {report}");
        assert!(has(&report, FindingKey::CallViaPlt) && has(&report, FindingKey::CallViaGot));
    }
}
