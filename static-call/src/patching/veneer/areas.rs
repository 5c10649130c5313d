//! Where veneers lie: arithmetic on addresses, without memory.
//!
//! The address of a veneer is given by the instruction and the target, except for the window. For
//! each way to split a displacement there is one area of the address space, and in it one window
//! for each instruction and layer. All targets of an instruction are in the same window, so
//! whichever target it has, the way to another, and the way back, need no other window. Another
//! layer is used only where a veneer would overlap one that is there.
//!
//! If only one byte of the displacement lies before the boundary, a window is so small that each of
//! its addresses is a veneer: no-ops, and one jump after them, in a slab for each key.
//!
//! The areas lie before the image. If there is no room, as for an image that is linked at a fixed
//! address, they lie as far after it as a call reaches, so that the heap can grow.

use crate::arch::native::Split;
use crate::sys::PAGE;

/// Layers of regions and slabs.
const LAYERS: u32 = 8;
/// Layers of windows of 16 MiB. The address in such a window is that of the target, whichever key
/// it is, so targets of many keys that lie together, or are the same, need many.
const FAR_LAYERS: u32 = 32;
/// Addresses of a slab that are veneers: a window of 256 bytes of any instruction lies in them.
pub(crate) const SLAB_ENTRIES: u64 = 511;
const MIB: u64 = 1 << 20;
/// Bytes between the image and a veneer.
const GAP: u64 = MIB;
/// Lowest address: the system maps nothing below (`vm.mmap_min_addr`).
const LOWEST: u64 = MIB;
/// Keys whose veneers share a region, for a displacement of which two bytes lie before the
/// boundary: more keys fill pages better. In later layers, each key has a region to itself.
const SHARING: u32 = 16;
pub(crate) const SHARED_LAYERS: u32 = 4;
/// Regions of a layer.
const REGIONS: u32 = 256;
/// Slabs of a page, and the bytes between them.
const SLABS: u32 = 7;
const SLAB_SIZE: u64 = 584;
/// Pages of slabs of a layer.
const SLAB_PAGES: u32 = 4096;

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
            true => (start - 832 * MIB, start - 960 * MIB),
            false => (start + 1280 * MIB, start + 1152 * MIB),
        };
        Self { image: (start, end), is_before, regions, slabs }
    }

    /// Returns the window for an instruction that ends at `end`, by its high part.
    pub(crate) fn window(&self, split: Split, key: u32, end: u64, layer: u32) -> Option<i32> {
        let high = match split.before() {
            3 => self.far(split, end, layer)?,
            2 => {
                let region = key / sharing(layer) % REGIONS + layer * REGIONS;
                after(self.regions + u64::from(region) * 2 * split.window(), end, split)
            }
            _ => after(self.slab(key, layer), end, split),
        };
        i32::try_from(high).ok()
    }

    /// Returns how many layers there are, in the order in which they are tried.
    pub(crate) fn layers(split: Split) -> u32 {
        if split.before() == 3 { FAR_LAYERS } else { LAYERS }
    }

    /// Returns whether all veneers for this split are in slabs.
    pub(crate) fn are_slabs(split: Split) -> bool {
        split.before() == 1
    }

    /// Returns the address of a key's slab.
    pub(crate) fn slab(&self, key: u32, layer: u32) -> u64 {
        let page = key / SLABS % SLAB_PAGES + layer * SLAB_PAGES;
        self.slabs + u64::from(page) * PAGE as u64 + u64::from(key % SLABS) * SLAB_SIZE
    }

    /// Returns those of the first `count` keys that use the same pages as `key` for this split.
    pub(crate) fn sharing(
        split: Split,
        key: u32,
        layer: u32,
        count: u32,
    ) -> impl Iterator<Item = u32> {
        let (size, period) = match split.before() {
            3 => (count, count),
            2 => (sharing(layer), sharing(layer) * REGIONS),
            _ => (SLABS, SLABS * SLAB_PAGES),
        };
        let first = key % period / size * size;
        (first..count)
            .step_by(period as usize)
            .flat_map(move |start| start..start.saturating_add(size).min(count))
    }

    /// Returns those of the first `count` keys whose slabs are in the same page.
    pub(crate) fn sharing_slabs(key: u32, count: u32) -> impl Iterator<Item = u32> {
        Self::sharing(Split::ALL[0], key, 0, count)
    }

    /// Returns a window of 16 MiB that does not touch the image.
    fn far(&self, split: Split, end: u64, layer: u32) -> Option<i64> {
        let skip = i64::from(layer);
        let (start, stop) = self.image;
        let high = if self.is_before {
            split.window_of(end, start - GAP - split.window()) - skip
        } else {
            127 - skip
        };
        let first = end.checked_add_signed(high * split.window().cast_signed())?;
        let is_free = first >= LOWEST && (self.is_before || first >= stop + GAP);
        is_free.then_some(high)
    }
}

