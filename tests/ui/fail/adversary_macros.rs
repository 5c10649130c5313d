//! Hidden macros do not accept text for the assembler.
#![forbid(unsafe_code)]

use static_call::static_call;

#[static_call]
fn level(n: u8) -> u8 {
    n
}

fn label() -> bool {
    static_call::__label! { key level; ".long 1"; "syscall"; false; options(nomem), }
}

fn site() -> bool {
    static_call::__label! { unlikely level; site "syscall" }
}

static_call::__trampoline! {
    unsafe trampoline[const N: u32]() -> ();
    me trampoline::<N>;
    key level;
    site "syscall"
}

static_call::__trampoline! {
    trampoline[const N: u32]() -> ();
    me trampoline::<N>;
    key level;
    site 0
}

static_call::__record! { key section ".init_array" EARLY = main; }

static_call::__expand_item! { static_call; [] fn without_the_word(n: u8) -> u8 { n } }

fn main() {
    let _ = (label(), site());
    let _ = static_call::__expand_call! { static_call; level(1) };
}
