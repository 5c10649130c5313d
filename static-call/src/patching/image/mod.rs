//! The image in memory: its segments, its trampoline records, its table.

use core::ptr::with_exposed_provenance;
use core::slice;

use crate::arch::native::store::read_quadword;
use crate::arch::native::{
    JMP_MEMORY_LENGTH, along_jumps, decode_jmp_memory, direct_jump, symbols,
};
use crate::layout::{
    LabelRecord, Segment, TableEntry, TableHeader, TrampolineRecord, image_identity,
};

#[cfg(test)]
mod tests;

/// `PT_LOAD` (gABI, "Program Header").
const LOAD: u32 = 1;
/// `PT_DYNAMIC`.
const DYNAMIC: u32 = 2;
/// `PT_INTERP`: a program requests a dynamic loader, a shared object does not.
const INTERPRETER: u32 = 3;
/// `ET_EXEC`: a program at a fixed address.
const PROGRAM: u16 = 2;
/// `DT_FLAGS_1` and `DF_1_PIE`: a program at any address, which linkers mark so even if it requests
/// no dynamic loader (binutils/include/elf/common.h).
const FLAGS_1: u64 = 0x6fff_fffb;
const IS_PROGRAM: u64 = 0x0800_0000;
/// `PT_GNU_RELRO`.
const RELRO: u32 = 0x6474_e552;
/// `PF_X`.
const EXECUTE: u32 = 1;

/// `Elf64_Ehdr`, up to the last field used here.
#[repr(C)]
struct Header {
    ident: [u8; 16],
    kind: u16,
    machine: u16,
    version: u32,
    entry: u64,
    program_headers: u64,
    section_headers: u64,
    flags: u32,
    size: u16,
    program_header_size: u16,
    program_header_count: u16,
}

/// `Elf64_Phdr`.
#[repr(C)]
struct ProgramHeader {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    physical: u64,
    file_size: u64,
    memory_size: u64,
    align: u64,
}

impl ProgramHeader {
    /// Returns whether it describes a segment of code.
    fn is_code(&self) -> bool {
        self.kind == LOAD && self.flags & EXECUTE != 0
    }
}

/// A view of this image.
#[derive(Clone, Copy)]
pub(crate) struct Image {
    /// The difference between addresses in memory and in the file.
    bias: usize,
    /// INV-IMAGE: mapped as long as code of this image runs.
    headers: &'static [ProgramHeader],
    /// The first executable segment, which is usually the only one: its address, size and
    /// `p_flags`.
    text: (u64, u64, u32),
    /// Whether it is a program, according to its header.
    is_program: bool,
}

impl Image {
    /// Returns this image, or `None` if its headers are not in memory.
    pub(crate) fn this() -> Option<Self> {
        let start = symbols::elf_header();
        if start.is_null() || !start.cast::<Header>().is_aligned() {
            return None;
        }
        // SAFETY: INV-IMAGE: `__ehdr_start` names the ELF header of this image, which stays mapped.
        let header = unsafe { &*start.cast::<Header>() };
        if header.ident[..5] != *b"\x7fELF\x02"
            || usize::from(header.program_header_size) != size_of::<ProgramHeader>()
        {
            return None;
        }
        let table = start.wrapping_add(usize::try_from(header.program_headers).ok()?);
        let count = usize::from(header.program_header_count);
        // SAFETY: INV-IMAGE: the program headers follow the ELF header in its segment.
        let headers = unsafe { slice::from_raw_parts(table.cast::<ProgramHeader>(), count) };
        let first = headers.iter().find(|h| h.kind == LOAD && h.offset == 0)?;
        let bias = start.addr().wrapping_sub(usize::try_from(first.address).ok()?);
        Some(Self { is_program: header.kind == PROGRAM, ..Self::new(bias, headers) })
    }

    fn new(bias: usize, headers: &'static [ProgramHeader]) -> Self {
        let text = headers.iter().find(|h| h.is_code());
        let text = text.map_or((0, 0, 0), |h| (h.address, h.memory_size, h.flags));
        Self { bias, headers, text, is_program: false }
    }

    /// Returns whether this image may be unloaded before the process ends. A program may not, be it
    /// linked dynamically or statically.
    pub(crate) fn is_shared_object(&self) -> bool {
        let asks_for_loader = self.headers.iter().any(|h| h.kind == INTERPRETER);
        let flags = self.dynamic().iter().find(|[tag, _]| *tag == FLAGS_1);
        let is_marked = flags.is_some_and(|[_, flags]| flags & IS_PROGRAM != 0);
        !self.is_program && !asks_for_loader && !is_marked
    }

