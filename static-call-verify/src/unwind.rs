//! Function extents and landing pads from `.eh_frame_hdr`, `.eh_frame` and `.gcc_except_table`.

use gimli::{
    BaseAddresses, EhFrame, EhFrameHdr, EndianSlice, LittleEndian, ParsedEhFrameHdr, Pointer,
    Reader, UnwindSection,
};

use crate::image::Image;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// A function as the unwind table knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) start: u64,
    pub(crate) end: u64,
    lsda: Option<u64>,
}

/// The unwind table of an image.
pub(crate) struct Unwind<'a> {
    bases: BaseAddresses,
    header: Option<ParsedEhFrameHdr<Slice<'a>>>,
    frames: EhFrame<Slice<'a>>,
    /// Of an image without a usable `.eh_frame_hdr`: all frames, by start.
    list: Vec<Frame>,
}

impl<'a> Unwind<'a> {
    pub(crate) fn new(image: &Image<'a>) -> Option<Self> {
        let section = image.sections_named(".eh_frame").next()?;
        let mut frames = EhFrame::new(image.section_data(section)?, LittleEndian);
        frames.set_address_size(8);
        let mut bases = BaseAddresses::default().set_eh_frame(section.address);
        let header = image.sections_named(".eh_frame_hdr").next().and_then(|h| {
            bases = bases.clone().set_eh_frame_hdr(h.address);
            let header = EhFrameHdr::new(image.section_data(h)?, LittleEndian);
            header.parse(&bases, 8).ok().filter(|h| h.table().is_some())
        });
        let mut unwind = Self { bases, header, frames, list: Vec::new() };
        if unwind.header.is_none() {
            unwind.list = unwind.all();
        }
        Some(unwind)
    }

    /// The frame around an address.
    pub(crate) fn frame(&self, address: u64) -> Option<Frame> {
        let Some(header) = &self.header else {
            let after = self.list.partition_point(|f| f.start <= address);
            return self.list.get(after.checked_sub(1)?).copied().filter(|f| address < f.end);
        };
        let fde = header
            .table()?
            .fde_for_address(&self.frames, &self.bases, address, EhFrame::cie_from_offset)
            .ok()?;
        Frame::new(&fde)
    }

    fn all(&self) -> Vec<Frame> {
        let mut list = Vec::new();
        let mut entries = self.frames.entries(&self.bases);
        while let Ok(Some(entry)) = entries.next() {
            if let gimli::CieOrFde::Fde(partial) = entry
                && let Ok(fde) = partial.parse(EhFrame::cie_from_offset)
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

    /// Where a panic enters the function: the landing pads of its call-site table
    /// (LSB "Exception Frames" and the Itanium C++ ABI, "Exception Handling Tables").
    pub(crate) fn landing_pads(&self, image: &Image<'_>) -> Vec<u64> {
        let mut pads = Vec::new();
        let table = || {
            let lsda = self.lsda?;
            let section = image.sections.iter().find(|s| s.is_allocated() && s.contains(lsda))?;
            image.section_data(section)?.get(usize::try_from(lsda - section.address).ok()?..)
        };
        if let Some(data) = table() {
            // What was read before an error is true.
            let _ = call_sites(EndianSlice::new(data, LittleEndian), |pad| {
                pads.extend(self.start.checked_add(pad));
            });
        }
        pads
    }
}

fn call_sites(mut r: Slice<'_>, mut each: impl FnMut(u64)) -> gimli::Result<()> {
    const OMIT: u8 = 0xff;
    const ULEB128: u8 = 0x01;
    const UDATA4: u8 = 0x03;
    if r.read_u8()? != OMIT {
        // Landing pads relative to something else: no compiler for this target emits it.
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
        if pad != 0 {
            each(pad);
        }
        sites.read_uleb128()?;
    }
    Ok(())
}
