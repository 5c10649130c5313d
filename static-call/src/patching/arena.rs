//! Memory of the registry: one mapping, handed out in slices, and freed with the image that it
//! describes.

use core::mem::{align_of, size_of};
use core::ptr::NonNull;
use core::slice;

use crate::sys;

/// Bytes that a slice may need for its alignment, in addition to its size.
pub(crate) const ALIGNMENT: usize = 64;

/// What is left of the mapping. INV-ARENA: no slice contains any of the `left` bytes from `next`.
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
    /// Returns the memory to the system.
    ///
    /// # Safety
    ///
    /// 1. No slice of the arena is used any more.
    pub(crate) unsafe fn free(self) {
        // SAFETY: INV-ARENA: this is the mapping of `Arena::new`, no longer in use (promise 1).
        unsafe { sys::free(self.start, self.length) }
    }
}

impl Arena {
    /// Maps room for `size` bytes.
    ///
    /// # Errors
    ///
    /// The `errno` of the mapping.
    pub(crate) fn new(size: usize) -> Result<Self, i32> {
        Ok(Self { next: sys::allocate(size)?, left: size })
    }

    /// Returns all of its memory. Call it before any of it is handed out.
    pub(crate) fn memory(&self) -> Memory {
        Memory { start: self.next, length: self.left }
    }

    /// Returns a slice of `length` values, which `make` makes from their indices.
    ///
    /// # Panics
    ///
    /// Panics if there is not enough room left. That is a bug: the room was computed from the same
    /// lengths.
    pub(crate) fn slice<T>(
        &mut self,
        length: usize,
        make: impl Fn(usize) -> T,
    ) -> &'static mut [T] {
        let start = self.next.cast::<u8>();
        let padding = start.align_offset(align_of::<T>());
        let bytes = padding + length * size_of::<T>();
        assert!(bytes <= self.left, "the computed size of the registry is too small");
        // SAFETY: INV-ARENA: `padding` is at most `left`.
        let first = unsafe { start.add(padding) }.cast::<T>();
        // SAFETY: INV-ARENA: `bytes` is at most `left`.
        self.next = unsafe { start.add(bytes) };
        self.left -= bytes;
        for i in 0..length {
            // SAFETY: INV-ARENA: the element lies inside the slice.
            let element = unsafe { first.add(i) };
            // SAFETY: INV-ARENA: the element is aligned, writable, and in no other slice.
            unsafe { element.write(make(i)) };
        }
        // SAFETY: INV-ARENA: the `length` elements were written above, are not handed out again,
        // and are freed only when nothing uses the registry any more.
        unsafe { slice::from_raw_parts_mut(first.as_ptr(), length) }
    }
}
