//! Observers, which are told of changes, and the number of the last change.

use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

use crate::request::{self, Request};
use crate::target::Target;

/// A change of a key's target.
///
/// # Examples
///
/// See [`Observer`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Change {
    /// Name of the key's function; for a method, with its type.
    pub key: &'static str,
    /// What the key called before.
    pub before: Target,
    /// What the key calls now.
    pub now: Target,
    /// The [`generation`] of the change; all changes of a batch share one. Observers on two
    /// threads may be told out of order: this number gives the order.
    pub generation: u64,
}

/// A function that is called after every change of a target.
///
/// It runs on the thread that made the update, before the update returns and outside the lock, so
/// it may read, update and panic like any other code. An observer that makes an update is told of
/// that change, too. [`init`](crate::init) and [`unbind`](crate::unbind) change no target, so
/// observers are not told.
///
/// # Examples
///
/// ```
/// use static_call::{Change, Observer, static_call};
///
/// #[static_call]
/// fn level() -> u32 {
///     1
/// }
///
/// static LOG: Observer = Observer::new(|change: &Change| {
///     println!("{}: {} is now {}", change.generation, change.key, change.now.name());
/// });
///
/// LOG.register();
/// level::update(|| 2)?;
/// LOG.unregister();
/// # Ok::<(), static_call::UpdateError>(())
/// ```
#[derive(Debug)]
pub struct Observer {
    tell: fn(&Change),
    is_active: AtomicBool,
    is_linked: AtomicBool,
    /// INV-OBSERVER: null, or a `'static` observer that was registered earlier.
    next: AtomicPtr<Observer>,
}

/// The observers, newest first. Once registered, an observer stays in the list (INV-OBSERVER).
static FIRST: AtomicPtr<Observer> = AtomicPtr::new(ptr::null_mut());
static GENERATION: AtomicU64 = AtomicU64::new(0);

impl Observer {
    /// Makes an observer that calls `tell`. Put it in a `static`.
    ///
    /// # Examples
    ///
    /// See [`Observer`].
    #[must_use]
    pub const fn new(tell: fn(&Change)) -> Self {
        Self {
            tell,
            is_active: AtomicBool::new(false),
            is_linked: AtomicBool::new(false),
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Starts telling the function of changes. Does nothing if it is registered already.
    ///
    /// # Examples
    ///
    /// See [`Observer`].
    pub fn register(&'static self) {
        self.is_active.store(true, Ordering::Release);
        if self.is_linked.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut first = FIRST.load(Ordering::Acquire);
        loop {
            self.next.store(first, Ordering::Relaxed);
            let this = ptr::from_ref(self).cast_mut();
            match FIRST.compare_exchange(first, this, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// Stops telling the function of changes. Updates in progress may still tell it.
    ///
    /// # Examples
    ///
    /// See [`Observer`].
    pub fn unregister(&'static self) {
        self.is_active.store(false, Ordering::Release);
    }
}

/// Returns how many updates, resets and batches have changed targets so far.
///
/// A program that caches something about its keys can compare this number to see whether the cache
/// is stale.
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
/// let before = static_call::generation();
/// level::update(|| 2)?;
/// assert!(static_call::generation() > before);
/// # Ok::<(), static_call::UpdateError>(())
/// ```
#[must_use]
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Acquire)
}

/// Counts a commit and returns its number. The caller holds the lock.
pub(crate) fn count() -> u64 {
    GENERATION.fetch_add(1, Ordering::AcqRel) + 1
}

/// Tells the observers about the committed requests. The caller does not hold the lock.
pub(crate) fn tell(requests: &[Request], generation: u64) {
    let mut at = FIRST.load(Ordering::Acquire);
    // SAFETY: INV-OBSERVER: only `register` writes the list, from `'static` references.
    while let Some(observer) = unsafe { at.as_ref() } {
        if observer.is_active.load(Ordering::Acquire) {
            changes(requests, generation).for_each(|change| (observer.tell)(&change));
        }
        at = observer.next.load(Ordering::Acquire);
    }
}

fn changes(requests: &[Request], generation: u64) -> impl Iterator<Item = Change> {
    let changed =
        request::last_of_each(requests).filter(|request| request.before != request.target);
    changed.map(move |request| {
        let (default, path) = (request.key().default_target(), request.key().path());
        Change {
            key: request.key().name(),
            before: Target::new(request.before, request.before == default, path),
            now: Target::new(request.target, request.target == default, path),
            generation,
        }
    })
}
