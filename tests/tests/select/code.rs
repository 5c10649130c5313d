//! Candidates have no extra hop: bound calls lead to a shim with the candidate's code, or directly
//! to the candidate.

use iced_x86::{FlowControl, Instruction, Mnemonic};
use static_call::{call, static_call};
use support::code::{Symbols, instructions, text};

#[static_call(select(sse2 => small_narrow))]
fn small(x: &mut [u32; 4], y: &[u32; 4]) {
    x[0] ^= y[1];
}

#[target_feature(enable = "sse2")]
fn small_narrow(x: &mut [u32; 4], y: &[u32; 4]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x = x.wrapping_add(*y);
    }
}

#[static_call(select(sse2 => large_narrow))]
fn large(x: u64) -> u64 {
    x
}

/// Represents a function that is too large to inline.
#[inline(never)]
#[target_feature(enable = "sse2")]
fn large_narrow(x: u64) -> u64 {
    x ^ 1
}

mod sites {
    use super::*;

    #[inline(never)]
    pub(crate) fn of_small(x: &mut [u32; 4], y: &[u32; 4]) -> u32 {
        call!(small(x, y));
        x[0]
    }

    #[inline(never)]
    pub(crate) fn of_large(x: u64) -> u64 {
        call!(large(x)) ^ 2
    }
}

/// Returns the destination of a function's only call.
fn destination(symbols: &Symbols, function: *const ()) -> usize {
    let code = instructions(symbols, function);
    let calls: Vec<_> = code.iter().filter(|i| i.mnemonic() == Mnemonic::Call).collect();
    assert_eq!(calls.len(), 1, "{}", text(symbols, &code));
    assert!(calls[0].is_call_near());
    calls[0].near_branch_target() as usize
}

#[test]
fn bound_calls_lead_to_the_candidate() {
    support::in_child("code::bound_calls_lead_to_the_candidate", &[], || {
        let symbols = Symbols::read();
        static_call::init().unwrap();
        assert_eq!(sites::of_small(&mut [1, 2, 3, 4], &[1; 4]), 2);
        assert_eq!(sites::of_large(4), 7);

        // Small enough to be inlined into its shim: one vector addition, and no calls.
        let shim = small::query().address();
        assert_eq!(destination(&symbols, sites::of_small as *const ()), shim);
        let code = instructions(&symbols, shim as *const ());
        let shown = text(&symbols, &code);
        let leaves = |i: &&Instruction| {
            !matches!(
                i.flow_control(),
                FlowControl::Next | FlowControl::Return | FlowControl::Interrupt
            )
        };
        assert_eq!(code.iter().filter(leaves).count(), 0, "{shown}");
        assert!(code.iter().any(|i| i.mnemonic() == Mnemonic::Paddd), "{shown}");

        // The shim is a jump, which is skipped.
        let shim = large::query().address();
        assert_eq!(instructions(&symbols, shim as *const ())[0].mnemonic(), Mnemonic::Jmp);
        let reached = destination(&symbols, sites::of_large as *const ());
        assert_eq!(reached, large_narrow as *const () as usize);
    });
}
