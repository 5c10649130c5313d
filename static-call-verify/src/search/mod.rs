//! The search for calls: places that may name a trampoline, the functions around them, and the
//! proof that an instruction begins there.

pub(crate) mod decode;
mod extents;
pub(crate) mod flow;
mod next;
pub(crate) mod scan;
