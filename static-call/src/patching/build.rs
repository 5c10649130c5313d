//! Builds the state of the runtime: collected, checked and sorted at the first use, under the lock.
//!
//! It lives in memory of its own, because nothing here may call the allocator, which may be a
//! static call's target.

use crate::patching::arena::Arena;
use crate::patching::cap::Cap;
use crate::patching::image::Image;
use crate::patching::pending::Pending;
use crate::patching::registry::{Registry, Sections};
use crate::patching::state::{Left, Limits, Patching, State};
use crate::patching::veneer::Veneers;
use crate::patching::written::Written;

/// Reads the image. Whether its code can be patched is tried later (`patching/pages.rs`).
pub(crate) fn build(cap: Cap) -> State {
    let Some(image) = Image::this() else { return State::bare(cap, Patching::NoHeaders) };
    let sections = Sections::of(&image);
    let size = Registry::size(&sections)
        + Written::size(&sections)
        + Veneers::size(sections.keys.len(), sections.call_count())
        + Pending::size(&sections);
    let mut arena = match Arena::new(size) {
        Ok(arena) => arena,
        Err(errno) => return State::bare(cap, Patching::NoMemory(errno)),
    };
    let memory = arena.memory();
    let registry = Registry::read(image, &sections, &mut arena);
    let written = Written::new(&mut arena, &registry);
    let counts = (registry.keys.len(), registry.calls.len());
    let veneers = Veneers::new(&mut arena, image.bounds(), counts);
    let pending = Pending::new(&mut arena, &registry);
    let patching = if cap == Cap::Indirect { Patching::Capped } else { Patching::Untried };
    State {
        registry,
        limits: Limits { cap, patching, is_aliased: false, barrier: Ok(()) },
        written,
        veneers,
        pending,
        alias: None,
        signals: None,
        left: Left::default(),
        memory: Some(memory),
    }
}
