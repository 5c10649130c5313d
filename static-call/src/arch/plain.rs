//! Where nothing is patched: no encodings, and a lock record that only this crate uses.

use core::sync::atomic::AtomicU64;

#[repr(align(16))]
struct LockRecord(#[expect(dead_code, reason = "reached by its address")] [AtomicU64; 2]);

/// Returns the address of the lock record: 16 zero bytes, aligned to 16.
pub(crate) fn lock_record() -> *const u8 {
    static RECORD: LockRecord = LockRecord([AtomicU64::new(0), AtomicU64::new(0)]);
    (&raw const RECORD).cast()
}
