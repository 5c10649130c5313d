//! Code whose instruction boundaries are ambiguous, and slots that do not keep what the link put
//! there: none of its calls is inline.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod images;
mod reports;

use images::{PRELUDE, assemble, fresh, function, link, linkers};
use reports::check;
use static_call_verify::{Policy, Report, Stamped, stamp, table_object, verify};

/// Bytes that look like a call of `tramp`.
const LOOKS_LIKE_A_CALL: &str = ".byte 0xe8\n .long tramp - . - 4\n";
/// `call *tramp@GOTPCREL(%rip)`, in a form that no linker relaxes.
const CALL_THROUGH_SLOT: &str =
    ".byte 0xff, 0x15\n .reloc ., R_X86_64_GOTPCREL, SLOT - 4\n .long 0\n";

#[track_caller]
fn none_inline(report: &Report) {
    assert!(!report.calls.is_empty(), "{report}");
    assert_eq!(report.summary.inline, 0, "{report}");
}

/// Asserts that nothing in the function `f` is inline, but would be without `what`.
#[track_caller]
fn doubted(body: &str, what: &str, args: &[&str]) {
    assert!(body.contains(what));
    none_inline(&check(&function("f", body), args));
    let sound = check(&function("f", &body.replace(what, "")), args);
    assert_ne!(sound.summary.inline, 0, "{sound}");
}

#[test]
fn data_that_is_called_over() {
    let body = format!(".p2align 3\n .nops 3\n call 1f\n {LOOKS_LIKE_A_CALL}1: pop %rax\n ret");
    doubted(&body, "call 1f", &["-pie"]);
    // A call to the function's own start, or to another function's, is an ordinary call.
    for to in ["f", "inner"] {
        let body = format!(
            "call {to}\n .p2align 3\n call tramp\n ret\n .type inner, @function\ninner: ret"
        );
        let report = check(&function("f", &body), &["-pie"]);
        assert_eq!(report.summary.inline, 1, "{to}: {report}");
    }
}

#[test]
fn data_after_a_halt() {
    let body = format!(".p2align 3\n hlt\n {LOOKS_LIKE_A_CALL} ret");
    doubted(&body, "hlt", &["-pie"]);
}

/// Returns a table of call sites with one landing pad, `pad` bytes into the function.
fn landing_pad(pad: &str) -> String {
    format!(
        ".section .gcc_except_table,\"a\"\nlsda: .byte 0xff, 0xff, 0x01, 4\n \
         .byte 0, 1, {pad}, 0\n .text\n"
    )
}

#[test]
fn a_landing_pad_inside_an_instruction() {
    let body = format!(
        ".cfi_lsda 0x1b, lsda\n call shim\n .p2align 3\n1: call tramp\n ret\n {}",
        landing_pad("1b - f + 1")
    );
    doubted(&body, "+ 1", &["-pie"]);
}

#[test]
fn a_landing_pad_outside_its_function() {
    // It leads to data in `f` that nothing else leads to.
    let other = ".p2align 4\n .type g, @function\ng: .cfi_startproc\n .cfi_lsda 0x1b, lsda\n ret\n \
                 .cfi_endproc\n .size g, . - g\n .p2align 3\n";
    let body = format!("jmp 2f\n .p2align 3\n1: {LOOKS_LIKE_A_CALL}2: ret\n");
    let text = |other: &str| format!("{other}{}{}", function("f", &body), landing_pad("1b - g"));
    none_inline(&check(&text(other), &["-pie"]));
    // A call in `g` makes the verifier read its unwind table.
    let other = other.replace("ret\n", "call tramp\n ret\n");
    let report = check(&text(&other), &["-pie"]);
    let inline = report.calls.iter().filter(|c| c.inline);
    assert!(inline.clone().all(|c| c.function.as_deref() == Some("g")), "{report}");
    assert_eq!(report.calls.len() - inline.count(), 1, "{report}");
}

