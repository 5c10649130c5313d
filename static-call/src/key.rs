//! Keys: the handles that users hold.
//!
//! An update starts at [`Key::update`]. The next file on its way is `commit/mod.rs`.

use core::any::TypeId;
use core::fmt;
use core::marker::PhantomData;

use crate::error::UpdateError;
use crate::record::KeyRecord;
use crate::request::Request;
use crate::target::{Chosen, Target, TargetDescription, TargetRecord, captures_nothing};
use crate::traits::{Accept, Keyed, Pointed};
use crate::update::Update;

/// A handle to a key, such as `checksum::KEY`.
///
/// # Examples
///
/// ```
/// use static_call::{Key, static_call};
///
/// #[static_call]
/// fn checksum(data: &[u8]) -> usize {
///     data.len()
/// }
///
/// const KEY: Key<checksum> = checksum::KEY;
/// KEY.update(|data| data.len() * 2)?;
/// assert_eq!(checksum(b"abc"), 6);
/// # Ok::<(), static_call::UpdateError>(())
/// ```
///
/// The key of a method is a constant of its type:
///
/// ```
/// use static_call::static_call;
///
/// struct Filter {
///     word: &'static str,
/// }
///
/// #[static_call]
/// impl Filter {
///     #[static_call]
///     fn matches(&self, line: &str) -> bool {
///         line.contains(self.word)
///     }
/// }
///
/// let filter = Filter { word: "x" };
/// assert!(filter.matches("x y"));
/// Filter::MATCHES.update(|filter, line| line == filter.word)?;
/// assert!(!filter.matches("x y"));
/// # Ok::<(), static_call::UpdateError>(())
/// ```
pub struct Key<K> {
    /// INV-KEY: the address of a static.
    record: *const KeyRecord,
    key: PhantomData<fn() -> K>,
}

impl<K: Keyed> Key<K> {
    /// Makes the handle of `K`.
    ///
    /// # Safety
    ///
    /// 1. Only code that `#[static_call]` generates calls this: any code that gets the handle may
    ///    update the key.
    #[doc(hidden)]
    #[must_use]
    pub const unsafe fn new() -> Self {
        Self { record: K::RECORD, key: PhantomData }
    }

    /// Makes the key call `target`, on every thread.
    ///
    /// The target is a function or a closure that captures nothing; keep any state it needs in
    /// statics. Until this returns, calls on other threads reach either the old target or the new
    /// one; calls that start afterwards reach the new one. If that could not be ensured,
    /// [`Update::barrier`] says so.
    ///
    /// # Errors
    ///
    /// See [`UpdateError`]. An update that fails changes nothing.
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
    /// fn double(value: f64) -> f64 {
    ///     value * 2.0
    /// }
    ///
    /// let update = scale::KEY.update(double)?;
    /// println!("{} inline, {} on the trampoline", update.inline, update.trampoline);
    /// assert_eq!(scale(1.5), 3.0);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn update<F>(self, target: F) -> Result<Update, UpdateError>
    where
        K: Accept<F>,
        F: Copy + Send + Sync + 'static,
    {
        const { captures_nothing::<F>() }
        self.commit(target)
    }

    /// Makes the key call a function that is known only at run time, such as a symbol of a plug-in
    /// or JIT-compiled code.
    ///
    /// Calls reach `pointer` through a cell of the key: one indirect call more than with a target
    /// passed to [`Key::update`]. A pointer to the static call itself is not rejected; it recurses.
    ///
    /// # Errors
    ///
    /// As for [`Key::update`].
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
    /// let table: [fn(f64) -> f64; 2] = [f64::sqrt, f64::abs];
    /// scale::KEY.update_fn(table[0])?;
    /// assert_eq!(scale(9.0), 3.0);
    /// assert_eq!(scale::query().address(), table[0] as usize);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn update_fn(self, pointer: K::Pointer) -> Result<Update, UpdateError>
    where
        K: Pointed,
    {
        crate::commit::commit_one(self.request_fn(pointer))
    }

    /// Returns what the key calls now.
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
    /// assert!(scale::KEY.query().is_default());
    /// ```
    #[must_use]
    pub fn query(self) -> Target {
        self.record().target()
    }

