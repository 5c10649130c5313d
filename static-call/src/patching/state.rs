//! The state of the runtime, divided by how long each part is valid.

use crate::patching::arena::Memory;
use crate::patching::cap::Cap;
use crate::patching::pending::Pending;
use crate::patching::registry::Registry;
use crate::patching::veneer::Veneers;
use crate::patching::written::Written;
use crate::sys::code_file::Signals;

/// The state of the runtime. Only the holder of the lock reaches it.
pub(crate) struct State {
    /// Facts of the image, which never change.
    pub(crate) registry: Registry,
    /// What the environment and the system allow, determined once.
    pub(crate) limits: Limits,
    /// What the code contains now, which changes with each store.
    pub(crate) written: Written,
    /// The veneers that were made, which stay as long as the image.
    pub(crate) veneers: Veneers,
    /// The batch at hand.
    pub(crate) pending: Pending,
    /// Where the batch writes, while its pages are open and are not written in place.
    pub(crate) alias: Option<Alias>,
    /// The signals that the thread blocked before it opened pages by an alias.
    pub(crate) signals: Option<Signals>,
    /// What earlier batches left behind.
    pub(crate) left: Left,
    /// The memory of all of the above, except veneers. INV-ARENA: freed with the state, and only
    /// then.
    pub(crate) memory: Option<Memory>,
}

/// How far the code may be changed.
pub(crate) struct Limits {
    pub(crate) cap: Cap,
    pub(crate) patching: Patching,
    /// Whether pages are opened by an alias, and not by `mprotect`.
    pub(crate) is_aliased: bool,
    /// Whether the barrier is available, or the `errno` of registering it.
    pub(crate) barrier: Result<(), i32>,
}

/// Whether code can be patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patching {
    /// Nobody has tried yet.
    Untried,
    /// Code can be patched.
    Works,
    /// `STATIC_CALL=indirect` forbids it.
    Capped,
    /// `mprotect` refused it, with this `errno`.
    Refused(i32),
    /// The image's program headers are not in memory.
    NoHeaders,
    /// The registry could not be allocated: the `errno` of `mmap`.
    NoMemory(i32),
}

/// A second mapping of the pages of a batch, writable and not executable.
pub(crate) struct Alias {
    /// INV-COPY: a mapping of `CodeFile::map_writable`.
    pub(crate) address: usize,
    pub(crate) length: usize,
}

/// What earlier batches left behind.
#[derive(Default)]
pub(crate) struct Left {
    /// The `errno` of the last page that could not be opened although patching had worked before.
    /// Cleared when pages are opened again.
    pub(crate) lost_permission: Option<i32>,
    /// Number of pages of code that updates could not close, or 1 if that is not known. Cleared
    /// when they are closed.
    pub(crate) pages_open: usize,
    /// The `errno` of the last barrier, if it failed, or 0 if it is not known whether it ran.
    /// INV-STEP: until one succeeds, no part of a split displacement is changed.
    pub(crate) unsettled: Option<i32>,
    /// The `errno` of the last barrier after stores, if it was missing and none has run since:
    /// other threads may not see these stores yet.
    pub(crate) missing: Option<i32>,
    /// Number of keys of other images that were updated: their calls stay on their slots.
    pub(crate) foreign_keys: usize,
}

impl State {
    /// Returns how many pages are left writable: of code, and of veneers.
    pub(crate) fn pages_left_open(&self) -> usize {
        self.left.pages_open + self.veneers.left_open()
    }

    /// Returns the state without an image: every key stays on its slot.
    pub(crate) fn bare(cap: Cap, patching: Patching) -> Self {
        Self {
            registry: Registry::bare(),
            limits: Limits { cap, patching, is_aliased: false, barrier: Ok(()) },
            written: Written::bare(),
            veneers: Veneers::bare(),
            pending: Pending::bare(),
            alias: None,
            signals: None,
            left: Left::default(),
            memory: None,
        }
    }
}
