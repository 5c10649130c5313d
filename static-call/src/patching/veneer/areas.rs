//! Where veneers lie: arithmetic on addresses, without memory.
//!
//! The address of a veneer is given by the instruction and the target, except for the window. For
//! each way to split a displacement there is one area of the address space, and in it one window
//! for each instruction and layer. All targets of an instruction are in the same window, so
//! whichever target it has, the way to another, and the way back, need no other window. Another
//! layer is used only where an address is taken by another key.
//!
//! The areas lie before the image. If there is no room, as for an image that is linked at a fixed
//! address, they lie as far after it as a call reaches, so that the heap can grow.

use crate::arch::native::Split;

/// Layers, in the order in which they are tried.
pub(crate) const LAYERS: u32 = 4;
const MIB: u64 = 1 << 20;
/// Bytes between the image and a veneer.
const GAP: u64 = MIB;
/// Lowest address: the system maps nothing below (`vm.mmap_min_addr`).
const LOWEST: u64 = MIB;
/// Keys whose veneers share a region, for a displacement of which two bytes lie before the
/// boundary. Fewer keys collide less often; more keys fill pages better.
const SHARING: u32 = 16;
/// Regions of a layer.
const REGIONS: u32 = 256;
/// Slabs of a layer, for a displacement of which one byte lies before the boundary. A key has one
/// to itself.
const SLABS: u32 = 1 << 15;

/// The areas of an image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Areas {
    /// Bounds of the image.
    image: (u64, u64),
    is_before: bool,
    /// Start of the area of regions.
    regions: u64,
    /// Start of the area of slabs.
    slabs: u64,
}

impl Areas {
    /// Returns the areas of an image with these bounds.
    pub(crate) fn new(start: u64, end: u64) -> Self {
        let is_before = start >= 1024 * MIB;
        let (regions, slabs) = match is_before {
            true => (start - 384 * MIB, start - 512 * MIB),
            false => (start + 1536 * MIB, start + 1408 * MIB),
        };
        Self { image: (start, end), is_before, regions, slabs }
    }

    /// Returns the window for an instruction that ends at `end`, by its high part.
    pub(crate) fn window(&self, split: Split, key: u32, end: u64, layer: u32) -> Option<i32> {
        let window = split.window();
        let high = match split.before() {
            3 => self.far(window, end, layer)?,
            2 => {
                let region = key / SHARING % REGIONS + layer * REGIONS;
                after(self.regions + u64::from(region) * 2 * window, end, window)
            }
            _ => {
                let slab = key % SLABS + layer * SLABS;
                after(self.slabs + u64::from(slab) * 2 * window, end, window)
            }
        };
        i32::try_from(high).ok()
    }

    /// Returns those of the first `count` keys that use the same pages as `key` for this split.
    pub(crate) fn sharing(split: Split, key: u32, count: u32) -> impl Iterator<Item = u32> {
        let (size, period) = match split.before() {
            3 => (count, count),
            2 => (SHARING, SHARING * REGIONS),
            // Eight slabs of 512 bytes are a page.
            _ => (8, SLABS),
        };
        let first = key % period / size * size;
        (first..count)
            .step_by(period as usize)
            .flat_map(move |start| start..start.saturating_add(size).min(count))
    }

    /// Returns a window of 16 MiB that does not touch the image.
    fn far(&self, window: u64, end: u64, layer: u32) -> Option<i64> {
        let (size, skip) = (window.cast_signed(), 2 * i64::from(layer));
        let (start, stop) = self.image;
        let high = if self.is_before {
            let last = start - GAP - window;
            last.wrapping_sub(end).cast_signed().div_euclid(size) - skip
        } else {
            127 - skip
        };
        let first = end.checked_add_signed(high * size)?;
        let is_free = first >= LOWEST && (self.is_before || first >= stop + GAP);
        is_free.then_some(high)
    }
}

