//! What a `call!` hands to its key: the call through a trampoline of the site.

use core::fmt;

/// The function that calls a site's trampoline: given a key, the arguments of that key's trampolines
/// and the type of their result.
///
/// A union, because reading a field of one is `unsafe`. A `call!` names a path of the user's, and
/// that may be no static call: a type with a `__call_at` of its own gets the site, too, and could
/// choose key and types. Only code that the macros make for a key calls the function.
///
/// No trait: the compiler takes the functions of an implementation for part of the crate's
/// interface, so that the trampoline's symbol would be exported, and its calls not aligned.
pub union Site<F: Copy> {
    /// The function. Who reads it promises to call it:
    ///
    /// 1. with a key, and with the types of that key's arguments and result;
    /// 2. with arguments that [`Passing::pass`](super::Passing::pass) made for this one call;
    /// 3. keeping what the key's function asks of its callers, if that is `unsafe`.
    pub call: F,
}

impl<F: Copy> fmt::Debug for Site<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Site")
    }
}
