//! Hooks and flags: what they answer and evaluate. What is stored into code for them has a process
//! of its own (`hooks_stores.rs`), because its tests compare all code.

mod calls;
mod flags;
mod threads;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The tests share hooks and flags of the library, which are switched for all threads: they take
/// turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
