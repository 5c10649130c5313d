//! Proves where the instructions of a function begin.
//!
//! A function is decoded from its start to its end. The boundaries found are doubtful if anything
//! contradicts them: bytes that are not an instruction; a branch, a symbol or an unwind table that
//! leads into the middle of an instruction; data within the code. An instruction that nothing leads
//! to is doubtful too: it may be data that looks like code.

use std::collections::HashSet;

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

use super::extents::Extent;
use super::next::Next;
use crate::elf::image::Image;
use crate::elf::section::Section;
use crate::records::labels::Fork;
use crate::report::ImageKind;
use crate::sort;

/// Why a boundary is not proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doubt {
    /// The bytes at this address are not an instruction.
    Undecodable(u64),
    /// A branch at this address leads into the middle of an instruction.
    BranchInside(u64),
    /// A symbol at this address lies in the middle of an instruction.
    SymbolInside(u64),
    /// A symbol marks data at this address.
    DataSymbol(u64),
    /// An unwind table says that a function or a landing pad begins at this address, in the middle
    /// of an instruction.
    UnwindInside(u64),
    /// The code at this address refers to the function's own bytes as data.
    Data(u64),
    /// AMD and Intel processors decode the instruction at this address differently.
    Ambiguous(u64),
    /// The function is larger than any that a compiler emits, or extends beyond its section.
    Extent,
    /// No path through the function leads there.
    Unreached,
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Undecodable(a) => write!(f, "the bytes at {a:#x} are not an instruction"),
            Self::BranchInside(a) => {
                write!(f, "the branch at {a:#x} leads into the middle of an instruction")
            }
            Self::SymbolInside(a) => {
                write!(f, "a symbol lies in the middle of the instruction around {a:#x}")
            }
            Self::DataSymbol(a) => write!(f, "a symbol marks data at {a:#x}"),
            Self::UnwindInside(a) => {
                write!(f, "an unwind table enters the middle of the instruction around {a:#x}")
            }
            Self::Data(a) => write!(f, "the code at {a:#x} uses bytes of the function as data"),
            Self::Ambiguous(a) => {
                write!(f, "AMD and Intel processors decode the instruction at {a:#x} differently")
            }
            Self::Extent => f.write_str("the function's extent is not credible"),
            Self::Unreached => f.write_str("no path through the function leads there"),
        }
    }
}

/// Largest function that is decoded.
const LARGEST: u64 = 16 << 20;
/// Most jump table entries that are read for one function.
const MOST_ENTRIES: usize = 1 << 20;

/// The instructions of a function.
#[derive(Debug, Default)]
pub(crate) struct Function {
    start: u64,
    /// Offsets of the first bytes of instructions.
    offsets: Vec<u32>,
    /// For each offset, the number of the instruction that begins there, counted from 1.
    beginning: Vec<u32>,
    ends_path: Vec<bool>,
    is_reached: Vec<bool>,
    /// In order.
    branches: Vec<Branch>,
    references: Vec<Reference>,
    /// Addresses inside that the code uses as data, and those where an instruction ends on some
    /// processors.
    used: Vec<u64>,
    /// Where decoding stopped.
    end: u64,
    /// For a doubtful function, by offset: whether an instruction begins there if what contradicts
    /// the boundaries is right.
    otherwise: Vec<bool>,
    jumps_indirectly: bool,
    /// Whether numbers can be addresses, because nothing relocates the image.
    is_fixed: bool,
    doubt: Option<Doubt>,
}

/// A branch whose destination is inside the function.
#[derive(Clone, Copy, Debug)]
struct Branch {
    /// Indices of instructions. `into` is the destination's, if that is the first byte of one.
    from: usize,
    into: Option<usize>,
    to: u64,
}

/// An address that the code computes or reads.
#[derive(Clone, Copy, Debug)]
struct Reference {
    to: u64,
    /// Whether jump table entries there would be absolute 8-byte addresses, not relative 4-byte
    /// ones.
    is_absolute: bool,
}

