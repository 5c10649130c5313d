//! Memory of the registry: one mapping, handed out in slices, freed with the image that it is
//! about.

use core::mem::{align_of, size_of};
use core::ptr::NonNull;
use core::slice;

use crate::sys;

/// Bytes that a slice may need for its alignment, to be counted with its size.
pub(crate) const ALIGNMENT: usize = 64;

/// Room that is left of the mapping. INV-ARENA: `left` bytes from `next` on are nobody's.
pub(crate) struct Arena {
    next: NonNull<u8>,
    left: usize,
}

/// The memory of an arena, to be freed (INV-ARENA).
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    start: NonNull<u8>,
    length: usize,
}

impl Memory {
    /// Gives it back to the system.
    ///
    /// # Safety
    ///
    /// 1. No slice of the arena is used any more.
    pub(crate) unsafe fn free(self) {
        // SAFETY: INV-ARENA: the mapping of `Arena::new`, which nobody uses (promise 1).
        unsafe { sys::free(self.start, self.length) }
    }
}

impl Arena {
    /// Room for `size` bytes.
    ///
    /// # Errors
    ///
    /// The `errno` of the mapping.
    pub(crate) fn new(size: usize) -> Result<Self, i32> {
        Ok(Self { next: sys::allocate(size)?, left: size })
    }

    /// All of its memory; asked before any of it is handed out.
    pub(crate) fn memory(&self) -> Memory {
        Memory { start: self.next, length: self.left }
    }

    /// A slice of `length` values that `make` makes from their indices.
    ///
    /// # Panics
    ///
    /// If the room is used up: its size is computed from the same lengths.
    pub(crate) fn slice<T>(
        &mut self,
        length: usize,
        make: impl Fn(usize) -> T,
    ) -> &'static mut [T] {
        let start = self.next.cast::<u8>();
        let padding = start.align_offset(align_of::<T>());
        let bytes = padding + length * size_of::<T>();
        assert!(bytes <= self.left, "the registry's memory was counted too small");
        // SAFETY: INV-ARENA: `padding` is within the room that is left.
        let first = unsafe { start.add(padding) }.cast::<T>();
        // SAFETY: INV-ARENA: `bytes` is within the room that is left.
        self.next = unsafe { start.add(bytes) };
        self.left -= bytes;
        for i in 0..length {
            // SAFETY: INV-ARENA: the element lies inside the slice.
            let element = unsafe { first.add(i) };
            // SAFETY: INV-ARENA: aligned, writable, and nobody else's.
            unsafe { element.write(make(i)) };
        }
        // SAFETY: INV-ARENA: `length` elements, written above, not handed out again, and freed
        // when nothing uses the registry any more.
        unsafe { slice::from_raw_parts_mut(first.as_ptr(), length) }
    }
}
