//! What users see when something is wrong: one error at the right token, and nothing after it.
//!
//! `TRYBUILD=overwrite cargo test --test ui` writes the expectations anew.

#[test]
#[cfg_attr(miri, ignore = "runs the compiler")]
fn messages() {
    let cases = trybuild::TestCases::new();
    // A test that passes makes all of them go through code generation, where a capturing closure
    // is found.
    cases.pass("ui/pass.rs");
    cases.compile_fail("ui/fail/*.rs");
}
