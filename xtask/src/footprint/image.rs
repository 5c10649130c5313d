//! What the linked file shows: its size, its relocations, and where code lies.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use object::read::elf::ElfFile64;
use object::{LittleEndian, Object as _, ObjectSymbol as _};

use super::program::ANCHOR;
use crate::run::{Result, output};

/// Bytes of a cache line.
const LINE: u64 = 64;

/// A linked program.
pub(super) struct Image {
    /// Bytes of the stripped file.
    pub(super) size: u64,
    /// Number of relocations that the loader applies.
    pub(super) relocations: u64,
    /// Size of each function by its address.
    functions: BTreeMap<u64, u64>,
    /// Address of [`ANCHOR`] in the file.
    anchor: u64,
}

impl Image {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let stripped = path.with_extension("stripped");
        output(Command::new("strip").arg("-o").arg(&stripped).arg(path))?;
        let size = fs::metadata(stripped)?.len();
        let bytes = fs::read(path)?;
        let file = ElfFile64::<LittleEndian>::parse(&*bytes)?;
        let mut functions = BTreeMap::new();
        let mut anchor = None;
        for symbol in file.symbols() {
            if symbol.kind() == object::SymbolKind::Text && symbol.size() > 0 {
                functions.insert(symbol.address(), symbol.size());
                if symbol.name() == Ok(ANCHOR) {
                    anchor = Some(symbol.address());
                }
            }
        }
        let relocations = file.dynamic_relocations().map_or(0, Iterator::count) as u64;
        let anchor = anchor.ok_or("the program has no anchor")?;
        Ok(Self { size, relocations, functions, anchor })
    }

    /// Returns how many cache lines the functions at these addresses of the running program fill.
    /// `anchor` is the address of [`ANCHOR`] there.
    pub(super) fn lines(&self, anchor: u64, addresses: &[u64]) -> Result<usize> {
        let mut lines = BTreeSet::new();
        for address in addresses {
            let start = address.wrapping_sub(anchor).wrapping_add(self.anchor);
            let size = self.functions.get(&start);
            let size = size.ok_or_else(|| format!("no function begins at {start:#x}"))?;
            lines.extend(start / LINE..=(start + size - 1) / LINE);
        }
        Ok(lines.len())
    }
}
