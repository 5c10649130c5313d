//! Flags: boolean keys, tested at jump labels.

pub(crate) mod state;

use core::fmt;
use core::marker::PhantomData;

use crate::error::UpdateError;
use crate::record::KeyRecord;
use crate::request::{Count, Request};
use crate::traits::Keyed;
use crate::update::Update;

/// A boolean that is tested often and changed rarely, declared by [`flag!`](crate::flag!).
///
/// Test it with [`unlikely`](Flag::unlikely) if it is mostly off, or with [`likely`](Flag::likely)
/// if it is mostly on. Where code is patched, the expected answer costs a five-byte no-op and the
/// other one a jump, and neither reads memory. Elsewhere, and until the flag is bound by its first
/// change or by [`init`](crate::init), a test costs a jump and the load of an atomic.
///
/// # Examples
///
/// ```
/// use static_call::flag;
///
/// flag! {
///     /// Whether requests are logged.
///     pub static VERBOSE = false;
/// }
///
/// fn serve(request: &str) -> usize {
///     if VERBOSE.unlikely() {
///         println!("serving {request}");
///     }
///     request.len()
/// }
///
/// serve("/");
/// VERBOSE.enable()?;
/// serve("/index");
/// assert!(VERBOSE.get());
/// # Ok::<(), static_call::UpdateError>(())
/// ```
pub struct Flag<K> {
    key: PhantomData<fn() -> K>,
}

impl<K: Keyed> Flag<K> {
    /// Makes the flag of `K`.
    ///
    /// # Safety
    ///
    /// 1. `K` belongs to a flag: only code that `flag!` generates calls this.
    #[doc(hidden)]
    #[must_use]
    pub const unsafe fn new() -> Self {
        Self { key: PhantomData }
    }

    /// Returns whether the flag is on, optimised for off.
    ///
    /// If it returns `true`, everything written before the flag was turned on is visible.
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! { static TRACING = false; }
    ///
    /// if TRACING.unlikely() {
    ///     println!("entered");
    /// }
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn unlikely(&self) -> bool {
        crate::__label!(unlikely K; site 0)
    }

    /// Returns whether the flag is on, optimised for on.
    ///
    /// If it returns `true`, everything written before the flag was turned on is visible.
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! { static CACHING = true; }
    ///
    /// let found = if CACHING.likely() { Some(1) } else { None };
    /// assert_eq!(found, Some(1));
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn likely(&self) -> bool {
        crate::__label!(likely K)
    }

    /// Returns whether the flag is on, by a load from memory. Use it in code that is not hot.
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! { static TRACING = false; }
    ///
    /// assert!(!TRACING.get());
    /// ```
    #[must_use]
    pub fn get(&self) -> bool {
        Self::record().is_on()
    }

    /// Returns how many times the flag is turned on: see [`inc`](Flag::inc).
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! { static TRACING = true; }
    ///
    /// assert_eq!(TRACING.count(), 1);
    /// TRACING.inc()?;
    /// assert_eq!(TRACING.count(), 2);
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    #[must_use]
    pub fn count(&self) -> u32 {
        Self::record().count()
    }

    /// Returns the name of the flag.
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! { static TRACING = false; }
    ///
    /// assert_eq!(TRACING.name(), "TRACING");
    /// ```
    #[must_use]
    pub fn name(&self) -> &'static str {
        Self::record().name()
    }

    /// Turns the flag on, with a count of 1, or off, with a count of 0, whatever the count was.
    ///
    /// Until this returns, other threads get either the old answer or the new one; later queries
    /// get the new one. If that could not be ensured, [`Update::barrier`] says so.
    ///
    /// # Errors
    ///
    /// See [`UpdateError`]. An update that fails changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! { static TRACING = false; }
    ///
    /// let update = TRACING.set(true)?;
    /// assert!(TRACING.get());
    /// update.previous.restore()?;
    /// assert!(!TRACING.get());
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn set(&self, on: bool) -> Result<Update, UpdateError> {
        crate::commit::commit_one(self.request(Count::Set(on.into())))
    }

    /// Turns the flag on: `set(true)`.
    ///
    /// # Errors
    ///
    /// As for [`set`](Flag::set).
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! { static TRACING = false; }
    ///
    /// TRACING.enable()?;
    /// assert!(TRACING.unlikely());
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn enable(&self) -> Result<Update, UpdateError> {
        self.set(true)
    }

    /// Turns the flag off: `set(false)`.
    ///
    /// # Errors
    ///
    /// As for [`set`](Flag::set).
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! { static CACHING = true; }
    ///
    /// CACHING.disable()?;
    /// assert!(!CACHING.likely());
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn disable(&self) -> Result<Update, UpdateError> {
        self.set(false)
    }

    /// Counts the flag up. It is on while its count is positive, so it stays on until the last of
    /// its users has counted it [down](Flag::dec).
    ///
    /// # Errors
    ///
    /// As for [`set`](Flag::set), and [`UpdateError::CountOutOfRange`] if the count would overflow.
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! { static TRACING = false; }
    ///
    /// TRACING.inc()?;
    /// TRACING.inc()?;
    /// TRACING.dec()?;
    /// assert!(TRACING.get());
    /// TRACING.dec()?;
    /// assert!(!TRACING.get());
    /// # Ok::<(), static_call::UpdateError>(())
    /// ```
    pub fn inc(&self) -> Result<Update, UpdateError> {
        crate::commit::commit_one(self.request(Count::Up))
    }

    /// Counts the flag down. At 0 it is off.
    ///
    /// # Errors
    ///
    /// As for [`set`](Flag::set), and [`UpdateError::CountOutOfRange`] if it is already off.
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! { static TRACING = false; }
    ///
    /// let error = TRACING.dec().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "the flag `TRACING` is off: call `dec` only once for each `inc`",
    /// );
    /// ```
    pub fn dec(&self) -> Result<Update, UpdateError> {
        crate::commit::commit_one(self.request(Count::Down))
    }

    /// Makes the state of the flag final: every later update fails with [`UpdateError::Sealed`].
    ///
    /// # Examples
    ///
    /// ```
    /// static_call::flag! { static TRACING = false; }
    ///
    /// TRACING.seal();
    /// assert!(TRACING.enable().is_err());
    /// ```
    pub fn seal(&self) {
        crate::commit::seal_keys([Self::record()]);
    }

    pub(crate) fn request(&self, by: Count) -> Request {
        Request::count(Self::record(), by)
    }

    fn record() -> &'static KeyRecord {
        // SAFETY: `Keyed::RECORD` is the address of a static (INV-KEY).
        unsafe { &*K::RECORD }
    }
}

