//! The one state of an image, reached by the thread that holds the lock.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::error::UpdateError;
use crate::lock::{self, Guard};
use crate::patching::build::build;
use crate::patching::cap::{self, Cap};
use crate::patching::image::Image;
use crate::patching::pages;
use crate::patching::plan::Lead;
use crate::patching::recover::recover;
use crate::patching::state::State;

/// INV-LOCK: reached only with the lock held, and only by [`state`] and [`free_state`].
struct Shared(UnsafeCell<Option<State>>);

// SAFETY: INV-LOCK: only holders of the lock reach the cell.
unsafe impl Sync for Shared {}

static STATE: Shared = Shared(UnsafeCell::new(None));

/// Runs `body` with the state, under the lock. Before, the first time, it finds out by trial
/// whether code can be patched.
pub(crate) fn with_state<R>(body: impl FnOnce(&mut State) -> R) -> Result<R, UpdateError> {
    with_untried_state(|state| {
        pages::try_patching(state);
        body(state)
    })
}

/// Runs `body` with the state, under the lock.
pub(crate) fn with_untried_state<R>(body: impl FnOnce(&mut State) -> R) -> Result<R, UpdateError> {
    // Before the lock, because it allocates.
    let cap = cap::get();
    let guard = lock::lock()?;
    if UNLOADED.load(Ordering::SeqCst) {
        return Err(UpdateError::Unloaded);
    }
    // If it is still set, a `fork` without handlers copied the process while the previous holder
    // was at work (`lock/mod.rs`).
    let was_left = BUSY.swap(true, Ordering::SeqCst);
    let state = state(&guard, cap, was_left);
    let result = body(state);
    BUSY.store(false, Ordering::SeqCst);
    Ok(result)
}

/// Whether a thread is at work with the state.
static BUSY: AtomicBool = AtomicBool::new(false);
/// Whether the state is built.
static BUILT: AtomicBool = AtomicBool::new(false);

/// Whether the state is freed. It is never built again.
static UNLOADED: AtomicBool = AtomicBool::new(false);

/// Runs [`free_state`] when the dynamic loader unloads the image (gABI, "Initialization and
/// Termination Functions") and when the process exits.
#[used]
#[unsafe(link_section = ".fini_array")]
static AT_UNLOAD: extern "C" fn() = free_state;

/// Frees the state of a shared object, so that a program that repeatedly loads and unloads it does
/// not grow. The state of a program is not freed: when it exits, other threads may still be at
/// work.
extern "C" fn free_state() {
    if !BUILT.load(Ordering::SeqCst) || !Image::this().is_some_and(|i| i.is_shared_object()) {
        return;
    }
    // `lock` fails if a signal handler that interrupted an update of this thread ended the process.
    let Ok(_guard) = lock::lock() else { return };
    UNLOADED.store(true, Ordering::SeqCst);
    // SAFETY: INV-LOCK: the guard is held, and no code that runs under the lock calls this function
    // or `state`.
    let Some(state) = unsafe { &mut *STATE.0.get() }.take() else { return };
    let State { veneers, memory, written, .. } = state;
    // When the process exits, other threads may still make calls. Where a barrier failed between
    // two steps, these lead to veneers.
    if !written.calls.iter().any(|lead| matches!(lead, Lead::Veneer(_))) {
        // SAFETY: INV-VENEER: if the loader unloads the image, its code no longer runs. If the
        // process ends, no call leads to a veneer (SAFETY.md, "The end of a process that has
        // plug-ins").
        unsafe { veneers.free() };
    }
    if let Some(memory) = memory {
        // SAFETY: INV-ARENA: the slices were reachable only through the state, and no other state
        // is made.
        unsafe { memory.free() };
    }
}

#[expect(clippy::mut_from_ref, reason = "the guard proves exclusive access")]
fn state(_guard: &Guard, cap: Cap, was_left: bool) -> &mut State {
    // SAFETY: INV-LOCK: the guard is held as long as the reference lives, and no code that runs
    // under the lock calls this function or `free_state`.
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