#[test]
fn an_unwind_table_that_begins_inside_an_instruction() {
    // The symbol `g` is too long. After its call, which does not return, `a8` swallows the first
    // byte of a function that has an unwind table and no symbol.
    let g = ".p2align 6\n .type g, @function\ng: .cfi_startproc\n call shim\n .cfi_endproc\n \
             .byte 0xa8\n .cfi_startproc\n .byte 0x66\n call tramp\n ret\n .cfi_endproc\n \
             .size g, . - g\n";
    none_inline(&check(&format!("{g}{}", function("f", "ret")), &["-pie"]));
}

#[test]
fn symbols_of_sections_that_are_not_loaded() {
    // `-Cinstrument-coverage` has such symbols: offsets from 0, which can equal addresses of code.
    let all = ".section notes,\"\",@progbits\n.macro each\n at\\@: .byte 0\n.endm\n.rept 0x3000\n \
               each\n.endr\n.text\n";
    let f = function("f", "call tramp\n ret");
    let report = check(&format!("{f}{all}"), &["-pie"]);
    let [call] = report.calls.as_slice() else { panic!("{report}") };
    assert!(call.inline && call.address + 1 < 0x3000, "{report}");
}

#[test]
fn a_rex_prefix_before_the_one_of_the_operand_size() {
    for rex in [0x40, 0x41, 0x48] {
        for branch in ["call", "jne"] {
            let what = format!(".byte {rex}, 0x66\n");
            let body = format!("{what} {branch} shim\n .p2align 3\n call tramp\n ret");
            doubted(&body, &what, &["-pie"]);
        }
    }
    // Right before the opcode, `REX.W` sets the operand size, and all processors agree.
    let body = ".byte 0x66, 0x48\n call shim\n .p2align 3\n call tramp\n ret";
    assert_eq!(check(&function("f", body), &["-pie"]).summary.inline, 1);
}

#[test]
fn data_by_its_absolute_address() {
    for load in ["mov $2f, %eax", "mov 2f, %eax", "lea 2f, %eax", "mov 2f(, %rdi, 8), %rax"] {
        let body = format!(
            "{load}\n test %eax, %eax\n je 1f\n2: .quad 0x9090909090909090\n .p2align 3\n\
             1: call tramp\n ret"
        );
        doubted(&body, load, &["-no-pie", "-static"]);
    }
    // Its own start is a function pointer, and the operand of a sum or a comparison is a number.
    for other in ["mov $f, %eax", "lea 1f(%rbx), %rax", "add $1f, %rax", "cmp $1f, %eax"] {
        let body = format!("{other}\n .p2align 3\n1: call tramp\n ret");
        let report = check(&function("f", &body), &["-no-pie", "-static"]);
        assert_eq!(report.summary.inline, 1, "{other}: {report}");
    }
}

/// Stamps a program with a table, and returns how many calls through slots were rewritten.
#[track_caller]
fn rewritten(text: &str, args: &[&str]) -> u32 {
    let table = fresh("table.o");
    std::fs::write(&table, table_object(9, &Policy::default())).unwrap();
    let object = assemble(&format!("{PRELUDE}.text\n{text}.set _start, f\n"));
    let mut image = link(&[&object, &table], args);
    for file in [object, table] {
        std::fs::remove_file(file).unwrap();
    }
    match stamp(&mut image, &Policy::default()) {
        (_, Stamped::Done { rewritten, .. }) => rewritten,
        (report, other) => panic!("{other:?} {report}"),
    }
}

#[test]
fn a_slot_that_a_resolver_fills() {
    let call = CALL_THROUGH_SLOT.replace("SLOT", "visible");
    let alias = ".globl visible\n .type visible, @TYPE\n .set visible, tramp\n";
    let text = |kind| {
        let f = function("f", &format!(".p2align 3\n {call} ret"));
        alias.replace("TYPE", kind) + &f
    };
    for (linker, more) in [("mold", None), ("lld", Some("-Wl,--apply-dynamic-relocs"))] {
        let Some(linker) = linkers(&[linker]).pop() else { continue };
        let args: Vec<_> =
            ["-no-pie", "-static", "-Wl,--no-relax", &linker].into_iter().chain(more).collect();
        assert_eq!(rewritten(&text("gnu_indirect_function"), &args), 0, "{linker:?}");
        assert_eq!(rewritten(&text("function"), &args), 1, "{linker:?}");
    }
}