impl Function {
    /// Decodes the function of an extent and passes each instruction to `each`. The jumps of labels
    /// become no-ops or lead elsewhere at run time, and as linked they lead to a test outside of
    /// the function: paths continue as `forks` (sorted) say.
    pub(crate) fn decode(
        image: &Image<'_>,
        extent: &Extent<'_>,
        forks: &[Fork],
        mut each: impl FnMut(&Decoder<'_>, &Instruction),
    ) -> Self {
        let is_fixed = image.kind == ImageKind::Executable;
        let (start, end) = (extent.start, extent.start);
        let mut f = Self { start, end, is_fixed, ..Self::default() };
        let size = extent.end.saturating_sub(extent.start);
        let inside = |s: &&Section<'_>| extent.end <= s.address.saturating_add(s.size);
        let section = image.code_section(extent.start).filter(inside);
        let bytes = section.and_then(|s| {
            let at = usize::try_from(extent.start - s.address).ok()?;
            let size = usize::try_from(size).ok()?;
            image.section_data(s)?.get(at..at.checked_add(size)?)
        });
        let Some(code) = bytes.filter(|_| size <= LARGEST) else {
            f.doubt = Some(Doubt::Extent);
            return f;
        };
        f.beginning = vec![0; code.len()];
        // An instruction has about four bytes on average.
        f.offsets.reserve(code.len() / 4);
        f.ends_path.reserve(code.len() / 4);
        let forks = &forks[sort::place(forks, extent.start, |fork| fork.label)..];
        let forks = &forks[..sort::place(forks, extent.end, |fork| fork.label)];
        let mut decoder = Decoder::with_ip(64, code, extent.start, DecoderOptions::NONE);
        let mut instruction = Instruction::default();
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            if instruction.is_invalid() {
                f.doubt = Some(Doubt::Undecodable(instruction.ip()));
                break;
            }
            f.end = instruction.next_ip();
            f.add(&instruction, code, extent);
            if let Ok(n) = forks.binary_search_by_key(&instruction.ip(), |fork| fork.label) {
                f.fork(forks.get(n), extent);
            }
            each(&decoder, &instruction);
        }
        f.check(extent);
        match f.doubt {
            None => f.reach(image, extent),
            Some(_) => f.decode_otherwise(code, extent),
        }
        f
    }

    /// Returns `Ok` if an instruction begins at `address` without doubt.
    pub(crate) fn proof(&self, address: u64) -> Result<(), Doubt> {
        if let Some(doubt) = self.doubt {
            return Err(doubt);
        }
        match self.index_of(address) {
            Some(i) if self.is_reached.get(i) == Some(&true) => Ok(()),
            _ => Err(Doubt::Unreached),
        }
    }

    /// Returns whether an instruction may begin at `address`, or a few prefixes before it, although
    /// none was found there: after bytes that are not an instruction, or if a contradiction is
    /// right. Proves nothing.
    pub(crate) fn may_begin(&self, address: u64) -> bool {
        const PREFIXES: u64 = 4;
        let begins = |a| self.offset_of(a).is_some_and(|at| self.otherwise.get(at) == Some(&true));
        address >= self.end || (address.saturating_sub(PREFIXES)..=address).any(begins)
    }

    /// Decodes from every place in the middle of an instruction that something leads to, until both
    /// ways of decoding agree.
    fn decode_otherwise(&mut self, code: &[u8], extent: &Extent<'_>) {
        self.otherwise = vec![false; code.len()];
        let symbols = extent.symbols.iter();
        let symbols = symbols.flat_map(|s| [s.address, s.address.wrapping_add(s.size)]);
        let branches = self.branches.iter().map(|branch| branch.to);
        let unwind = extent.frames.iter().chain(&extent.landing_pads);
        let others = unwind.chain(&self.used).copied();
        for from in symbols.chain(branches).chain(others) {
            let rest = self.offset_of(from).and_then(|at| code.get(at..)).unwrap_or_default();
            let mut decoder = Decoder::with_ip(64, rest, from, DecoderOptions::NONE);
            while decoder.can_decode() && self.index_of(decoder.ip()).is_none() {
                let at = self.offset_of(decoder.ip());
                match at.and_then(|at| self.otherwise.get_mut(at)) {
                    // No place is decoded twice, however many lead there.
                    Some(begins) if !*begins => *begins = true,
                    _ => break,
                }
                if decoder.decode().is_invalid() {
                    break;
                }
            }
        }
    }

    fn offset_of(&self, address: u64) -> Option<usize> {
        usize::try_from(address.checked_sub(self.start)?).ok()
    }

