//! Keys in a Rust `dylib` and in the program that uses it (`crates/dynamic`).

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Returns the target directory of a set of flags.
fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("dynamic").join(name)
}

/// Runs `cargo build` or `cargo run` on a package with these flags, and returns what it prints.
fn cargo(command: &str, package: &str, name: &str, flags: &str, profile: &[&str]) -> String {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = tests.join("crates/dynamic");
    std::fs::copy(tests.join("../Cargo.lock"), workspace.join("Cargo.lock")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args([command, "--offline", "--quiet", "--package", package, "--target-dir"])
        .arg(target(name))
        .args(profile)
        .current_dir(&workspace)
        .env("RUSTFLAGS", flags)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{flags} {profile:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// The library's keys are bound in the library, by their trampolines, and listed, as is every site
/// in the library's own code. The report only says how many keys the program has.
fn check(name: &str, flags: &str, profile: &[&str]) {
    let report = cargo("run", "game", name, flags, profile);
    for part in [
        "engine::damage  (engine/src/lib.rs:7)\n",
        "shared::own  (shared/src/lib.rs:7)\n",
        "trampoline     1 x ",
        "3 updated keys are in another image than the runtime",
        "static-call: 7 keys, 8 sites, 9 calls: ",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert!(!report.contains("is ignored"), "{report}");
}

const GNU_LD: &str = "-Clinker-features=-lld";

#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn in_development() {
    check("lld", "", &[]);
}

#[test]
#[ignore = "three more builds: cargo xtask test-rest"]
fn in_every_way() {
    check("lld", "", &["--release"]);
    check("gnu", GNU_LD, &[]);
    check("gnu", GNU_LD, &["--release"]);
}

/// Loads the plug-in, calls a function of it that updates a key, and unloads it. Returns how many
/// mappings the process has afterwards.
fn load_and_unload(path: &Path, function: &CStr) -> usize {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the shared object has no constructors.
    let object = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
    assert!(!object.is_null());
    // SAFETY: the object is loaded.
    let function = unsafe { libc::dlsym(object, function.as_ptr()) };
    assert!(!function.is_null());
    // SAFETY: the function has this type.
    let function: extern "C" fn(u32) -> u32 = unsafe { std::mem::transmute(function) };
    assert_eq!(function(5), 5 + 5 + 6 + 6, "a freshly loaded plug-in");
    // SAFETY: nothing uses it any more.
    assert_eq!(unsafe { libc::dlclose(object) }, 0);
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn a_plugin_leaves_nothing_behind() {
    cargo("build", "plugin", "lld", "", &[]);
    let path = target("lld").join("debug/libplugin.so");
    // In its own process, because other tests' threads have mappings, too.
    support::in_child("a_plugin_leaves_nothing_behind", &[], || {
        let first = load_and_unload(&path, c"switch_and_call");
        for function in [c"switch_and_call", c"alias_and_call"] {
            for _ in 0..20 {
                assert_eq!(load_and_unload(&path, function), first, "{function:?}");
            }
        }
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        assert!(!maps.contains(support::ALIASED), "{maps}");
    });
}
