//! The program of a call that is retargeted in steps: between the two forms with their targets, the
//! call has forms that lead to veneers.
//!
//! A fetch may see old bytes of one step and new bytes of another, so there is a pad at every
//! address to which a mixture of the bytes of all these forms leads.

use std::vec::Vec;

use super::{
    Encoded, FIRST, Forms, Lead, PAD_BEFORE, Program, SECOND, TORN, VENEER, mixtures, returning,
    with_after,
};
use crate::arch::x86_64::{QUADWORD, veneer};

/// A displacement whose window holds the veneers. Each of its bytes differs from the same bytes of
/// both targets, so that mixtures of it are all different.
pub(crate) const BETWEEN: i32 = 0x0212_2250;

impl Program {
    /// Makes the program of a call at `site`, like [`Program::new`], that has these forms between
    /// those of [`Forms::Call`].
    pub(crate) fn in_steps(site: u64, between: &[[u8; 8]]) -> Self {
        let encoded = Encoded::new(Forms::Call);
        let mut program = Self::empty();
        program.place_loop(Forms::Call, site, &encoded, &[FIRST, SECOND, VENEER]);
        let pad = site - PAD_BEFORE;
        let slot = pad / QUADWORD * QUADWORD - QUADWORD;
        program.place(pad, returning(VENEER));
        program.place(slot, pad.to_le_bytes().into());
        let whole = |bytes: &[u8; 8]| with_after(*bytes, Forms::Call.length() as usize);
        let between: Vec<_> = between.iter().map(whole).collect();
        for bytes in mixtures(&[[encoded.first, encoded.second].as_slice(), &between].concat()) {
            // The opcode stays, so each mixture is a call.
            let Lead::Call(to) = Lead::of(site, &bytes) else { continue };
            let code = match bytes {
                _ if bytes == encoded.first => returning(FIRST),
                _ if bytes == encoded.second => returning(SECOND),
                _ if between.contains(&bytes) => veneer(to, slot).unwrap_or_default().into(),
                _ => returning(TORN),
            };
            program.place(to, code);
        }
        program
    }
}