#[test]
fn a_slot_that_can_be_written() {
    let call = CALL_THROUGH_SLOT.replace("SLOT", "tramp");
    let text = function("f", &format!(".p2align 3\n {call} ret"));
    for linker in linkers(&["bfd", "lld", "mold"]) {
        let args = ["-pie", "-Wl,--no-relax", &linker];
        assert_eq!(rewritten(&text, &args), 1, "{linker}");
        let writable = ["-pie", "-Wl,--no-relax", "-Wl,-z,norelro", &linker];
        assert_eq!(rewritten(&text, &writable), 0, "{linker}");
    }
}

/// Returns roughly how many bytes the report takes.
fn size(report: &Report) -> usize {
    let findings = report.findings.iter();
    let finding = |f: &static_call_verify::report::Finding| {
        f.message.len() + f.source.as_ref().map_or(0, |s| s.file.len())
    };
    findings.map(finding).sum()
}

#[test]
fn long_names_of_a_key_are_not_repeated_a_thousand_times() {
    const LENGTH: usize = 4000;
    let long = format!("\"{}\"", "k".repeat(LENGTH));
    let prelude = PRELUDE
        .replace(".short 6, 3, 7, 8", &format!(".short {LENGTH}, {LENGTH}, {LENGTH}, 8"))
        .replace("\"module\"", &long)
        .replace("\"key\"", &long)
        .replace("\"file.rs\"", &long);
    // Records of trampolines or jump labels that do not exist.
    for (section, rest) in [("trampolines", "0, 0"), ("labels", "1, 0, 0")] {
        let test = if section == "labels" { "tramp - .," } else { "" };
        let records = format!(
            ".section static_call_0_1_{section},\"ao\",@progbits,tramp\n .set i, 1\n .rept 20000\n \
             .long tramp + 8 * i + 1 - ., {test} stub - ., {rest}\n .set i, i + 1\n .endr\n"
        );
        let text = format!("{prelude}{records}.text\n{}.set _start, f\n", function("f", "ret"));
        let object = assemble(&text);
        let bytes = link(&[&object], &["-pie"]);
        std::fs::remove_file(object).unwrap();
        let report = verify(&bytes, &Policy::default());
        assert!(report.findings.len() >= 20_000, "{}", report.findings.len());
        let (size, most) = (size(&report), (64 * bytes.len() + (16 << 20)) + 512 * 20_000);
        assert!(size <= most, "{section}: {size} for {}", bytes.len());
    }
}

#[test]
fn long_paths_of_a_site_are_not_repeated_a_thousand_times() {
    const LENGTH: usize = 4000;
    let prelude = PRELUDE
        .replace("site:\n    .quad file, 7", &format!("site:\n    .quad long, {LENGTH}"))
        .replace("text: .ascii", &format!("long: .ascii \"{}\"\ntext: .ascii", "p".repeat(LENGTH)));
    let calls = function("f", ".rept 20000\n call site_tramp\n .endr\n ret");
    let object = assemble(&format!("{prelude}.text\n{calls}.set _start, f\n"));
    let bytes = link(&[&object], &["-pie"]);
    std::fs::remove_file(object).unwrap();
    let report = verify(&bytes, &Policy::default());
    assert_eq!(report.calls.len(), 20_000);
    let (size, most) = (report.to_string().len(), 64 * bytes.len() + (16 << 20) + 256 * 20_000);
    assert!(size <= most && size > 20 * LENGTH, "{size} for {}", bytes.len());
}
