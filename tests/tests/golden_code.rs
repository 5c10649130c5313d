//! The machine code of each kind of site at opt-level 3: as linked, and as bound.
//!
//! The essential properties of a static call are asserted for every compiler. `golden/code.txt` has
//! the whole text, which is compared if the same compiler produced it.
//! `BLESS=1 cargo test -p static-call-tests --test golden_code` rewrites it.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::fmt::Write as _;
use std::process::Command;

use iced_x86::{Instruction, Mnemonic};
use static_call::{Instance, call, flag, static_call};
use support::code::{Symbols, instructions, text};

/// Three words: more than two eightbytes, so it is passed by its address.
#[derive(Clone, Copy)]
pub struct Large(pub [u64; 3]);

#[static_call]
fn add(x: u64, y: u64) -> u64 {
    x ^ y
}

#[static_call]
fn sum(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64) -> u64 {
    a ^ b ^ c ^ d ^ e ^ f ^ g
}

#[static_call]
fn fold(large: Large) -> u64 {
    large.0[0] ^ large.0[1] ^ large.0[2]
}

#[static_call]
fn on_request(x: u64, y: u64);

#[static_call]
fn answer(x: u64) -> Option<u64>;

flag! {
    static RARE = false;
}

flag! {
    static USUAL = true;
}

#[static_call(default = Plain)]
trait Codec {
    fn encode(&self, x: u64, y: u64) -> u64;
}

#[derive(Instance)]
struct Plain;

impl Codec for Plain {
    fn encode(&self, x: u64, y: u64) -> u64 {
        x ^ y ^ 2
    }
}

/// Represents something expensive.
#[inline(never)]
fn expensive(x: u64) -> u64 {
    std::hint::black_box(x) ^ 3
}

/// Functions with one site each. Nothing calls them, so their code does not depend on callers.
mod sites {
    use super::*;

    #[inline(never)]
    pub(crate) fn plain_call(x: u64, y: u64) -> u64 {
        add(y, x) ^ 1
    }

    #[inline(never)]
    pub(crate) fn site_call(x: u64, y: u64) -> u64 {
        call!(add(y, x)) ^ 1
    }

    #[inline(never)]
    pub(crate) fn tail_call(x: u64, y: u64) -> u64 {
        call!(add(y, x))
    }

    #[inline(never)]
    pub(crate) fn conditional_tail_call(x: u64, y: u64) -> u64 {
        if x > 1 << 20 {
            return call!(add(x, y));
        }
        x
    }

    #[inline(never)]
    pub(crate) fn plain_hook_call(x: u64) -> u64 {
        on_request(x, x);
        x ^ 1
    }

    #[inline(never)]
    pub(crate) fn trait_call(x: u64, y: u64) -> u64 {
        StaticCodec.encode(y, x) ^ 1
    }

    #[inline(never)]
    pub(crate) fn stack_argument(x: u64) -> u64 {
        call!(sum(x, x, x, x, x, x, 7)) ^ 1
    }

    #[inline(never)]
    pub(crate) fn large_argument(x: &Large) -> u64 {
        call!(fold(*x)) ^ 1
    }
}

/// Functions with a jump label.
mod labels {
    use super::*;

    #[inline(never)]
    pub(crate) fn hook(x: u64) -> u64 {
        call!(on_request(x, expensive(x)));
        x ^ 1
    }

    #[inline(never)]
    pub(crate) fn option_hook(x: u64) -> u64 {
        call!(answer(expensive(x))).unwrap_or(x ^ 1)
    }

    #[inline(never)]
    pub(crate) fn unlikely(x: u64) -> u64 {
        if RARE.unlikely() { expensive(x) } else { x ^ 1 }
    }

    #[inline(never)]
    pub(crate) fn likely(x: u64) -> u64 {
        if USUAL.likely() { x ^ 1 } else { expensive(x) }
    }
}

