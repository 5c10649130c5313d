//! A `KeyRecord` as stored in [`KEYS_SECTION`](super::KEYS_SECTION): its size, the offsets of the
//! fields that the verifier reads or writes, and flags. `record/mod.rs` checks them.

/// Bytes of a record.
pub const SIZE: usize = 64;
/// The slot: the address of the default's shim, as linked.
pub const SLOT: u64 = 0;
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
/// Flag: the default is chosen at run time, so the slot leads to a resolver.
pub const CHOOSES: u8 = 32;
/// One byte, which only the verifier writes in the file, and only [`BOUND`].
pub const STATE: u64 = 61;
/// Bit of [`STATE`]: the code of the key leads to its default in the file.
pub const BOUND: u8 = 8;
/// What the text has between module and name.
pub const SEPARATOR: &str = "::";
