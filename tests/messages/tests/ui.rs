//! The messages for wrong uses of the macros: one error at the right token, and no others.
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
    // One passing test sends them all through code generation, which finds a capturing closure;
    // `cargo check` does not.
    cases.pass("ui/build/pass.rs");
    cases.compile_fail("ui/build/capturing_closure.rs");
}