    /// Makes the key call its default again.
    ///
    /// # Errors
    ///
    /// As for [`Key::update`].
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
    /// scale::update(|value| value * 2.0)?;
    /// scale::KEY.reset()?;
    /// assert_eq!(scale(1.5), 1.5);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn reset(self) -> Result<Update, UpdateError> {
        crate::commit::commit_one(Request::default_of(self.record()))
    }

    /// Makes the target final: every later update fails with [`UpdateError::Sealed`]. Waits for an
    /// update in progress on another thread.
    ///
    /// Use it once the program has made its choice and nothing may change it again. `init` and
    /// `unbind` still work, since they do not change the target. Sealing cannot be undone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use static_call::{UpdateError, static_call};
    /// #[static_call]
    /// fn scale(value: f64) -> f64 {
    ///     value
    /// }
    ///
    /// scale::KEY.seal();
    /// assert!(scale::KEY.is_sealed());
    /// assert_eq!(scale::reset().unwrap_err(), UpdateError::Sealed { key: "scale" });
    /// ```
    pub fn seal(self) {
        crate::commit::seal_keys([self.record()]);
    }

    /// Returns whether [`Key::seal`] or [`seal`](crate::seal) made the target final.
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
    /// assert!(!scale::KEY.is_sealed());
    /// ```
    #[must_use]
    pub fn is_sealed(self) -> bool {
        self.record().is_sealed()
    }

    /// Returns the name of the function; for a method, with its type.
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
    /// assert_eq!(scale::KEY.name(), "scale");
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        self.record().name()
    }

    /// Commits the request for `target`, as [`Self::request`] makes it.
    #[inline]
    pub(crate) fn commit<F>(self, target: F) -> Result<Update, UpdateError>
    where
        K: Accept<F>,
        F: Copy + Send + Sync + 'static,
    {
        let _ = target;
        // SAFETY: INV-SHIM: `Accept` promises a target of the key's signature.
        unsafe { crate::commit::commit_target(self.record(), target_of::<K, F>()) }
    }

    /// Returns the request for `target`. Having a value of `F` proves that the shim may conjure
    /// one; the caller checks that it captures nothing.
    #[cfg(feature = "std")]
    pub(crate) fn request<F>(self, target: F) -> Request
    where
        K: Accept<F>,
        F: Copy + Send + Sync + 'static,
    {
        let _ = target;
        // SAFETY: INV-SHIM: `Accept` promises a target of the key's signature.
        unsafe { Request::new(self.record(), target_of::<K, F>()) }
    }

    /// Returns the request for a function pointer.
    pub(crate) fn request_fn(self, pointer: K::Pointer) -> Request
    where
        K: Pointed,
    {
        const { assert!(size_of::<K::Pointer>() == size_of::<*const ()>()) }
        // SAFETY: INV-SHIM: `Pointed` promises a pointer to a function.
        let pointer = unsafe { core::mem::transmute_copy::<K::Pointer, *const ()>(&pointer) };
        let chosen = Chosen::pointer(TargetRecord::new(describe_through::<K>), pointer);
        // SAFETY: INV-SHIM: `Pointed` promises a shim of the key's signature, for this pointer.
        unsafe { Request::of(self.record(), chosen) }
    }

    pub(crate) fn record(self) -> &'static KeyRecord {
        // SAFETY: `Keyed::RECORD` is the address of a static (INV-KEY).
        unsafe { &*self.record }
    }
}

/// Describes a function or closure as the target of a key.
///
/// It is cold, so that it lies apart from the code that calls execute.
#[cold]
#[inline(never)]
fn describe<K: Accept<F>, F: 'static>(description: &mut TargetDescription) {
    description.at(K::SHIM).calls(core::any::type_name::<F>(), TypeId::of::<F>());
}

/// Returns `F` as a target of `K`.
const fn target_of<K: Accept<F>, F: 'static>() -> TargetRecord {
    TargetRecord::new(describe::<K, F>)
}

/// Describes the shim of a key that calls a function pointer.
#[cold]
#[inline(never)]
fn describe_through<K: Pointed>(description: &mut TargetDescription) {
    description.at(K::THROUGH).named("a function pointer").with_cell(K::cell());
}

impl<K> Clone for Key<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Key<K> {}

// SAFETY: a handle is the address of a `Sync` static (INV-KEY).
unsafe impl<K> Send for Key<K> {}
// SAFETY: as above (INV-KEY).
unsafe impl<K> Sync for Key<K> {}

impl<K: Keyed> fmt::Debug for Key<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("name", &self.name()).finish_non_exhaustive()
    }
}
