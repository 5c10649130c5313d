//! Source lines of instructions, from line tables in the image.

use std::borrow::Cow;
use std::convert::Infallible;

use addr2line::Context;
use gimli::{DwarfSections, EndianSlice, LittleEndian};

use crate::budget::Budget;
use crate::image::Image;
use crate::report::{Key, Source};

/// The debug sections, decompressed.
pub(crate) struct DebugSections<'a>(DwarfSections<Cow<'a, [u8]>>);

impl<'a> DebugSections<'a> {
    pub(crate) fn load(image: &Image<'a>) -> Option<Self> {
        image.sections_named(".debug_line").next()?;
        // Of all sections together: nobody waits for more.
        let room = Budget::of(1 << 30);
        let load = |id: gimli::SectionId| image.debug_section(id.name(), &room).unwrap_or_default();
        let sections = DwarfSections::load(|id| Ok::<_, Infallible>(load(id)));
        sections.ok().map(Self)
    }
}

/// Looks up source lines.
pub(crate) struct Lines<'s>(Context<EndianSlice<'s, LittleEndian>>);

impl<'s> Lines<'s> {
    pub(crate) fn new(sections: &'s DebugSections<'_>) -> Option<Self> {
        let dwarf = sections.0.borrow(|section| EndianSlice::new(section, LittleEndian));
        Context::from_dwarf(dwarf).ok().map(Self)
    }

    /// Where the call at `address` of a key's plain trampoline stands.
    ///
    /// The innermost inlined function is the key's own wrapper, whose line is that of the
    /// declaration: the caller is the one around it.
    pub(crate) fn source(&self, address: u64, key: &Key) -> Option<Source> {
        let mut frames = self.0.find_frames(address).skip_all_loads().ok()?;
        let innermost = frames.next().ok()??;
        let is_wrapper = innermost
            .function
            .as_ref()
            .and_then(|f| f.raw_name().ok().map(|n| is_named(&n, &key.name)))
            .unwrap_or(false);
        let caller = if is_wrapper { frames.next().ok()? } else { None };
        let location = caller.as_ref().unwrap_or(&innermost).location.as_ref()?;
        Some(Source {
            file: self.file(address, location.file?),
            line: location.line?,
            column: location.column.unwrap_or(0),
        })
    }

    /// A file as `file!()` names it: where the compiler was given a relative path, relative to its
    /// directory, which the line table has put before it.
    fn file(&self, address: u64, file: &str) -> String {
        let relative = || {
            let unit = self.0.find_dwarf_and_unit(address).skip_all_loads()?;
            if unit.name?.slice().starts_with(b"/") {
                return None;
            }
            let directory = std::str::from_utf8(unit.comp_dir?.slice()).ok()?;
            file.strip_prefix(directory)?.strip_prefix('/')
        };
        relative().unwrap_or(file).to_owned()
    }
}

/// Whether the last segment of a symbol's path is that of a key's name.
fn is_named(symbol: &str, name: &str) -> bool {
    let path = format!("{:#}", rustc_demangle::demangle(symbol));
    let last = |s: &str| s.rsplit("::").next().map(str::to_owned);
    last(&path) == last(name)
}