    /// Returns the dynamic section, pairs of tag and value, if there is one.
    fn dynamic(&self) -> &'static [[u64; 2]] {
        let Some(header) = self.headers.iter().find(|h| h.kind == DYNAMIC) else { return &[] };
        let start = self.bias.wrapping_add(header.address as usize);
        let entries: *const [u64; 2] = with_exposed_provenance(start);
        if !entries.is_aligned() {
            return &[];
        }
        let count = header.memory_size as usize / size_of::<[u64; 2]>();
        // SAFETY: INV-IMAGE: the segment is mapped, and nobody writes there: the loader has
        // relocated it before code of this image runs.
        unsafe { slice::from_raw_parts(entries, count) }
    }

    /// Returns the identity that the table must have to describe this image.
    pub(crate) fn identity(&self) -> u64 {
        image_identity(self.headers.iter().filter(|h| h.kind == LOAD).map(|h| Segment {
            address: h.address,
            size: h.memory_size,
            flags: h.flags,
        }))
    }

    /// Returns the `p_flags` of the executable segment that contains all `length` bytes at
    /// `address`.
    pub(crate) fn code(&self, address: usize, length: usize) -> Option<u32> {
        let offset = (address.wrapping_sub(self.bias) as u64).wrapping_sub(self.text.0);
        if offset < self.text.1 && self.text.1 - offset >= length as u64 {
            return Some(self.text.2);
        }
        self.segment(LOAD, address, length).filter(|h| h.is_code()).map(|h| h.flags)
    }

    /// Returns start, end and `p_flags` of every executable segment.
    pub(crate) fn executable(&self) -> impl Iterator<Item = (usize, usize, u32)> {
        self.headers.iter().filter(|h| h.is_code()).map(|h| {
            let start = self.bias.wrapping_add(h.address as usize);
            (start, start.wrapping_add(h.memory_size as usize), h.flags)
        })
    }

    /// Returns the first address of the image and the one after its last.
    pub(crate) fn bounds(&self) -> (u64, u64) {
        let loaded = || self.headers.iter().filter(|h| h.kind == LOAD);
        let start = loaded().map(|h| h.address).min().unwrap_or(0);
        let end = loaded().map(|h| h.address.wrapping_add(h.memory_size)).max().unwrap_or(0);
        let bias = self.bias as u64;
        (bias.wrapping_add(start), bias.wrapping_add(end))
    }

    /// Returns whether the byte at `address` is code of this image.
    pub(crate) fn is_code(&self, address: u64) -> bool {
        usize::try_from(address).is_ok_and(|address| self.code(address, 1).is_some())
    }

    /// Returns the pointer at `address`, if it has been constant since the program started.
    pub(crate) fn constant(&self, address: usize) -> Option<usize> {
        self.segment(RELRO, address, size_of::<usize>())?;
        let pointer: *const usize = core::ptr::with_exposed_provenance(address);
        if !pointer.is_aligned() {
            return None;
        }
        // SAFETY: INV-IMAGE: the loader relocated this memory and then made it read-only.
        Some(unsafe { pointer.read() })
    }

    /// Returns where the jump at `address` always leads, if there is such a jump.
    pub(crate) fn jump(&self, address: u64) -> Option<u64> {
        let (code, have) = self.read(address as usize);
        let code = &code[..have];
        if let Some(to) = direct_jump(address, code) {
            return Some(to);
        }
        let slot = address
            .wrapping_add(JMP_MEMORY_LENGTH)
            .wrapping_add_signed(decode_jmp_memory(code)?.into()) as usize;
        self.constant(slot).map(|to| to as u64)
    }

    /// Returns whether code at `from` only jumps to `to`, or is there.
    pub(crate) fn leads(&self, from: u64, to: u64) -> bool {
        along_jumps(from, |at| self.jump(at).filter(|&next| self.is_code(next))).any(|at| at == to)
    }

    fn segment(&self, kind: u32, address: usize, length: usize) -> Option<&ProgramHeader> {
        let address = address.wrapping_sub(self.bias) as u64;
        self.headers.iter().filter(|h| h.kind == kind).find(|h| {
            address >= h.address
                && address - h.address < h.memory_size
                && h.memory_size - (address - h.address) >= length as u64
        })
    }

    /// Reads up to sixteen bytes of code from `address`, as far as its quadword and the next ones
    /// are code, and returns them with their number.
    pub(crate) fn read(&self, address: usize) -> ([u8; 16], usize) {
        let mut bytes = [0; 16];
        let first = address & !7;
        let mut have = 0;
        for quad in [first, first + 8, first + 16] {
            // A page consists of whole quadwords, so one byte of code proves all eight.
            let (start, end) = (quad.max(address), quad + 8);
            if self.code(start, 1).is_none() {
                break;
            }
            // SAFETY: INV-TEXT: the page is code of this image, and the quadword is aligned.
            let value = unsafe { read_quadword(quad) }.to_le_bytes();
            let take = (end - start).min(bytes.len() - have);
            bytes[have..have + take].copy_from_slice(&value[start - quad..][..take]);
            have += take;
        }
        (bytes, have)
    }

    /// Returns the `length` bytes of code at `address`, at most 8, padded with 0, little-endian, or
    /// `None` if not all are code.
    pub(crate) fn instruction(&self, address: usize, length: usize) -> Option<u64> {
        self.code(address, length)?;
        let (first, last) = (address & !7, (address + length - 1) & !7);
        // SAFETY: INV-TEXT: a page consists of whole quadwords, so the first byte, which is code of
        // this image, proves all eight; the quadword is aligned.
        let low = unsafe { read_quadword(first) };
        // SAFETY: INV-TEXT: the same, by the last byte.
        let high = unsafe { read_quadword(last) };
        let shift = 8 * (address & 7) as u32;
        // No branch: where instructions lie cannot be predicted.
        let rest = high.wrapping_shl(64 - shift) * u64::from(first != last);
        Some((low >> shift | rest) & u64::MAX >> (64 - 8 * length))
    }

    /// Returns the quadword of code at `address`, a multiple of 8.
    pub(crate) fn quadword(&self, address: usize) -> Option<u64> {
        self.code(address, 1)?;
        if !address.is_multiple_of(8) {
            return None;
        }
        // SAFETY: INV-TEXT: the page is code of this image, and the quadword is aligned.
        Some(unsafe { read_quadword(address) })
    }
}

