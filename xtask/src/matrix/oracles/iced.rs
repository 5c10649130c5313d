//! Finds what names a trampoline with iced-x86, which decodes every function that has a symbol.

use std::collections::BTreeSet;

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use object::ObjectSection;

use super::facts::{Does, Facts, File, code, functions};
use super::{Reference, branch_grade};
use crate::run::Result;

/// Returns the references in code, and the number of instructions.
pub(super) fn find(image: &[u8], facts: &Facts) -> Result<(BTreeSet<Reference>, usize)> {
    let file = File::parse(image)?;
    // Several names for the same code are one function.
    let all: BTreeSet<(u64, u64)> = functions(&file).map(|f| (f.start, f.end)).collect();
    let (mut references, mut instructions) = (BTreeSet::new(), 0);
    for section in code(&file) {
        let (start, data) = (section.address(), section.data()?);
        let end = start + section.size();
        for &(from, to) in all.iter().filter(|f| start <= f.0 && f.1 <= end) {
            let range = usize::try_from(from - start)?..usize::try_from(to - start)?;
            let bytes = data.get(range).ok_or("a function outside its section")?;
            let decoder = Decoder::with_ip(64, bytes, from, DecoderOptions::NONE);
            for instruction in decoder {
                instructions += 1;
                let at = usize::try_from(instruction.ip() - from)?;
                let bytes = bytes.get(at..at + instruction.len()).unwrap_or_default();
                references.extend(reference(&instruction, bytes, facts));
            }
        }
    }
    if instructions == 0 {
        return Err("the image has no symbols of functions".into());
    }
    Ok((references, instructions))
}

fn reference(i: &Instruction, bytes: &[u8], facts: &Facts) -> Option<Reference> {
    let (kind, trampoline) = match i.op0_kind() {
        OpKind::NearBranch64 => {
            let to = i.near_branch_target();
            let kind = match i.mnemonic() {
                Mnemonic::Call => "call",
                Mnemonic::Jmp => "jmp",
                _ => "jcc",
            };
            facts.trampolines.contains(&to).then_some((kind, to))?
        }
        _ => memory(i, facts).or_else(|| number(i, facts))?,
    };
    let grade = match kind {
        "call" | "jmp" | "jcc" => branch_grade(i.ip(), bytes),
        _ => "none",
    };
    let length = u8::try_from(i.len()).ok()?;
    Some(Reference { address: i.ip(), kind, grade, length, trampoline })
}

fn memory(i: &Instruction, facts: &Facts) -> Option<(&'static str, u64)> {
    let is_absolute = facts.is_fixed && i.memory_base() == Register::None;
    let has_memory = i.op_kinds().any(|kind| kind == OpKind::Memory);
    let address = if i.is_ip_rel_memory_operand() {
        i.ip_rel_memory_address()
    } else if has_memory && is_absolute {
        i.memory_displacement64()
    } else {
        return None;
    };
    let does = match i.mnemonic() {
        Mnemonic::Call => Does::Call,
        Mnemonic::Jmp => Does::Jump,
        Mnemonic::Lea => Does::Address,
        _ => Does::Load,
    };
    facts.memory(address, does)
}

/// Finds a trampoline's address as an immediate.
fn number(i: &Instruction, facts: &Facts) -> Option<(&'static str, u64)> {
    let is_number =
        |kind| matches!(kind, OpKind::Immediate32 | OpKind::Immediate64 | OpKind::Immediate32to64);
    let operands = (0..i.op_count()).filter(|&n| facts.is_fixed && is_number(i.op_kind(n)));
    let mut numbers = operands.map(|n| i.immediate(n));
    numbers.find(|number| facts.trampolines.contains(number)).map(|number| ("taken", number))
}
