//! CRC-32C: the switchable trait, its implementations, and the oracle.
//!
//! Width 32, polynomial 0x1EDC6F41, reflected (0x82F63B78), initial value and final xor all ones:
//! RFC 3720, appendix B.4 (iSCSI).

use std::cell::Cell;

use static_call::{Instance, Update, UpdateError, static_call};

/// Computes CRC-32C. `StaticChecksum` also implements it, by static calls.
#[static_call(default = SlicingBy8)]
pub(crate) trait Checksum {
    /// Returns the CRC-32C of `data`.
    fn checksum(&self, data: &[u8]) -> u32;
}

/// One implementation that `StaticChecksum` can be switched to.
pub(crate) struct Implementation {
    /// Its name in the output.
    pub(crate) name: &'static str,
    /// Makes `StaticChecksum` call it.
    pub(crate) switch_to: fn() -> Result<Update, UpdateError>,
}

/// Returns what this processor can run: at least three implementations. `StaticChecksum` starts
/// with the first.
pub(crate) fn implementations() -> Vec<Implementation> {
    let portable = [
        Implementation { name: "slicing by 8 (default)", switch_to: StaticChecksum::reset },
        Implementation { name: "one table", switch_to: StaticChecksum::update::<OneTable> },
        Implementation { name: "crate `crc`", switch_to: StaticChecksum::update::<CrateCrc> },
    ];
    portable.into_iter().chain(accelerated()).collect()
}

/// Returns the implementation by the processor's own instruction, if it has one.
#[cfg(target_arch = "x86_64")]
fn accelerated() -> Option<Implementation> {
    let switch_to = StaticChecksum::update::<Sse42>;
    let found = is_x86_feature_detected!("sse4.2");
    found.then_some(Implementation { name: "SSE4.2 instruction", switch_to })
}

/// Only x86-64's instruction is used here.
#[cfg(not(target_arch = "x86_64"))]
fn accelerated() -> Option<Implementation> {
    None
}

/// Eight bytes at a time.
#[derive(Instance)]
struct SlicingBy8;

impl Checksum for SlicingBy8 {
    fn checksum(&self, data: &[u8]) -> u32 {
        answered_by(SLICING);
        slicing::checksum(data)
    }
}

/// A byte at a time.
#[derive(Instance)]
struct OneTable;

impl Checksum for OneTable {
    fn checksum(&self, data: &[u8]) -> u32 {
        answered_by(TABLE);
        slicing::bytewise(data)
    }
}

/// An implementation with state: the function and its state switch together.
struct CrateCrc(crc::Crc<u32, crc::Table<16>>);

static CRC: CrateCrc = CrateCrc(crc::Crc::<u32, crc::Table<16>>::new(&crc::CRC_32_ISCSI));
static_call::instance!(CRC: CrateCrc);

impl Checksum for CrateCrc {
    fn checksum(&self, data: &[u8]) -> u32 {
        answered_by(CRATE);
        self.0.checksum(data)
    }
}

/// The processor's own instruction. Only `accelerated` names it.
#[cfg(target_arch = "x86_64")]
#[derive(Instance)]
struct Sse42;

#[cfg(target_arch = "x86_64")]
impl Checksum for Sse42 {
    fn checksum(&self, data: &[u8]) -> u32 {
        answered_by(SSE42);
        // SAFETY: this becomes a target only if the processor has SSE4.2.
        unsafe { sse42::checksum(data) }
    }
}

// Indices into `implementations()`.
const SLICING: usize = 0;
const TABLE: usize = 1;
const CRATE: usize = 2;
#[cfg(target_arch = "x86_64")]
const SSE42: usize = 3;

thread_local! {
    static ANSWERED_BY: Cell<usize> = const { Cell::new(SLICING) };
}

/// Notes which target was called on this thread.
fn answered_by(implementation: usize) {
    ANSWERED_BY.set(implementation);
}

/// Returns which of [`implementations`] answered the last call on this thread.
pub(crate) fn last_answer() -> usize {
    ANSWERED_BY.get()
}

/// The definition, bit by bit: slow, and too simple to share a bug with the others.
pub(crate) fn oracle(data: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for &byte in data {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
        }
    }
    !crc
}

const POLYNOMIAL: u32 = 0x82f6_3b78;

mod slicing {
    //! Table-driven: a byte at a time, and eight at a time.

    use super::POLYNOMIAL;

    /// `TABLES[k][b]`: the byte `b` followed by `k` zero bytes.
    static TABLES: [[u32; 256]; 8] = tables();

    const fn tables() -> [[u32; 256]; 8] {
        let mut tables = [[0; 256]; 8];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u32;
            let mut k = 0;
            while k < 8 {
                let mut bit = 0;
                while bit < 8 {
                    crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
                    bit += 1;
                }
                tables[k][byte] = crc;
                k += 1;
            }
            byte += 1;
        }
        tables
    }

    pub(super) fn bytewise(data: &[u8]) -> u32 {
        !data.iter().fold(!0, |crc, &byte| step(crc, byte))
    }

    pub(super) fn checksum(data: &[u8]) -> u32 {
        let (words, rest) = data.as_chunks::<8>();
        let crc = words.iter().fold(!0_u32, |crc, word| {
            let mixed = u64::from_le_bytes(*word) ^ u64::from(crc);
            let bytes = mixed.to_le_bytes();
            (0..8).fold(0, |crc, i| crc ^ TABLES[7 - i][usize::from(bytes[i])])
        });
        !rest.iter().fold(crc, |crc, &byte| step(crc, byte))
    }

    fn step(crc: u32, byte: u8) -> u32 {
        crc >> 8 ^ TABLES[0][usize::from(crc as u8 ^ byte)]
    }
}

#[cfg(target_arch = "x86_64")]
mod sse42 {
    //! The `crc32` instruction, which uses exactly this polynomial (Intel SDM vol. 2, "CRC32").

    use std::arch::x86_64::{_mm_crc32_u8, _mm_crc32_u64};

    #[target_feature(enable = "sse4.2")]
    pub(super) fn checksum(data: &[u8]) -> u32 {
        let (words, rest) = data.as_chunks::<8>();
        let crc = words
            .iter()
            .fold(u64::from(!0_u32), |crc, word| _mm_crc32_u64(crc, u64::from_le_bytes(*word)));
        // The instruction clears the upper half.
        !rest.iter().fold(crc as u32, |crc, &byte| _mm_crc32_u8(crc, byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oracle_gives_the_published_check_value() {
        assert_eq!(oracle(b"123456789"), 0xe306_9283);
    }

    /// The only test that switches, because the whole process shares one handle.
    #[test]
    fn every_implementation_agrees_with_the_oracle() {
        let data: Vec<u8> = (0..300_u32).map(|i| (i * i * 7 + i / 3) as u8).collect();
        let all = implementations();
        assert!(all.len() >= 3);
        for (i, implementation) in all.iter().enumerate() {
            (implementation.switch_to)().unwrap();
            for start in 0..9 {
                for end in start..data.len() {
                    let part = &data[start..end];
                    assert_eq!(
                        StaticChecksum.checksum(part),
                        oracle(part),
                        "{}",
                        implementation.name
                    );
                    assert_eq!(last_answer(), i);
                }
            }
        }
    }
}
