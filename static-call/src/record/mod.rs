//! Key records: one static for each key.

use core::any::TypeId;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::sys::slices::collected;
use crate::target::{Chosen, Target, TargetRecord};

#[cfg(test)]
mod tests;

/// The record of a key. The macros generate one for each key, in the slice of keys.
#[derive(Debug)]
#[repr(C)]
pub struct KeyRecord {
    /// Where the trampolines jump while nothing is patched. It is the first field, because machine
    /// code uses the record's address as the slot's. INV-SLOT: the address of a shim of this key.
    slot: AtomicPtr<()>,
    /// The current target. INV-KEY: `'static`, written only by `new`, `publish` and `choose`.
    current: AtomicPtr<TargetRecord>,
    /// INV-KEY: made from a `'static` reference.
    default: *const TargetRecord,
    /// The stub that jumps through the slot; identifies the key in trampoline records (INV-KEY).
    stub: *const (),
    name: &'static str,
    module: &'static str,
    file: &'static str,
    signature: &'static str,
    line: u32,
    column: u32,
    flags: u32,
    /// Any of [`SEALED`], [`ON`] and [`FOREIGN`].
    state: AtomicU32,
    own_type: fn() -> TypeId,
    /// How many times a flag is turned on. INV-LOCK: written only under the lock.
    count: AtomicU32,
}

// The verifier reads these fields from the file.
const _: () = if size_of::<usize>() == 8 {
    use core::mem::offset_of;

    use crate::layout::key_record;

    assert!(size_of::<KeyRecord>() == key_record::SIZE);
    assert!(offset_of!(KeyRecord, stub) as u64 == key_record::STUB);
    assert!(offset_of!(KeyRecord, name) as u64 == key_record::NAME);
    assert!(offset_of!(KeyRecord, module) as u64 == key_record::MODULE);
    assert!(offset_of!(KeyRecord, file) as u64 == key_record::FILE);
    assert!(offset_of!(KeyRecord, signature) as u64 == key_record::SIGNATURE);
    assert!(offset_of!(KeyRecord, line) as u64 == key_record::LINE);
    assert!(offset_of!(KeyRecord, column) as u64 == key_record::COLUMN);
    assert!(offset_of!(KeyRecord, flags) as u64 == key_record::FLAGS);
    assert!(KeyRecord::HAS_NO_BODY == key_record::HAS_NO_BODY);
};

/// The target is final.
const SEALED: u32 = 1;
/// The hook has a target, or the flag is on. Not used for keys with a body.
const ON: u32 = 2;
/// An update found the key in another image than the runtime's, and counted it.
#[allow(dead_code, reason = "unused where nothing is patched")]
const FOREIGN: u32 = 4;

// SAFETY: everything except the atomics is immutable, and the pointers lead to code or to
// `'static` immutable records (INV-KEY).
unsafe impl Sync for KeyRecord {}

/// What the macros know about a key, for [`KeyRecord::new`].
#[derive(Debug)]
pub struct KeyDescription {
    /// The default target.
    pub default: &'static TargetRecord,
    /// The default's shim again: a constant cannot read it from a static.
    pub default_shim: *const (),
    /// The stub that jumps through the slot.
    pub stub: *const (),
    /// Name of the function; for a method, with its type: `Filter::matches`.
    pub name: &'static str,
    /// `module_path!()`.
    pub module: &'static str,
    /// `file!()`.
    pub file: &'static str,
    /// The signature as written.
    pub signature: &'static str,
    /// `line!()`.
    pub line: u32,
    /// `column!()`.
    pub column: u32,
    /// Any of the flags of [`KeyRecord`], such as [`KeyRecord::HAS_NO_BODY`].
    pub flags: u32,
    /// [`Keyed::own_type`](crate::traits::Keyed::own_type).
    pub own_type: fn() -> TypeId,
}

impl KeyRecord {
    /// The default is *off*: the function was declared without a body, or the flag as `false`.
    pub const HAS_NO_BODY: u32 = 1;
    /// No argument needs to be dropped, so a call may be replaced in place by a no-op.
    pub const NOTHING_TO_DROP: u32 = 2;
    /// The key is a method of an `unsafe trait`: the caller of an update promises what the trait
    /// requires.
    pub const UNSAFE_TO_SWITCH: u32 = 4;
    /// The default returns `None`, so a no-op cannot replace it.
    pub const RETURNS_OPTION: u32 = 8;
    /// The key is a flag: it is on or off, and nothing calls its target.
    pub const IS_FLAG: u32 = 16;

    /// Makes a record whose slot leads to the default, for a static in the slice of keys.
    ///
    /// # Safety
    ///
    /// 1. `default_shim` is the shim of `default`: a function with the parameters and the result of
    ///    the key's trampolines.
    /// 2. `stub` is [`Keyed::stub`](crate::traits::Keyed::stub) of the type whose record it is, and
    ///    of no other.
    #[must_use]
    pub const unsafe fn new(d: KeyDescription) -> Self {
        Self {
            slot: AtomicPtr::new(d.default_shim.cast_mut()),
            current: AtomicPtr::new(core::ptr::from_ref(d.default).cast_mut()),
            default: d.default,
            stub: d.stub,
            name: d.name,
            module: d.module,
            file: d.file,
            signature: d.signature,
            line: d.line,
            column: d.column,
            flags: d.flags,
            state: AtomicU32::new(if d.flags & Self::HAS_NO_BODY == 0 { ON } else { 0 }),
            own_type: d.own_type,
            count: AtomicU32::new((d.flags & Self::HAS_NO_BODY == 0) as u32),
        }
    }

