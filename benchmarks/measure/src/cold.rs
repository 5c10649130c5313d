//! Data that a request touches before it makes its calls.

use std::hint::black_box;

/// Bytes in a cache line.
const LINE: usize = 64;

/// Memory of which each request touches every cache line.
pub struct Memory {
    lines: Vec<[u64; LINE / 8]>,
}

impl Memory {
    /// Returns memory of this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self { lines: vec![[1; LINE / 8]; bytes / LINE] }
    }

    /// Reads and writes each line once.
    pub fn touch(&mut self) {
        let mut sum = 0_u64;
        for line in &mut self.lines {
            line[0] = line[0].wrapping_add(sum);
            sum = sum.wrapping_add(line[1]);
        }
        black_box(sum);
    }
}
