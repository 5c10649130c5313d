//! The names of experiments.

use static_call::Grade;
use static_call::probe::{Boundary, Forms, Pace, Split};

/// Returns where the instruction lies, in words.
pub(super) fn place(boundary: Boundary) -> &'static str {
    match boundary {
        Boundary::None => "in one quadword",
        Boundary::OpcodeBefore8 => "displacement in one quadword",
        Boundary::OpcodeBefore64 => "the same, opcode in the cache line before",
        Boundary::OpcodeBefore4096 => "the same, opcode in the page before",
        Boundary::Across8 => "displacement across 8 bytes, not 16",
        Boundary::Across16 => "displacement across 16 bytes, not 32",
        Boundary::Across32 => "displacement across 32 bytes, in a cache line",
        Boundary::Across64 => "displacement across cache lines",
        Boundary::Across4096 => "displacement across pages",
    }
}

/// Returns where the instruction lies, as in JSON.
pub(super) fn boundary_name(boundary: Boundary) -> &'static str {
    match boundary {
        Boundary::None => "none",
        Boundary::OpcodeBefore8 => "opcode-before-8",
        Boundary::OpcodeBefore64 => "opcode-before-64",
        Boundary::OpcodeBefore4096 => "opcode-before-4096",
        Boundary::Across8 => "across-8",
        Boundary::Across16 => "across-16",
        Boundary::Across32 => "across-32",
        Boundary::Across64 => "across-64",
        Boundary::Across4096 => "across-4096",
    }
}

/// Returns how often the writer changes the instruction, in words and in JSON.
pub(super) fn pace_name(pace: Pace) -> &'static str {
    match pace {
        Pace::Hammering => "hammering",
        Pace::Paced => "paced",
    }
}

/// Returns the two forms of the instruction, in words.
pub(super) fn change_words(change: Forms) -> &'static str {
    match change {
        Forms::Call => "call to call",
        Forms::Jump => "jump to jump",
        Forms::ConditionalJump => "jcc to jcc",
        Forms::PaddedCall => "67 call to call",
        Forms::PaddedJump => "67 jump to jump",
        Forms::PaddedConstant => "67 call to constant",
        Forms::Nop => "call to no-op",
        Forms::PaddedNop => "67 call to no-op",
        Forms::Constant => "call to constant",
        Forms::Label => "label: jump to no-op",
        Forms::Trampoline => "trampoline: ff25 to e9",
    }
}

/// Returns the two forms of the instruction, as in JSON.
pub(super) fn change_name(change: Forms) -> &'static str {
    match change {
        Forms::Call => "call-call",
        Forms::Jump => "jmp-jmp",
        Forms::ConditionalJump => "jcc-jcc",
        Forms::PaddedCall => "padded-call-call",
        Forms::PaddedJump => "padded-jmp-jmp",
        Forms::PaddedConstant => "padded-call-constant",
        Forms::Nop => "call-nop",
        Forms::PaddedNop => "padded-call-nop",
        Forms::Constant => "call-constant",
        Forms::Label => "label",
        Forms::Trampoline => "trampoline",
    }
}

/// Returns a grade, in words and in JSON.
pub(super) fn grade_name(grade: Grade) -> &'static str {
    match grade {
        Grade::None => "-",
        _ => grade.as_str(),
    }
}

/// Returns how a boundary splits the displacement, in words.
pub(super) fn split_words(split: Split) -> String {
    format!("{} + {}", split.before(), 4 - split.before())
}