/// Returns the first window of an instruction at or after `address`.
fn after(address: u64, end: u64, window: u64) -> i64 {
    let last = address.wrapping_add(window - 1);
    last.wrapping_sub(end).cast_signed().div_euclid(window.cast_signed())
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// Images at the addresses of a position-independent program, of a shared object, and of a
    /// program that is linked at a fixed address.
    fn images() -> impl Strategy<Value = (u64, u64)> {
        let start = prop_oneof![
            (0x5_5500_0000..0x5_6500_0000_u64).prop_map(|page| page * 4096),
            (0x7_f000_0000..0x7_ff00_0000_u64).prop_map(|page| page * 4096),
            Just(0x40_0000),
            Just(0x1_0000),
        ];
        (start, 1..64 * MIB).prop_map(|(start, size)| (start, start + size))
    }

    proptest! {
        /// Every window is apart from the image, in the area of its split and layer, and the same
        /// for all targets. Slabs belong to one key.
        #[test]
        fn windows_are_apart(
            (start, end) in images(),
            which in 0..3_usize,
            at in 0.0..1.0_f64,
            key in 0..40_000_u32,
            layer in 0..LAYERS,
        ) {
            let (split, areas) = (Split::ALL[which], Areas::new(start, end));
            let at = start + ((end - start) as f64 * at) as u64;
            let high = areas.window(split, key, at, layer).expect("a window");
            let first = split.congruent(at, at, high);
            let last = split.congruent(at, at.wrapping_sub(1), high);
            prop_assert_eq!(last - first, split.window() - 1);
            prop_assert!(first >= LOWEST);
            prop_assert!(last < start || first > end);
            prop_assert!(at.abs_diff(first).max(at.abs_diff(last)) <= 1 << 31);
            // The next key's slab begins where this one's ends.
            if split.before() == 1 && key % 32_768 < 32_767 {
                let next = areas.window(split, key + 1, at, layer).unwrap();
                prop_assert_eq!(next - high, 2);
            }
        }

        /// Keys that share pages are found, and no others.
        #[test]
        fn keys_that_share_pages_are_found(which in 0..3_usize, key in 0..500_u32) {
            let (start, end) = (1 << 46, (1 << 46) + MIB);
            let (split, areas) = (Split::ALL[which], Areas::new(start, end));
            let page = |key| {
                let high = areas.window(split, key, start, 0).unwrap();
                split.congruent(start, start, high) / 4096
            };
            let found: Vec<u32> = Areas::sharing(split, key, 1000).collect();
            let expected: Vec<u32> = (0..1000).filter(|&other| page(other) == page(key)).collect();
            prop_assert_eq!(found, expected);
        }

        /// Two layers of one instruction have no address in common, nor have two splits.
        #[test]
        fn layers_and_splits_are_apart(
            (start, end) in images(),
            at in 0.0..1.0_f64,
            other_at in 0.0..1.0_f64,
            key in 0..32_768_u32,
            other_key in 0..32_768_u32,
        ) {
            let areas = Areas::new(start, end);
            let bounds = |split: Split, key, at: f64, layer| {
                let at = start + ((end - start) as f64 * at) as u64;
                let high = areas.window(split, key, at, layer).unwrap();
                (split.congruent(at, at, high), split.congruent(at, at.wrapping_sub(1), high))
            };
            for (i, split) in Split::ALL.into_iter().enumerate() {
                for layer in 0..LAYERS {
                    for (j, other) in Split::ALL.into_iter().enumerate() {
                        for other_layer in 0..LAYERS {
                            // Windows of 16 MiB of two instructions may overlap by the size of
                            // the image.
                            if (i, layer) == (j, other_layer) || i == 2 && j == 2 {
                                continue;
                            }
                            let a = bounds(split, key, at, layer);
                            let b = bounds(other, other_key, other_at, other_layer);
                            prop_assert!(a.1 < b.0 || b.1 < a.0, "{a:x?} {b:x?}");
                        }
                    }
                }
            }
        }
    }
}
