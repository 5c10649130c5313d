//! Finds the innermost function around an instruction, including inlined ones.

use gimli::{AttributeValue, UnitOffset, constants};

use super::program::Rows;
use super::units::{Attributes, Unit, Units};
use super::within;
use crate::report::Source;

/// A function around an instruction.
#[derive(Debug)]
pub(super) struct Function {
    /// The start of the function, or of the one it is inlined into.
    pub(super) begin: u64,
    /// Its symbol, or else its name.
    pub(super) name: Option<String>,
    /// If it is inlined, where it is called, if known.
    pub(super) caller: Option<Option<Source>>,
}

/// An entry around an instruction.
#[derive(Clone, Copy)]
struct Entry {
    at: UnitOffset,
    depth: isize,
    /// The entry of the enclosing function that is not inlined, and its start.
    root: UnitOffset,
    begin: u64,
}

/// How many entries may refer to each other before one has a name.
const MOST_HOPS: usize = 16;

/// Returns the function of each of a unit's sorted `addresses`.
pub(super) fn find<'s>(
    units: &Units<'s>,
    unit: &Unit<'s>,
    addresses: &[u64],
    rows: Option<&Rows<'s>>,
) -> Vec<Option<Function>> {
    let mut entries: Vec<Option<Entry>> = vec![None; addresses.len()];
    // What was read before an error or the end of the budget is valid.
    let _ = walk(units, unit, addresses, &mut entries);
    entries.into_iter().map(|entry| function(units, unit, entry?, rows)).collect()
}

fn walk<'s>(
    units: &Units<'s>,
    unit: &Unit<'s>,
    addresses: &[u64],
    found: &mut [Option<Entry>],
) -> Option<()> {
    let abbreviations = &unit.inner.abbreviations;
    let mut entries = unit.inner.header.entries_raw(abbreviations, None).ok()?;
    let mut attributes = Vec::new();
    // Functions around the entry, outermost first, with their depth.
    let mut roots: Vec<(UnitOffset, isize)> = Vec::new();
    while !entries.is_empty() {
        let (at, depth) = (entries.next_offset(), entries.next_depth());
        units.spend(1)?;
        let Some(abbreviation) = entries.read_abbreviation().ok()? else { continue };
        while roots.pop_if(|(_, d)| *d >= depth).is_some() {}
        let is_inlined = match abbreviation.tag() {
            constants::DW_TAG_subprogram => false,
            constants::DW_TAG_inlined_subroutine => true,
            _ => {
                units.spend(abbreviation.attributes().len())?;
                entries.skip_attributes(abbreviation.attributes()).ok()?;
                continue;
            }
        };
        units.attributes(&mut entries, abbreviation, &mut attributes)?;
        if !is_inlined {
            roots.push((at, depth));
        }
        let Some(&(root, _)) = roots.last() else { continue };
        let _ = units.ranges(unit, &attributes, |begin, end| {
            let covered = within(addresses, begin, end);
            units.spend(covered.len())?;
            for place in found.get_mut(covered).into_iter().flatten() {
                let begin = match *place {
                    Some(p) if is_inlined && p.root == root && p.depth < depth => p.begin,
                    // Code that was dropped keeps its entry, at address 0.
                    Some(p) if !is_inlined && p.begin < begin => begin,
                    None if !is_inlined => begin,
                    _ => continue,
                };
                *place = Some(Entry { at, depth, root, begin });
            }
            Some(())
        });
    }
    Some(())
}

fn function<'s>(
    units: &Units<'s>,
    unit: &Unit<'s>,
    entry: Entry,
    rows: Option<&Rows<'s>>,
) -> Option<Function> {
    let attributes = units.entry(unit, entry.at)?;
    let number = |name| {
        let attribute = attributes.iter().find(|a| a.name() == name)?;
        match attribute.value() {
            AttributeValue::FileIndex(index) => Some(index),
            value => value.udata_value(),
        }
    };
    let caller = (entry.at != entry.root).then(|| {
        let file = number(constants::DW_AT_call_file)?;
        let line = number(constants::DW_AT_call_line)?;
        let column = number(constants::DW_AT_call_column).unwrap_or(0);
        rows?.source(units, unit, file, (line, column))
    });
    Some(Function { begin: entry.begin, name: name(units, unit, &attributes, MOST_HOPS), caller })
}

/// Returns the name of an entry, or of the entry it was derived from.
fn name<'s>(
    units: &Units<'s>,
    unit: &Unit<'s>,
    entry: &Attributes<'s>,
    hops: usize,
) -> Option<String> {
    let value = |name| entry.iter().find(|a| a.name() == name).map(gimli::Attribute::value);
    let text = value(constants::DW_AT_linkage_name)
        .or_else(|| value(constants::DW_AT_MIPS_linkage_name))
        .or_else(|| value(constants::DW_AT_name));
    if let Some(text) = text.and_then(|t| units.text(&unit.inner, t)) {
        return Some(String::from_utf8_lossy(text.slice()).into_owned());
    }
    let hops = hops.checked_sub(1)?;
    let origin = value(constants::DW_AT_abstract_origin)
        .or_else(|| value(constants::DW_AT_specification))?;
    match origin {
        AttributeValue::UnitRef(at) => name(units, unit, &units.entry(unit, at)?, hops),
        AttributeValue::DebugInfoRef(offset) => {
            let (unit, _, entry) = units.entry_at(offset)?;
            name(units, &unit, &entry, hops)
        }
        _ => None,
    }
}
