//! The search for calls: places that may name a trampoline, the functions around them, the proof
//! that an instruction begins there, and the functions' names.

pub(crate) mod decode;
mod extents;
pub(crate) mod flow;
pub(crate) mod functions;
mod index;
mod next;
pub(crate) mod scan;
