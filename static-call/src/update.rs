//! Updates: what an update reports to its caller.

use crate::previous::Previous;

/// What an update did.
///
/// The counts are of call instructions and jump labels; one site of the source can have many, or
/// none. In an image that was not verified they count trampolines, and where nothing is patched
/// they count keys.
///
/// # Examples
///
/// ```
/// # use static_call::static_call;
/// #[static_call]
/// fn level() -> u32 {
///     1
/// }
///
/// let update = level::update(|| 2)?;
/// assert_eq!(update.pages_left_open, 0);
/// println!("{} of {} inline", update.inline, update.inline + update.trampoline + update.indirect);
/// # Ok::<(), static_call::UpdateError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Update {
    /// Call instructions that reach the new target directly.
    pub inline: usize,
    /// Call instructions that go through a patched trampoline.
    pub trampoline: usize,
    /// Call instructions that go through the slot.
    pub indirect: usize,
    /// Whether other threads were made to see the new code.
    pub barrier: Barrier,
    /// How many barriers ran: at most 1, or 3 if a call instruction was retargeted in steps. One
    /// that an earlier update left to this one is not counted.
    pub barriers: usize,
    /// Call instructions that are left between two steps because a barrier failed there. They go
    /// through the slot, and are among `indirect`. The next update of their key continues.
    pub unfinished: usize,
    /// Call instructions and trampolines that something else changed in the middle of the update.
    /// They were left as they are; the next update names them.
    pub lost: usize,
    /// Code pages that could not be closed again and are left writable. 0, unless the system
    /// withdrew the permission in the middle of the update.
    pub pages_left_open: usize,
    /// A token that restores what the keys called before.
    pub previous: Previous,
}

impl Update {
    /// Returns an update that only the slot carries.
    pub(crate) const fn slot_only() -> Self {
        Self {
            inline: 0,
            trampoline: 0,
            indirect: 0,
            barrier: Barrier::NotNeeded,
            barriers: 0,
            unfinished: 0,
            lost: 0,
            pages_left_open: 0,
            previous: Previous::NONE,
        }
    }
}

/// Whether the barrier after an update ran: `membarrier(2)`, `PRIVATE_EXPEDITED_SYNC_CORE`.
///
/// # Examples
///
/// ```
/// # use static_call::{Barrier, static_call};
/// #[static_call]
/// fn level() -> u32 {
///     1
/// }
///
/// match level::update(|| 2)?.barrier {
///     Barrier::Ran | Barrier::NotNeeded => {}
///     Barrier::Missing(errno) => eprintln!("threads follow in their own time (errno {errno})"),
///     _ => {}
/// }
/// # Ok::<(), static_call::UpdateError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Barrier {
    /// No code changed: only the slot carries the update.
    NotNeeded,
    /// The barrier ran: every call that starts later, on any thread, reaches the new target, except
    /// through instructions that [`Update::lost`] counts.
    Ran,
    /// The barrier failed with this `errno`, or that of an earlier update did and none has run
    /// since: other threads reach the new target eventually, but there is no time limit.
    Missing(i32),
}
