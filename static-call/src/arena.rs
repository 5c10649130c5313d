//! Memory of the registry: one mapping, handed out in slices, never freed.

use core::mem::{align_of, size_of};
use core::ptr::NonNull;
use core::slice;

use crate::sys;

pub(crate) struct Arena {
    next: NonNull<u8>,
    left: usize,
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

    /// A slice of `length` values that `make` makes from their indices.
    ///
    /// # Panics
    ///
    /// If the room is used up: its size is computed from the same lengths.
    pub(crate) fn slice<T>(&mut self, length: usize, make: impl Fn(usize) -> T) -> &'static mut [T] {
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
        // SAFETY: INV-ARENA: `length` elements, written above, never freed or handed out again.
        unsafe { slice::from_raw_parts_mut(first.as_ptr(), length) }
    }
}
