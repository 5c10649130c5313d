//! Units of debug information, their entries, and the values of attributes. Every step is paid for.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use gimli::{
    Abbreviation, Abbreviations, Attribute, AttributeValue, DebugAddrBase, DebugInfoOffset,
    DebugLineOffset, DebugLocListsBase, DebugRngListsBase, DebugStrOffsetsBase, Dwarf, EntriesRaw,
    Reader, Section, UnitHeader, UnitOffset, constants,
};

use super::Slice;
use crate::elf::budget::Budget;

/// The header of a unit.
pub(super) type Header<'s> = UnitHeader<Slice<'s>>;
/// The attributes of an entry.
pub(super) type Attributes<'s> = Vec<Attribute<Slice<'s>>>;

/// All units.
pub(super) struct Units<'s> {
    pub(super) dwarf: Dwarf<Slice<'s>>,
    budget: Budget,
    is_over: Cell<bool>,
    /// Sorted by offset.
    headers: Vec<Header<'s>>,
    abbreviations: RefCell<HashMap<usize, Option<Arc<Abbreviations>>>>,
}

/// A unit and what its root says. The unit's line program is kept separately: gimli would parse it
/// right away, for every unit that names it.
pub(super) struct Unit<'s> {
    pub(super) inner: gimli::Unit<Slice<'s>>,
    pub(super) program: Option<DebugLineOffset>,
    pub(super) root: Attributes<'s>,
}

