//! Checks that each way of the large workloads is compiled to what its row says.

use std::collections::BTreeMap;
use std::path::Path;

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSymbol};
use serde::Serialize;

use crate::run::Result;

/// The instructions of a way's functions with calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Code {
    /// Functions with calls.
    pub(super) functions: usize,
    pub(super) instructions: usize,
    pub(super) bytes: u64,
    /// Calls that name their target, and those through a register or memory. Tail calls included.
    pub(super) direct: usize,
    pub(super) indirect: usize,
    /// Instructions by mnemonic.
    #[serde(skip)]
    mnemonics: BTreeMap<String, usize>,
}

/// A way of a workload: the names of their modules.
type Way = (String, String);

/// Returns the code of each way. Names are those of generated modules.
pub(super) fn read(program: &Path) -> Result<BTreeMap<Way, Code>> {
    let data = std::fs::read(program)?;
    let file = ElfFile64::<object::Endianness>::parse(&*data)?;
    let mut codes = BTreeMap::<Way, Code>::new();
    for symbol in file.symbols().filter(|s| s.is_definition() && s.size() > 0) {
        let name = format!("{:#}", rustc_demangle::demangle(symbol.name()?));
        let mut words = name.rsplit("::");
        let (function, way, grid) = (words.next(), words.next(), words.next());
        let (Some(function), Some(way), Some(grid)) = (function, way, grid) else { continue };
        let is_run = function.strip_prefix('c').is_some_and(|n| n.parse::<u32>().is_ok());
        if !is_run || !grid.starts_with("grid_") {
            continue;
        }
        let section = symbol.section_index().ok_or("a function outside all sections")?;
        let section = file.section_by_index(section)?;
        let bytes = section.data_range(symbol.address(), symbol.size())?.ok_or("no such bytes")?;
        codes.entry((grid.to_owned(), way.to_owned())).or_default().add(bytes, symbol.address());
    }
    Ok(codes)
}

impl Code {
    fn add(&mut self, bytes: &[u8], address: u64) {
        let end = address + bytes.len() as u64;
        self.functions += 1;
        self.bytes += bytes.len() as u64;
        for instruction in Decoder::with_ip(64, bytes, address, DecoderOptions::NONE) {
            self.instructions += 1;
            let mnemonic = format!("{:?}", instruction.mnemonic());
            *self.mnemonics.entry(mnemonic).or_default() += 1;
            match leaves(&instruction, address..end) {
                Some(true) => self.direct += 1,
                Some(false) => self.indirect += 1,
                None => {}
            }
        }
    }
}

/// Returns whether an instruction that leaves the function names where it leads.
fn leaves(instruction: &Instruction, function: std::ops::Range<u64>) -> Option<bool> {
    let is_branch = matches!(instruction.mnemonic(), Mnemonic::Call | Mnemonic::Jmp);
    if !is_branch {
        return None;
    }
    if instruction.op0_kind() == OpKind::NearBranch64 {
        let to = instruction.near_branch_target();
        return (!function.contains(&to)).then_some(true);
    }
    Some(false)
}

/// Checks the code of all ways: which kind of call each makes, and that a static call is the same
/// instructions as a direct call.
pub(super) fn check(codes: &BTreeMap<Way, Code>) -> Result {
    for ((grid, way), code) in codes {
        let direct = codes.get(&(grid.clone(), "direct".to_owned()));
        let direct = direct.ok_or_else(|| format!("{grid} has no direct calls"))?;
        let calls = direct.direct;
        let is_right = match way.as_str() {
            "direct" | "direct_again" | "static_call" => {
                code.direct == calls
                    && code.indirect == 0
                    && code.mnemonics == direct.mnemonics
                    && code.functions == direct.functions
            }
            // Their other branch has a call, too.
            "switch_keys" | "switch_key" => code.direct >= calls && code.indirect == 0,
            _ => code.indirect >= calls,
        };
        if !is_right {
            return Err(format!(
                "`{way}` of `{grid}` is not compiled as it should be: {code:?}, beside {direct:?}"
            )
            .into());
        }
    }
    if codes.is_empty() {
        return Err("the program has no symbols of generated functions".into());
    }
    Ok(())
}
