//! The entries of `.eh_frame` (LSB, "Exception Frames"), as far as they say where functions are.
//!
//! An entry is common information or describes a function. Whatever compilers for this target do
//! not emit is an error, so the function counts as unknown.

use super::reader::Reader;

/// A function according to the unwind table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The address of its table of landing pads.
    pub(crate) lsda: Option<u64>,
}

/// The section: its bytes and its address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) address: u64,
}

/// What entries of functions share: how their pointers are encoded.
#[derive(Clone, Copy, Debug)]
struct Shared {
    has_data: bool,
    function: u8,
    lsda: Option<u8>,
}

impl<'a> Frames<'a> {
    /// Returns the function of the entry at an address.
    pub(crate) fn frame(&self, address: u64) -> Option<Frame> {
        let offset = usize::try_from(address.checked_sub(self.address)?).ok()?;
        self.function(entry(&mut Reader::new(self.data, offset))?)
    }

    /// Returns all functions, in the order of the entries, up to an entry that cannot be read.
    pub(crate) fn all(&self) -> impl Iterator<Item = Frame> {
        let mut rest = Reader::new(self.data, 0);
        let entries = std::iter::from_fn(move || entry(&mut rest));
        entries.filter_map(|entry| self.function(entry))
    }

    /// Reads the entry of a function. Returns `None` for common information.
    fn function(&self, mut entry: Reader<'a>) -> Option<Frame> {
        let shared = self.shared(&mut entry)?;
        let start = self.pointer(shared.function, &mut entry)?;
        // The number of bytes has the encoding of an address, but is relative to nothing.
        let size = number(shared.function, &mut entry)?;
        let mut lsda = None;
        if shared.has_data {
            let length = entry.uleb128()?;
            let mut data = entry.part(length)?;
            // A number that is 0 means no address, whatever it is relative to.
            if let Some(encoding) = shared.lsda
                && number(encoding, &mut data.clone())? != 0
            {
                lsda = Some(self.pointer(encoding, &mut data)?);
            }
        }
        let end = start.checked_add(size).filter(|end| start < *end)?;
        Some(Frame { start, end, lsda })
    }

    /// Reads the distance back to common information, and that information.
    fn shared(&self, function: &mut Reader<'a>) -> Option<Shared> {
        let place = function.position();
        let back = function.u32().filter(|back| *back != 0)?;
        let place = place.checked_sub(usize::try_from(back).ok()?)?;
        common(entry(&mut Reader::new(self.data, place))?)
    }

    fn pointer(&self, encoding: u8, data: &mut Reader<'a>) -> Option<u64> {
        let place = self.address.wrapping_add(data.position() as u64);
        let number = number(encoding, data)?;
        match encoding & !FORMAT {
            ABSOLUTE => Some(number),
            RELATIVE => Some(place.wrapping_add(number)),
            // Relative to something else, or the address of a pointer.
            _ => None,
        }
    }
}

/// Reads an entry without its length. Returns `None` at the end of the section and at the
/// terminator.
fn entry<'a>(rest: &mut Reader<'a>) -> Option<Reader<'a>> {
    let length = match rest.u32()? {
        0 | 0xffff_fff0..0xffff_ffff => return None,
        0xffff_ffff => rest.u64()?,
        length => length.into(),
    };
    rest.part(length)
}

/// Reads common information.
fn common(mut entry: Reader<'_>) -> Option<Shared> {
    /// There are few letters.
    const LONGEST: usize = 8;
    entry.u32().filter(|id| *id == 0)?;
    let version = entry.u8().filter(|version| matches!(version, 1 | 3))?;
    let augmentation = entry.text(LONGEST)?;
    let _factors = (entry.uleb128()?, entry.sleb128()?);
    let _return_address = if version == 1 { entry.u8()?.into() } else { entry.uleb128()? };
    let mut shared = Shared { has_data: false, function: ABSOLUTE, lsda: None };
    let letters = match augmentation {
        // The second is the frame of a signal handler.
        [] | [b'S'] => return Some(shared),
        [b'z', letters @ ..] => letters,
        _ => return None,
    };
    shared.has_data = true;
    let length = entry.uleb128()?;
    let mut data = entry.part(length)?;
    for letter in letters {
        match letter {
            b'L' => shared.lsda = Some(data.u8()?),
            b'P' => {
                let personality = data.u8()?;
                number(personality, &mut data)?;
            }
            b'R' => shared.function = data.u8()?,
            b'S' => {}
            _ => return None,
        }
    }
    Some(shared)
}

/// The bits of an encoding that say what the number is relative to.
const BASE: u8 = 0x70;
/// The bits of an encoding that give the format of the number.
const FORMAT: u8 = 0x0f;
/// The number is the address.
const ABSOLUTE: u8 = 0;
/// The number is relative to its own address.
const RELATIVE: u8 = 0x10;

