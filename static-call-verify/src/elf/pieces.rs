//! Files that are read in pieces.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A regular file.
#[derive(Debug)]
pub(crate) struct Pieces {
    file: File,
    length: u64,
}

impl Pieces {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self { file, length: metadata.len() })
    }

    /// Returns the length of the file in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Reads bytes of the file into `memory`, which grows if necessary.
    pub(crate) fn read<'m>(
        &self,
        range: Range<u64>,
        memory: &'m mut Vec<u8>,
    ) -> io::Result<&'m mut [u8]> {
        let size = self.size_of(&range)?;
        if memory.len() < size {
            // Zeros from the system. In an unoptimised build, writing them one by one would cost
            // more than reading the file.
            *memory = vec![0; size.next_power_of_two()];
        }
        let bytes = memory.get_mut(..size).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.file.read_exact_at(bytes, range.start)?;
        Ok(bytes)
    }

    /// Reads bytes of the file to their place in `image`, which is as long as the file.
    pub(crate) fn read_in_place(&self, range: Range<u64>, image: &mut [u8]) -> io::Result<()> {
        let size = self.size_of(&range)?;
        let start = usize::try_from(range.start).ok();
        let place = start.and_then(|start| image.get_mut(start..)?.get_mut(..size));
        self.read_exact(range.start, place.ok_or(io::ErrorKind::UnexpectedEof)?)
    }

    /// Fills `bytes` from the file, beginning at an offset.
    pub(crate) fn read_exact(&self, start: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, start)
    }

    /// Returns the size of a range that comes from a file. It is trusted only if the file is that
    /// long.
    fn size_of(&self, range: &Range<u64>) -> io::Result<usize> {
        let size = range.end.checked_sub(range.start).filter(|_| range.end <= self.length);
        let size = size.and_then(|size| usize::try_from(size).ok());
        size.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
