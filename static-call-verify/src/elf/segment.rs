//! Segments: what the loader maps.

/// A loadable segment whose bytes lie in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) address: u64,
    pub(crate) memory_size: u64,
    pub(crate) file_size: u64,
    pub(crate) offset: u64,
    pub(crate) flags: u32,
}
