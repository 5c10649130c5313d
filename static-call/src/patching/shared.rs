//! The one state of an image: a thread that has the lock has it.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::error::UpdateError;
use crate::lock::{self, Guard};
use crate::patching::build::build;
use crate::patching::cap::{self, Cap};
use crate::patching::image::Image;
use crate::patching::recover::recover;
use crate::patching::state::State;

/// INV-LOCK: reached with the lock held, and by [`state`] and [`free_state`] only.
struct Shared(UnsafeCell<Option<State>>);

// SAFETY: INV-LOCK: the cell is reached by holders of the lock alone.
unsafe impl Sync for Shared {}

static STATE: Shared = Shared(UnsafeCell::new(None));

/// Runs `body` with the state, under the lock.
pub(crate) fn with_state<R>(body: impl FnOnce(&mut State) -> R) -> Result<R, UpdateError> {
    // It allocates, and so comes before the lock.
    let cap = cap::get();
    let guard = lock::lock()?;
    if UNLOADED.load(Ordering::SeqCst) {
        return Err(UpdateError::Unloaded);
    }
    // Set still: the holder before was left behind by a `fork` that no handler saw (lock.rs).
    let was_left = BUSY.swap(true, Ordering::SeqCst);
    let state = state(&guard, cap, was_left);
    let result = body(state);
    BUSY.store(false, Ordering::SeqCst);
    Ok(result)
}

/// Somebody is at work with the state.
static BUSY: AtomicBool = AtomicBool::new(false);
/// The state is built.
static BUILT: AtomicBool = AtomicBool::new(false);

/// The state is freed, for good.
static UNLOADED: AtomicBool = AtomicBool::new(false);

/// Run by the dynamic loader when it unloads the image (gABI, "Initialization and Termination
/// Functions"), and when the process ends.
#[used]
#[unsafe(link_section = ".fini_array")]
static AT_UNLOAD: extern "C" fn() = free_state;

/// Frees the state of a shared object, so that a program that loads and unloads it again and again
/// does not grow. That of a program stays: at its end other threads may still be at work.
extern "C" fn free_state() {
    if !BUILT.load(Ordering::SeqCst) || !Image::this().is_some_and(|i| i.is_shared_object()) {
        return;
    }
    // A signal handler that interrupted an update of this thread has ended the process.
    let Ok(_guard) = lock::lock() else { return };
    UNLOADED.store(true, Ordering::SeqCst);
    // SAFETY: INV-LOCK: the guard is held, and nothing under the lock comes back here.
    let state = unsafe { &mut *STATE.0.get() }.take();
    if let Some(memory) = state.and_then(|state| state.memory) {
        // SAFETY: INV-ARENA: the state was the only way to its slices, and nobody makes another.
        unsafe { memory.free() };
    }
}

#[expect(clippy::mut_from_ref, reason = "the guard is the proof of being alone")]
fn state(_guard: &Guard, cap: Cap, was_left: bool) -> &mut State {
    // SAFETY: INV-LOCK: the guard is held for as long as the reference lives, and nothing under the
    // lock comes back here.
    let state = unsafe { &mut *STATE.0.get() };
    if !BUILT.load(Ordering::SeqCst) {
        *state = Some(build(cap));
        BUILT.store(true, Ordering::SeqCst);
    }
    let state = state.get_or_insert_with(|| build(cap));
    if was_left {
        recover(state);
    }
    state
}
