//! Key records: one static for each key.

use core::any::TypeId;
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, Ordering};

use crate::sys::slices::collected;
use crate::target::{Chosen, Target, TargetDescription, TargetRecord};

mod published;
#[cfg(test)]
mod tests;

use published::{ON, Published};

/// The record of a key. The macros generate one for each key, in the slice of keys.
#[derive(Debug)]
#[repr(C)]
pub struct KeyRecord {
    /// Where the trampolines jump while nothing is patched. It is the first field, because machine
    /// code uses the record's address as the slot's. INV-SLOT: the address of a shim of this key.
    slot: AtomicPtr<()>,
    /// The current target, as [`TargetRecord::as_pointer`] gives it; null for the default. INV-KEY:
    /// written only by `publish` and `choose`.
    current: AtomicPtr<()>,
    default: TargetRecord,
    /// The stub that jumps through the slot; identifies the key in trampoline records (INV-KEY).
    stub: *const (),
    /// The module, two colons, the name, the file, and the signature, without anything between
    /// them. INV-KEY: the start of a `'static` string with the sum of the lengths below.
    text: *const u8,
    module: u16,
    name: u16,
    file: u16,
    signature: u16,
    line: u32,
    column: u32,
    /// How many times a flag is turned on. INV-LOCK: written only under the lock.
    count: AtomicU32,
    flags: u8,
    /// Any of [`SEALED`], [`ON`], [`FOREIGN`] and [`BOUND`].
    state: AtomicU8,
}

// The verifier reads these fields from the file.
const _: () = if size_of::<usize>() == 8 {
    use core::mem::offset_of;

    use crate::layout::key_record;

    assert!(size_of::<KeyRecord>() == key_record::SIZE);
    assert!(offset_of!(KeyRecord, stub) as u64 == key_record::STUB);
    assert!(offset_of!(KeyRecord, text) as u64 == key_record::TEXT);
    assert!(offset_of!(KeyRecord, module) as u64 == key_record::MODULE);
    assert!(offset_of!(KeyRecord, name) as u64 == key_record::NAME);
    assert!(offset_of!(KeyRecord, file) as u64 == key_record::FILE);
    assert!(offset_of!(KeyRecord, signature) as u64 == key_record::SIGNATURE);
    assert!(offset_of!(KeyRecord, line) as u64 == key_record::LINE);
    assert!(offset_of!(KeyRecord, column) as u64 == key_record::COLUMN);
    assert!(offset_of!(KeyRecord, flags) as u64 == key_record::FLAGS);
    assert!(offset_of!(KeyRecord, slot) as u64 == key_record::SLOT);
    assert!(offset_of!(KeyRecord, state) as u64 == key_record::STATE);
    assert!(KeyRecord::HAS_NO_BODY == key_record::HAS_NO_BODY);
    assert!(KeyRecord::CHOOSES == key_record::CHOOSES);
};

/// The target is final.
const SEALED: u8 = 1;
/// An update found the key in another image than the runtime's, and counted it.
#[allow(dead_code, reason = "unused where nothing is patched")]
const FOREIGN: u8 = 4;
/// INV-BOUND: the code of the key leads to its default in the file: calls do not follow the slot.
/// Only the verifier sets it. It is in the state, because the compiler knows the flags.
#[allow(dead_code, reason = "unused where nothing is patched")]
const BOUND: u8 = crate::layout::key_record::BOUND;
const _: () = assert!(BOUND & (SEALED | ON | FOREIGN) == 0);

// SAFETY: everything except the atomics is immutable, and the pointers lead to code or to
// `'static` immutable records (INV-KEY).
unsafe impl Sync for KeyRecord {}

/// What the macros know about a key, for [`KeyRecord::new`].
#[derive(Debug)]
pub struct KeyDescription {
    /// Describes the default target. It takes no lock and allocates nothing.
    pub describe: fn(&mut TargetDescription),
    /// The default's shim: a constant cannot get it from `describe`.
    pub shim: *const (),
    /// The stub that jumps through the slot.
    pub stub: *const (),
    /// `module_path!()`, two colons, the name of the function (for a method, with its type:
    /// `Filter::matches`), `file!()`, and the signature as written.
    pub text: &'static str,
    /// Bytes of `module_path!()`.
    pub module: usize,
    /// Bytes of the name.
    pub name: usize,
    /// Bytes of `file!()`.
    pub file: usize,
    /// `line!()` and `column!()`.
    pub position: (u32, u32),
    /// Any of the flags of [`KeyRecord`], such as [`KeyRecord::HAS_NO_BODY`].
    pub flags: u8,
}

