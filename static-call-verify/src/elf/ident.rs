//! Recognises the kind of a file by its first bytes.

use object::LittleEndian as LE;
use object::elf::{self, FileHeader64};

use super::error::ImageError;

/// Returns an error unless the file is an ELF file for x86-64.
pub(super) fn check(bytes: &[u8]) -> Result<(), ImageError> {
    const SHORTEST: usize = size_of::<FileHeader64<LE>>();
    let unsupported = |what| Err(ImageError::Unsupported(what));
    match bytes {
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => {
            unsupported("this is an archive: only linked images can be verified")
        }
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => {
            unsupported("this is a Mach-O file: only ELF images can be verified")
        }
        [b'M', b'Z', ..] => unsupported("this is a PE file: only ELF images can be verified"),
        [0x7f, b'E', b'L', b'F', ..] if bytes.len() < SHORTEST => {
            Err(ImageError::corrupt("it ends within its ELF header"))
        }
        [0x7f, b'E', b'L', b'F', 2, 1, ..] => {
            let machine = u16::from_le_bytes([bytes[18], bytes[19]]);
            if machine == elf::EM_X86_64.0 {
                Ok(())
            } else {
                unsupported("this ELF file is not for x86-64: nothing is patched there")
            }
        }
        [0x7f, b'E', b'L', b'F', ..] => {
            unsupported("this ELF file is not 64-bit little-endian: nothing is patched there")
        }
        _ => unsupported("this is not an ELF file"),
    }
}
