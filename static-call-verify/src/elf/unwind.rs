//! Function extents and landing pads from `.eh_frame_hdr`, `.eh_frame` and `.gcc_except_table`.

use super::frames::{Frame, Frames};
use super::image::Image;
use super::reader::Reader;
use crate::sort;

/// The unwind table of an image.
pub(crate) struct Unwind<'a> {
    index: Option<Index<'a>>,
    frames: Frames<'a>,
    /// All frames by start, if the image has no usable index.
    list: Vec<Frame>,
}

/// The binary search table of `.eh_frame_hdr` (LSB, "Exception Frames"): pairs of function and
/// frame, both 4 bytes, relative to the section.
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
        let frames = Frames { data: image.section_data(section)?, address: section.address };
        let index = Index::find(image);
        let mut list = Vec::new();
        if index.is_none() {
            list.extend(frames.all());
            sort::by_key(&mut list, |f| [f.start, f.end]);
        }
        Some(Self { index, frames, list })
    }

    /// Returns the frame around an address.
    pub(crate) fn frame(&self, address: u64) -> Option<Frame> {
        let frame = if let Some(index) = &self.index {
            self.frames.frame(index.frame(address)?)?
        } else {
            let after = self.list.partition_point(|f| f.start <= address);
            self.list.get(after.checked_sub(1)?).copied()?
        };
        (frame.start..frame.end).contains(&address).then_some(frame)
    }
}

impl Frame {
    /// Returns where a panic enters the function: the landing pads of its call-site table that lie
    /// inside it, sorted (LSB "Exception Frames" and the Itanium C++ ABI, "Exception Handling
    /// Tables").
    pub(crate) fn landing_pads(&self, image: &Image<'_>) -> Vec<u64> {
        let mut pads = Vec::new();
        if let Some(data) = self.lsda.and_then(|lsda| image.data_at(lsda)) {
            // What was read before an error is valid.
            call_sites(Reader::new(data, 0), |pad| {
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

fn call_sites(mut r: Reader<'_>, mut each: impl FnMut(u64) -> bool) -> Option<()> {
    const OMIT: u8 = 0xff;
    const ULEB128: u8 = 0x01;
    const UDATA4: u8 = 0x03;
    if r.u8()? != OMIT {
        // Landing pads relative to something else: no compiler for this target emits them.
        return None;
    }
    if r.u8()? != OMIT {
        r.uleb128()?;
    }
    let encoding = r.u8()?;
    let length = r.uleb128()?;
    let mut sites = r.part(length)?;
    while !sites.is_empty() {
        let mut value = || match encoding {
            ULEB128 => sites.uleb128(),
            UDATA4 => sites.u32().map(u64::from),
            _ => None,
        };
        let (_start, _length, pad) = (value()?, value()?, value()?);
        if !each(pad) {
            break;
        }
        sites.uleb128()?;
    }
    Some(())
}
