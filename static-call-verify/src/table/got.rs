//! Calls through the GOT that can be rewritten as direct calls.
//!
//! A slot that the link has resolved always holds the trampoline's address, so `ff 15 disp32`
//! (`call *slot(%rip)`) and `67 e8 rel32` (`call trampoline`) do the same and have the same length;
//! likewise `ff 25` and `67 e9`. The x86-64 psABI, B.2 "Optimize GOTPCRELX Relocations", lets
//! linkers do this.

use static_call::arch::x86_64::Branch;

use crate::elf::image::Image;
use crate::elf::pointers::Holder;
use crate::report::{Kind, Trampoline};
use crate::search::decode::{Named, Proof};
use crate::search::scan::Target;

/// A call through the GOT and its direct form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rewrite {
    pub(crate) address: u64,
    /// Its offset in the file.
    pub(crate) offset: u64,
    pub(crate) bytes: [u8; 6],
}

/// Returns the calls that can be rewritten exactly, by address.
pub(crate) fn rewrites(
    image: &Image<'_>,
    named: &[Named],
    holders: &[Holder],
    trampolines: &[Trampoline],
) -> Vec<Rewrite> {
    let is_sound = |address: u64| {
        let at = trampolines.binary_search_by_key(&address, |t| t.address);
        at.is_ok_and(|i| trampolines.get(i).is_some_and(|t| t.is_sound))
    };
    let one = |n: &Named| {
        let Target::Holder(holder) = n.target else { return None };
        let holder = holders.get(holder).filter(|h| h.is_constant && is_sound(h.trampoline))?;
        let old = image.at(n.address, 6)?;
        let (kind, opcode) = match (n.kind, old) {
            (Kind::CallGot, [0xff, 0x15, ..]) => (Kind::Call, 0xe8),
            (Kind::JmpGot, [0xff, 0x25, ..]) => (Kind::Jmp, 0xe9),
            _ => return None,
        };
        if n.length != 6 || n.proof != Proof::Proved {
            return None;
        }
        let shape = Branch { kind, disp_at: 2, length: 6, displacement: 0 };
        let [a, b, c, d] = shape.displacement_to(n.address, holder.trampoline)?.to_le_bytes();
        let offset = image.offset_of(n.address, 6)?;
        Some(Rewrite { address: n.address, offset, bytes: [0x67, opcode, a, b, c, d] })
    };
    named.iter().filter_map(one).collect()
}