/// Returns the trampoline records of this image. The addresses in them are relative to the records.
pub(crate) fn trampoline_records() -> &'static [TrampolineRecord] {
    let (start, stop) = (symbols::trampolines_start(), symbols::trampolines_stop());
    let count = stop.addr().saturating_sub(start.addr()) / TrampolineRecord::SIZE;
    debug_assert!(start.cast::<TrampolineRecord>().is_aligned(), "{start:p}");
    // SAFETY: INV-RECORDS: these are the linker's bounds of a read-only section that holds only
    // whole records.
    unsafe { slice::from_raw_parts(start.cast(), count) }
}

/// Returns the jump label records of this image. The addresses in them are relative to the records.
pub(crate) fn label_records() -> &'static [LabelRecord] {
    let (start, stop) = (symbols::labels_start(), symbols::labels_stop());
    let count = stop.addr().saturating_sub(start.addr()) / LabelRecord::SIZE;
    debug_assert!(start.cast::<LabelRecord>().is_aligned(), "{start:p}");
    // SAFETY: INV-RECORDS: as for trampolines.
    unsafe { slice::from_raw_parts(start.cast(), count) }
}

/// Returns the table's header and the bytes of its filled entries, or why it is not trusted.
pub(crate) fn table(image: &Image) -> Result<(TableHeader, &'static [u8]), TableFault> {
    let (start, stop) = (symbols::table_start(), symbols::table_stop());
    let length = stop.addr().saturating_sub(start.addr());
    if length == 0 {
        return Err(TableFault::Absent);
    }
    // SAFETY: INV-RECORDS: these are the linker's bounds of a section that nothing writes after the
    // link.
    let bytes: &'static [u8] = unsafe { slice::from_raw_parts(start, length) };
    let header = check_table(bytes, image.identity())?;
    Ok((header, &bytes[TableHeader::SIZE..][..header.count as usize * TableEntry::SIZE]))
}

/// Why a table is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableFault {
    /// There is no table: the link had no hook.
    Absent,
    /// The hook added a table, but the verifier did not fill it.
    Empty,
    /// It is not a table, or is truncated.
    Malformed,
    /// It has a version that this runtime does not know.
    Version(u32),
    /// It describes another image, or this one before a tool rearranged it.
    OtherImage,
    /// Its entries are not what the verifier wrote.
    Changed,
}

/// Checks everything of a table except its entries.
fn check_table(bytes: &[u8], identity: u64) -> Result<TableHeader, TableFault> {
    let head = bytes.first_chunk().ok_or(TableFault::Malformed)?;
    let header = TableHeader::from_bytes(head).ok_or(TableFault::Malformed)?;
    match header.version {
        0 => return Err(TableFault::Empty),
        crate::layout::TABLE_VERSION => {}
        other => return Err(TableFault::Version(other)),
    }
    if header.count > header.capacity {
        return Err(TableFault::Malformed);
    }
    let entries = usize::try_from(header.count)
        .ok()
        .and_then(|count| count.checked_mul(TableEntry::SIZE))
        .and_then(|length| bytes[TableHeader::SIZE..].get(..length))
        .ok_or(TableFault::Malformed)?;
    if header.identity != identity {
        return Err(TableFault::OtherImage);
    }
    if header.checksum != crate::layout::checksum(entries) {
        return Err(TableFault::Changed);
    }
    Ok(header)
}
