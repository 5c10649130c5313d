//! The rows of a unit's line program, and its files.

use gimli::{
    ColumnType, IncompleteLineProgram, LineProgramHeader, LineRow, LineRows, Reader, Section,
};

use super::units::{Unit, Units};
use super::{Slice, within};
use crate::report::Source;

/// The result of running a line program for some addresses.
pub(super) struct Rows<'s> {
    /// The row of each address.
    pub(super) found: Vec<Option<Row>>,
    rows: LineRows<Slice<'s>, IncompleteLineProgram<Slice<'s>>>,
}

/// The row around an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    address: u64,
    /// The start of its sequence.
    pub(super) start: u64,
    pub(super) file: u64,
    pub(super) line: (u64, u64),
}

impl Row {
    fn new(row: &LineRow, start: u64) -> Self {
        let line = row.line().map_or(0, u64::from);
        let column = match row.column() {
            ColumnType::LeftEdge => 0,
            ColumnType::Column(column) => column.get(),
        };
        Self { address: row.address(), start, file: row.file_index(), line: (line, column) }
    }
}

impl<'s> Rows<'s> {
    /// Runs a unit's program for sorted addresses.
    pub(super) fn read(units: &Units<'s>, unit: &Unit<'s>, addresses: &[u64]) -> Option<Self> {
        let offset = unit.program?;
        let section = units.dwarf.debug_line.reader().slice();
        let (length, header) = lengths(section.get(offset.0..)?)?;
        // An instruction takes at least a byte in the file; the name of a file takes a hundred in
        // memory.
        units.spend(length)?;
        units.spend(header.checked_mul(128)?)?;
        let inner = &unit.inner;
        let (size, dir, name) = (inner.header.address_size(), inner.comp_dir, inner.name);
        let program = units.dwarf.debug_line.program(offset, size, dir, name).ok()?;
        let mut found: Vec<Option<Row>> = vec![None; addresses.len()];
        let mut rows = program.rows();
        let mut last: Option<Row> = None;
        while let Ok(Some((_, row))) = rows.next_row() {
            if let Some(last) = last {
                let covered = within(addresses, last.address, row.address());
                // Sequences can overlap.
                units.spend(covered.len())?;
                for place in found.get_mut(covered).into_iter().flatten() {
                    if place.is_none_or(|p| p.start <= last.start) {
                        *place = Some(last);
                    }
                }
            }
            let start = last.map_or(row.address(), |last| last.start);
            last = (!row.end_sequence()).then(|| Row::new(row, start));
        }
        Some(Self { found, rows })
    }

    /// Returns the source position of a line and a column; `None` for line 0, which means no line.
    pub(super) fn source(
        &self,
        units: &Units<'s>,
        unit: &Unit<'s>,
        file: u64,
        (line, column): (u64, u64),
    ) -> Option<Source> {
        let line = u32::try_from(line).ok().filter(|&line| line != 0)?;
        let file = path(units, unit, self.rows.header(), file)?;
        Some(Source { file, line, column: u32::try_from(column).unwrap_or_default() })
    }
}

/// Returns a file's path as `file!()` gives it. If the compiler was given a relative path, that is
/// relative to its directory; otherwise the directory comes first.
fn path<'s>(
    units: &Units<'s>,
    unit: &Unit<'s>,
    header: &LineProgramHeader<Slice<'s>>,
    file: u64,
) -> Option<String> {
    let file = header.file(file)?;
    let is_absolute = |path: &str| path.starts_with('/');
    let text = |slice: Slice<'s>| String::from_utf8_lossy(slice.slice()).into_owned();
    let home = unit.inner.comp_dir.map(text).unwrap_or_default();
    units.spend(home.len())?;
    let mut path = home.clone();
    let mut push = |part: &str| {
        if is_absolute(part) {
            path.clear();
        } else if !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(part);
    };
    // Index 0 is the unit's own directory.
    if file.directory_index() != 0
        && let Some(directory) = file.directory(header)
    {
        push(&text(units.text(&unit.inner, directory)?));
    }
    push(&text(units.text(&unit.inner, file.path_name())?));
    if unit.inner.name?.slice().starts_with(b"/") {
        return Some(path);
    }
    let below = path.strip_prefix(&home).and_then(|rest| rest.strip_prefix('/'));
    Some(below.filter(|_| !home.is_empty()).map(str::to_owned).unwrap_or(path))
}

/// Returns the length of a program including its header, and that of the header (DWARF 5, 6.2.4).
fn lengths(data: &[u8]) -> Option<(usize, usize)> {
    let mut r = Slice::new(data, gimli::LittleEndian);
    let (length, format) = r.read_initial_length().ok()?;
    let version = r.read_u16().ok()?;
    if version >= 5 {
        r.read_u16().ok()?;
    }
    let header = r.read_length(format).ok()?;
    Some((length.min(data.len()), header.min(data.len())))
}
