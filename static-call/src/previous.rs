//! The way back from an update.

use core::fmt;

use crate::error::UpdateError;
use crate::record::KeyRecord;
use crate::request::Wish;

/// What keys called before an update: a token that makes them call it again.
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
/// level::update(|| 2)?;
/// let previous = level::update(|| 3)?.previous;
/// previous.restore()?;
/// assert_eq!(level(), 2);
/// # Ok::<(), static_call::UpdateError>(())
/// ```
#[derive(Clone)]
#[must_use = "without `restore` it does nothing"]
pub struct Previous(Wishes);

#[derive(Clone)]
enum Wishes {
    None,
    One(Wish),
    #[cfg(feature = "std")]
    Many(std::vec::Vec<Wish>),
}

impl Previous {
    /// Of an update that changed no target.
    pub(crate) const NONE: Self = Self(Wishes::None);

    /// Of committed wishes. Without `std` there is room for one.
    pub(crate) fn of(wishes: &[Wish]) -> Self {
        match wishes {
            [wish] => Self(Wishes::One(wish.undo())),
            #[cfg(feature = "std")]
            [_, ..] => Self(Wishes::Many(wishes.iter().map(|wish| wish.undo()).collect())),
            _ => Self::NONE,
        }
    }

    /// The wishes that lead back.
    pub(crate) fn wishes(&mut self) -> &mut [Wish] {
        match &mut self.0 {
            Wishes::None => &mut [],
            Wishes::One(wish) => core::slice::from_mut(wish),
            #[cfg(feature = "std")]
            Wishes::Many(wishes) => wishes,
        }
    }

    /// Itself, if no key is a method of an `unsafe trait`.
    pub(crate) fn into_safe(mut self) -> Result<Self, UpdateError> {
        let is_unsafe = |wish: &&mut Wish| wish.key().has(KeyRecord::UNSAFE_TO_SWITCH);
        match self.wishes().iter_mut().find(is_unsafe) {
            Some(wish) => Err(UpdateError::RequiresUnsafe { key: wish.key().name() }),
            None => Ok(self),
        }
    }
}

impl fmt::Debug for Previous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: &[Wish] = match &self.0 {
            Wishes::None => &[],
            Wishes::One(wish) => core::slice::from_ref(wish),
            #[cfg(feature = "std")]
            Wishes::Many(wishes) => wishes,
        };
        let entries = entries.iter().map(|wish| (wish.key().name(), wish.target.record().name()));
        f.debug_map().entries(entries).finish()
    }
}
