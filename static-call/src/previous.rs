//! The way back from an update.

use core::fmt;

use crate::error::UpdateError;
use crate::record::KeyRecord;
#[cfg(feature = "std")]
use crate::request;
use crate::request::Request;

/// A token that restores what keys called before an update.
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
#[must_use = "it does nothing unless `restore` is called"]
pub struct Previous(Requests);

#[derive(Clone)]
enum Requests {
    None,
    One(Request),
    #[cfg(feature = "std")]
    Many(std::vec::Vec<Request>),
}

impl Previous {
    /// The token of an update that changed no target.
    pub(crate) const NONE: Self = Self(Requests::None);

    /// Returns the token of committed requests. Without `std` there is room for only one.
    pub(crate) fn of(requests: &[Request]) -> Self {
        match requests {
            [request] => Self(Requests::One(request.undo())),
            #[cfg(feature = "std")]
            [_, ..] => {
                let mut undo: std::vec::Vec<_> = requests.iter().map(Request::undo).collect();
                request::link(&mut undo);
                Self(Requests::Many(undo))
            }
            _ => Self::NONE,
        }
    }

    /// Returns the requests that restore the keys.
    pub(crate) fn requests(&mut self) -> &mut [Request] {
        match &mut self.0 {
            Requests::None => &mut [],
            Requests::One(request) => core::slice::from_mut(request),
            #[cfg(feature = "std")]
            Requests::Many(requests) => requests,
        }
    }

    /// Returns the token itself if no key is a method of an `unsafe trait`.
    pub(crate) fn into_safe(mut self) -> Result<Self, UpdateError> {
        let is_unsafe = |request: &&mut Request| request.key().has(KeyRecord::UNSAFE_TO_SWITCH);
        match self.requests().iter_mut().find(is_unsafe) {
            Some(request) => Err(UpdateError::RequiresUnsafe { key: request.key().name() }),
            None => Ok(self),
        }
    }
}

impl fmt::Debug for Previous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: &[Request] = match &self.0 {
            Requests::None => &[],
            Requests::One(request) => core::slice::from_ref(request),
            #[cfg(feature = "std")]
            Requests::Many(requests) => requests,
        };
        let entries = entries
            .iter()
            .map(|request| (request.key().name(), request.target.name(request.key().path())));
        f.debug_map().entries(entries).finish()
    }
}
