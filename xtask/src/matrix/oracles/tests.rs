use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::{fs, process};

use super::{Found, branch_grade, grade};
use crate::run::{output, scratch};

/// Kind, grade and length, by offset from the beginning of the function.
type Row = (u64, &'static str, &'static str, u8);

const CODE: &str = r#"
        .section .trampolines, "ax"
        .globl  _10trampoline
        .type   _10trampoline, @function
        .p2align 3
_10trampoline:
2:      jmp     *slot(%rip)
        .size   _10trampoline, . - _10trampoline

        .section static_call_0_1_trampolines, "a"
        .long   _10trampoline - .
        .zero   12

        .data
        .p2align 3
slot:   .quad   f
        .quad   _10trampoline

        .text
        .p2align 12
        .globl  f
        .type   f, @function
f:      call    _10trampoline
        .org    7, 0x90
        jmp     _10trampoline
        .org    20, 0x90
        jne     _10trampoline
        .org    61, 0x90
        call    _10trampoline
        .org    72, 0x90
        call    *_10trampoline@GOTPCREL(%rip)
        jmp     *_10trampoline@GOTPCREL(%rip)
        .org    88, 0x90
        mov     _10trampoline@GOTPCREL(%rip), %r14
        lea     _10trampoline(%rip), %rdi
"#;

const ROWS: [Row; 8] = [
    (0, "call", "quad", 5),
    (7, "jmp", "disp", 5),
    (20, "jcc", "line", 6),
    (61, "call", "straddle", 5),
    (72, "call-got", "none", 6),
    (78, "jmp-got", "none", 6),
    (88, "register", "none", 7),
    (95, "taken", "none", 7),
];

/// Code that does not name a trampoline.
const NOTHING: &str = r#"
        call    f
        nopw    0(%rax,%rax)
        .byte   0x66
        ret
        .size   f, . - f
"#;

/// Branches whose forms relocations do not show, and the address of a word that holds a trampoline.
const SHORT: &str = r#"
        .section .trampolines
        .type   g, @function
g:      .byte   0xeb, 2b - . - 1
        .byte   0x74, 2b - . - 1
        bnd call 2b
        .byte   0x67
        call    2b
        lea     _10trampoline@GOTPCREL(%rip), %rdi
        .size   g, . - g
"#;

fn link(name: &str, code: &str, args: &[&str]) -> Found {
    let dir = scratch("oracles").join(format!("{name}-{}", process::id()));
    fs::create_dir_all(&dir).unwrap();
    let (source, image): (PathBuf, PathBuf) = (dir.join("code.s"), dir.join("image"));
    fs::write(&source, code).unwrap();
    let mut command = Command::new("cc");
    command.args(["-nostdlib", "-Wa,-mrelax-relocations=no", "-Wl,--no-relax,-e,f"]);
    output(command.args(args).arg(&source).arg("-o").arg(&image)).unwrap();
    let found = Found::read(&image).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    found
}

fn rows<'a>(references: impl IntoIterator<Item = &'a super::Reference>) -> Vec<Row> {
    let row = |r: &super::Reference| (r.address & 0xfff, r.kind, r.grade, r.length);
    references.into_iter().map(row).collect()
}

#[test]
fn every_oracle_finds_every_kind() {
    for pie in ["-pie", "-no-pie"] {
        let args = [pie, "-Wl,--emit-relocs"];
        let found = link(&format!("kinds{pie}"), &(CODE.to_owned() + NOTHING), &args);
        assert_eq!(rows(&found.iced.0), ROWS, "{pie}");
        assert_eq!(rows(&found.objdump.0), ROWS, "{pie}");
        let (code, data): (Vec<_>, Vec<_>) =
            found.relocations.0.iter().partition(|r| found.facts.is_code(r.address));
        assert_eq!(rows(code), ROWS, "{pie}");
        assert!(matches!(data.as_slice(), [d] if d.kind == "taken" && d.length == 0), "{data:?}");
    }
}

