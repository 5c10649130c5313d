//! What a `call!` passes to its key: the call through a trampoline of the site.

use core::fmt;

/// The function that calls a site's trampoline, given a key, the arguments of that key's
/// trampolines and the type of their result.
///
/// The path in a `call!` is the user's and need not be a static call: a type with its own
/// `__call_at` gets the site, too, and could choose key and types. So only code that the macros
/// generate for a key takes the function out. And only a `call!` makes a site: code that could make
/// one would receive the arguments as they cross the trampoline.
///
/// This is not a trait, because the compiler treats the functions of an implementation as part of
/// the crate's interface: the trampoline's symbol would be exported, and its calls not aligned.
pub struct Site<F: Copy>(F);

impl<F: Copy> Site<F> {
    /// Makes a site from its function.
    ///
    /// # Safety
    ///
    /// 1. The function only calls the trampoline of a `call!`: it keeps no argument.
    #[inline(always)]
    #[must_use]
    pub const unsafe fn new(call: F) -> Self {
        Self(call)
    }

    /// Takes the function out.
    ///
    /// # Safety
    ///
    /// The caller promises to call the function:
    ///
    /// 1. with a key, and with the types of that key's arguments and result;
    /// 2. with arguments that [`Passing::pass`](super::Passing::pass) made for this one call;
    /// 3. under the conditions of the key's function, if that is `unsafe`.
    #[inline(always)]
    #[must_use]
    pub const unsafe fn call(self) -> F {
        self.0
    }
}

impl<F: Copy> fmt::Debug for Site<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Site")
    }
}
