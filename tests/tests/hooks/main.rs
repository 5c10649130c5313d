//! Hooks and flags: what they answer and evaluate. Tests of stores into code run in their own
//! process (`hooks_stores`), because they compare all code.

mod calls;
mod flags;
mod threads;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The tests take turns, because they share the library's hooks and flags, which are switched for
/// all threads.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
