//! Source lines of instructions, from debug information in the image.
//!
//! Debug information can make its reader do a lot of work: many units can share a table, and lists
//! can overlap. So every unit is read once, for all of its instructions together, and every step is
//! paid for from a budget in proportion to the size of the sections. If the budget runs out, lines
//! are missing.

mod functions;
mod program;
#[cfg(test)]
mod tests;
mod units;

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;

use gimli::{Dwarf, DwarfSections, EndianSlice, LittleEndian};

use self::functions::Function;
use self::units::Units;
use crate::demangle::demangled;
use crate::elf::budget::Budget;
use crate::elf::image::Image;
use crate::report::{Key, Source};

/// Whether source lines can be read, which needs the feature `lines`.
pub(crate) const AVAILABLE: bool = true;

/// What even the smallest image is granted.
const BASE: u64 = 16 << 20;

type Slice<'s> = EndianSlice<'s, LittleEndian>;

/// The debug sections, decompressed.
pub(crate) struct DebugSections<'a> {
    sections: DwarfSections<Cow<'a, [u8]>>,
    length: usize,
    /// Whether a section exists that could not be read.
    is_cut: bool,
}

impl<'a> DebugSections<'a> {
    pub(crate) fn load(image: &Image<'a>) -> Option<Self> {
        image.sections_named(".debug_line").next()?;
        // The limit for all sections together. Compression shrinks them to a third or a fifth, and
        // nobody wants to wait for a gigabyte.
        const MOST: u64 = 1 << 30;
        const PER_BYTE: u64 = 16;
        let room = (image.length() as u64).saturating_mul(PER_BYTE).saturating_add(BASE);
        let room = Budget::of(room.min(MOST));
        let (mut length, mut is_cut) = (0_usize, false);
        let mut load = |id: gimli::SectionId| {
            let data = image.debug_section(id.name(), &room);
            is_cut |= data.is_none() && image.sections_named(id.name()).next().is_some();
            let data = data.unwrap_or_default();
            length = length.saturating_add(data.len());
            data
        };
        let sections = DwarfSections::load(|id| Ok::<_, Infallible>(load(id))).ok()?;
        Some(Self { sections, length, is_cut })
    }

    /// Returns the budget for reading them. What compilers emit takes one step for a byte or two.
    fn budget(&self) -> Budget {
        const PER_BYTE: u64 = 8;
        Budget::of((self.length as u64).saturating_mul(PER_BYTE).saturating_add(BASE))
    }
}

/// The position of an instruction, as far as it is known.
#[derive(Debug, Default)]
struct Place {
    /// The start of its sequence of rows, and the source position of its row.
    row: Option<(u64, Option<Source>)>,
    function: Option<Function>,
}

/// Source lines by address.
pub(crate) struct Lines {
    places: HashMap<u64, Place>,
    is_whole: bool,
}

impl Lines {
    /// Looks up the lines of these instructions.
    pub(crate) fn new(sections: &DebugSections<'_>, addresses: impl Iterator<Item = u64>) -> Self {
        let dwarf = sections.sections.borrow(|section| EndianSlice::new(section, LittleEndian));
        let mut lines = Self::read(dwarf, sections.budget(), addresses);
        lines.is_whole &= !sections.is_cut;
        lines
    }

    /// Returns whether everything was read.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    fn read(dwarf: Dwarf<Slice<'_>>, budget: Budget, addresses: impl Iterator<Item = u64>) -> Self {
        let mut addresses: Vec<u64> = addresses.collect();
        addresses.sort_unstable();
        addresses.dedup();
        if addresses.is_empty() {
            return Self { places: HashMap::new(), is_whole: true };
        }
        let mut places: Vec<Place> = addresses.iter().map(|_| Place::default()).collect();
        let units = Units::new(dwarf, budget);
        for header in units.headers() {
            // What was read before an error or the end of the budget is valid.
            let _ = look_up(&units, header, &addresses, &mut places);
        }
        Self { places: addresses.into_iter().zip(places).collect(), is_whole: !units.is_over() }
    }

    /// Returns the source position of the call at `address` of a key's plain trampoline.
    ///
    /// The innermost inlined function is the key's own wrapper, whose line is that of the
    /// declaration, so the position of its caller is returned. The same holds for an instruction
    /// without a line, which an optimiser has put between the lines of an inlined function (DWARF
    /// 5, 6.2.2, `line`).
    pub(crate) fn source(&self, address: u64, key: &Key) -> Option<Source> {
        let place = self.places.get(&address)?;
        let innermost = place.function.as_ref();
        let caller = innermost.and_then(|f| f.caller.as_ref());
        let is_wrapper = || {
            let name = innermost.and_then(|f| f.name.as_deref());
            name.is_some_and(|name| is_named(name, &key.name))
        };
        let own = place.row.as_ref().and_then(|(_, source)| source.as_ref());
        match caller {
            Some(caller) if own.is_none() || is_wrapper() => caller.clone(),
            _ => own.cloned(),
        }
    }
}

/// Looks up what a unit knows about those of `addresses` that are its own.
fn look_up<'s>(
    units: &Units<'s>,
    header: &units::Header<'s>,
    addresses: &[u64],
    places: &mut [Place],
) -> Option<()> {
    let unit = units.open(header)?;
    let mut own = Vec::new();
    let mut has_ranges = false;
    let _ = units.ranges(&unit, &unit.root, |begin, end| {
        has_ranges = true;
        own.extend(within(addresses, begin, end));
        units.spend(within(addresses, begin, end).len())
    });
    if !has_ranges {
        // Its rows decide.
        units.spend(addresses.len())?;
        own.extend(0..addresses.len());
    }
    own.sort_unstable();
    own.dedup();
    if own.is_empty() {
        return None;
    }
    let wanted: Vec<u64> = own.iter().filter_map(|&i| addresses.get(i)).copied().collect();
    let rows = program::Rows::read(units, &unit, &wanted);
    for (&i, row) in own.iter().zip(rows.iter().flat_map(|r| &r.found)) {
        let Some((row, place)) = row.as_ref().zip(places.get_mut(i)) else { continue };
        // Code that was dropped keeps its rows, at address 0.
        if place.row.as_ref().is_none_or(|(start, _)| *start < row.start) {
            let source = rows.as_ref().and_then(|r| r.source(units, &unit, row.file, row.line));
            place.row = Some((row.start, source));
        }
    }
    let functions = functions::find(units, &unit, &wanted, rows.as_ref());
    for (&i, function) in own.iter().zip(functions) {
        let Some((function, place)) = function.zip(places.get_mut(i)) else { continue };
        if place.function.as_ref().is_none_or(|f| f.begin < function.begin) {
            place.function = Some(function);
        }
    }
    Some(())
}

/// Returns the indices of the sorted `addresses` that lie in a range.
fn within(addresses: &[u64], begin: u64, end: u64) -> std::ops::Range<usize> {
    let from = addresses.partition_point(|&a| a < begin);
    from..addresses.partition_point(|&a| a < end).max(from)
}

/// Returns whether the last segment of a symbol's path is the last of a key's name.
fn is_named(symbol: &str, name: &str) -> bool {
    let path = demangled(symbol);
    let last = |s: &str| s.rsplit("::").next().map(str::to_owned);
    last(&path) == last(name)
}