    fn index_of(&self, address: u64) -> Option<usize> {
        let at = self.offset_of(address)?;
        usize::try_from(*self.beginning.get(at)?).ok()?.checked_sub(1)
    }

    /// Adds an instruction of `code`, the bytes of the function.
    fn add(&mut self, instruction: &Instruction, code: &[u8], extent: &Extent<'_>) {
        let ip = instruction.ip();
        // The extent is not larger than `LARGEST`.
        let offset = (ip - self.start) as u32;
        let inside = |a: u64| a >= extent.start && a < extent.end;
        let next = Next::of(instruction.code());
        self.offsets.push(offset);
        if let Some(beginning) = self.beginning.get_mut(offset as usize) {
            *beginning = self.offsets.len() as u32;
        }
        let mut ends_path = next.ends_path() || instruction.code() == Code::Hlt;
        if instruction.op0_kind() == OpKind::NearBranch64 {
            let to = instruction.near_branch_target();
            if inside(to) {
                // A call over data takes the data's address from the stack and does not return.
                ends_path |= next == Next::Call && !extent.is_function(to);
                self.branches.push(Branch { from: self.offsets.len() - 1, into: None, to });
            }
            if is_ambiguous_branch(code.get(offset as usize..).unwrap_or_default()) {
                self.doubt = self.doubt.or(Some(Doubt::Ambiguous(ip)));
                self.used.push(instruction.next_ip().wrapping_sub(2));
            }
        }
        self.ends_path.push(ends_path);
        if next == Next::IndirectJump {
            self.jumps_indirectly |= !instruction.is_ip_rel_memory_operand();
        }
        // A multi-byte no-op has a memory operand but does not use it.
        let is_used =
            !matches!(instruction.code(), Code::Nop_rm16 | Code::Nop_rm32 | Code::Nop_rm64);
        if self.is_fixed && is_used {
            let before = self.used.len();
            self.used.extend(absolute(instruction).filter(|&to| inside(to) && to != extent.start));
            self.doubt = self.doubt.or((self.used.len() > before).then_some(Doubt::Data(ip)));
        }
        if instruction.is_ip_rel_memory_operand() {
            let to = instruction.ip_rel_memory_address();
            let is_entry = instruction.code() == Code::Lea_r64_m && to == extent.start;
            if inside(to) && is_used && !is_entry {
                self.doubt = self.doubt.or(Some(Doubt::Data(ip)));
                self.used.push(to);
            }
            if instruction.code() == Code::Lea_r64_m {
                self.references.push(Reference { to, is_absolute: false });
            }
        } else if next == Next::IndirectJump
            && instruction.op0_kind() == OpKind::Memory
            && instruction.memory_base() == Register::None
            && instruction.memory_index() != Register::None
        {
            let to = instruction.memory_displacement64();
            self.references.push(Reference { to, is_absolute: true });
        }
    }

    /// Adds the paths after the last instruction, a jump label.
    fn fork(&mut self, fork: Option<&Fork>, extent: &Extent<'_>) {
        if let Some(ends_path) = self.ends_path.last_mut() {
            *ends_path = false;
        }
        let inside = |to: &u64| (extent.start..extent.end).contains(to);
        if let Some(to) = fork.map(|fork| fork.other).filter(inside) {
            self.branches.push(Branch { from: self.offsets.len() - 1, into: None, to });
        }
    }

    /// Looks for contradictions.
    fn check(&mut self, extent: &Extent<'_>) {
        let mut branches = std::mem::take(&mut self.branches);
        for branch in &mut branches {
            branch.into = self.index_of(branch.to);
        }
        let inside = branches.iter().find(|branch| branch.into.is_none());
        let offset = inside.and_then(|branch| self.offsets.get(branch.from)).copied();
        let inside = offset.map(|offset| Doubt::BranchInside(self.start + u64::from(offset)));
        self.branches = branches;
        let symbol = extent.symbols.iter().find_map(|s| match self.index_of(s.address) {
            None => Some(Doubt::SymbolInside(s.address)),
            Some(_) => s.is_data.then_some(Doubt::DataSymbol(s.address)),
        });
        let mut unwind = extent.frames.iter().chain(&extent.landing_pads);
        let unwind = unwind.find(|&&a| self.index_of(a).is_none());
        let unwind = unwind.map(|&a| Doubt::UnwindInside(a));
        self.doubt = self.doubt.or(inside).or(symbol).or(unwind);
    }

