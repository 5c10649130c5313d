//! The contents of a doubtful function: calls that a contradiction leads to, and bytes that only
//! look like a call.

mod images;
mod reports;

use images::function;
use reports::{check, has, only};
use static_call_verify::report::Reason;
use static_call_verify::{FindingKey, Policy, Report, verify};

/// Returns the report of a function with `89 e8` (`mov %ebp, %eax`) before an instruction that
/// begins with `a9` and whose first four bytes, as the displacement of a call, lead `into` the
/// trampoline.
fn phantom(into: u64, rest: &str) -> Report {
    let prelude = images::PRELUDE.replace(
        ".text.tramp,\"ax\",@progbits\n    .p2align 3",
        ".text.tramp,\"ax\",@progbits\n    .p2align 8",
    );
    assert_ne!(prelude, images::PRELUDE);
    let before = 0x51 + into;
    let body = format!(
        ".p2align 8\n .skip {before}, 0x90\n .byte 0x89, 0xe8\n .long tramp + {into} - . - 4\n \
         .byte 0\n call tramp\n {rest}"
    );
    let object = images::assemble(&format!("{prelude}{}.set _start, f\n", function("f", &body)));
    let image = images::link(&[&object], &["-pie"]);
    let _ = std::fs::remove_file(object);
    assert!(image.windows(3).any(|bytes| bytes == [0x89, 0xe8, 0xa9]));
    verify(&image, &Policy::default())
}

#[test]
fn bytes_across_instructions_are_not_a_call_even_in_a_doubtful_function() {
    assert!(only(&phantom(0, "ret")).inline);
    let doubts = [
        "ret\n.type data, @object\ndata: ret",
        "ret\n .byte 0xb8\ninner: .byte 0, 0, 0, 0",
        "jmp 1f\n.byte 0xb8\n1: .byte 0, 0, 0, 0\n ret",
        "mov 1f(%rip), %eax\n ret\n1: .long 0x90909090",
        ".byte 0x66\n call shim\n ret",
        "ret\n .byte 0x06",
    ];
    for doubt in doubts {
        let report = phantom(0, doubt);
        assert_eq!(only(&report).reason, Some(Reason::NotProved), "{doubt}: {report}");
        assert_eq!(only(&report).length, 5, "the real one: {report}");
    }
    // Whatever would disable a trampoline does so at the slightest doubt.
    assert!(!has(&phantom(2, "ret"), FindingKey::TrampEntered));
    for doubt in doubts {
        let report = phantom(2, doubt);
        assert!(has(&report, FindingKey::TrampEntered), "{doubt}: {report}");
    }
}

#[test]
fn calls_that_a_contradiction_leads_to_are_reported() {
    // When decoded from the start, each of them is inside a longer instruction.
    for (before, after) in [
        ("jmp 1f\n .byte 0xb8\n1:", ""),
        ("test %eax, %eax\n je 1f\n ret\n .byte 0x48, 0xb8\n1: nop\n", ""),
        ("ret\n .byte 0xb8\ninner:", ""),
        ("ret\n .type data, @object\ndata: .byte 0xb8\n.size data, 1\n", ""),
        ("lea 1f(%rip), %rax\n jmp *%rax\n .byte 0xb8\n1:", ""),
        (".byte 0x06\n", ""),
        ("jmp 1f\n .byte 0xb8\n1:", ".byte 0x06"),
    ] {
        let f = function("f", &format!("{before} call tramp\n ret\n {after}"));
        let report = check(&f, &["-pie"]);
        assert_eq!(only(&report).reason, Some(Reason::NotProved), "{before}: {report}");
    }
}

#[test]
fn doubts_are_described() {
    let said = |rest: &str, what: &str| {
        let report = check(&function("f", &format!("call tramp\n ret\n {rest}")), &["-pie"]);
        let said = report.findings.iter().any(|f| f.message.contains(what));
        assert!(said && report.summary.inline == 0, "{what}: {report}");
    };
    said(".type data, @object\ndata: ret", "a symbol marks data at ");
    said(".byte 0xb8\ninner: .byte 0, 0, 0, 0", "a symbol lies in the middle of the instruction");
}
