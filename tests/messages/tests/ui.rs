//! The messages for wrong uses of the macros: a single error, at the right token.
//!
//! `TRYBUILD=overwrite cargo test -p static-call-messages` rewrites the expected messages.

#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn messages() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}

#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn messages_of_a_build() {
    let cases = trybuild::TestCases::new();
    // Code generation detects a capturing closure and `cargo check` does not. A passing test makes
    // trybuild generate code for all.
    cases.pass("ui/build/pass.rs");
    cases.compile_fail("ui/build/capturing_closure.rs");
}