    /// Marks the instructions that a path leads to.
    fn reach(&mut self, image: &Image<'_>, extent: &Extent<'_>) {
        let functions = extent.symbols.iter().filter(|s| s.is_function).map(|s| s.address);
        let mut roots: Vec<u64> = [self.start].into_iter().chain(functions).collect();
        roots.extend(&extent.landing_pads);
        if self.jumps_indirectly {
            roots.extend(self.jump_tables(image, extent));
        }
        self.is_reached = vec![false; self.offsets.len()];
        let mut next: Vec<usize> = roots.into_iter().filter_map(|a| self.index_of(a)).collect();
        // Plain loops and indices: a link hook is usually built without optimisation.
        while let Some(from) = next.pop() {
            let mut branch = sort::place(&self.branches, from as u64, |branch| branch.from as u64);
            let mut i = from;
            while i < self.offsets.len() && !self.is_reached[i] {
                self.is_reached[i] = true;
                while branch < self.branches.len() && self.branches[branch].from == i {
                    next.extend(self.branches[branch].into);
                    branch += 1;
                }
                if self.ends_path[i] {
                    break;
                }
                i += 1;
            }
        }
    }

    /// Returns the destinations in tables that the function refers to. Entries are differences from
    /// the table's own address, or addresses.
    fn jump_tables(&self, image: &Image<'_>, extent: &Extent<'_>) -> Vec<u64> {
        let mut destinations = Vec::new();
        let mut seen = HashSet::new();
        for r in self.references.iter().filter(|r| seen.insert(r.to)) {
            let Some(table) = image.data_at(r.to) else { continue };
            let relative = table
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&e| r.to.wrapping_add_signed(i32::from_le_bytes(e).into()));
            let absolute = table.as_chunks::<8>().0.iter().map(|&e| u64::from_le_bytes(e));
            let is_entry =
                |a: &u64| *a > extent.start && *a < extent.end && self.index_of(*a).is_some();
            let room = MOST_ENTRIES.saturating_sub(destinations.len());
            let is_entry = |a: &u64| is_entry(a) && image.budget.spend(1);
            if r.is_absolute {
                destinations.extend(absolute.take_while(is_entry).take(room));
            } else {
                destinations.extend(relative.take_while(is_entry).take(room));
            }
        }
        destinations
    }
}

/// Returns whether this is a near branch with an operand-size prefix and no `REX.W`: its
/// displacement has 16 bits on AMD processors and 32 on Intel ones (APM vol. 3, "JMP (Near)"; SDM
/// vol. 2, "JMP").
fn is_ambiguous_branch(bytes: &[u8]) -> bool {
    let (mut has_size, mut has_rex_w) = (false, false);
    let is_prefix =
        |b: u8| matches!(b, 0x26 | 0x2e | 0x36 | 0x3e | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3);
    for &byte in bytes.iter().take_while(|&&b| is_prefix(b) || b & 0xf0 == 0x40) {
        has_size |= byte == 0x66;
        // A REX prefix counts only right before the opcode.
        has_rex_w = byte & 0xf8 == 0x48;
    }
    has_size && !has_rex_w
}

/// Returns the numbers in an instruction that can be addresses: displacements without `%rip`, and
/// what is put into a register, into memory or on the stack. The numbers of arithmetic, including
/// `lea` of a register, are not addresses.
fn absolute(i: &Instruction) -> impl Iterator<Item = u64> {
    let has_register = i.memory_base() != Register::None || i.memory_index() != Register::None;
    let is_sum = i.mnemonic() == Mnemonic::Lea && has_register;
    let is_put = matches!(i.mnemonic(), Mnemonic::Mov | Mnemonic::Push);
    let is_memory = move |n| i.op_kind(n) == OpKind::Memory && !i.is_ip_rel_memory_operand();
    let is_number = |n| {
        matches!(i.op_kind(n), OpKind::Immediate32 | OpKind::Immediate64 | OpKind::Immediate32to64)
    };
    (0..i.op_count()).filter_map(move |n| match n {
        _ if is_memory(n) && !is_sum => Some(i.memory_displacement64()),
        _ if is_number(n) && is_put => Some(i.immediate(n)),
        _ => None,
    })
}
