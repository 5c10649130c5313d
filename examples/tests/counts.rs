//! The program counts its calls as the verifier counts them in its image.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::process::Command;

use static_call_verify::{Policy, verify};

#[test]
fn quickstart_and_verifier_count_alike() {
    let program = env!("CARGO_BIN_EXE_quickstart");
    let output = Command::new(program).env_remove("STATIC_CALL").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let verified = verify(&std::fs::read(program).unwrap(), &Policy::default());
    assert!(verified.summary.labels + verified.summary.calls > 0, "{verified}");
    assert_eq!(said.lines().last(), Some(&*verified.summary.to_string()), "{said}\n{verified}");
}
