//! The types of arguments and results, which the program's `support` module can make and digest.

/// A type in the key's signature, and the type of a value made from a seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Type {
    pub(crate) text: &'static str,
    pub(crate) made: &'static str,
}

const fn owned(text: &'static str) -> Type {
    Type { text, made: text }
}

const fn borrowed(text: &'static str, made: &'static str) -> Type {
    Type { text, made }
}

/// Scalars: one register each.
pub(crate) const SCALARS: &[Type] = &[
    owned("u8"),
    owned("i8"),
    owned("u16"),
    owned("i16"),
    owned("u32"),
    owned("i32"),
    owned("u64"),
    owned("i64"),
    owned("usize"),
    owned("bool"),
    owned("char"),
    owned("f32"),
    owned("f64"),
    owned("Box<u64>"),
    borrowed("&u32", "&'static u32"),
    borrowed("Option<&u32>", "Option<&'static u32>"),
    owned("fn(u64) -> u64"),
];

/// Everything else: pairs of registers, memory, and nothing at all.
pub(crate) const AGGREGATES: &[Type] = &[
    owned("u128"),
    owned("i128"),
    borrowed("&[u8]", "&'static [u8]"),
    borrowed("&[u32]", "&'static [u32]"),
    borrowed("&str", "&'static str"),
    owned("&'static str"),
    owned("Option<u32>"),
    owned("Option<u64>"),
    owned("Option<bool>"),
    owned("Result<u16, u32>"),
    owned("(u32, u64)"),
    owned("[u8; 5]"),
    owned("[u64; 3]"),
    owned("Small"),
    owned("Pair"),
    owned("Mixed"),
    owned("Large"),
    owned("Nothing"),
    owned("String"),
];

/// Results. A key without a result writes through its first argument, `out: &mut u64`.
pub(crate) const RESULTS: &[&str] = &[
    "u64",
    "u32",
    "i64",
    "u8",
    "bool",
    "char",
    "f32",
    "f64",
    "u128",
    "Option<u64>",
    "Option<u32>",
    "Result<u16, u32>",
    "(u32, u64)",
    "[u8; 5]",
    "[u64; 3]",
    "Small",
    "Pair",
    "Mixed",
    "Large",
    "String",
    "Box<u64>",
    "usize",
    "i16",
];
