//! Updates that last as long as a guard: for tests, which share one process and its targets.
//!
//! A table of the held keys serialises guards; a guard takes all of its keys at once. The table is
//! separate from the lock of updates: a guard can wait for minutes, an update must not.

use core::marker::PhantomData;
use core::sync::atomic::{AtomicU64, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::vec::Vec;

use crate::batch::Batch;
use crate::error::UpdateError;
use crate::flag::Flag;
use crate::key::Key;
use crate::record::KeyRecord;
use crate::request::{self, Count, Request};
use crate::target::captures_nothing;
use crate::traits::{Accept, Keyed, Switch};
use crate::update::Update;

/// A guard that restores the targets of its keys when it is dropped.
///
/// The targets of static calls belong to the process, and `cargo test` runs tests on many threads
/// of one process. A guard keeps two tests from changing the same key at the same time: while it
/// lives, a guard of the same key on another thread waits. On one thread guards nest: dropping the
/// inner guard brings back the outer one's target, and they may be dropped in any order.
///
/// Only guards wait for guards. Calls do not: a test that only calls the function, on any thread,
/// reaches the guard's target while the guard lives, so such a test needs a guard, too. `update`
/// and `reset` do not wait either; the guard undoes what they did.
///
/// To hold several keys, take them in one guard with [`scoped`](fn@scoped). Two threads that take
/// two guards in opposite order would wait for each other forever; the second gets
/// [`UpdateError::Deadlock`] instead.
///
/// # Panics
///
/// Dropping the guard panics if the targets cannot be restored, because the tests that follow would
/// run with the wrong target. It does not panic if the thread is already panicking. Use
/// [`Scoped::restore`] to get the error instead.
///
/// # Examples
///
/// ```
/// use static_call::static_call;
///
/// #[static_call]
/// fn now() -> u64 {
///     std::time::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
/// }
///
/// fn is_expired(deadline: u64) -> bool {
///     now() > deadline
/// }
///
/// // In a test:
/// {
///     let _guard = now::scoped(|| 1_000)?;
///     assert!(is_expired(999));
///     assert!(!is_expired(1_000));
/// }
/// assert!(is_expired(1_000));
/// # Ok::<(), static_call::UpdateError>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping it restores the targets: bind it, as in `let _guard = …`"]
pub struct Scoped {
    id: u64,
    /// Not `Send`: guards nest by thread.
    thread: PhantomData<*const ()>,
}

impl Scoped {
    /// Takes the keys of these requests, then commits the requests as one batch.
    fn new(requests: &mut [Request]) -> Result<Self, UpdateError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        table().hold(id, requests)?;
        // From here on, dropping the guard releases the keys.
        let guard = Self { id, thread: PhantomData };
        crate::commit::commit_then(requests, |requests| table().set_undo(id, requests))?;
        Ok(guard)
    }

    /// Restores what the keys called before, as one batch. Dropping the guard does the same, but
    /// cannot return the error.
    ///
    /// # Errors
    ///
    /// As for [`Key::update`]. The keys are released in any case.
    ///
    /// # Examples
    ///
    /// ```
    /// # use static_call::static_call;
    /// #[static_call]
    /// fn level() -> u32 {
    ///     1
    /// }
    ///
    /// let guard = level::scoped(|| 2)?;
    /// assert_eq!(level(), 2);
    /// guard.restore()?;
    /// assert_eq!(level(), 1);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn restore(self) -> Result<Update, UpdateError> {
        let id = self.id;
        core::mem::forget(self);
        release(id)
    }
}

impl Drop for Scoped {
    fn drop(&mut self) {
        if thread::panicking() {
            // An observer's panic would end the process: this one is not handled yet.
            let _ = catch_unwind(AssertUnwindSafe(|| release(self.id)));
        } else if let Err(error) = release(self.id) {
            panic!("the guard could not restore the previous targets: {error}");
        }
    }
}