    /// Returns the name of the function; for a method, with its type.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the module, source file, line and column of the declaration.
    #[cfg(feature = "std")]
    pub(crate) fn place(&self) -> (&'static str, &'static str, u32, u32) {
        (self.module, self.file, self.line, self.column)
    }

    /// Returns the signature as written.
    #[cfg(feature = "std")]
    pub(crate) fn signature(&self) -> &'static str {
        self.signature
    }

    /// Returns the address of the stub that jumps through the slot.
    #[allow(dead_code, reason = "unused where nothing is patched")]
    pub(crate) fn stub(&self) -> usize {
        self.stub.addr()
    }

    /// Returns whether all of these flags are set.
    #[allow(dead_code, reason = "unused where nothing is patched")]
    pub(crate) fn has(&self, flags: u32) -> bool {
        self.flags & flags == flags
    }

    /// Returns the type of the function item that callers use.
    pub(crate) fn own_type(&self) -> TypeId {
        (self.own_type)()
    }

    /// Returns the target of a key that has never been updated.
    pub(crate) fn default_target(&self) -> Chosen {
        // SAFETY: INV-KEY: made from a reference to a static.
        Chosen::new(unsafe { &*self.default })
    }

    /// Returns the current target. Makes the choice if no call has made it yet.
    pub(crate) fn current(&self) -> Chosen {
        // SAFETY: INV-KEY: only `new`, `publish` and `choose` write it, from `'static` references.
        Chosen::new(unsafe { &*self.current.load(Ordering::Acquire) })
    }

    /// Returns what [`crate::Key::query`] returns.
    pub(crate) fn target(&self) -> Target {
        let now = self.current();
        Target::new(now, now == self.default_target())
    }

    /// Makes unpatched calls reach `target`. The caller holds the lock.
    pub(crate) fn publish(&self, target: Chosen) {
        target.fill_cell();
        let record = target.record();
        self.current.store(core::ptr::from_ref(record).cast_mut(), Ordering::Release);
        self.slot.store(record.address().cast_mut(), Ordering::Release);
        // After the slot: a thread that finds the key on must find its target, too.
        let is_on = self.is_on_with(target);
        if is_on {
            self.state.fetch_or(ON, Ordering::Release);
        } else {
            self.state.fetch_and(!ON, Ordering::Release);
        }
        // The commit stores the exact count later, except in a child forked at this point without a
        // handler.
        if self.has(Self::IS_FLAG) && is_on != (self.count() > 0) {
            self.set_count(is_on.into());
        }
    }

    /// Returns whether the key, a hook or a flag, is on with this target.
    pub(crate) fn is_on_with(&self, target: Chosen) -> bool {
        core::ptr::eq(target.record(), self.default) != self.has(Self::HAS_NO_BODY)
    }

    /// Returns whether the hook has a target, or the flag is on. If it is on, everything written
    /// before it was turned on is visible.
    #[inline]
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.state.load(Ordering::Acquire) & ON != 0
    }

    /// Returns how many times the flag is turned on.
    pub(crate) fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// Sets how many times the flag is turned on. The caller holds the lock.
    pub(crate) fn set_count(&self, count: u32) {
        self.count.store(count, Ordering::Relaxed);
    }

    /// Makes the default's choice, at the first call, without the lock. A concurrent update wins.
    pub fn choose(&self) {
        // SAFETY: INV-KEY: made from a reference to a static.
        let open = unsafe { &*self.default };
        let chosen = Chosen::new(open).record();
        let swap = |place: &AtomicPtr<()>, old: *const (), new: *const ()| {
            let (old, new) = (old.cast_mut(), new.cast_mut());
            let _ = place.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed);
        };
        let _ = self.current.compare_exchange(
            core::ptr::from_ref(open).cast_mut(),
            core::ptr::from_ref(chosen).cast_mut(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        swap(&self.slot, open.address(), chosen.address());
    }

    /// Marks the key as one in another image than the runtime's; returns whether it was marked
    /// before.
    #[allow(dead_code, reason = "unused where nothing is patched")]
    pub(crate) fn mark_foreign(&self) -> bool {
        self.state.fetch_or(FOREIGN, Ordering::Relaxed) & FOREIGN != 0
    }

    /// Makes the target final.
    pub(crate) fn seal(&self) {
        self.state.fetch_or(SEALED, Ordering::Release);
    }

    /// Returns whether the target is final.
    pub(crate) fn is_sealed(&self) -> bool {
        self.state.load(Ordering::Acquire) & SEALED != 0
    }

    /// Returns what the slot holds: where unpatched calls go.
    #[inline(always)]
    #[must_use]
    pub fn entry(&self) -> *mut () {
        self.slot.load(Ordering::Acquire)
    }

    /// Returns the address of the slot.
    #[allow(dead_code, reason = "unused where nothing is patched")]
    pub(crate) fn slot_address(&self) -> usize {
        (&raw const self.slot).addr()
    }
}

collected! {
    /// Every key of the image.
    static STATIC_CALL_0_1_KEYS: [KeyRecord];
    keys
}
pub(crate) use STATIC_CALL_0_1_KEYS as KEYS;
