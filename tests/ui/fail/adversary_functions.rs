//! The functions generated with a key are `unsafe`, even in the key's module: the shim for a pointer
//! that was never set, the default without argument passing, a trampoline.
#![forbid(unsafe_code)]

use static_call::static_call;

#[static_call]
fn level(n: u8, large: [u64; 4]) -> u8 {
    n + large[0] as u8
}

#[static_call(select(sse2 => level_of, neon => level_of))]
fn chosen(n: u8) -> u8 {
    n
}

fn level_of(n: u8) -> u8 {
    n
}

#[static_call]
trait Codec {
    fn encode(&self, n: u8) -> u8 {
        n
    }
}

static_call::__trampoline! {
    unsafe trampoline[const N: u32](n: u64) -> &'static mut u64;
    me trampoline::<N>;
    key level;
    site 0
}

fn large() -> static_call::__private::Indirect<[u64; 4]> {
    use static_call::__private::{Pass, Passing};
    Pass::<true>::pass(&mut std::mem::ManuallyDrop::new([0; 4]))
}

fn number() -> bool {
    static_call::__label! { unlikely level; site std::num::NonZero::new_unchecked(1_u64).get() }
}

fn main() {
    level::__default(1, large());
    static_call::__private::through1::<chosen, static_call::__private::Pass<false>, u8, u8>(1);
    chosen::__resolve(1);
    number();
    trampoline::<0>(1);
    let _ = static_call::__private::conjure::<fn()>();
}
