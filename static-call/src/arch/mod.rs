//! Machine encodings, one file per architecture. Pure functions of bytes and addresses.

pub mod x86_64;
