//! Function extents and landing pads from `.eh_frame_hdr`, `.eh_frame` and `.gcc_except_table`.

use std::cell::RefCell;
use std::collections::HashMap;

use gimli::{
    BaseAddresses, CommonInformationEntry, EhFrame, EhFrameOffset, EndianSlice, LittleEndian,
    Pointer, Reader, UnwindSection,
};

use super::image::Image;

type Slice<'a> = EndianSlice<'a, LittleEndian>;
type Cie<'a> = CommonInformationEntry<Slice<'a>>;

/// A function according to the unwind table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) start: u64,
    pub(crate) end: u64,
    lsda: Option<u64>,
}

/// The unwind table of an image.
pub(crate) struct Unwind<'a> {
    bases: BaseAddresses,
    index: Option<Index<'a>>,
    frames: EhFrame<Slice<'a>>,
    frames_address: u64,
    /// What frames share. There are hundreds of thousands of frames, but usually only one of these
    /// for each unit.
    shared: RefCell<HashMap<usize, gimli::Result<Cie<'a>>>>,
    /// All frames by start, if the image has no usable index.
    list: Vec<Frame>,
}

/// The binary search table of `.eh_frame_hdr` (LSB, "Exception Frames"): pairs of function and
/// frame, both 4 bytes, relative to the section. (gimli's reader subtracts without a check.)
#[derive(Clone, Copy)]
struct Index<'a> {
    address: u64,
    pairs: &'a [[u8; 8]],
}

impl<'a> Index<'a> {
    /// Version 1, self-relative pointer, count of 4 bytes, pairs of 4 signed bytes.
    const HEAD: [u8; 4] = [1, 0x1b, 0x03, 0x3b];

    fn find(image: &Image<'a>) -> Option<Self> {
        let section = image.sections_named(".eh_frame_hdr").next()?;
        let data = image.section_data(section)?;
        let (head, table) = data.split_at_checked(12)?;
        let count = head.get(8..)?.try_into().ok().map(u32::from_le_bytes)?;
        let pairs = table.as_chunks().0.get(..usize::try_from(count).ok()?)?;
        head.starts_with(&Self::HEAD).then_some(Self { address: section.address, pairs })
    }

    /// Returns the address of the frame of the last function that starts at or before `address`.
    fn frame(&self, address: u64) -> Option<u64> {
        let at = |[a, b, c, d]: [u8; 4]| {
            self.address.wrapping_add_signed(i32::from_le_bytes([a, b, c, d]).into())
        };
        let after = self.pairs.partition_point(|&[a, b, c, d, ..]| at([a, b, c, d]) <= address);
        let &[.., a, b, c, d] = self.pairs.get(after.checked_sub(1)?)?;
        Some(at([a, b, c, d]))
    }
}

impl<'a> Unwind<'a> {
    pub(crate) fn new(image: &Image<'a>) -> Option<Self> {
        let section = image.sections_named(".eh_frame").next()?;
        let mut frames = EhFrame::new(image.section_data(section)?, LittleEndian);
        frames.set_address_size(8);
        let bases = BaseAddresses::default().set_eh_frame(section.address);
        let (index, frames_address) = (Index::find(image), section.address);
        let mut unwind = Self {
            bases,
            index,
            frames,
            frames_address,
            shared: RefCell::default(),
            list: Vec::new(),
        };
        if unwind.index.is_none() {
            unwind.list = unwind.all();
        }
        Some(unwind)
    }

    /// Returns the frame around an address.
    pub(crate) fn frame(&self, address: u64) -> Option<Frame> {
        let frame = if let Some(index) = &self.index {
            let offset = index.frame(address)?.checked_sub(self.frames_address)?;
            let offset = EhFrameOffset(usize::try_from(offset).ok()?);
            let cie = |_: &_, _: &_, offset| self.cie(offset);
            let fde = self.frames.fde_from_offset(&self.bases, offset, cie);
            Frame::new(&fde.ok()?)?
        } else {
            let after = self.list.partition_point(|f| f.start <= address);
            self.list.get(after.checked_sub(1)?).copied()?
        };
        (frame.start..frame.end).contains(&address).then_some(frame)
    }

    fn cie(&self, offset: EhFrameOffset) -> gimli::Result<Cie<'a>> {
        let parse = || self.frames.cie_from_offset(&self.bases, offset);
        self.shared.borrow_mut().entry(offset.0).or_insert_with(parse).clone()
    }

    fn all(&self) -> Vec<Frame> {
        let mut list = Vec::new();
        let mut entries = self.frames.entries(&self.bases);
        while let Ok(Some(entry)) = entries.next() {
            if let gimli::CieOrFde::Fde(partial) = entry
                && let Ok(fde) = partial.parse(|_, _, offset| self.cie(offset))
            {
                list.extend(Frame::new(&fde));
            }
        }
        list.sort_unstable_by_key(|f| (f.start, f.end));
        list
    }
}

impl Frame {
    fn new(fde: &gimli::FrameDescriptionEntry<Slice<'_>>) -> Option<Self> {
        let (start, end) = (fde.initial_address(), fde.end_address());
        let lsda = match fde.lsda() {
            Some(Pointer::Direct(a)) => Some(a),
            _ => None,
        };
        (start < end).then_some(Self { start, end, lsda })
    }

    /// Returns where a panic enters the function: the landing pads of its call-site table that lie
    /// inside it, sorted (LSB "Exception Frames" and the Itanium C++ ABI, "Exception Handling
    /// Tables").
    pub(crate) fn landing_pads(&self, image: &Image<'_>) -> Vec<u64> {
        let mut pads = Vec::new();
        if let Some(data) = self.lsda.and_then(|lsda| image.data_at(lsda)) {
            // What was read before an error is valid.
            let _ = call_sites(EndianSlice::new(data, LittleEndian), |pad| {
                // Many functions can share one table.
                let room = image.budget.spend(1);
                let pad = self.start.checked_add(pad).filter(|_| pad != 0);
                pads.extend(pad.filter(|pad| *pad < self.end));
                room
            });
        }
        pads.sort_unstable();
        pads.dedup();
        pads
    }
}

fn call_sites(mut r: Slice<'_>, mut each: impl FnMut(u64) -> bool) -> gimli::Result<()> {
    const OMIT: u8 = 0xff;
    const ULEB128: u8 = 0x01;
    const UDATA4: u8 = 0x03;
    if r.read_u8()? != OMIT {
        // Landing pads relative to something else: no compiler for this target emits them.
        return Ok(());
    }
    if r.read_u8()? != OMIT {
        r.read_uleb128()?;
    }
    let encoding = r.read_u8()?;
    let length = usize::try_from(r.read_uleb128()?).map_err(|_| gimli::Error::UnsupportedOffset)?;
    let mut sites = r.split(length)?;
    while !sites.is_empty() {
        let mut value = || match encoding {
            ULEB128 => sites.read_uleb128(),
            UDATA4 => sites.read_u32().map(u64::from),
            _ => Err(gimli::Error::UnsupportedPointerEncoding(gimli::DwEhPe(encoding))),
        };
        let (_start, _length, pad) = (value()?, value()?, value()?);
        if !each(pad) {
            break;
        }
        sites.read_uleb128()?;
    }
    Ok(())
}