/// Reads an encoded number (LSB, "DWARF Exception Header Encoding").
fn number(encoding: u8, data: &mut Reader<'_>) -> Option<u64> {
    let signed = |number: i64| number.cast_unsigned();
    match encoding & FORMAT {
        // No pointer at all (0xff), or one that compilers do not emit.
        _ if !matches!(encoding & BASE, ABSOLUTE | RELATIVE) => None,
        0x00 | 0x04 | 0x0c => data.u64(),
        0x01 => data.uleb128(),
        0x02 => data.u16().map(u64::from),
        0x03 => data.u32().map(u64::from),
        0x09 => data.sleb128().map(signed),
        0x0a => data.u16().map(|n| signed(n.cast_signed().into())),
        0x0b => data.u32().map(|n| signed(n.cast_signed().into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use gimli::{BaseAddresses, EhFrame, EndianSlice, LittleEndian, Pointer, UnwindSection};
    use proptest::prelude::*;

    use super::*;

    const ADDRESS: u64 = 0x40_1000;

    /// Returns the functions as gimli reads them.
    fn expected(data: &[u8]) -> Vec<Frame> {
        let mut frames = EhFrame::new(data, LittleEndian);
        frames.set_address_size(8);
        let bases = BaseAddresses::default().set_eh_frame(ADDRESS);
        let mut entries = frames.entries(&bases);
        let mut all = Vec::new();
        while let Ok(Some(entry)) = entries.next() {
            if let gimli::CieOrFde::Fde(partial) = entry
                && let Ok(fde) = partial.parse(EhFrame::<EndianSlice<'_, _>>::cie_from_offset)
                && fde.initial_address() < fde.end_address()
            {
                let lsda = match fde.lsda() {
                    Some(Pointer::Direct(address)) => Some(address),
                    _ => None,
                };
                let (start, end) = (fde.initial_address(), fde.end_address());
                all.push(Frame { start, end, lsda });
            }
        }
        all
    }

    fn read(data: &[u8]) -> Vec<Frame> {
        Frames { data, address: ADDRESS }.all().collect()
    }

    /// Common information and a function, with this augmentation, its data, the encoded numbers of
    /// the function, and the data of the function.
    fn section(augmentation: &[u8], data: &[u8], numbers: &[u8], own: &[u8]) -> Vec<u8> {
        let with_length = |body: Vec<u8>| [&(body.len() as u32).to_le_bytes()[..], &body].concat();
        let has_data = augmentation.first() == Some(&b'z');
        let counted = |data: &[u8]| {
            if has_data { [&[data.len() as u8], data].concat() } else { Vec::new() }
        };
        let head = [&[0, 0, 0, 0, 1], augmentation, &[0, 1, 0x78, 16]].concat();
        let common = with_length([head, counted(data)].concat());
        let back = (common.len() as u32 + 4).to_le_bytes();
        let function = with_length([&back[..], numbers, &counted(own)].concat());
        [common, function, vec![0; 4]].concat()
    }

    #[test]
    fn the_forms_that_compilers_emit() {
        let numbers = [0x00, 0x10, 0, 0, 0x20, 0, 0, 0];
        let plain = section(b"zR", &[0x1b], &numbers, &[]);
        assert_eq!(read(&plain), [Frame { start: 0x40_2019, end: 0x40_2039, lsda: None }]);
        let personality = [0x9b, 1, 2, 3, 4, 0x1b, 0x1b];
        let with = |own: &[u8]| read(&section(b"zPLR", &personality, &numbers, own));
        let function = |lsda| Frame { start: 0x40_2021, end: 0x40_2041, lsda };
        assert_eq!(with(&[0x00, 0x20, 0, 0]), [function(Some(0x40_302a))]);
        assert_eq!(with(&[0; 4]), [function(None)], "no landing pads");
        assert_eq!(with(&[0; 3]), [], "cut off");
        let wide = [0x10_u64.to_le_bytes(), 0x20_u64.to_le_bytes()].concat();
        let absolute = Frame { start: 0x10, end: 0x30, lsda: None };
        assert_eq!(read(&section(b"", &[], &wide, &[])), [absolute]);
        assert_eq!(read(&section(b"zR", &[0x3b], &numbers, &[])), [], "relative to data");
        assert_eq!(read(&section(b"zQR", &[0x1b], &numbers, &[])), [], "an unknown letter");
    }

    #[test]
    fn this_program_as_gimli_reads_it() {
        use object::{Object, ObjectSection};
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let file = object::File::parse(&*own).unwrap();
        let data = file.section_by_name(".eh_frame").unwrap().data().unwrap();
        let all = read(data);
        assert!(all.len() > 1000 && all.iter().any(|f| f.lsda.is_some()));
        assert_eq!(all, expected(data));
    }

    proptest! {
        /// Sections that are right except for a few bytes. gimli reads more; what both read is the
        /// same.
        #[test]
        fn damaged_sections(
            encodings in prop::array::uniform3(prop::sample::select(vec![
                0x00_u8, 0x01, 0x03, 0x09, 0x0a, 0x0b, 0x0c, 0x10, 0x11, 0x12, 0x1b, 0x1c, 0xff,
                0x9b,
            ])),
            numbers in prop::collection::vec(any::<u8>(), 2..24),
            own in prop::collection::vec(any::<u8>(), 0..12),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        ) {
            let [personality, lsda, function] = encodings;
            let data = [&[lsda, function, personality][..], &[1; 8]].concat();
            let mut bytes = section(b"zLRP", &data, &numbers, &own);
            for (at, byte) in flips {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let expected = expected(&bytes);
            for frame in read(&bytes) {
                let same = |f: &&Frame| (f.start, f.end) == (frame.start, frame.end);
                let other = expected.iter().find(same);
                prop_assert!(other.is_some(), "{:x?} {:x?}", frame, expected);
                prop_assert!(frame.lsda.is_none() || other.unwrap().lsda == frame.lsda);
            }
        }
    }
}