/// Collects a batch as [`batch`](fn@crate::batch) does, and commits it for as long as the guard
/// lives.
///
/// # Errors
///
/// As for [`batch`](fn@crate::batch), and [`UpdateError::Deadlock`]. If it fails, nothing has
/// changed.
///
/// # Examples
///
/// ```
/// use static_call::static_call;
///
/// #[static_call]
/// fn read(path: &str) -> Option<String> {
///     std::fs::read_to_string(path).ok()
/// }
///
/// static_call::flag! { static CACHING = true; }
///
/// {
///     let _guard = static_call::scoped(|batch| {
///         batch.update(read::KEY, |path| Some(path.to_uppercase()))?;
///         batch.set_flag(&CACHING, false)
///     })?;
///     assert_eq!(read("file").as_deref(), Some("FILE"));
///     assert!(!CACHING.get());
/// }
/// assert!(CACHING.get());
/// # Ok::<(), static_call::UpdateError>(())
/// ```
pub fn scoped(
    collect: impl FnOnce(&mut Batch) -> Result<(), UpdateError>,
) -> Result<Scoped, UpdateError> {
    Scoped::new(&mut Batch::collect(collect)?)
}

impl<K: Keyed> Key<K> {
    /// Makes the key call `target` for as long as the guard lives: see [`Scoped`].
    ///
    /// # Errors
    ///
    /// As for [`Key::update`], and [`UpdateError::Deadlock`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use static_call::static_call;
    /// #[static_call]
    /// fn scale(value: f64) -> f64 {
    ///     value
    /// }
    ///
    /// {
    ///     let _guard = scale::KEY.scoped(|value| value * 2.0)?;
    ///     assert_eq!(scale(1.5), 3.0);
    /// }
    /// assert_eq!(scale(1.5), 1.5);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn scoped<F>(self, target: F) -> Result<Scoped, UpdateError>
    where
        K: Accept<F>,
        F: Copy + Send + Sync + 'static,
    {
        const { captures_nothing::<F>() }
        Scoped::new(&mut [self.request(target)])
    }
}

impl<K: Keyed> Flag<K> {
    /// Turns the flag on or off for as long as the guard lives: see [`Scoped`].
    ///
    /// # Errors
    ///
    /// As for [`Flag::set`], and [`UpdateError::Deadlock`].
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! { static TRACING = false; }
    ///
    /// {
    ///     let _guard = TRACING.scoped(true)?;
    ///     assert!(TRACING.get());
    /// }
    /// assert!(!TRACING.get());
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn scoped(&self, on: bool) -> Result<Scoped, UpdateError> {
        Scoped::new(&mut [self.request(Count::Set(on.into()))])
    }
}

/// Does what [`Key::scoped`] does, without [`captures_nothing`], which the caller has already
/// evaluated: a second error would only repeat the first.
///
/// # Errors
///
/// As for [`Key::scoped`].
pub fn scoped_one<K: Accept<F>, F>(key: Key<K>, target: F) -> Result<Scoped, UpdateError>
where
    F: Copy + Send + Sync + 'static,
{
    Scoped::new(&mut [key.request(target)])
}

/// Makes every method of a handle call that of `I` for as long as the guard lives.
///
/// # Safety
///
/// 1. Where the handle's own `update` is `unsafe`: what that requires, both now and when the guard
///    is dropped.
///
/// # Errors
///
/// As for [`scoped`](fn@scoped).
pub unsafe fn scoped_all<H: Switch<I>, I>() -> Result<Scoped, UpdateError> {
    Scoped::new(H::requests().as_mut())
}

/// A key that a guard holds.
struct Held {
    guard: u64,
    key: &'static KeyRecord,
    owner: ThreadId,
    /// The request that restores the key, once the guard's update is committed.
    undo: Option<Request>,
}

/// A thread that waits for a key.
struct Waiting {
    thread: ThreadId,
    key: &'static KeyRecord,
}

/// The held keys, in the order in which they were taken, and the waiting threads.
struct Table {
    held: Vec<Held>,
    waiting: Vec<Waiting>,
}

static TABLE: Mutex<Table> = Mutex::new(Table { held: Vec::new(), waiting: Vec::new() });
static RELEASED: Condvar = Condvar::new();

