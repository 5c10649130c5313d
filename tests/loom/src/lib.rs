//! Files of the runtime, compiled with the atomics of `loom`, which tries every order in which
//! threads can run and every value that a load may return.
//!
//! Each test has a control: the same with one rule broken, which loom must notice.
#![cfg(test)]
#![forbid(unsafe_code)]

#[path = "../../../static-call/src/record/published.rs"]
mod published;
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, Ordering};
}
#[path = "../../../static-call/src/lock/word.rs"]
mod word;

mod lock;
mod publication;
