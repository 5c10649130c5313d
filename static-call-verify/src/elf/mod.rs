//! The image as ELF: what is in the file, and what is at an address.

pub(crate) mod budget;
pub(crate) mod error;
#[cfg(unix)]
pub(crate) mod file;
pub(crate) mod frames;
mod ident;
pub(crate) mod image;
#[cfg(unix)]
pub(crate) mod pieces;
mod places;
pub(crate) mod plt;
pub(crate) mod pointers;
mod reader;
pub(crate) mod section;
mod segment;
pub(crate) mod symbols;
pub(crate) mod unwind;
