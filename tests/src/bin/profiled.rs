//! A program for a profiler: most of its time is spent in the target of a static call. It prints
//! the address of the call's trampoline.

use std::hint::black_box;

use static_call::{call, static_call};

#[static_call]
fn profiled(x: u64) -> u64 {
    x + 1
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn profiled_target(x: u64) -> u64 {
    (0..2000).fold(x, |sum, n| black_box(sum ^ n).rotate_left(1))
}

#[inline(never)]
fn profiled_caller(x: u64) -> u64 {
    black_box(call!(profiled(x))).rotate_left(9)
}

#[inline(never)]
fn profiled_loop(rounds: u64) -> u64 {
    (0..rounds).fold(1, |sum, _| black_box(profiled_caller(sum)))
}

/// Returns the destination of a call instruction.
fn destination(address: usize) -> usize {
    let at = std::ptr::with_exposed_provenance::<i32>(address + 1);
    // SAFETY: INV-TEXT: the report says that there is a five-byte instruction at this address.
    let displacement = unsafe { at.read_unaligned() };
    (address + 5).wrapping_add_signed(displacement as isize)
}

fn main() {
    let rounds = std::env::args().nth(1).map_or(1, |rounds| rounds.parse().expect("a number"));
    let report = static_call::report();
    let call = report.sites().flat_map(|site| &site.calls).next().expect("a call");
    println!("trampoline {:#x}", destination(call.address));
    profiled::update(|x| profiled_target(x)).expect("no breakpoints here");
    println!("{}", static_call::report().totals());
    println!("{:x}", profiled_loop(rounds));
}
