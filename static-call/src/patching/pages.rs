//! The pages of a batch: opened for its stores, then closed.
//!
//! Pages are opened in place, by `mprotect`, or by an alias: copies replace them, and are written
//! through a second mapping.

use crate::arch::native::translations;
use crate::error::UpdateError;
use crate::patching::image::Image;
use crate::patching::pending::Run;
use crate::patching::registry::Registry;
use crate::patching::state::{Alias, Patching, State};
use crate::sys::code_file::{self, CodeFile, Pagemap, Signals};
use crate::sys::{self, PAGE, Protection};

/// The error of pages that could not be opened.
pub(crate) struct Refused {
    /// Start of the first of them.
    pub(crate) address: usize,
    /// The `errno` of `mprotect`, or of what an alias needs.
    pub(crate) errno: i32,
}

/// Opens the pages of all stores, or none of them.
pub(crate) fn open(state: &mut State, image: &Image) -> Result<(), Refused> {
    state.pending.collect_runs(|store| pages(image, store.address as usize, store.length.into()));
    if state.limits.is_aliased {
        return open_alias(state, |_| true);
    }
    // One that a failed `alias` could not unmap: the stores would go there.
    close_alias(state).map_err(|errno| refused(state, errno))?;
    for done in 0..state.pending.runs().len() {
        let Run { address, length, .. } = state.pending.runs()[done];
        // SAFETY: INV-PAGES: these are whole pages of this image's code; the call opens them.
        if let Err(errno) = unsafe { sys::protect(address, length, Protection::OPEN) } {
            // Part of this run may be open, so it is closed with the others.
            state.pending.keep_runs(done + 1);
            close(state);
            return Err(Refused { address, errno });
        }
    }
    Ok(())
}

/// Returns the pages that a store into this code may touch.
fn pages(image: &Image, address: usize, length: usize) -> Option<Run> {
    // Whole quadwords, because a store may touch all of one.
    let (first, last) = (address & !7, (address + length - 1) | 7);
    let flags = image.code(address, length)?;
    let address = first & !(PAGE - 1);
    let length = (last & !(PAGE - 1)) + PAGE - address;
    Some(Run { address, length, protection: Protection(flags), offset: 0 })
}

fn refused(state: &State, errno: i32) -> Refused {
    Refused { address: state.pending.runs().first().map_or(0, |run| run.address), errno }
}

/// Replaces the page runs of the batch by copies, and maps those writable elsewhere. Nothing that
/// is executed changes. `may_replace` has the last word, once the copies are made.
fn open_alias(state: &mut State, may_replace: impl FnOnce(&[Run]) -> bool) -> Result<(), Refused> {
    // One that could not be unmapped.
    let opened = close_alias(state).and_then(|()| {
        // INV-COPY: a handler could fork, and both processes would write to one file.
        state.signals = Some(Signals::block());
        map_alias(state, may_replace)
    });
    opened.map_err(|errno| {
        if close_alias(state).is_err() {
            state.left.pages_open = alias_pages(state);
        }
        refused(state, errno)
    })
}

/// Returns the number of pages of the alias: 0 if there is none.
fn alias_pages(state: &State) -> usize {
    state.alias.as_ref().map_or(0, |alias| alias.length / PAGE)
}

/// Does the work of [`open_alias`], which undoes it after an error.
fn map_alias(state: &mut State, may_replace: impl FnOnce(&[Run]) -> bool) -> Result<(), i32> {
    let mut file = CodeFile::create()?;
    for run in state.pending.runs_mut() {
        if run.protection != Protection::CLOSED {
            return Err(code_file::NO_ACCESS);
        }
        // SAFETY: INV-COPY: these are whole pages of this image's code, and nobody else writes
        // there while the lock is held.
        run.offset = unsafe { file.append(run.address, run.length) }?;
    }
    if !may_replace(state.pending.runs()) {
        return Err(code_file::NO_ACCESS);
    }
    // Before its pages are executed, so that `part` knows of them.
    state.alias = Some(Alias { address: file.map_writable()?, length: file.length() });
    for run in state.pending.runs() {
        // SAFETY: INV-COPY: these are whole pages of this image's code, and the file has the same
        // bytes.
        unsafe { file.replace(run.offset, run.address, run.length) }?;
    }
    Ok(())
}

/// Unmaps the alias, if there is one.
fn close_alias(state: &mut State) -> Result<(), i32> {
    let unmapped = match &state.alias {
        // SAFETY: INV-COPY: the alias of a batch that makes no further store.
        Some(alias) => unsafe { code_file::unmap_writable(alias.address, alias.length) },
        None => Ok(()),
    };
    if let Some(signals) = state.signals.take() {
        signals.restore();
    }
    if unmapped.is_ok() {
        state.alias = None;
    }
    unmapped
}

/// Closes the page runs of the batch, and remembers how many pages stay open.
pub(crate) fn close(state: &mut State) {
    let is_aliased = state.alias.is_some();
    let mut open = 0;
    for run in state.pending.runs() {
        translations::forget(run.address, run.length);
        if is_aliased {
            continue;
        }
        // SAFETY: INV-PAGES: these are whole pages of this image's code; the call restores the
        // protection that they were linked with.
        if unsafe { sys::protect(run.address, run.length, run.protection) }.is_err() {
            open += run.length / PAGE;
        }
    }
    let _ = close_alias(state);
    state.left.pages_open = match is_aliased {
        true => alias_pages(state),
        // Others that an earlier update left stay open until `close_leftovers` closes them.
        false => open.max(state.left.pages_open),
    };
}

