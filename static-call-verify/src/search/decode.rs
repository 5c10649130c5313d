//! Turns candidates into instructions, each with its proof or the doubt about it.

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, OpKind, Register};

use super::extents::{self, Extent};
use super::flow::{Doubt, Function};
use super::functions;
use super::next::Next;
use super::scan::{Candidate, FieldForm, Target};
use crate::elf::image::Image;
use crate::elf::symbols::Symbol;
use crate::elf::unwind::Unwind;
use crate::records::labels::Fork;
use crate::report::Kind;
use crate::sort;
use crate::threads;

/// How certain it is that an instruction begins here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Certain.
    Proved,
    /// The function around it is doubtful.
    Doubted(Doubt),
    /// There is no function around it.
    NoExtent,
}

/// An instruction that names a target.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) address: u64,
    pub(crate) kind: Kind,
    /// 0 if only the bytes before the displacement were looked at.
    pub(crate) length: u8,
    pub(crate) target: Target,
    /// The address that it names. Inside a trampoline if it leads into the middle of one.
    pub(crate) destination: u64,
    pub(crate) form: FieldForm,
    pub(crate) proof: Proof,
    pub(crate) function: Option<String>,
}

/// Makes the tables of the decoder, which its first use would do. It takes a millisecond.
pub(crate) fn prepare() {
    let _ = Decoder::new(64, &[], DecoderOptions::NONE);
}

/// Bytes of functions that are worth a thread.
const PART: usize = 16 << 10;