impl<'s> Units<'s> {
    pub(super) fn new(dwarf: Dwarf<Slice<'s>>, budget: Budget) -> Self {
        let (headers, is_over) = (Vec::new(), Cell::new(false));
        let mut all = dwarf.units();
        let mut units = Self { dwarf, budget, is_over, headers, abbreviations: RefCell::default() };
        while let Ok(Some(header)) = all.next()
            && units.spend(size_of::<Header<'_>>()).is_some()
        {
            units.headers.push(header);
        }
        units
    }

    pub(super) fn headers(&self) -> &[Header<'s>] {
        &self.headers
    }

    /// Returns whether the budget ran out.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Takes this amount from the budget. After the first refusal nothing more is granted.
    pub(super) fn spend(&self, amount: usize) -> Option<()> {
        let is_paid = !self.is_over.get() && self.budget.spend(amount);
        self.is_over.set(!is_paid);
        is_paid.then_some(())
    }

    /// Reads a unit's root.
    pub(super) fn open(&self, header: &Header<'s>) -> Option<Unit<'s>> {
        let abbreviations = self.abbreviations(header)?;
        let mut root = Vec::new();
        let mut entries = header.entries_raw(&abbreviations, None).ok()?;
        let abbreviation = entries.read_abbreviation().ok()??;
        self.attributes(&mut entries, abbreviation, &mut root)?;
        let (encoding, file_type) = (header.encoding(), self.dwarf.file_type);
        let mut inner = gimli::Unit {
            header: *header,
            abbreviations,
            name: None,
            comp_dir: None,
            low_pc: 0,
            str_offsets_base: DebugStrOffsetsBase::default_for_encoding_and_file(
                encoding, file_type,
            ),
            addr_base: DebugAddrBase(0),
            loclists_base: DebugLocListsBase::default_for_encoding_and_file(encoding, file_type),
            rnglists_base: DebugRngListsBase::default_for_encoding_and_file(encoding, file_type),
            line_program: None,
            dwo_id: None,
        };
        let mut program = None;
        for attribute in &root {
            match attribute.value() {
                AttributeValue::DebugStrOffsetsBase(base) => inner.str_offsets_base = base,
                AttributeValue::DebugAddrBase(base) => inner.addr_base = base,
                AttributeValue::DebugRngListsBase(base) => inner.rnglists_base = base,
                AttributeValue::DebugLineRef(offset) => program = Some(offset),
                _ => {}
            }
        }
        let value = |name| root.iter().find(|a| a.name() == name).map(Attribute::value);
        let text = |name| self.text(&inner, value(name)?);
        let (name, comp_dir) = (text(constants::DW_AT_name), text(constants::DW_AT_comp_dir));
        let low_pc = value(constants::DW_AT_low_pc);
        let low_pc = low_pc.and_then(|v| self.dwarf.attr_address(&inner, v).ok().flatten());
        (inner.name, inner.comp_dir) = (name, comp_dir);
        inner.low_pc = low_pc.unwrap_or_default();
        Some(Unit { inner, program, root })
    }

    /// Reads the attributes of the entry at the position of `entries`.
    pub(super) fn attributes(
        &self,
        entries: &mut EntriesRaw<'_, Slice<'s>>,
        abbreviation: &Abbreviation,
        attributes: &mut Attributes<'s>,
    ) -> Option<()> {
        // An attribute can take no bytes at all.
        self.spend(1 + abbreviation.attributes().len())?;
        entries.read_attributes(abbreviation.attributes(), attributes).ok()
    }

    /// Returns the entry at an offset in `.debug_info`, and its unit.
    pub(super) fn entry_at(
        &self,
        offset: DebugInfoOffset,
    ) -> Option<(Unit<'s>, UnitOffset, Attributes<'s>)> {
        let after = self
            .headers
            .partition_point(|h| h.debug_info_offset().is_some_and(|start| start.0 <= offset.0));
        let header = self.headers.get(after.checked_sub(1)?)?;
        let unit = self.open(header)?;
        let at = offset.to_unit_offset(header)?;
        let attributes = self.entry(&unit, at)?;
        Some((unit, at, attributes))
    }

    /// Returns the entry at an offset in its unit.
    pub(super) fn entry(&self, unit: &Unit<'s>, at: UnitOffset) -> Option<Attributes<'s>> {
        let mut entries =
            unit.inner.header.entries_raw(&unit.inner.abbreviations, Some(at)).ok()?;
        let abbreviation = entries.read_abbreviation().ok()??;
        let mut attributes = Vec::new();
        self.attributes(&mut entries, abbreviation, &mut attributes)?;
        Some(attributes)
    }

    /// Returns a text, unless it is very long.
    pub(super) fn text(
        &self,
        unit: &gimli::Unit<Slice<'s>>,
        value: AttributeValue<Slice<'s>>,
    ) -> Option<Slice<'s>> {
        const LONGEST: usize = 1 << 12;
        let text = self.dwarf.attr_string(unit, value).ok()?;
        self.spend(text.len())?;
        (text.len() <= LONGEST).then_some(text)
    }

    /// Passes the ranges of an entry to `each` until that returns `None`.
    pub(super) fn ranges(
        &self,
        unit: &Unit<'s>,
        entry: &Attributes<'s>,
        mut each: impl FnMut(u64, u64) -> Option<()>,
    ) -> Option<()> {
        let address = |value| self.dwarf.attr_address(&unit.inner, value).ok().flatten();
        let (mut low, mut high, mut size) = (None, None, None);
        for attribute in entry {
            let value = attribute.value();
            match attribute.name() {
                constants::DW_AT_low_pc => low = address(value),
                constants::DW_AT_high_pc => match value {
                    AttributeValue::Udata(bytes) => size = Some(bytes),
                    value => high = address(value),
                },
                constants::DW_AT_ranges => {
                    let list = self.dwarf.attr_ranges(&unit.inner, value).ok().flatten();
                    let Some(mut list) = list else { continue };
                    // Not `next`, which skips entries that describe no range without our paying for
                    // them.
                    while let Ok(Some(raw)) = list.next_raw() {
                        self.spend(1)?;
                        if let Ok(Some(range)) = list.convert_raw(raw) {
                            each(range.begin, range.end)?;
                        }
                    }
                    return Some(());
                }
                _ => {}
            }
        }
        let low = low?;
        let end = size.and_then(|size| low.checked_add(size)).or(high)?;
        each(low, end)
    }

    /// Returns the abbreviations of a unit. Units can share them.
    fn abbreviations(&self, header: &Header<'s>) -> Option<Arc<Abbreviations>> {
        let offset = header.debug_abbrev_offset();
        let read = || {
            let data = self.dwarf.debug_abbrev.reader();
            let size = self.declarations(data.slice().get(offset.0..)?)?;
            // Five bytes here become a hundred in memory.
            self.spend(size.checked_mul(32)?)?;
            self.dwarf.debug_abbrev.abbreviations(offset).ok().map(Arc::new)
        };
        self.abbreviations.borrow_mut().entry(offset.0).or_insert_with(read).clone()
    }

    /// Returns the length in bytes of a table of abbreviations.
    fn declarations(&self, data: &[u8]) -> Option<usize> {
        let mut r = Slice::new(data, gimli::LittleEndian);
        loop {
            self.spend(1)?;
            if r.read_uleb128().ok()? == 0 {
                return Some(data.len() - r.len());
            }
            r.read_uleb128().ok()?;
            r.read_u8().ok()?;
            loop {
                self.spend(1)?;
                let (name, form) = (r.read_uleb128().ok()?, r.read_uleb128().ok()?);
                if form == u64::from(constants::DW_FORM_implicit_const.0) {
                    r.read_sleb128().ok()?;
                }
                if (name, form) == (0, 0) {
                    break;
                }
            }
        }
    }
}