type Site = (&'static str, *const ());

fn calls() -> Vec<Site> {
    vec![
        ("plain_call", sites::plain_call as *const ()),
        ("site_call", sites::site_call as *const ()),
        ("stack_argument", sites::stack_argument as *const ()),
        ("large_argument", sites::large_argument as *const ()),
        ("trait_call", sites::trait_call as *const ()),
    ]
}

fn others() -> Vec<Site> {
    vec![
        ("tail_call", sites::tail_call as *const ()),
        ("conditional_tail_call", sites::conditional_tail_call as *const ()),
        ("plain_hook_call", sites::plain_hook_call as *const ()),
    ]
}

fn with_labels() -> Vec<Site> {
    vec![
        ("hook", labels::hook as *const ()),
        ("option_hook", labels::option_hook as *const ()),
        ("unlikely", labels::unlikely as *const ()),
        ("likely", labels::likely as *const ()),
    ]
}

/// Returns the current code of all sites.
fn section(symbols: &Symbols, title: &str) -> String {
    let mut all_text = format!("# {title}\n");
    for (name, site) in [calls(), others(), with_labels()].concat() {
        let code = instructions(symbols, site);
        write!(all_text, "\n{name}:\n{}", indented(&text(symbols, &code))).unwrap();
    }
    all_text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

fn count(code: &[Instruction], mnemonic: Mnemonic) -> usize {
    code.iter().filter(|i| i.mnemonic() == mnemonic).count()
}

/// Checks that a function has only argument moves, one call, and its own work: no load, no test, no
/// other branch.
fn is_a_direct_call(symbols: &Symbols, site: Site) {
    let code = instructions(symbols, site.1);
    let shown = text(symbols, &code);
    assert_eq!(count(&code, Mnemonic::Call), 1, "{}:\n{shown}", site.0);
    for instruction in &code {
        let is_plain = matches!(
            instruction.mnemonic(),
            Mnemonic::Push
                | Mnemonic::Pop
                | Mnemonic::Mov
                | Mnemonic::Call
                | Mnemonic::Inc
                | Mnemonic::Add
                | Mnemonic::Sub
                | Mnemonic::Xor
                | Mnemonic::Xchg
                | Mnemonic::Lea
                | Mnemonic::Ret
                | Mnemonic::Movups
                | Mnemonic::Movaps
                | Mnemonic::Nop
                | Mnemonic::Int3
        );
        assert!(is_plain, "{}: {instruction:?}\n{shown}", site.0);
        assert!(!instruction.is_ip_rel_memory_operand(), "{}: a load\n{shown}", site.0);
    }
    let call = code.iter().find(|i| i.mnemonic() == Mnemonic::Call).unwrap();
    assert!(call.is_call_near(), "{}:\n{shown}", site.0);
    assert_eq!(call.ip() / 8, (call.ip() + call.len() as u64 - 1) / 8, "{}: not aligned", site.0);
}

/// Checks that the path from the first instruction to the return has one five-byte no-op for the
/// label and at most four bytes of padding before it, and nothing else for the label: no load, no
/// test, no branch, no argument, no call.
fn is_one_no_op(symbols: &Symbols, site: Site) {
    let code = instructions(symbols, site.1);
    let shown = text(symbols, &code);
    let (mut labels, mut padding, mut at) = (0, 0, 0);
    loop {
        let instruction = &code[at];
        at += 1;
        match instruction.mnemonic() {
            Mnemonic::Ret => break,
            Mnemonic::Jmp => {
                let to = instruction.near_branch_target();
                at = code.iter().position(|i| i.ip() == to).expect("a jump inside the function");
            }
            Mnemonic::Nop if support::read(instruction.ip() as usize, 5) == NO_OP => {
                assert_eq!(
                    instruction.ip() / 8,
                    (instruction.ip() + 4) / 8,
                    "{}:\n{shown}",
                    site.0
                );
                labels += 1;
            }
            Mnemonic::Nop => padding += instruction.len(),
            Mnemonic::Mov | Mnemonic::Xor | Mnemonic::Push | Mnemonic::Pop => {}
            _ => panic!("{}: {instruction:?}\n{shown}", site.0),
        }
        assert!(!instruction.is_ip_rel_memory_operand(), "{}: a load\n{shown}", site.0);
    }
    assert_eq!(labels, 1, "{}:\n{shown}", site.0);
    assert!(padding <= 4, "{}:\n{shown}", site.0);
}

const NO_OP: [u8; 5] = [0x0f, 0x1f, 0x44, 0, 0];

fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("the compiler");
    String::from_utf8_lossy(&version.stdout).trim().to_owned()
}

#[test]
fn code_of_sites_is_unchanged() {
    support::in_child("code_of_sites_is_unchanged", &[], || {
        let symbols = Symbols::read();
        let linked = section(&symbols, "As linked");
        static_call::init().unwrap();
        let bound = section(&symbols, "Bound");
        calls().into_iter().for_each(|site| is_a_direct_call(&symbols, site));
        with_labels().into_iter().for_each(|site| is_one_no_op(&symbols, site));
        static_call::batch(|batch| {
            batch.update(on_request::KEY, |_, _| {})?;
            batch.update(answer::KEY, Some)?;
            batch.set_flag(&RARE, true)?;
            batch.set_flag(&USUAL, false)
        })
        .unwrap();
        let on = section(&symbols, "Hooks and the rare flag on, the usual flag off");
        assert_eq!((labels::option_hook(5), labels::unlikely(5), labels::likely(5)), (6, 6, 6));
        add::update(|_, _| 7).unwrap();
        let constant = section(&symbols, "`add` returns 7");
        assert_eq!(sites::site_call(1, 2), 6);
        assert_eq!((sites::tail_call(1, 2), sites::conditional_tail_call(1 << 21, 2)), (7, 7));

        let found = format!("{}\n\n{linked}\n{bound}\n{on}\n{constant}", compiler());
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/code.txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(file, &found).unwrap();
        }
        let expected = std::fs::read_to_string(file).unwrap_or_default();
        if expected.lines().next() == found.lines().next() {
            assert_eq!(expected, found, "if this is an improvement, set BLESS=1");
        } else {
            eprintln!("not compared: golden/code.txt is from another compiler");
        }
    });
}
