//! Numbers that are the same in every build.

/// A splitmix64 generator.
pub struct Random(
    /// The seed.
    pub u64,
);

impl Random {
    /// Returns a number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ z >> 31) % n as u64).unwrap_or_default()
    }

    /// Returns the key of each site. All keys have as many sites, one more or one less.
    pub fn keys(&mut self, keys: usize, sites: usize) -> Vec<usize> {
        let mut order: Vec<_> = (0..sites).map(|site| site % keys).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, self.below(at + 1));
        }
        order
    }
}
