//! Traits.

use std::fmt::Display;

use static_call::{Instance, UpdateError, call, static_call};

use crate::{Large, Small};

/// An error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error;

/// Packs.
#[static_call(type Error = Error, const LIMIT: usize = 8, derive(PartialEq, Eq, Hash))]
pub trait Codec: Display {
    /// The error.
    type Error;
    /// The length of the longest text.
    const LIMIT: usize;
    /// The length of the shortest text.
    const LEAST: usize = 1;

    /// Packs a text.
    ///
    /// # Errors
    ///
    /// If the text is too long.
    fn pack(&self, text: &str, large: Large, small: Small) -> Result<usize, Self::Error>;

    /// Its name.
    #[must_use]
    fn name(&self) -> &str {
        Self::longer("codec", "c")
    }

    /// Returns the longer text.
    #[must_use]
    fn longer<'a>(one: &'a str, two: &'a str) -> &'a str {
        if one.len() < two.len() { two } else { one }
    }

    /// Takes seven arguments.
    #[allow(clippy::too_many_arguments, clippy::many_single_char_names, reason = "seven")]
    #[must_use]
    fn seven(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) -> u8 {
        a ^ b ^ c ^ d ^ e ^ f ^ g
    }

    /// Observes.
    #[static_call(optional)]
    fn told(&self, text: &str, large: Large);

    /// May give a hint.
    #[static_call(optional)]
    #[must_use]
    fn hint(size: usize) -> Option<usize>;

    /// Is old.
    #[deprecated = "it is old"]
    fn old(&self) {}

    /// Is left out.
    fn each<T>(&self, values: &[T]) -> usize
    where
        Self: Sized,
    {
        values.len()
    }

    /// Ends.
    fn end(&self) -> !;
}

impl Display for StaticCodec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("handle")
    }
}

/// Packs plainly.
#[derive(Clone, Copy, Debug, Instance)]
pub struct Plain;

impl Display for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("plain")
    }
}

impl Codec for Plain {
    type Error = Error;
    const LIMIT: usize = 9;

    fn pack(&self, text: &str, large: Large, _: Small) -> Result<usize, Error> {
        if text.len() > Self::LIMIT { Err(Error) } else { Ok(text.len() + large.text.len()) }
    }

    fn end(&self) -> ! {
        panic!("{self}")
    }
}

#[static_call(handle = Private, default = One, update = pub(self))]
trait Unseen {
    fn get(&self) -> u8;
}

struct One(u8);

static ONE: One = One(1);
static_call::instance!(ONE: One);

impl Unseen for One {
    fn get(&self) -> u8 {
        self.0
    }
}

/// Generic code.
#[must_use]
pub fn generic<C: Codec>(codec: &C) -> String {
    format!("{}{codec}", codec.name())
}

/// Uses all.
///
/// # Errors
///
/// Those of updates.
///
/// # Panics
///
/// If a result is wrong.
pub fn check() -> Result<(), UpdateError> {
    let large = Large { text: "abc".to_owned(), number: 3 };
    StaticCodec.told("a", large.clone());
    assert_eq!(StaticCodec::hint(1), None);
    drop(StaticCodec::update::<Plain>()?);
    assert_eq!(StaticCodec.pack("a", large.clone(), Small(1)), Ok(4));
    assert_eq!(call!(StaticCodec::pack(&StaticCodec, "a", large, Small(1))), Ok(4));
    assert_eq!(generic(&StaticCodec), "codechandle");
    assert_eq!(call!(StaticCodec::longer("a", "bc")), StaticCodec::longer("bc", "d"));
    assert_eq!(call!(StaticCodec::seven(&StaticCodec, 1, 2, 3, 4, 5, 6, 7)), 0);
    assert_eq!(StaticCodec.each(&[1]) + StaticCodec::query().len(), 9);
    if StaticCodec.name().is_empty() {
        StaticCodec.end();
    }
    assert_eq!(Private.get(), 1);
    drop(Private::update::<One>()?);
    drop(static_call::batch(|batch| {
        batch.update_all::<PrivateKeys, One>()?;
        batch.reset_all::<PrivateKeys>()
    })?);
    Ok(())
}