#[cfg(test)]
impl KeyDescription {
    /// Describes a key that nothing calls, with this default.
    pub(crate) const fn uncalled(describe: fn(&mut TargetDescription), shim: *const ()) -> Self {
        let (stub, text, position) = (core::ptr::null(), "::key", (0, 0));
        Self { describe, shim, stub, text, module: 0, name: 3, file: 0, position, flags: 0 }
    }
}

impl KeyRecord {
    /// The default is *off*: the function was declared without a body, or the flag as `false`.
    pub const HAS_NO_BODY: u8 = 1;
    /// No argument needs to be dropped, so a call may be replaced in place by a no-op.
    pub const NOTHING_TO_DROP: u8 = 2;
    /// The key is a method of an `unsafe trait`: the caller of an update promises what the trait
    /// requires.
    pub const UNSAFE_TO_SWITCH: u8 = 4;
    /// The default returns `None`, so a no-op cannot replace it.
    pub const RETURNS_OPTION: u8 = 8;
    /// The key is a flag: it is on or off, and nothing calls its target.
    pub const IS_FLAG: u8 = 16;
    /// The default is chosen at run time: the slot leads to a resolver until then.
    pub const CHOOSES: u8 = 32;

    /// The bit of the state that the test of a jump label reads: the key is on.
    pub const ON: u8 = ON;
    /// The state's offset in the record.
    pub const STATE: usize = core::mem::offset_of!(Self, state);

    /// Makes a record whose slot leads to the default, for a static in the slice of keys.
    ///
    /// # Panics
    ///
    /// Panics if a text has more than 65,535 bytes, or if the lengths do not fit the text.
    ///
    /// # Safety
    ///
    /// 1. `shim` is the shim that `describe` describes: a function with the parameters and the
    ///    result of the key's trampolines.
    /// 2. `stub` is [`Keyed::stub`](crate::traits::Keyed::stub) of the type whose record it is, and
    ///    of no other.
    #[must_use]
    pub const unsafe fn new(d: KeyDescription) -> Self {
        let before = d.module + SEPARATOR + d.name + d.file;
        assert!(before <= d.text.len(), "the parts of the text are longer than the text");
        Self {
            slot: AtomicPtr::new(d.shim.cast_mut()),
            current: AtomicPtr::new(core::ptr::null_mut()),
            default: TargetRecord::new(d.describe),
            stub: d.stub,
            text: d.text.as_ptr(),
            module: length(d.module),
            name: length(d.name),
            file: length(d.file),
            signature: length(d.text.len() - before),
            line: d.position.0,
            column: d.position.1,
            count: AtomicU32::new((d.flags & Self::HAS_NO_BODY == 0) as u32),
            flags: d.flags,
            state: AtomicU8::new(if d.flags & Self::HAS_NO_BODY == 0 { ON } else { 0 }),
        }
    }

