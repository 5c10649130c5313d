//! The experiments of the probe as data: what is changed, where it lies, and what was counted.

use core::fmt;
use std::vec::Vec;

pub use crate::arch::x86_64::Split;
use crate::arch::x86_64::grade;
pub use crate::arch::x86_64::probe::Forms;
use crate::layout::Grade;

#[cfg(test)]
mod tests;

/// How the instruction lies relative to aligned blocks of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Boundary {
    /// The whole instruction lies in one quadword.
    None,
    /// The displacement lies in one quadword, the opcode in the quadword before, both in one cache
    /// line.
    OpcodeBefore8,
    /// The displacement lies in one quadword, the opcode in the cache line before.
    OpcodeBefore64,
    /// The displacement lies in one quadword, the opcode in the page before.
    OpcodeBefore4096,
    /// The displacement crosses an 8-byte boundary that is not a 16-byte boundary.
    Across8,
    /// The displacement crosses a 16-byte boundary that is not a 32-byte boundary.
    Across16,
    /// The displacement crosses a 32-byte boundary inside one cache line.
    Across32,
    /// The displacement crosses a cache line boundary inside a page.
    Across64,
    /// The displacement crosses a page boundary.
    Across4096,
}

impl Boundary {
    /// All boundaries: first those where the runtime stores, then the others.
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

    /// Returns the offsets of the instruction's first byte in a page.
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
            // One, two and three bytes after the boundary.
            Self::Across8 => &[4, 21, 38],
            Self::Across16 => &[12, 45, 14],
            Self::Across32 => &[28, 29, 30],
            Self::Across64 => &[60, 61, 62],
            Self::Across4096 => &[4092, 4093, 4094],
        }
    }

    /// Returns the offsets for a displacement at the third byte instead of the second.
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

    /// The boundaries that split a displacement.
    const SPLITTING: [Self; 5] =
        [Self::Across8, Self::Across16, Self::Across32, Self::Across64, Self::Across4096];

    /// Returns the grade of a call instruction at this boundary.
    #[must_use]
    pub fn grade(self) -> Grade {
        grade(self.offsets(Forms::Call)[0].into(), 1, 5)
    }
}

/// How often the writer changes the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    /// As fast as it can.
    Hammering,
    /// Two microseconds after the time set for the previous change, or twenty in steps, or at once
    /// if that time has passed, since reading the clock takes time, too. [`Counts::writes`] has the
    /// actual number of stores.
    Paced,
}

/// How the writer changes the instruction from one form to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By one store.
    OneStore,
    /// In steps, as the runtime does where a boundary splits the displacement: three stores, each
    /// into one aligned quadword, and a barrier after each.
    Steps(Split),
    /// By the same stores without barriers, which the runtime never does.
    StepsWithoutBarriers(Split),
}

/// One line of the table: where the instruction lies, how often it is changed, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// Where the instruction lies.
    pub boundary: Boundary,
    /// How often the instruction is changed.
    pub pace: Pace,
    /// The two forms between which it is changed.
    pub change: Forms,
    /// By which stores it is changed.
    pub way: Way,
}

/// What was counted. Counts of parts and of repetitions can be added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Executions of the instruction while it was being changed.
    pub calls: u64,
    /// Stores into the instruction.
    pub writes: u64,
    /// Executions that went through a veneer, between two steps.
    pub veneers: u64,
    /// Executions of neither of the two forms, nor through a veneer.
    pub torn: u64,
}

impl core::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.writes += other.writes;
        self.veneers += other.veneers;
        self.torn += other.torn;
    }
}

/// Why an experiment cannot run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unavailable {
    /// The probe runs only on x86-64 Linux.
    Platform,
    /// The system refused memory that is writable and executable.
    Memory {
        /// The `errno` of `mmap(2)` or `mprotect(2)`.
        errno: i32,
    },
    /// The system refused a second thread.
    Thread,
    /// The system refused the barrier between two steps. Only experiments in steps need it.
    Barrier {
        /// The `errno` of `membarrier(2)`.
        errno: i32,
    },
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("the probe runs only on x86-64 Linux"),
            Self::Memory { errno } => write!(
                f,
                "no memory that is writable and executable (errno {errno}): PR_SET_MDWE, SELinux \
                 or a seccomp filter refuses it, so the runtime could not rewrite code here either"
            ),
            Self::Thread => f.write_str("the system refused a second thread"),
            Self::Barrier { errno } => write!(
                f,
                "no barrier (membarrier, errno {errno}), so the runtime retargets nothing in steps \
                 here"
            ),
        }
    }
}

impl std::error::Error for Unavailable {}

impl Experiment {
    /// Returns all experiments of the probe.
    ///
    /// ```
    /// let all = static_call::probe::Experiment::all();
    /// assert!(all.iter().any(|e| e.is_control()) && all.iter().any(|e| e.is_default()));
    /// ```
    #[must_use]
    pub fn all() -> Vec<Self> {
        let others = [Forms::Jump, Forms::ConditionalJump, Forms::PaddedCall, Forms::PaddedJump];
        // The places where the runtime stores, and one control: displacements in the same place
        // tear alike, whatever the opcode.
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
        let stores = calls.into_iter().chain(others).chain(whole);
        let stores = stores.map(|(boundary, change)| (boundary, change, Way::OneStore));
        let steps = Boundary::SPLITTING.into_iter().flat_map(|boundary| {
            let ways = Split::ALL.map(|s| [Way::Steps(s), Way::StepsWithoutBarriers(s)]);
            ways.into_iter().flatten().map(move |way| (boundary, Forms::Call, way))
        });
        let paces = [Pace::Hammering, Pace::Paced];
        let rows = stores.chain(steps);
        rows.flat_map(|(boundary, change, way)| {
            paces.map(|pace| Self { boundary, pace, change, way })
        })
        .collect()
    }

    /// Returns whether the runtime makes this change, with one store, to an instruction at this
    /// boundary.
    #[must_use]
    pub fn is_default(&self) -> bool {
        match self.way {
            Way::OneStore => !self.boundary.grade().takes_steps(),
            Way::Steps(_) => true,
            Way::StepsWithoutBarriers(_) => false,
        }
    }

    /// Returns whether this experiment is a control, which must tear if the probe can see tears at
    /// all: one store changes a displacement that crosses a cache line.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.way == Way::OneStore && self.boundary.grade() == Grade::Straddle
    }

    /// Returns how many parts the experiment has: offsets with the same position relative to
    /// boundaries.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.offsets().len()
    }

    /// Returns the offsets of the instruction's first byte in a page, one for each part.
    pub(crate) fn offsets(&self) -> &'static [u16] {
        let all = self.boundary.offsets(self.change);
        match self.way {
            Way::OneStore => all,
            // They are in the order of the bytes after the boundary.
            Way::Steps(split) | Way::StepsWithoutBarriers(split) => {
                &all[3 - usize::from(split.before())..][..1]
            }
        }
    }
}
