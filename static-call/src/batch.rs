//! Batches: updates of several keys as one.

use std::vec::Vec;

use crate::error::UpdateError;
use crate::flag::Flag;
use crate::key::Key;
use crate::previous::Previous;
use crate::request::{self, Count, Request};
use crate::target::captures_nothing;
use crate::traits::{Accept, Keyed, Pointed, SafeToSwitch, Switch};
use crate::update::Update;

/// The updates of a batch: see [`batch`].
///
/// # Examples
///
/// See [`batch`].
#[derive(Debug, Default)]
pub struct Batch {
    requests: Vec<Request>,
}

/// Updates any mix of keys as one: either all of them, or none and returns an error.
///
/// The closure collects the updates. It runs outside the lock, so it may itself read and update
/// keys. When it returns, the batch is committed: everything is checked before the first store,
/// each run of code pages is opened once, and one barrier runs at the end. *All or none* describes
/// the outcome: during the commit, other threads may reach one key's new target and another's old
/// one. If a key is set twice, the last one wins.
///
/// # Errors
///
/// Returns any error of the closure (use [`UpdateError::Cancelled`] to abandon the batch), and the
/// errors of [`Key::update`]. A batch that fails changes nothing.
///
/// # Examples
///
/// ```
/// use static_call::{UpdateError, static_call};
///
/// #[static_call]
/// fn encode(byte: u8) -> u8 {
///     byte
/// }
///
/// #[static_call]
/// fn decode(byte: u8) -> u8 {
///     byte
/// }
///
/// let update = static_call::batch(|batch| {
///     batch.update(encode::KEY, |byte| byte ^ 0x55)?;
///     batch.update(decode::KEY, |byte| byte ^ 0x55)
/// })?;
/// assert_eq!((encode(1), decode(encode(1))), (0x54, 1));
/// update.previous.restore()?;
/// assert_eq!(encode(1), 1);
///
/// let nothing = static_call::batch(|batch| {
///     batch.update(encode::KEY, |_| 0)?;
///     Err(UpdateError::Cancelled)
/// });
/// assert!(nothing.is_err());
/// assert_eq!(encode(1), 1);
/// # Ok::<(), UpdateError>(())
/// ```
pub fn batch(
    collect: impl FnOnce(&mut Batch) -> Result<(), UpdateError>,
) -> Result<Update, UpdateError> {
    crate::commit::commit(&mut Batch::collect(collect)?)
}

impl Batch {
    /// Returns the requests that the closure collects.
    pub(crate) fn collect(
        collect: impl FnOnce(&mut Self) -> Result<(), UpdateError>,
    ) -> Result<Vec<Request>, UpdateError> {
        let mut batch = Self::default();
        collect(&mut batch)?;
        request::link(&mut batch.requests);
        Ok(batch.requests)
    }

    /// Makes `key` call `target`, as [`Key::update`] does.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Sealed`]; other errors are reported when the batch commits.
    ///
    /// # Examples
    ///
    /// See [`batch`].
    pub fn update<K, F>(&mut self, key: Key<K>, target: F) -> Result<(), UpdateError>
    where
        K: Accept<F>,
        F: Copy + Send + Sync + 'static,
    {
        const { captures_nothing::<F>() }
        self.add(&[key.request(target)])
    }

