//! Programs that use static-call stand in `src/bin`. The library is empty but for a doc test that
//! holds the README to its word.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
