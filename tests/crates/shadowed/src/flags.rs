//! Flags whose values are constants with names that `flag!` uses, and flags with these names.

use ::static_call::flag;

use crate::items::{INITIALLY, ON, RECORD, bool};

flag! {
    static V = ON;
    static W = !INITIALLY;
    static X = RECORD;
}

/// Uses the type that shadows the primitive.
pub fn other(b: bool) -> ::core::primitive::u8 {
    b.0
}

mod same {
    ::static_call::flag! {
        pub static ON = true;
        pub static RECORD = false;
        pub static INITIALLY = true;
        pub static K = false;
    }
}

pub fn check() {
    assert!(V.get() && !W.get() && X.get());
    assert!(V.likely() && !W.unlikely() && X.likely());
    assert!(same::ON.likely() && !same::RECORD.unlikely());
    assert!(same::INITIALLY.likely() && !same::K.unlikely());
    same::RECORD.enable().unwrap();
    assert!(same::RECORD.unlikely());
    assert_eq!(other(bool(3)), 3);
}
