//! What a `call!` hands to its key: the call through a trampoline of the site.

use core::fmt;

/// The function that calls a site's trampoline: given a key, the arguments of that key's
/// trampolines and the type of their result.
///
/// A `call!` names a path of the user's, and that may be no static call: a type with a `__call_at`
/// of its own gets the site, too, and could choose key and types. Only code that the macros make
/// for a key takes the function out. And a site is made by a `call!` alone: whoever could make one
/// would be handed the arguments as they cross the trampoline.
///
/// No trait: the compiler takes the functions of an implementation for part of the crate's
/// interface, so that the trampoline's symbol would be exported, and its calls not aligned.
pub struct Site<F: Copy>(F);

impl<F: Copy> Site<F> {
    /// Makes the site whose function this is.
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
    /// Who asks for it promises to call it:
    ///
    /// 1. with a key, and with the types of that key's arguments and result;
    /// 2. with arguments that [`Passing::pass`](super::Passing::pass) made for this one call;
    /// 3. keeping what the key's function asks of its callers, if that is `unsafe`.
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
