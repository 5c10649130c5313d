//! Finds what names a trampoline in the output of `objdump -d`, line by line.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::facts::{Does, Facts};
use super::{Reference, branch_grade};
use crate::run::Result;

/// What objdump prints before a mnemonic.
const PREFIXES: [&str; 16] = [
    "addr32", "data16", "bnd", "notrack", "lock", "rep", "repz", "repnz", "xacquire", "xrelease",
    "cs", "ds", "es", "ss", "fs", "gs",
];

/// Returns the references in code, and the number of instructions.
pub(super) fn find(image: &Path, facts: &Facts) -> Result<(BTreeSet<Reference>, usize)> {
    let mut command = Command::new("objdump");
    // Puts all bytes of an instruction on one line.
    command.args(["--disassemble", "--insn-width=15"]).arg(image);
    let mut child = command.env("LC_ALL", "C").stdout(Stdio::piped()).spawn()?;
    let mut printed = BufReader::new(child.stdout.take().ok_or("objdump prints nothing")?);
    let (mut references, mut instructions, mut is_plt) = (BTreeSet::new(), 0, false);
    let mut line = String::new();
    while printed.read_line(&mut line)? != 0 {
        if let Some(section) = line.strip_prefix("Disassembly of section ") {
            is_plt = section.starts_with(".plt");
        } else if let Some(printed) = Printed::parse(&line).filter(|_| !is_plt) {
            instructions += 1;
            references.extend(printed.reference(facts));
        }
        line.clear();
    }
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("objdump failed: {status}").into());
    }
    Ok((references, instructions))
}

/// A line with an instruction: `  401000:\te8 fb 0f 00 00       \tcall   402000 <name>`.
struct Printed<'a> {
    address: u64,
    bytes: &'a str,
    mnemonic: &'a str,
    operands: &'a str,
    /// The address after `#`, which an operand names relative to the instruction.
    comment: Option<u64>,
}

impl<'a> Printed<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut columns = line.split('\t');
        let address = hex(columns.next()?.trim().strip_suffix(':')?)?;
        let (bytes, text) = (columns.next()?, columns.next()?);
        let (text, comment) = text.split_once(" # ").unwrap_or((text, ""));
        let is_prefix = |word: &str| PREFIXES.contains(&word) || word.starts_with("rex");
        let mut rest = text.trim();
        let (mnemonic, operands) = loop {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            if !is_prefix(word) || after.is_empty() {
                break (word, after.trim_start());
            }
            rest = after.trim_start();
        };
        // Drops the name of what is at the address.
        let operands = operands.split(" <").next()?;
        let comment = comment.split_whitespace().next().and_then(hex);
        Some(Self { address, bytes, mnemonic, operands, comment })
    }

    fn reference(&self, facts: &Facts) -> Option<Reference> {
        let branch = match self.mnemonic {
            m if m.starts_with("call") => "call",
            m if m.starts_with("jmp") => "jmp",
            m if m.starts_with('j') || m.starts_with("loop") => "jcc",
            _ => "",
        };
        let destination = hex(self.operands).filter(|_| !branch.is_empty());
        let (kind, trampoline, grade) = if let Some(to) = destination {
            let is_ours = facts.trampolines.contains(&to);
            is_ours.then(|| (branch, to, branch_grade(self.address, &self.bytes())))?
        } else {
            let does = || match (branch, self.mnemonic) {
                ("call", _) => Does::Call,
                ("jmp", _) => Does::Jump,
                (_, "lea") => Does::Address,
                _ => Does::Load,
            };
            let memory = |address| facts.memory(address, does());
            let absolute = || facts.is_fixed.then(|| self.absolute().find_map(memory))?;
            let number = || facts.is_fixed.then(|| self.number(facts))?;
            let found = self.comment.and_then(memory).or_else(absolute).or_else(number)?;
            (found.0, found.1, "none")
        };
        let length = u8::try_from(self.bytes().len()).ok()?;
        Some(Reference { address: self.address, kind, grade, length, trampoline })
    }

    fn bytes(&self) -> Vec<u8> {
        let bytes = self.bytes.split_whitespace();
        bytes.map_while(|byte| u8::from_str_radix(byte, 16).ok()).collect()
    }

    /// Returns addresses in operands: `0x401000`, `*0x401000`, `0x401000(,%rax,8)`; not `%fs:0x…`.
    fn absolute(&self) -> impl Iterator<Item = u64> {
        let words = self.operands.split(',').map(|w| w.trim_start_matches('*'));
        words.filter_map(|w| hex(w.trim_end_matches('(').strip_prefix("0x")?))
    }

    /// Finds a trampoline's address as an immediate: `$0x401000`.
    fn number(&self, facts: &Facts) -> Option<(&'static str, u64)> {
        let numbers = self.operands.split(',').filter_map(|w| hex(w.strip_prefix("$0x")?));
        let mut numbers = numbers.filter(|number| facts.trampolines.contains(number));
        numbers.next().map(|number| ("taken", number))
    }
}

fn hex(digits: &str) -> Option<u64> {
    u64::from_str_radix(digits, 16).ok()
}