/// Decodes the functions around `candidates` (sorted by field). `forks` are those at jump labels
/// (sorted).
pub(crate) fn decode<'a>(
    image: &Image<'a>,
    symbols: &[Symbol<'a>],
    unwind: Option<&Unwind<'a>>,
    candidates: &[Candidate],
    forks: &[Fork],
) -> Vec<Named> {
    let addresses: Vec<u64> = candidates.iter().map(|c| c.field).collect();
    let extents = extents::around(image, symbols, unwind, &addresses);
    let mut all = Vec::new();
    let mut bodies: Vec<(&Extent<'_>, &[Candidate])> = Vec::new();
    let mut rest = candidates;
    for extent in &extents {
        let before = rest.partition_point(|c| c.field < extent.start);
        let (outside, from) = rest.split_at(before);
        let (inside, after) = from.split_at(from.partition_point(|c| c.field < extent.end));
        all.extend(outside.iter().filter_map(|c| by_bytes(image, c, Proof::NoExtent)));
        bodies.push((extent, inside));
        rest = after;
    }
    all.extend(rest.iter().filter_map(|c| by_bytes(image, c, Proof::NoExtent)));
    all.extend(in_functions(image, &bodies, forks).into_iter().flatten());
    sort::by_key(&mut all, |n| [n.address, 0]);
    let addresses: Vec<u64> = all.iter().map(|n| n.address).collect();
    for (named, name) in all.iter_mut().zip(functions::names(image, symbols, &addresses)) {
        named.function = name;
    }
    all
}

/// Returns what each function names. Uses several threads if there is much to decode.
fn in_functions(
    image: &Image<'_>,
    functions: &[(&Extent<'_>, &[Candidate])],
    forks: &[Fork],
) -> Vec<Vec<Named>> {
    let sizes: Vec<usize> = functions.iter().map(|(e, _)| (e.end - e.start) as usize).collect();
    let shares = threads::shares(&sizes, PART);
    let share = |n: usize| {
        let share = shares.get(n).and_then(|share| functions.get(share.clone()));
        let named = |&(extent, inside): &_| in_function(image, extent, inside, forks);
        share.unwrap_or_default().iter().map(named).collect::<Vec<_>>()
    };
    threads::each(shares.len(), share).into_iter().flatten().collect()
}

fn in_function(
    image: &Image<'_>,
    extent: &Extent<'_>,
    candidates: &[Candidate],
    forks: &[Fork],
) -> Vec<Named> {
    let mut operands: Vec<Option<Named>> = vec![None; candidates.len()];
    let mut next = 0;
    let function = Function::decode(image, extent, forks, |decoder, instruction| {
        while let Some(c) = candidates.get(next).filter(|c| c.field < instruction.next_ip()) {
            if let Some(operand) = operands.get_mut(next) {
                *operand = by_operand(decoder, instruction, c);
            }
            next += 1;
        }
    });
    let named = candidates.iter().zip(operands).filter_map(|(candidate, operand)| match operand {
        Some(n) => match function.proof(n.address) {
            Ok(()) => Some(n),
            Err(doubt) => Some(Named { proof: Proof::Doubted(doubt), ..n }),
        },
        // If the boundaries are certain, bytes that are not an operand mean nothing. If they are
        // doubtful, bytes count only where an instruction may begin if the doubt is justified. But
        // bytes that lead into the middle of a trampoline disable that trampoline, so for them the
        // doubt is enough.
        None => match function.proof(extent.start) {
            Ok(()) => None,
            Err(doubt) => by_bytes(image, candidate, Proof::Doubted(doubt))
                .filter(|n| !candidate.is_exact || function.may_begin(n.address)),
        },
    });
    named.collect()
}

/// Returns what an instruction does with the candidate, if the four bytes are its operand.
fn by_operand(decoder: &Decoder<'_>, i: &Instruction, c: &Candidate) -> Option<Named> {
    let at = usize::try_from(c.field.checked_sub(i.ip())?).ok()?;
    let offsets = decoder.get_constant_offsets(i);
    let is_displacement = offsets.has_displacement() && offsets.displacement_offset() == at;
    let is_immediate = offsets.has_immediate() && offsets.immediate_offset() == at;
    let kind = match c.form {
        FieldForm::Relative | FieldForm::Short if i.op0_kind() == OpKind::NearBranch64 => {
            let size = if c.form == FieldForm::Short { 1 } else { 4 };
            let is_field = at + size == i.len() && i.near_branch_target() == c.destination;
            branch_kind(i, c.target).filter(|_| is_field)
        }
        FieldForm::Relative if is_displacement && i.is_ip_rel_memory_operand() => {
            let is_target = i.ip_rel_memory_address() == c.destination;
            memory_kind(i, c.target).filter(|_| is_target)
        }
        FieldForm::Absolute if is_displacement && i.memory_base() == Register::None => {
            memory_kind(i, c.target).filter(|_| i.memory_displacement64() == c.destination)
        }
        FieldForm::Wide if is_immediate && i.code() == Code::Mov_r64_imm64 => Some(Kind::Register),
        // A number next to the first byte of a target is just a number, and so is the displacement
        // of a branch.
        FieldForm::Absolute
            if is_immediate
                && i.op0_kind() != OpKind::NearBranch64
                && i.code() != Code::Mov_r64_imm64 =>
        {
            matches!(c.target, Target::Trampoline(_) if c.is_exact).then_some(Kind::AddressTaken)
        }
        _ => None,
    }?;
    Some(Named {
        address: i.ip(),
        kind,
        // An instruction has at most 15 bytes.
        length: i.len() as u8,
        target: c.target,
        destination: c.destination,
        form: c.form,
        proof: Proof::Proved,
        function: None,
    })
}

fn branch_kind(i: &Instruction, target: Target) -> Option<Kind> {
    match (Next::of(i.code()), target) {
        (_, Target::Holder(_) | Target::Got) => None,
        (Next::Call, _) => Some(Kind::Call),
        (Next::Jump, _) => Some(Kind::Jmp),
        (Next::ConditionalJump, _) => Some(Kind::Jcc),
        _ => Some(Kind::AddressTaken),
    }
}

fn memory_kind(i: &Instruction, target: Target) -> Option<Kind> {
    let is_lea = matches!(i.code(), Code::Lea_r64_m | Code::Lea_r32_m | Code::Lea_r16_m);
    match (Next::of(i.code()), target) {
        (Next::IndirectCall, Target::Holder(_)) => Some(Kind::CallGot),
        (Next::IndirectJump, Target::Holder(_)) => Some(Kind::JmpGot),
        // The address of the word, not its contents.
        (_, Target::Holder(_)) if is_lea => None,
        (_, Target::Got) => None,
        (_, Target::Holder(_)) => Some(Kind::Register),
        (_, Target::Trampoline(_) | Target::Plt(_)) => Some(Kind::AddressTaken),
    }
}

/// Returns what the bytes before a candidate look like, if no function around it decodes.
fn by_bytes(image: &Image<'_>, c: &Candidate, proof: Proof) -> Option<Named> {
    let before = |n: u64| image.at(c.field.checked_sub(n)?, n);
    let holds = matches!(c.target, Target::Holder(_));
    let (kind, back) = match (before(2), before(1)) {
        _ if c.form == FieldForm::Wide => (Kind::Register, 2),
        _ if c.form != FieldForm::Relative => return None,
        (_, Some([0xe8])) if !holds => (Kind::Call, 1),
        (_, Some([0xe9])) if !holds => (Kind::Jmp, 1),
        (Some([0x0f, 0x80..=0x8f]), _) if !holds => (Kind::Jcc, 2),
        (Some([0xff, 0x15]), _) if holds => (Kind::CallGot, 2),
        (Some([0xff, 0x25]), _) if holds => (Kind::JmpGot, 2),
        (Some([0x8b, modrm]), _) if holds && modrm & 0xc7 == 5 => (Kind::Register, 2),
        (Some([0x8d, modrm]), _) if !holds && modrm & 0xc7 == 5 => (Kind::AddressTaken, 2),
        _ => return None,
    };
    Some(Named {
        address: c.field - back,
        kind,
        length: 0,
        target: c.target,
        destination: c.destination,
        form: c.form,
        proof,
        function: None,
    })
}
