//! Looks at the eight bytes of a word together. What is found of a byte is in its highest bit.

/// The highest bit of each byte.
const ALL: u64 = 0x8080_8080_8080_8080;
/// The other bits.
const LOW: u64 = !ALL;

/// Returns the bits that [`may_be_last`] compares so that it finds the bytes in `last`.
pub(super) fn compared(last: &[bool; 256]) -> u64 {
    let mut others = 0;
    while others < 7 && last[1 << others..256 - (1 << others)].contains(&true) {
        others += 1;
    }
    (0x7f >> others << others) * 0x0101_0101_0101_0101
}

/// Finds the bytes in which each of the `compared` bits is like the next higher one: those near 0
/// and near 255, where the last bytes of displacements are.
#[inline(always)]
pub(super) fn may_be_last(word: u64, compared: u64) -> u64 {
    // No sum exceeds its byte.
    !(((word ^ word >> 1) & compared) + LOW) & ALL
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
    fn each_byte(find: impl Fn(u64) -> u64, check: impl Fn(u8, bool)) {
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
    fn last_bytes_of_fields() {
        for (lowest, highest) in [(0, 255), (1, 255), (0, 254), (3, 250), (100, 200), (127, 128)] {
            let mut last = [false; 256];
            (last[lowest], last[highest]) = (true, true);
            let compared = compared(&last);
            let near = (lowest + 1).max(256 - highest).next_power_of_two();
            each_byte(
                |word| may_be_last(word, compared),
                |byte, found| {
                    let byte = usize::from(byte);
                    assert_eq!(found, byte < near || byte >= 256 - near, "{byte}");
                },
            );
        }
    }

    #[test]
    fn bytes_before_fields() {
        each_byte(may_be_before, |byte, found| {
            assert_eq!(found, BEFORE[usize::from(byte)] || byte >= 128, "{byte:#x}");
        });
    }
}
