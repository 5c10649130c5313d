//! The experiments of the probe, as data: what is changed, where it lies, what was counted.

use core::fmt;
use std::vec::Vec;

use crate::arch::x86_64::grade;
pub use crate::arch::x86_64::probe::Forms;
use crate::layout::Grade;

#[cfg(test)]
mod tests;

/// Where the instruction lies against aligned blocks of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Boundary {
    /// All of it in one quadword.
    None,
    /// Its displacement in one quadword, its opcode in the one before, in the same cache line.
    OpcodeBefore8,
    /// The same, and its opcode in the cache line before.
    OpcodeBefore64,
    /// The same, and its opcode in the page before.
    OpcodeBefore4096,
    /// Its displacement crosses a boundary of 8 bytes and none of 16.
    Across8,
    /// Of 16 bytes and not of 32.
    Across16,
    /// Of 32 bytes inside one cache line.
    Across32,
    /// Of cache lines, inside a page.
    Across64,
    /// Of pages.
    Across4096,
}

impl Boundary {
    /// All of them: those where the runtime stores, then the others.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::OpcodeBefore8,
        Self::OpcodeBefore64,
        Self::OpcodeBefore4096,
        Self::Across8,
        Self::Across16,
        Self::Across32,
        Self::Across64,
        Self::Across4096,
    ];

    /// Offsets in a page of the instruction's first byte.
    pub(crate) const fn offsets(self, change: Forms) -> &'static [u16] {
        if change.disp_at() == 2 {
            return self.offsets_of_six();
        }
        match self {
            Self::None if matches!(change, Forms::Trampoline) => &[0, 24, 56],
            Self::None => &[0, 9, 34, 59],
            Self::OpcodeBefore8 => &[7, 15, 31],
            Self::OpcodeBefore64 => &[63],
            Self::OpcodeBefore4096 => &[4095],
            // One, two and three bytes behind the boundary.
            Self::Across8 => &[4, 21, 38],
            Self::Across16 => &[12, 45, 14],
            Self::Across32 => &[28, 29, 30],
            Self::Across64 => &[60, 61, 62],
            Self::Across4096 => &[4092, 4093, 4094],
        }
    }

    /// The same for a displacement two bytes further.
    const fn offsets_of_six(self) -> &'static [u16] {
        match self {
            Self::None => &[0, 9, 34],
            Self::OpcodeBefore8 => &[6, 14, 30],
            Self::OpcodeBefore64 => &[62],
            Self::OpcodeBefore4096 => &[4094],
            Self::Across8 => &[3, 20, 37],
            Self::Across16 => &[11, 44, 13],
            Self::Across32 => &[27, 28, 29],
            Self::Across64 => &[59, 60, 61],
            Self::Across4096 => &[4091, 4092, 4093],
        }
    }

    /// Returns the grade of a call instruction that lies so.
    #[must_use]
    pub fn grade(self) -> Grade {
        grade(self.offsets(Forms::Call)[0].into(), 1, 5)
    }
}

/// How often the writer stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    /// As fast as it can.
    Hammering,
    /// Two microseconds after the moment that was set for the store before, or at once where those
    /// have passed: reading the clock takes its time, too. [`Counts::writes`] tells what came of
    /// it.
    Paced,
}

/// One line of the table: where the instruction lies, who writes, and what changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// Where the instruction lies.
    pub boundary: Boundary,
    /// How often it is changed.
    pub pace: Pace,
    /// Between which forms.
    pub change: Forms,
}

/// What was counted. Counts of parts and of repetitions add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Executions of the instruction while it was being changed.
    pub calls: u64,
    /// Stores.
    pub writes: u64,
    /// Executions that were neither of the two forms.
    pub torn: u64,
}

impl core::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.writes += other.writes;
        self.torn += other.torn;
    }
}

/// Why an experiment cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unavailable {
    /// The code is for x86-64 and the memory is Linux's.
    Platform,
    /// The system gave no memory that is writable and executable.
    Memory {
        /// The `errno` of `mmap(2)` or `mprotect(2)`.
        errno: i32,
    },
    /// The system gave no second thread.
    Thread,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => {
                f.write_str("the probe is made for x86-64 Linux, and this is not that")
            }
            Self::Memory { errno } => write!(
                f,
                "no memory that is writable and executable (errno {errno}): PR_SET_MDWE, SELinux \
                 or a seccomp filter refuses it, and the runtime would not rewrite code here either"
            ),
            Self::Thread => f.write_str("the system refused a thread"),
        }
    }
}

impl std::error::Error for Unavailable {}

impl Experiment {
    /// Returns all that the probe can do.
    ///
    /// ```
    /// let all = static_call::probe::Experiment::all();
    /// assert!(all.iter().any(|e| e.is_control()) && all.iter().any(|e| e.is_default()));
    /// ```
    #[must_use]
    pub fn all() -> Vec<Self> {
        let others = [Forms::Jump, Forms::ConditionalJump, Forms::PaddedCall, Forms::PaddedJump];
        // What the runtime stores, and a control: the same bytes of a displacement tear alike.
        let places =
            [Boundary::None, Boundary::OpcodeBefore8, Boundary::OpcodeBefore64, Boundary::Across64];
        let whole = [
            Forms::Nop,
            Forms::PaddedNop,
            Forms::Constant,
            Forms::PaddedConstant,
            Forms::Label,
            Forms::Trampoline,
        ];
        let calls = Boundary::ALL.map(|boundary| (boundary, Forms::Call));
        let others = others.into_iter().flat_map(|change| places.map(|place| (place, change)));
        let whole = whole.map(|change| (Boundary::None, change));
        let rows = calls.into_iter().chain(others).chain(whole);
        let paces = [Pace::Hammering, Pace::Paced];
        rows.flat_map(|(boundary, change)| paces.map(|pace| Self { boundary, pace, change }))
            .collect()
    }

    /// Returns whether the runtime makes this change to an instruction that lies so.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.boundary.grade().is_patchable()
    }

    /// Returns whether this must tear if the probe can see tears at all: a displacement across two
    /// cache lines.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.boundary.grade() == Grade::Straddle
    }

    /// Returns how many parts the experiment has: offsets that lie alike against boundaries.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.boundary.offsets(self.change).len()
    }
}
