//! Programs that use static-call, in `src/bin`. The library has only a doc test, which compiles the
//! examples of the README.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
