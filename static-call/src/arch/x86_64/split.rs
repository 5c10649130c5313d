//! Displacements that a quadword boundary splits. Each part can be changed by one store; SAFETY.md,
//! "Retargeting in steps", says in which order.

use super::{Branch, QUADWORD};

/// A displacement of which the first `before` bytes, its low part, lie in one quadword and the
/// rest, its high part, in the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    before: u8,
}

/// The two parts of a split displacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// What the first quadword holds.
    pub low: u32,
    /// What the second quadword holds, signed. The branch leads into this window.
    pub high: i32,
}

impl Split {
    /// Every split.
    pub const ALL: [Self; 3] = [Self { before: 1 }, Self { before: 2 }, Self { before: 3 }];

    /// Returns how a quadword boundary splits the displacement of a branch at `address`, if one
    /// does.
    #[must_use]
    pub fn of(branch: &Branch, address: u64) -> Option<Self> {
        let left = QUADWORD - address.wrapping_add(branch.disp_at.into()) % QUADWORD;
        (left < 4).then_some(Self { before: left as u8 })
    }

    /// Returns how many bytes of the displacement lie before the boundary: 1, 2 or 3.
    #[must_use]
    pub fn before(self) -> u8 {
        self.before
    }

    /// Returns the bytes of a window: the part of the address space that the low part covers while
    /// the high part stays the same. Windows are counted from the end of the instruction.
    #[must_use]
    pub fn window(self) -> u64 {
        1 << self.bits()
    }

    /// Returns the window in which an address lies, of an instruction that ends at `end`.
    #[must_use]
    pub fn window_of(self, end: u64, address: u64) -> i64 {
        address.wrapping_sub(end).cast_signed() >> self.bits()
    }

    fn bits(self) -> u32 {
        8 * u32::from(self.before)
    }

    /// Divides a displacement into its parts.
    #[must_use]
    pub fn parts(self, displacement: i32) -> Parts {
        let mask = (1_u32 << self.bits()) - 1;
        Parts { low: displacement.cast_unsigned() & mask, high: displacement >> self.bits() }
    }

    /// Joins the parts of a displacement, or returns `None` if the window is out of reach.
    #[must_use]
    pub fn join(self, Parts { low, high }: Parts) -> Option<i32> {
        let displacement = high << self.bits() | low.cast_signed();
        (self.parts(displacement) == Parts { low, high }).then_some(displacement)
    }

    /// Returns the address in a window of an instruction that ends at `end` which differs from
    /// `destination` only in the high part.
    #[must_use]
    pub fn congruent(self, end: u64, destination: u64, high: i32) -> u64 {
        let low = destination.wrapping_sub(end) & (self.window() - 1);
        end.wrapping_add_signed(i64::from(high) << self.bits()).wrapping_add(low)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arch::x86_64::grade;
    use crate::layout::Kind;

    #[test]
    fn every_offset_splits_as_its_bytes_lie() {
        for disp_at in [1, 2] {
            let branch = Branch { kind: Kind::Call, disp_at, length: disp_at + 4, displacement: 0 };
            for address in 0x1000..0x1080_u64 {
                let first = address + u64::from(disp_at);
                let before = (first..first + 4).filter(|at| at / 8 == first / 8).count();
                let expected = (before < 4).then_some(before as u8);
                let split = Split::of(&branch, address);
                assert_eq!(split.map(Split::before), expected, "{address:#x}");
                let takes_steps = grade(address, disp_at, branch.length).takes_steps();
                assert_eq!(split.is_some(), takes_steps, "{address:#x}");
            }
        }
    }

    proptest! {
        /// The parts are the little-endian bytes before and after the boundary.
        #[test]
        fn parts_are_bytes(displacement: i32, which in 0..3_usize) {
            let split = Split::ALL[which];
            let before = usize::from(split.before());
            let parts = split.parts(displacement);
            let bytes = displacement.to_le_bytes();
            prop_assert_eq!(&parts.low.to_le_bytes()[..before], &bytes[..before]);
            prop_assert_eq!(&parts.low.to_le_bytes()[before..], &[0; 4][before..]);
            prop_assert_eq!(&parts.high.to_le_bytes()[..4 - before], &bytes[before..]);
            prop_assert_eq!(split.join(parts), Some(displacement));
            let beyond = 1 << (31 - 8 * before);
            prop_assert_eq!(split.join(Parts { high: beyond, ..parts }), None);
            prop_assert_eq!(split.join(Parts { high: -beyond - 1, ..parts }), None);
        }

        /// The congruent address is the one that the branch reaches with the other high part.
        #[test]
        fn a_congruent_address_differs_in_the_high_part(
            displacement: i32,
            high in -128..128_i32,
            which in 0..3_usize,
        ) {
            let split = Split::ALL[which];
            let end = 0x5555_0000_1234_u64;
            let destination = end.wrapping_add_signed(displacement.into());
            let low = split.parts(displacement).low;
            let joined = split.join(Parts { low, high }).unwrap();
            let expected = end.wrapping_add_signed(joined.into());
            prop_assert_eq!(split.congruent(end, destination, high), expected);
        }
    }
}