/// Closes all code if an earlier update could not close its pages.
pub(crate) fn close_leftovers(state: &mut State) {
    let Some(image) = state.registry.image.filter(|_| state.left.pages_open > 0) else { return };
    let close = |(start, end, flags): (usize, usize, u32)| {
        let start = start & !(PAGE - 1);
        let length = end.next_multiple_of(PAGE) - start;
        // SAFETY: INV-PAGES: as in `close`.
        unsafe { sys::protect(start, length, Protection(flags)) }.is_ok()
    };
    // An alias has replaced what was open before it.
    if close_alias(state).is_ok() && (state.limits.is_aliased || image.executable().all(close)) {
        state.left.pages_open = 0;
    }
}

/// Takes over the batch of a thread of the process that this one was forked from. That thread goes
/// on writing to the pages that it opened by an alias, so this process replaces them once more.
pub(crate) fn part(state: &mut State) {
    // Those of that thread.
    state.signals = None;
    let Some(alias) = state.alias.take() else { return };
    // SAFETY: INV-COPY: this process does not use the other one's alias.
    let _ = unsafe { code_file::unmap_writable(alias.address, alias.length) };
    if open_alias(state, |_| true).is_ok() {
        close(state);
    }
}

/// Finds out, the first time, whether code can be patched.
pub(crate) fn try_patching(state: &mut State) {
    if state.limits.patching == Patching::Untried {
        let (patching, open) = open_and_close(&state.registry);
        state.limits.patching = patching;
        state.left.pages_open = open.max(state.left.pages_open);
        if state.limits.patching == Patching::Works {
            state.limits.barrier = sys::register_barrier();
        }
    }
}

/// Opens and closes one real page of code: if the system refuses to patch code, it refuses here.
/// Also returns how many pages stay open: one, if the system refuses to close the page.
fn open_and_close(registry: &Registry) -> (Patching, usize) {
    let trampolines = registry.trampolines.iter().filter(|t| t.fault.is_none()).map(|t| t.address);
    let labels = registry.labels.iter().filter(|l| l.fault.is_none()).map(|l| l.address);
    let Some(address) = trampolines.chain(labels).next() else { return (Patching::Works, 0) };
    let address = address as usize;
    let flags = registry.image.and_then(|image| image.code(address, 1));
    let Some(flags) = flags else { return (Patching::NoHeaders, 0) };
    let start = address & !(PAGE - 1);
    // SAFETY: INV-PAGES: this is a page of this image's code; the call opens it.
    if let Err(errno) = unsafe { sys::protect(start, PAGE, Protection::OPEN) } {
        return (Patching::Refused(errno), 0);
    }
    // SAFETY: INV-PAGES: this is the same page; the call restores the protection that it was linked
    // with.
    match unsafe { sys::protect(start, PAGE, Protection(flags)) } {
        Ok(()) => (Patching::Works, 0),
        Err(errno) => (Patching::Refused(errno), 1),
    }
}

/// Has pages opened by an alias from now on, and replaces all that a batch may change by copies: a
/// uprobe is in the page of the file, and nobody puts one into a copy.
///
/// # Errors
///
/// [`UpdateError::PageChanged`] if a page is not as it is in the file, and
/// [`UpdateError::AliasRefused`] if the system refuses an alias. Nothing has changed.
pub(crate) fn alias(state: &mut State) -> Result<(), UpdateError> {
    use Patching::{Refused, Untried, Works};
    let can_be = matches!(state.limits.patching, Untried | Works | Refused(_));
    let is_new = can_be && !state.limits.is_aliased;
    let Some(image) = state.registry.image.filter(|_| is_new) else { return Ok(()) };
    close_leftovers(state);
    let Registry { trampolines, calls, labels, .. } = state.registry;
    // Each of these lies in one quadword.
    let trampolines = trampolines.iter().filter(|t| t.fault.is_none()).map(|t| (t.address, 1));
    let labels = labels.iter().filter(|l| l.fault.is_none()).map(|l| (l.address, 1));
    let calls = calls.iter().filter(|call| call.fault.is_none());
    let calls = calls.filter_map(|call| Some((call.address, call.shape?.branch.length.into())));
    let code = trampolines.chain(labels).chain(calls);
    let pages = code.filter_map(|(address, length)| pages(&image, address as usize, length));
    state.pending.collect_all_runs(pages);
    if !state.pending.runs().is_empty() {
        refuse_changed(state.pending.runs())?;
        // Again when the copies are made: a uprobe may have come meanwhile.
        let mut unchanged = Ok(());
        let opened = open_alias(state, |runs| {
            unchanged = refuse_changed(runs);
            unchanged.is_ok()
        });
        unchanged?;
        opened.map_err(|refused| UpdateError::AliasRefused { errno: refused.errno })?;
        close(state);
    }
    (state.limits.is_aliased, state.veneers.is_aliased) = (true, true);
    state.limits.patching = Works;
    let before = core::mem::replace(&mut state.limits.barrier, sys::register_barrier());
    if before.is_err() {
        // INV-STEP: without barriers, a call bound in the file may have had a part changed.
        state.left.unsettled = state.left.unsettled.or(state.left.missing);
    }
    Ok(())
}

/// Refuses pages that are not as they are in the file. A copy of a uprobe would end the process.
/// One of a breakpoint is right, so under a debugger, which sets some by itself, pages may differ.
fn refuse_changed(runs: &[Run]) -> Result<(), UpdateError> {
    let refused = |errno| UpdateError::AliasRefused { errno };
    let map = Pagemap::open().map_err(refused)?;
    for run in runs {
        if let Some(address) = map.changed(run.address, run.length).map_err(refused)?
            && !code_file::is_traced()
        {
            return Err(UpdateError::PageChanged { address });
        }
    }
    Ok(())
}
