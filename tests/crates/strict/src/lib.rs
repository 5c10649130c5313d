//! A crate that forbids unsafe code and denies every lint it can.
#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    unreachable_pub,
    unused,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    unnameable_types,
    single_use_lifetimes,
    redundant_lifetimes,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    trivial_casts,
    trivial_numeric_casts,
    variant_size_differences,
    unit_bindings,
    nonstandard_style,
    future_incompatible,
    rust_2018_idioms,
    rust_2024_compatibility,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]

pub mod traits;

use static_call::{UpdateError, call, static_call};

/// A small value.
#[derive(Clone, Copy, Debug)]
pub struct Small(pub u8);

/// A large value.
#[derive(Clone, Debug)]
pub struct Large {
    /// Its text.
    pub text: String,
    /// Its number.
    pub number: u128,
}

/// Measures.
#[static_call]
#[must_use]
pub fn measure(text: &str, large: &Large, small: Small) -> usize {
    text.len() + large.text.len() + usize::from(small.0)
}

/// Joins.
#[static_call]
#[must_use]
pub fn join(mut large: Large, text: &str) -> Large {
    large.text.push_str(text);
    large
}

/// Returns the longer text.
#[static_call]
#[must_use]
pub fn longer<'a>(a: &'a str, b: &'a str) -> &'a str {
    if a.len() < b.len() { b } else { a }
}

/// Takes seven arguments; a `call!` passes one more.
#[static_call]
#[must_use]
#[allow(clippy::many_single_char_names, reason = "seven")]
pub fn seven(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) -> u8 {
    a ^ b ^ c ^ d ^ e ^ f ^ g
}

/// Observes.
#[static_call]
pub fn observe(text: &str);

/// Ends.
///
/// # Panics
///
/// Always.
#[static_call]
pub fn end(code: u8) -> ! {
    panic!("{code}")
}

/// Chosen by the processor.
#[static_call(select(avx512bw + bmi2 => widest, avx2 => wide, neon => arm))]
#[must_use]
pub fn dispatched(text: &str, large: &Large, small: Small) -> usize {
    text.len() + large.text.len() + usize::from(small.0)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw,bmi2")]
fn widest(text: &str, large: &Large, small: Small) -> usize {
    text.len() + large.text.len() + usize::from(small.0)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn wide(text: &str, large: &Large, small: Small) -> usize {
    text.len() + large.text.len() + usize::from(small.0)
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn arm(text: &str, large: &Large, small: Small) -> usize {
    text.len() + large.text.len() + usize::from(small.0)
}

#[static_call]
impl Large {
    /// Its length.
    #[static_call(select(sse2 => Self::length_narrow))]
    #[must_use]
    pub fn length(&self, more: Self) -> usize {
        self.text.len() + more.into_text().len()
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "sse2")]
    fn length_narrow(&self, more: Self) -> usize {
        self.text.len() + more.into_text().len()
    }

    /// Whether it is small.
    #[static_call]
    #[must_use]
    pub fn is_small(&self, than: u128) -> bool {
        self.number < than
    }

    /// Grows.
    #[static_call]
    pub fn grow(&mut self, by: u128) -> &mut Self {
        self.number += by;
        self
    }

    /// Its text.
    #[static_call]
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    #[static_call]
    fn private(&self) -> u128 {
        self.number
    }
}

mod inner {
    use static_call::static_call;

    /// In a private module.
    #[static_call]
    pub(crate) fn hidden(n: u8) -> u8 {
        n
    }

    #[static_call]
    fn never_called(n: u8) -> u8 {
        n
    }
}

static_call::flag! {
    /// Whether it is loud.
    pub static LOUD = false;
}

/// A hook with a result.
#[static_call::static_call]
pub fn choice(n: u8) -> Option<u8>;

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
    assert!(!LOUD.unlikely() && !LOUD.likely() && !LOUD.get());
    assert!(LOUD.enable().is_ok() && LOUD.unlikely());
    let evaluated = |n: u8| if LOUD.get() { n } else { 0 };
    assert_eq!((choice(1), call!(choice(evaluated(1)))), (None, None));
    assert!(choice::update(|n| n.checked_add(1)).is_ok());
    assert_eq!(call!(choice(evaluated(1))), Some(2));
    let large = Large { text: "abc".to_owned(), number: 3 };
    assert_eq!(measure("a", &large, Small(1)), call!(measure("a", &large, Small(1))));
    assert_eq!(join(large.clone(), "d").text, call!(join(large.clone(), "d")).text);
    assert_eq!(longer("a", "bc"), call!(longer("a", "bc")));
    assert_eq!(seven(1, 2, 3, 4, 5, 6, 7), call!(seven(1, 2, 3, 4, 5, 6, 7)));
    let length = large.length(large.clone());
    assert_eq!(length, call!(Large::length(&large, large.clone())));
    let dispatch = dispatched("a", &large, Small(1));
    assert_eq!(dispatch, call!(dispatched("a", &large, Small(1))));
    assert!(large.is_small(4) && call!(Large::is_small(&large, 4)));
    assert_eq!(inner::hidden(1), call!(inner::hidden(1)));
    assert_eq!(large.private(), call!(Large::private(&large)));
    observe("a");
    call!(observe("a"));
    drop(observe::update(|_| {})?);
    drop(observe::disable()?);
    drop(measure::update(|text, _, _| text.len())?);
    drop(Large::IS_SMALL.update(|_, _| false)?);
    assert_eq!(measure("a", &large, Small(1)), 1);
    assert_eq!(measure::original("a", &large, Small(1)), 5);
    assert!(!large.is_small(4));
    let mut grown = large.clone();
    assert_eq!(call!(Large::grow(grown.grow(1), 1)).number, 5);
    if large.into_text() == "x" {
        call!(end(1));
    }
    traits::check()
}