#[test]
fn numbers_are_addresses_where_the_image_is_fixed() {
    let numbers = "
        mov     $_10trampoline, %edi
        movabs  $_10trampoline, %rsi
        mov     _10trampoline, %eax
        mov     $_10trampoline, %rdx
";
    let code = CODE.to_owned() + numbers + NOTHING;
    let found = link("numbers", &code, &["-no-pie"]);
    let rest = [(102, "taken", "none", 5), (107, "taken", "none", 10), (117, "taken", "none", 7)];
    let rest = rest.into_iter().chain([(124, "taken", "none", 7)]);
    let expected: Vec<Row> = ROWS.into_iter().chain(rest).collect();
    assert_eq!(rows(&found.iced.0), expected);
    assert_eq!(rows(&found.objdump.0), expected);
}

#[test]
fn branches_that_may_not_be_rewritten_have_no_grade() {
    let code = CODE.to_owned() + NOTHING + SHORT;
    let found = link("short", &code, &["-pie"]);
    let short = |set: &BTreeSet<super::Reference>| {
        let trampoline = found.facts.trampolines.first().copied();
        let new = set.iter().filter(|r| Some(r.address) > trampoline);
        new.map(|r| (r.kind, r.grade, r.length)).collect::<Vec<_>>()
    };
    let expected =
        [("jmp", "none", 2), ("jcc", "none", 2), ("call", "none", 6), ("call", "quad", 6)];
    assert_eq!(short(&found.iced.0), expected);
    assert_eq!(short(&found.objdump.0), expected);
}

/// Each oracle can disagree by itself.
#[test]
fn a_difference_is_an_error_that_names_the_oracle() {
    let code = CODE.to_owned() + NOTHING;
    let found = || link("difference", &code, &["-pie", "-Wl,--emit-relocs"]);
    let all = found().relocations.0;
    let counts = found().compare(&all).unwrap();
    assert_eq!((counts.references, counts.oracles()), (9, 3));
    let missing = |change: fn(&mut Found)| {
        let mut found = found();
        change(&mut found);
        found.compare(&all).unwrap_err().to_string()
    };
    let message = missing(|f| _ = f.relocations.0.pop_first());
    assert!(message.contains("by relocations"), "{message}");
    let message = missing(|f| _ = f.iced.0.pop_first());
    assert!(message.contains("by iced-x86"), "{message}");
    let message = missing(|f| _ = f.objdump.0.pop_first());
    assert!(message.contains("by objdump"), "{message}");
    // What the verifier left out, or graded better than it is.
    let mut fewer = all.clone();
    let mut first = fewer.pop_first().unwrap();
    assert!(found().compare(&fewer).is_err());
    first.grade = "disp";
    fewer.insert(first);
    assert!(found().compare(&fewer).is_err());
    // Without relocations the other two are enough.
    let without = link("without", &code, &["-pie"]);
    let in_code = all.into_iter().filter(|r| without.facts.is_code(r.address)).collect();
    assert_eq!(without.compare(&in_code).unwrap().oracles(), 2);
    assert!(without.compare(&BTreeSet::new()).is_err());
}

#[test]
fn grades_match_the_table_in_design() {
    assert_eq!(grade(0x1003, 5), "quad");
    assert_eq!(grade(0x1007, 5), "disp");
    assert_eq!(grade(0x1004, 5), "line");
    assert_eq!(grade(0x103c, 5), "straddle");
    // A displacement that fills half a quadword after the end of a line is patchable.
    assert_eq!(grade(0x103f, 5), "disp");
    assert_eq!(grade(0x1002, 6), "quad");
    assert_eq!(branch_grade(0x1000, &[0xe8, 0, 0, 0, 0]), "quad");
    assert_eq!(branch_grade(0x1000, &[0xeb, 0]), "none");
    assert_eq!(branch_grade(0x1000, &[0xf2, 0xe8, 0, 0, 0, 0]), "none");
}