    /// Returns `length` bytes of the text from `start`.
    fn text(&self, start: usize, length: usize) -> &'static str {
        let all = usize::from(self.module)
            + SEPARATOR
            + usize::from(self.name)
            + usize::from(self.file)
            + usize::from(self.signature);
        // SAFETY: INV-KEY: `new` took the pointer from a `'static` string of this length.
        let all = unsafe { core::slice::from_raw_parts(self.text, all) };
        let part = all.get(start..start + length).unwrap_or_default();
        core::str::from_utf8(part).unwrap_or_default()
    }

    /// Returns the name of the function; for a method, with its type.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.text(usize::from(self.module) + SEPARATOR, self.name.into())
    }

    /// Returns the module and the name, as a path.
    pub(crate) fn path(&self) -> &'static str {
        self.text(0, usize::from(self.module) + SEPARATOR + usize::from(self.name))
    }

    /// Returns the module, source file, line and column of the declaration.
    #[cfg(feature = "std")]
    pub(crate) fn place(&self) -> (&'static str, &'static str, u32, u32) {
        let file = self.text(self.path().len(), self.file.into());
        (self.text(0, self.module.into()), file, self.line, self.column)
    }

    /// Returns the signature as written.
    #[cfg(feature = "std")]
    pub(crate) fn signature(&self) -> &'static str {
        self.text(self.path().len() + usize::from(self.file), self.signature.into())
    }

    /// Returns the address of the stub that jumps through the slot.
    #[allow(dead_code, reason = "unused where nothing is patched")]
    pub(crate) fn stub(&self) -> usize {
        self.stub.addr()
    }

    /// Returns whether all of these flags are set.
    #[allow(dead_code, reason = "unused where nothing is patched")]
    pub(crate) fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    /// Returns the type of the function item that callers use. A flag has none.
    pub(crate) fn own_type(&self) -> Option<TypeId> {
        self.default.description().key_type()
    }

    /// Returns the target of a key that has never been updated.
    pub(crate) fn default_target(&'static self) -> Chosen {
        Chosen::new(self.default)
    }

    /// Returns the current target. Makes the choice if no call has made it yet.
    pub(crate) fn current(&'static self) -> Chosen {
        let current = self.published().current();
        if current.is_null() {
            return self.default_target();
        }
        // SAFETY: INV-KEY: only `publish` and `choose` write it, from targets.
        Chosen::new(unsafe { TargetRecord::from_pointer(current) })
    }

    /// Returns what [`crate::Key::query`] returns.
    pub(crate) fn target(&'static self) -> Target {
        let now = self.current();
        Target::new(now, now == self.default_target(), self.path())
    }

    /// Makes unpatched calls reach `target`. The caller holds the lock.
    pub(crate) fn publish(&self, target: Chosen) {
        target.fill_cell();
        let record = target.record();
        let is_on = self.is_on_with(target);
        self.published().set(record.as_pointer(), record.address().cast_mut(), is_on);
        // The commit stores the exact count later, except in a child forked at this point without a
        // handler.
        if self.has(Self::IS_FLAG) && is_on != (self.count() > 0) {
            self.set_count(is_on.into());
        }
    }

    /// Returns whether the key, a hook or a flag, is on with this target.
    pub(crate) fn is_on_with(&self, target: Chosen) -> bool {
        (target.record() == self.default) != self.has(Self::HAS_NO_BODY)
    }

    /// Returns whether the hook has a target, or the flag is on. If it is on, everything written
    /// before it was turned on is visible.
    #[inline]
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.published().is_on()
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
    pub fn choose(&'static self) {
        let (default, chosen) = (self.default.address(), self.default_target().record());
        let entry = chosen.address().cast_mut();
        self.published().choose(default.cast_mut(), chosen.as_pointer(), entry);
    }

    /// Returns the fields that calls read while an update writes them.
    #[inline(always)]
    const fn published(&self) -> Published<'_> {
        Published { slot: &self.slot, current: &self.current, state: &self.state }
    }

    /// Marks the key as one in another image than the runtime's; returns whether it was marked
    /// before.
    #[allow(dead_code, reason = "unused where nothing is patched")]
    pub(crate) fn mark_foreign(&self) -> bool {
        self.state.fetch_or(FOREIGN, Ordering::Relaxed) & FOREIGN != 0
    }

    /// Returns whether the code of the key leads to its default in the file, whatever the slot
    /// says.
    #[allow(dead_code, reason = "unused where nothing is patched")]
    pub(crate) fn is_bound_in_file(&self) -> bool {
        self.state.load(Ordering::Relaxed) & BOUND != 0
    }

    /// Returns the address of the default's shim, if the code of the key leads there in the file.
    #[allow(dead_code, reason = "unused where nothing is patched")]
    pub(crate) fn bound_shim(&self) -> Option<u64> {
        self.is_bound_in_file().then(|| self.default.address().addr() as u64)
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
        self.published().entry()
    }

    /// Returns the address of the slot.
    #[allow(dead_code, reason = "unused where nothing is patched")]
    pub(crate) fn slot_address(&self) -> usize {
        (&raw const self.slot).addr()
    }
}

/// Bytes between module and name.
const SEPARATOR: usize = crate::layout::key_record::SEPARATOR.len();

/// Returns the length of a part of the text, as a record stores it.
const fn length(bytes: usize) -> u16 {
    assert!(bytes <= u16::MAX as usize, "a name, path or signature has more than 65,535 bytes");
    bytes as u16
}

collected! {
    /// Every key of the image.
    static STATIC_CALL_0_1_KEYS: [KeyRecord];
    keys
}
pub(crate) use STATIC_CALL_0_1_KEYS as KEYS;
