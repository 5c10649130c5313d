//! Keys: the handle that users hold.
//!
//! The way of an update begins at [`Key::update`]. The next file is `commit.rs`.

use core::fmt;
use core::marker::PhantomData;

use crate::error::UpdateError;
use crate::record::KeyRecord;
use crate::request::Request;
use crate::target::{Chosen, Target, captures_nothing};
use crate::traits::{Accept, Keyed, Pointed};
use crate::update::Update;

/// A handle to a key: what `checksum::KEY` is.
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
    /// 1. Whoever gets it may update the key: only code that `#[static_call]` made calls this.
    #[doc(hidden)]
    #[must_use]
    pub const unsafe fn new() -> Self {
        Self { record: K::RECORD, key: PhantomData }
    }

    /// Makes `target` what the key calls, from now on and on every thread.
    ///
    /// The target is a function or a closure that captures nothing; what it needs to know it finds
    /// in statics. Before this returns, calls on other threads reach the old target or the new;
    /// calls that start afterwards reach the new one ([`Update::barrier`] says if that could not be
    /// ensured).
    ///
    /// # Errors
    ///
    /// See [`UpdateError`]; an update that fails changes nothing.
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
        crate::commit::commit_one(self.request(target))
    }

    /// Makes the key call a function that is known only at run time: a symbol of a plug-in, the
    /// code that a compiler made.
    ///
    /// Calls go through a cell of the key to `pointer`, one indirect call more than to a target
    /// that [`Key::update`] takes. A pointer to the static call itself is not refused and recurses.
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

    /// Makes the target final: every later update is an [`UpdateError::Sealed`]. One that is under
    /// way on another thread is waited for.
    ///
    /// For a program that has made its choice and wants to be sure that nobody makes another.
    /// `init` and `unbind` go on to work: they leave the target what it is. There is no way back.
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

    /// Returns the name of the function, with its type for a method.
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

    /// The request for `target`, which proves by being there that it may be conjured; that it
    /// captures nothing is for the caller to check.
    pub(crate) fn request<F>(self, target: F) -> Request
    where
        K: Accept<F>,
        F: Copy + Send + Sync + 'static,
    {
        let _ = target;
        // SAFETY: INV-SHIM: `Accept` promises a target of the key's signature.
        unsafe { Request::new(self.record(), K::TARGET) }
    }

    /// The request for a function pointer.
    pub(crate) fn request_fn(self, pointer: K::Pointer) -> Request
    where
        K: Pointed,
    {
        let chosen = Chosen::pointer(K::THROUGH, K::address(pointer));
        // SAFETY: INV-SHIM: `Pointed` promises a shim of the key's signature, for this pointer.
        unsafe { Request::of(self.record(), chosen) }
    }

    pub(crate) fn record(self) -> &'static KeyRecord {
        // SAFETY: `Keyed::RECORD` is the address of a static (INV-KEY).
        unsafe { &*self.record }
    }
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
