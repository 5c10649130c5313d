//! All that the holder of the lock has, by how long it is true.

use crate::patching::arena::Memory;
use crate::patching::cap::Cap;
use crate::patching::pending::Pending;
use crate::patching::registry::Registry;
use crate::patching::written::Written;

/// The state of the runtime. Only the holder of the lock has it.
pub(crate) struct State {
    /// Facts of the image: they never change.
    pub(crate) registry: Registry,
    /// What the environment and the system allow, found out once.
    pub(crate) limits: Limits,
    /// What the code says now: it changes with each store.
    pub(crate) written: Written,
    /// The batch at hand.
    pub(crate) pending: Pending,
    /// What earlier batches left behind.
    pub(crate) left: Left,
    /// Where all of the above is. INV-ARENA: freed with the state, and only then.
    pub(crate) memory: Option<Memory>,
}

/// How far the code may be changed.
pub(crate) struct Limits {
    pub(crate) cap: Cap,
    pub(crate) patching: Patching,
    /// Whether the barrier can be had, or the `errno` of registering it.
    pub(crate) barrier: Result<(), i32>,
}

/// Whether code can be patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patching {
    /// It can.
    Works,
    /// `STATIC_CALL=indirect`.
    Capped,
    /// `mprotect` refused it, with this `errno`.
    Refused(i32),
    /// The image's program headers are not in memory.
    NoHeaders,
    /// There is no memory for the registry: this `errno` of `mmap`.
    NoMemory(i32),
}

/// What is left of batches that are over.
#[derive(Default)]
pub(crate) struct Left {
    /// The `errno` of the last page that could not be opened after patching had worked, unless
    /// pages could be opened since.
    pub(crate) lost_permission: Option<i32>,
    /// The last pages that could not be closed, unless pages could be closed since.
    pub(crate) pages_open: usize,
    /// How many keys of other images were updated: their calls stay on their slots.
    pub(crate) foreign_keys: usize,
}

impl State {
    /// Of no image: every key keeps to its slot.
    pub(crate) fn bare(cap: Cap, patching: Patching) -> Self {
        Self {
            registry: Registry::bare(),
            limits: Limits { cap, patching, barrier: Ok(()) },
            written: Written::bare(),
            pending: Pending::bare(),
            left: Left::default(),
            memory: None,
        }
    }
}
