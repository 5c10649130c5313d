//! A library with keys of every kind, used by itself and by others.
#![deny(warnings)]

use static_call::{call, flag, static_call};

#[static_call]
pub fn damage(base: u32, armour: [u64; 4]) -> u32 {
    base.saturating_sub(armour[0] as u32)
}

#[static_call]
pub fn on_hit(amount: u32) -> Option<u32>;

#[static_call]
fn private(n: u32) -> u32 {
    n + 1
}

flag! {
    pub static VERBOSE = false;
}

#[static_call(select(sse2 => wide, neon => wide))]
pub fn chosen(n: u32) -> u32 {
    n
}

fn wide(n: u32) -> u32 {
    n + 100
}

#[static_call]
pub trait Renderer {
    fn draw(&self, n: u32) -> u32 {
        n
    }
}

/// Plain calls and sites in the library itself.
pub fn step(n: u32) -> u32 {
    let loud = u32::from(VERBOSE.unlikely());
    let heard = call!(on_hit(n)).unwrap_or(0);
    call!(damage(n, [1; 4])) + damage(n, [1; 4]) + private(n) + call!(private(n)) + loud + heard
}

/// Code that the caller's crate compiles.
#[inline]
pub fn inlined(n: u32) -> u32 {
    call!(damage(n, [2; 4])) + damage(n, [2; 4]) + u32::from(VERBOSE.unlikely())
}

/// Code that the caller's crate compiles for its types.
pub fn generic<T: Into<u32> + Copy>(n: T) -> u32 {
    let heard = call!(on_hit(n.into())).unwrap_or(0);
    call!(damage(n.into(), [3; 4])) + damage(n.into(), [3; 4]) + chosen(n.into()) + heard
}

pub fn update_private() {
    private::update(|n| n + 2).unwrap();
}