/// Returns how many keys share a region of a layer.
fn sharing(layer: u32) -> u32 {
    if layer < SHARED_LAYERS { SHARING } else { 1 }
}

/// Returns the first window of an instruction at or after `address`.
fn after(address: u64, end: u64, split: Split) -> i64 {
    split.window_of(end, address.wrapping_add(split.window() - 1))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::arch::native::VENEER_SIZE;

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
        /// for all targets.
        #[test]
        fn windows_are_apart(
            (start, end) in images(),
            which in 0..3_usize,
            at in 0.0..1.0_f64,
            key in 0..40_000_u32,
            layer in 0..FAR_LAYERS,
        ) {
            let (split, areas) = (Split::ALL[which], Areas::new(start, end));
            let layer = layer % Areas::layers(split);
            let at = start + ((end - start) as f64 * at) as u64;
            let high = areas.window(split, key, at, layer).expect("a window");
            let first = split.congruent(at, at, high);
            let last = split.congruent(at, at.wrapping_sub(1), high);
            prop_assert_eq!(last - first, split.window() - 1);
            prop_assert!(first >= LOWEST);
            prop_assert!(last < start || first > end);
            prop_assert!(at.abs_diff(first).max(at.abs_diff(last)) <= 1 << 31);
            if Areas::are_slabs(split) {
                let slab = areas.slab(key, layer);
                prop_assert!(slab <= first && last < slab + SLAB_ENTRIES);
            }
        }

        /// Slabs do not overlap, and each lies in one page.
        #[test]
        fn slabs_are_apart((start, end) in images(), key in 0..28_000_u32, layer in 0..LAYERS) {
            let areas = Areas::new(start, end);
            let [this, next] = [key, key + 1].map(|key| areas.slab(key, layer));
            let length = SLAB_ENTRIES + VENEER_SIZE;
            prop_assert!(this + length < next);
            prop_assert_eq!(this / PAGE as u64, (this + length) / PAGE as u64);
            prop_assert!(areas.slab(key, 0) + length < areas.slab(0, 1));
        }

        /// Keys that share pages are found, and no others.
        #[test]
        fn keys_that_share_pages_are_found(
            which in 0..3_usize,
            key in 0..500_u32,
            layer in 0..LAYERS,
        ) {
            let (start, end) = (1 << 46, (1 << 46) + MIB);
            let (split, areas) = (Split::ALL[which], Areas::new(start, end));
            let page = |key| {
                if Areas::are_slabs(split) {
                    return areas.slab(key, layer) / 4096;
                }
                let high = areas.window(split, key, start, layer).unwrap();
                split.congruent(start, start, high) / 4096
            };
            let found: Vec<u32> = Areas::sharing(split, key, layer, 1000).collect();
            let expected: Vec<u32> = (0..1000).filter(|&other| page(other) == page(key)).collect();
            prop_assert_eq!(found, expected);
        }

        /// Two layers of one instruction have no address in common, nor have two splits.
        #[test]
        fn layers_and_splits_are_apart(
            (start, end) in images(),
            at in 0.0..1.0_f64,
            other_at in 0.0..1.0_f64,
            key in 0..28_672_u32,
            other_key in 0..28_672_u32,
        ) {
            let areas = Areas::new(start, end);
            let bounds = |split: Split, key, at: f64, layer| {
                let at = start + ((end - start) as f64 * at) as u64;
                let high = areas.window(split, key, at, layer).unwrap();
                (split.congruent(at, at, high), split.congruent(at, at.wrapping_sub(1), high))
            };
            for (i, split) in Split::ALL.into_iter().enumerate() {
                for layer in 0..Areas::layers(split) {
                    for (j, other) in Split::ALL.into_iter().enumerate() {
                        // Windows of 16 MiB of two instructions may overlap by the size of the
                        // image.
                        let other_at = if i == 2 && j == 2 { at } else { other_at };
                        for other_layer in 0..Areas::layers(other) {
                            if (i, layer) == (j, other_layer) {
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