    /// Makes `key` call the function at `pointer`, as [`Key::update_fn`] does.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Sealed`]; other errors are reported when the batch commits.
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
    /// static_call::batch(|batch| batch.update_fn(scale::KEY, f64::sqrt))?;
    /// assert_eq!(scale(9.0), 3.0);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn update_fn<K: Pointed>(
        &mut self,
        key: Key<K>,
        pointer: K::Pointer,
    ) -> Result<(), UpdateError> {
        self.add(&[key.request_fn(pointer)])
    }

    /// Makes `key` call its default, as [`Key::reset`] does.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Sealed`]; other errors are reported when the batch commits.
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
    /// static_call::batch(|batch| batch.reset(scale::KEY))?;
    /// assert_eq!(scale(9.0), 9.0);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn reset<K: Keyed>(&mut self, key: Key<K>) -> Result<(), UpdateError> {
        self.add(&[Request::default_of(key.record())])
    }

    /// Turns `flag` on or off, as [`Flag::set`] does.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Sealed`]; other errors are reported when the batch commits.
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! {
    ///     static VERBOSE = false;
    ///     static CACHING = true;
    /// }
    ///
    /// static_call::batch(|batch| {
    ///     batch.set_flag(&VERBOSE, true)?;
    ///     batch.set_flag(&CACHING, false)
    /// })?;
    /// assert!(VERBOSE.get() && !CACHING.get());
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn set_flag<K: Keyed>(&mut self, flag: &Flag<K>, on: bool) -> Result<(), UpdateError> {
        self.add(&[flag.request(Count::Set(on.into()))])
    }

    /// Counts `flag` up, as [`Flag::inc`] does.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Sealed`]; other errors are reported when the batch commits.
    ///
    /// # Examples
    ///
    /// See [`Batch::set_flag`].
    pub fn inc_flag<K: Keyed>(&mut self, flag: &Flag<K>) -> Result<(), UpdateError> {
        self.add(&[flag.request(Count::Up)])
    }

    /// Counts `flag` down, as [`Flag::dec`] does.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Sealed`]; other errors are reported when the batch commits.
    ///
    /// # Examples
    ///
    /// See [`Batch::set_flag`].
    pub fn dec_flag<K: Keyed>(&mut self, flag: &Flag<K>) -> Result<(), UpdateError> {
        self.add(&[flag.request(Count::Down)])
    }

    /// Makes every method of a trait's handle call that of `I`, as the handle's `update` does.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Sealed`]; other errors are reported when the batch commits.
    ///
    /// # Examples
    ///
    /// ```
    /// # use static_call::static_call;
    /// #[static_call]
    /// trait Level {
    ///     fn level() -> u32 {
    ///         1
    ///     }
    /// }
    ///
    /// struct Two;
    ///
    /// impl Level for Two {
    ///     fn level() -> u32 {
    ///         2
    ///     }
    /// }
    ///
    /// static_call::batch(|batch| batch.update_all::<StaticLevel, Two>())?;
    /// assert_eq!(StaticLevel::level(), 2);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn update_all<H: Switch<I> + SafeToSwitch, I>(&mut self) -> Result<(), UpdateError> {
        self.add(H::requests().as_mut())
    }

    /// Makes every method of a trait's handle call its default, as the handle's `reset` does.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Sealed`]; other errors are reported when the batch commits.
    ///
    /// # Examples
    ///
    /// ```
    /// # use static_call::static_call;
    /// #[static_call]
    /// trait Level {
    ///     fn level() -> u32 {
    ///         1
    ///     }
    /// }
    ///
    /// static_call::batch(|batch| batch.reset_all::<StaticLevel>())?;
    /// assert_eq!(StaticLevel::level(), 1);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn reset_all<H: SafeToSwitch>(&mut self) -> Result<(), UpdateError> {
        self.add(H::defaults().as_mut())
    }

    /// Makes the keys of an earlier update call what they called before it, as
    /// [`Previous::restore`] does.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Sealed`], and [`UpdateError::RequiresUnsafe`] if a key is a method of an
    /// `unsafe trait`; other errors are reported when the batch commits.
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
    /// let previous = scale::update(|value| value * 2.0)?.previous;
    /// static_call::batch(|batch| batch.restore(previous))?;
    /// assert_eq!(scale(9.0), 9.0);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn restore(&mut self, previous: Previous) -> Result<(), UpdateError> {
        self.add(previous.into_safe()?.requests())
    }

    /// Rejects sealed keys here already, so that the caller sees which line failed.
    fn add(&mut self, requests: &[Request]) -> Result<(), UpdateError> {
        request::refuse_sealed(requests)?;
        self.requests.extend_from_slice(requests);
        Ok(())
    }
}
