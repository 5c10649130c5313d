//! Looks at the eight bytes of a word together. What is found of a byte is in its highest bit.

/// The highest bit of each byte.
pub(super) const ALL: u64 = 0x8080_8080_8080_8080;
/// The other bits.
const LOW: u64 = !ALL;

/// Finds the bytes 0 and 255.
#[inline(always)]
pub(super) fn are_0_or_255(word: u64) -> u64 {
    // In these, each bit is like the next higher one. No sum exceeds its byte.
    !(((word ^ word >> 1) & LOW) + LOW) & ALL
}

/// Finds the bytes in [`BEFORE`](super::BEFORE), and other bytes from 128 on.
#[inline(always)]
pub(super) fn may_be_before(word: u64) -> u64 {
    let differs = word & 0xc7c7_c7c7_c7c7_c7c7 ^ 0x0505_0505_0505_0505;
    (!((differs & LOW) + LOW) | word) & ALL
}

#[cfg(test)]
mod tests {
    use super::super::BEFORE;
    use super::*;

    /// Calls `check` with what is found of each byte between each two bytes.
    fn each_byte(find: fn(u64) -> u64, check: impl Fn(u8, bool)) {
        for byte in 0..=255_u8 {
            for beside in 0..=255_u8 {
                for at in 0..8 {
                    let mut bytes = [beside; 8];
                    bytes[at] = byte;
                    let found = find(u64::from_le_bytes(bytes)).to_le_bytes();
                    assert!(found.iter().all(|found| found & 0x7f == 0));
                    check(byte, found[at] != 0);
                }
            }
        }
    }

    #[test]
    fn ends() {
        each_byte(are_0_or_255, |byte, found| assert_eq!(found, matches!(byte, 0 | 255)));
    }

    #[test]
    fn bytes_before_fields() {
        each_byte(may_be_before, |byte, found| {
            assert_eq!(found, BEFORE[usize::from(byte)] || byte >= 128, "{byte:#x}");
        });
    }
}
