//! Reads numbers from bytes, in little-endian order. Each function returns `None` at the end.

/// A part of some bytes that is not read yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    /// All bytes up to the end of the part.
    bytes: &'a [u8],
    /// Where the part begins.
    at: usize,
}

impl<'a> Reader<'a> {
    /// Returns a reader of `bytes` that begins at `at`.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Returns the number of bytes before the part.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Returns whether everything was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Reads `count` bytes as a part of their own.
    pub(crate) fn part(&mut self, count: u64) -> Option<Self> {
        let end = self.at.checked_add(usize::try_from(count).ok()?)?;
        let part = Self { bytes: self.bytes.get(..end)?, at: self.at };
        self.at = end;
        Some(part)
    }

    /// Reads the bytes up to one that is 0, which is among the next `most`.
    pub(crate) fn text(&mut self, most: usize) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let length = rest.iter().take(most).position(|byte| *byte == 0)?;
        self.at += length + 1;
        rest.get(..length)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = *self.bytes.get(self.at..)?.first_chunk()?;
        self.at += N;
        Some(array)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads an unsigned LEB128 number (DWARF 5, 7.6). Returns `None` if it exceeds 64 bits, too.
    pub(crate) fn uleb128(&mut self) -> Option<u64> {
        let (value, _) = self.leb128()?;
        u64::try_from(value).ok()
    }

    /// Reads a signed LEB128 number. Returns `None` if it exceeds 64 bits, too.
    pub(crate) fn sleb128(&mut self) -> Option<i64> {
        let (value, bits) = self.leb128()?;
        // Both fit: a number has at most 70 bits.
        let is_negative = value >> (bits - 1) & 1 != 0;
        let value = value.cast_signed() - if is_negative { 1 << bits } else { 0 };
        i64::try_from(value).ok()
    }

    /// Returns the bits of a number of at most ten bytes, and how many there are.
    fn leb128(&mut self) -> Option<(u128, u32)> {
        const MOST: u32 = 70;
        let (mut value, mut bits) = (0, 0);
        while bits < MOST {
            let byte = self.u8()?;
            value |= u128::from(byte & 0x7f) << bits;
            bits += 7;
            if byte & 0x80 == 0 {
                return Some((value, bits));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// gimli reads the same numbers.
        #[test]
        fn leb128_as_gimli_reads_it(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            use gimli::Reader as _;
            let mut slice = gimli::EndianSlice::new(&bytes, gimli::LittleEndian);
            let reader = Reader::new(&bytes, 0);
            prop_assert_eq!(reader.clone().uleb128(), slice.clone().read_uleb128().ok());
            prop_assert_eq!(reader.clone().sleb128(), slice.read_sleb128().ok());
        }
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut reader = Reader::new(&[9, 1, 2, 3], 1);
        assert_eq!((reader.u32(), reader.u64(), reader.text(9)), (None, None, None));
        assert!(reader.part(4).is_none() && reader.part(u64::MAX).is_none());
        let mut part = reader.part(2).unwrap();
        assert_eq!((part.position(), reader.position(), reader.u16()), (1, 3, None));
        assert_eq!((part.u16(), part.u8(), reader.u8()), (Some(0x201), None, Some(3)));
        assert!(part.is_empty() && reader.is_empty() && reader.part(0).is_some());
        assert!(Reader::new(&[1], 2).u8().is_none() && Reader::new(&[1], 2).part(0).is_none());
        assert_eq!(Reader::new(b"ab\0c", 0).text(3), Some(&b"ab"[..]));
        assert_eq!(Reader::new(b"ab\0c", 0).text(2), None);
        let long = Reader::new(&[0x80; 11], 0);
        assert_eq!((long.clone().uleb128(), long.clone().sleb128()), (None, None));
    }
}
