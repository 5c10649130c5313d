//! What users see when something is wrong: one error at the right token, and nothing after it.
//!
//! `TRYBUILD=overwrite cargo test -p static-call-messages` writes the expectations anew.

#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn messages() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}

#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn messages_of_a_build() {
    let cases = trybuild::TestCases::new();
    // A test that passes makes all of them go through code generation, where a capturing closure
    // is found; `cargo check` does not see it.
    cases.pass("ui/build/pass.rs");
    cases.compile_fail("ui/build/capturing_closure.rs");
}
