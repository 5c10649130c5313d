//! The functions around candidates, from symbols and unwind tables together.
//!
//! Where extents overlap (aliases, hand-written assembly, an unwind table that is more precise than
//! the symbols) their union counts as one function, and every symbol, frame and landing pad inside
//! must agree with how the union decodes.

use super::index::Index;
use crate::elf::image::Image;
use crate::elf::symbols::Symbol;
use crate::elf::unwind::Unwind;
use crate::sort;

/// A range of code that decodes from its start.
#[derive(Debug)]
pub(crate) struct Extent<'a> {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// The symbols inside.
    pub(crate) symbols: Vec<Symbol<'a>>,
    /// Where functions begin according to unwind tables, in order.
    pub(crate) frames: Vec<u64>,
    /// Where functions begin according to symbols, in order.
    named: Vec<u64>,
    /// Where unwinding enters.
    pub(crate) landing_pads: Vec<u64>,
}

impl Extent<'_> {
    /// Returns whether a function begins at an address, according to symbols and unwind tables.
    pub(crate) fn is_function(&self, address: u64) -> bool {
        let is_in = |starts: &[u64]| starts.binary_search(&address).is_ok();
        address == self.start || is_in(&self.frames) || is_in(&self.named)
    }
}

/// Returns the functions around `addresses` (sorted), in order and disjoint.
pub(crate) fn around<'a>(
    image: &Image<'a>,
    symbols: &[Symbol<'a>],
    unwind: Option<&Unwind<'a>>,
    addresses: &[u64],
) -> Vec<Extent<'a>> {
    let near = Index::new(addresses);
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for s in symbols {
        let end = s.address.checked_add(s.size).filter(|_| s.is_function && s.size != 0);
        if let Some(end) = end
            && near.first_in(s.address, end).is_some()
        {
            ranges.push((s.address, end));
        }
    }
    let (mut frames, mut pads) = (Vec::new(), Vec::new());
    let mut known = None::<(u64, u64)>;
    for &address in addresses {
        if known.is_some_and(|(start, end)| (start..end).contains(&address)) {
            continue;
        }
        if let Some(frame) = unwind.and_then(|u| u.frame(address)) {
            known = Some((frame.start, frame.end));
            ranges.push((frame.start, frame.end));
            frames.push(frame.start);
            pads.extend(frame.landing_pads(image));
        }
    }
    sort::by_key(&mut ranges, |(start, end)| [*start, *end]);
    let mut extents: Vec<Extent<'a>> = Vec::new();
    for (start, end) in ranges {
        match extents.last_mut().filter(|e| start < e.end) {
            Some(last) => last.end = last.end.max(end),
            None => {
                let (symbols, landing_pads) = (Vec::new(), Vec::new());
                let (frames, named) = (Vec::new(), Vec::new());
                extents.push(Extent { start, end, symbols, frames, named, landing_pads });
            }
        }
    }
    let starts: Vec<u64> = extents.iter().map(|e| e.start).collect();
    let starts = Index::new(&starts);
    for symbol in symbols {
        if let Some(extent) = containing(&mut extents, &starts, symbol.address) {
            extent.symbols.push(*symbol);
        }
    }
    for extent in &mut extents {
        let functions = extent.symbols.iter().filter(|s| s.is_function);
        extent.named = functions.map(|s| s.address).collect();
        extent.named.sort_unstable();
    }
    frames.sort_unstable();
    frames.dedup();
    for frame in frames {
        if let Some(extent) = containing(&mut extents, &starts, frame) {
            extent.frames.push(frame);
        }
    }
    for pad in pads {
        if let Some(extent) = containing(&mut extents, &starts, pad) {
            extent.landing_pads.push(pad);
        }
    }
    extents
}

/// Returns the extent around an address. `starts` are those of all extents.
fn containing<'e, 'a>(
    extents: &'e mut [Extent<'a>],
    starts: &Index<'_>,
    address: u64,
) -> Option<&'e mut Extent<'a>> {
    let after = starts.place(address.saturating_add(1));
    extents.get_mut(after.checked_sub(1)?).filter(|e| address < e.end)
}
