//! The atomics of files that `tests/loom` compiles with others.

pub(crate) use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, Ordering};
