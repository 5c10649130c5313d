//! Bound images: calls that lead to their defaults in the file. The tests run in copies of this
//! executable that the verifier has bound.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod code;
mod failures;
mod refused;
mod updates;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use static_call_tests::{self as lib, splits};
use static_call_verify::{Policy, Stamped, stamp};

const X: u64 = 1 << 42;

fn add_seven(x: u64) -> u64 {
    x + 7
}

/// In the code of another crate, so that both parts of most displacements differ.
fn add_eight(x: u64) -> u64 {
    splits::far(x)
}

fn add_one(x: u64) -> u64 {
    x + 1
}

fn check_apply(target: fn(u64) -> u64) {
    assert_eq!(lib::all_ways(X), lib::expected(target, X));
}

fn check_stepped(target: fn(u64) -> u64) {
    assert_eq!(splits::all(X), splits::expected(target, X));
}

/// Returns this executable as it was linked.
fn linked() -> Vec<u8> {
    fs::read(std::env::current_exe().unwrap()).unwrap()
}

/// Binds the calls of an image.
fn bind(image: &mut [u8]) {
    let mut policy = Policy::default();
    policy.set_bind_defaults(true).set_source_lines(false);
    let (report, stamped) = stamp(image, &policy);
    assert!(matches!(stamped, Stamped::Done { .. }), "{stamped:?}");
    assert!(report.summary.bound > 3, "{}", report.summary.bound);
}

/// Runs `body` in a process whose image is bound, and then changed by `change`.
fn in_changed_image(
    test: &str,
    environment: &[(&str, &str)],
    change: impl FnOnce(&mut [u8]),
    body: impl FnOnce(),
) {
    let mut made = None;
    let make = || {
        let mut image = linked();
        bind(&mut image);
        change(&mut image);
        let values: String = environment.iter().map(|(_, value)| format!("_{value}")).collect();
        let name = format!("bound_{}{values}", test.replace(':', "_"));
        let path: PathBuf = [env!("CARGO_TARGET_TMPDIR"), &name].iter().collect();
        let _ = fs::remove_file(&path);
        fs::write(&path, &image).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        made.insert(path).clone()
    };
    support::in_child_of(make, test, environment, body);
    // One that fails stays, to be looked at.
    if let Some(path) = made {
        fs::remove_file(path).unwrap();
    }
}

/// Runs `body` in a process whose image is bound.
fn in_bound_image(test: &str, environment: &[(&str, &str)], body: impl FnOnce()) {
    in_changed_image(test, environment, |_| {}, body);
}
