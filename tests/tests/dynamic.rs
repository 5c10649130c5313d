//! Keys in a Rust `dylib`, and in the program that uses it (`crates/dynamic`).

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Where everything that is built with these flags is.
fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("dynamic").join(name)
}

/// Builds, and runs if so told, a package with these flags; what that prints.
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

/// The keys of the library are bound in it, by their trampolines, and listed; so is every site of
/// the library's own code. Of the program's keys the report says that there are some.
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

/// Loads the plug-in, updates a key in it, and unloads it; how many mappings the process has then.
fn load_and_unload(path: &Path) -> usize {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: a shared object without constructors of its own.
    let object = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
    assert!(!object.is_null());
    // SAFETY: the object is loaded.
    let function = unsafe { libc::dlsym(object, c"switch_and_call".as_ptr()) };
    assert!(!function.is_null());
    // SAFETY: the function has this type.
    let function: extern "C" fn(u32) -> u32 = unsafe { std::mem::transmute(function) };
    assert_eq!(function(5), 5 + 5 + 6 + 6, "a plug-in that was loaded anew");
    // SAFETY: nobody uses it any more.
    assert_eq!(unsafe { libc::dlclose(object) }, 0);
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn a_plugin_leaves_nothing_behind() {
    cargo("build", "plugin", "lld", "", &[]);
    let path = target("lld").join("debug/libplugin.so");
    // Alone: other tests' threads have mappings, too.
    support::in_child("a_plugin_leaves_nothing_behind", &[], || {
        let first = load_and_unload(&path);
        for _ in 0..20 {
            assert_eq!(load_and_unload(&path), first);
        }
    });
}