/// The table, locked. Neither code that panics nor user code runs under this lock.
struct Locked(MutexGuard<'static, Table>);

fn table() -> Locked {
    Locked(TABLE.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Locked {
    /// Takes the keys of these requests, all at once, as soon as no other thread holds any of them.
    fn hold(mut self, guard: u64, requests: &[Request]) -> Result<(), UpdateError> {
        let owner = thread::current().id();
        while let Some(key) = self.0.held_by_another(owner, requests) {
            if self.0.waits_for(key, owner) {
                return Err(UpdateError::Deadlock { key: key.name() });
            }
            self.0.waiting.push(Waiting { thread: owner, key });
            self.0 = RELEASED.wait(self.0).unwrap_or_else(PoisonError::into_inner);
            self.0.waiting.retain(|waiting| waiting.thread != owner);
        }
        let keys = request::last_of_each(requests).map(Request::key);
        self.0.held.extend(keys.map(|key| Held { guard, key, owner, undo: None }));
        Ok(())
    }

    /// Remembers how to restore what the committed requests changed.
    fn set_undo(mut self, guard: u64, requests: &[Request]) {
        // `hold` added them in this order.
        let held = self.0.held.iter_mut().filter(|held| held.guard == guard);
        for (held, request) in held.zip(request::last_of_each(requests)) {
            held.undo = Some(request.undo());
        }
    }

    /// Returns the requests that restore the keys of a guard. A key that an inner guard still holds
    /// keeps its target: the inner guard will restore what this one would have.
    fn take_undo(mut self, guard: u64) -> Vec<Request> {
        let held = &mut self.0.held;
        let end = held.iter().rposition(|held| held.guard == guard).map_or(0, |last| last + 1);
        let (own, later) = held.split_at_mut(end);
        let mut undo = Vec::new();
        for held in own.iter_mut().filter(|held| held.guard == guard) {
            let Some(request) = held.undo.take() else { continue };
            let is_inner = |held: &&mut Held| held.undo.is_some() && same(held.key, request.key());
            match later.iter_mut().find(is_inner) {
                Some(inner) => inner.undo = Some(request),
                None => undo.push(request),
            }
        }
        undo
    }

    /// Releases the keys of a guard.
    fn give_back(mut self, guard: u64) {
        self.0.held.retain(|held| held.guard != guard);
        RELEASED.notify_all();
    }
}

impl Table {
    /// Returns the first of these requests' keys that another thread holds.
    fn held_by_another(&self, owner: ThreadId, requests: &[Request]) -> Option<&'static KeyRecord> {
        let is_held = |key| self.owner(key).is_some_and(|other| other != owner);
        requests.iter().map(Request::key).find(|key| is_held(key))
    }

    fn owner(&self, key: &KeyRecord) -> Option<ThreadId> {
        self.held.iter().find(|held| same(held.key, key)).map(|held| held.owner)
    }

    /// Returns whether the thread that holds `key` waits, directly or through others, for a key
    /// that `thread` holds.
    fn waits_for(&self, key: &KeyRecord, thread: ThreadId) -> bool {
        let mut owner = self.owner(key);
        // Each thread waits for one key, and none for itself, so the chain ends.
        for _ in 0..=self.waiting.len() {
            match owner {
                Some(other) if other == thread => return true,
                Some(other) => {
                    let waiting = self.waiting.iter().find(|w| w.thread == other);
                    owner = waiting.and_then(|waiting| self.owner(waiting.key));
                }
                None => return false,
            }
        }
        false
    }
}

fn same(a: &KeyRecord, b: &KeyRecord) -> bool {
    core::ptr::eq(a, b)
}

/// Restores what the keys of a guard called before, then releases them in any case.
fn release(guard: u64) -> Result<Update, UpdateError> {
    struct GiveBack(u64);
    impl Drop for GiveBack {
        fn drop(&mut self) {
            table().give_back(self.0);
        }
    }
    let _give_back = GiveBack(guard);
    let mut undo = table().take_undo(guard);
    if undo.is_empty() {
        return Ok(Update::slot_only());
    }
    request::link(&mut undo);
    crate::commit::commit(&mut undo)
}