impl<K: Keyed> fmt::Debug for Flag<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flag").field("name", &self.name()).field("on", &self.get()).finish()
    }
}

/// Declares [`Flag`]s: booleans that are tested without reading memory, and can be changed while
/// the program runs.
///
/// Write `static NAME = value;`, once or more, wherever a `static` may appear, with attributes and
/// a visibility if needed. The value is a constant: the initial state of the flag. The macro also
/// declares a type of the same name.
///
/// # Examples
///
/// ```
/// static_call::flag! {
///     /// Whether requests are logged.
///     pub static VERBOSE = false;
///     /// Whether answers are kept.
///     pub(crate) static CACHING = cfg!(target_pointer_width = "64");
/// }
///
/// VERBOSE.enable()?;
/// assert!(VERBOSE.unlikely() && CACHING.likely());
/// # Ok::<(), static_call::UpdateError>(())
/// ```
#[macro_export]
macro_rules! flag {
    ($($(#[$($attribute:tt)*])* $vis:vis static $name:ident = $on:expr;)+) => {$(
        $(#[cfg_attr(all(), $($attribute)*)])*
        #[doc(hidden)]
        #[allow(non_camel_case_types, reason = "it has the name of the static")]
        $vis enum $name {}

        $(#[cfg_attr(all(), $($attribute)*)])*
        // SAFETY: the implementation of `Keyed` below belongs to a flag (promise 1).
        $vis static $name: $crate::Flag<$name> = unsafe { $crate::Flag::new() };

        $(#[cfg_attr(all(), $($attribute)*)])*
        const _: () = {
            // No other name of this crate is in scope here: the value may be a constant of any
            // name.
            impl $crate::__private::Initially for $name {
                const ON: $crate::__private::core::primitive::bool = $on;
            }
        };

        $(#[cfg_attr(all(), $($attribute)*)])*
        const _: () = {
            const INITIALLY: $crate::__private::core::primitive::bool =
                <$name as $crate::__private::Initially>::ON;

            #[cold]
            fn describe(description: &mut $crate::__private::TargetDescription) {
                $crate::__private::describe_flag(description, INITIALLY);
            }

            // SAFETY: the record belongs to `$name`, and so does the stub; nothing calls a flag's
            // target (promises 1 and 2, INV-KEY).
            $crate::__record! { key RECORD = unsafe {
                $crate::__private::KeyRecord::new($crate::__private::KeyDescription {
                    describe,
                    shim: $crate::__private::flag_shim(INITIALLY),
                    stub: <$name as $crate::__private::Keyed>::stub as *const (),
                    text: $crate::__private::core::concat!(
                        $crate::__private::core::module_path!(),
                        "::",
                        $crate::__private::core::stringify!($name),
                        $crate::__private::core::file!(),
                        "static ",
                        $crate::__private::core::stringify!($name),
                        " = ",
                        $crate::__private::core::stringify!($on),
                    ),
                    module: $crate::__private::core::module_path!().len(),
                    name: $crate::__private::core::stringify!($name).len(),
                    file: $crate::__private::core::file!().len(),
                    position: (
                        $crate::__private::core::line!(),
                        $crate::__private::core::column!(),
                    ),
                    flags: $crate::__private::KeyRecord::IS_FLAG
                        | if INITIALLY { 0 } else { $crate::__private::KeyRecord::HAS_NO_BODY },
                })
            }; }

            // SAFETY: the record is in the slice of keys and belongs only to this flag, and the
            // stub jumps through its slot (promises 1, 2 and 3, INV-KEY).
            unsafe impl $crate::__private::Keyed for $name {
                const RECORD: *const $crate::__private::KeyRecord = &raw const RECORD;
                $crate::__stub!(RECORD);
            }
        };
    )+};
}
