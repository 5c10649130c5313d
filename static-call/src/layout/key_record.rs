//! A `KeyRecord` as stored in [`KEYS_SECTION`](super::KEYS_SECTION): its size, the offsets of the
//! fields that the verifier reads, and a flag. `record/mod.rs` checks them.

/// Bytes of a record.
pub const SIZE: usize = 64;
/// The stub.
pub const STUB: u64 = 24;
/// The address of the text: the next four parts, with [`SEPARATOR`] after the first.
pub const TEXT: u64 = 32;
/// Bytes of `module_path!()`: two bytes, as for the next three.
pub const MODULE: u64 = 40;
/// Bytes of the name.
pub const NAME: u64 = 42;
/// Bytes of `file!()`.
pub const FILE: u64 = 44;
/// Bytes of the signature as written.
pub const SIGNATURE: u64 = 46;
/// Four bytes.
pub const LINE: u64 = 48;
/// Four bytes.
pub const COLUMN: u64 = 52;
/// One byte.
pub const FLAGS: u64 = 60;
/// Flag: the function was declared without a body.
pub const HAS_NO_BODY: u8 = 1;
/// What the text has between module and name.
pub const SEPARATOR: &str = "::";
