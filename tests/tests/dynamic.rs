//! Keys in a Rust `dylib` and in the program that uses it, and in a plug-in that is loaded and
//! unloaded (`crates/dynamic`).

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use static_call_tests as lib;

const X: u64 = 1 << 42;

/// Returns the target directory of a set of flags.
fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
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
    check("dynamic/lld", "", &[]);
}

#[test]
#[ignore = "three more builds: cargo xtask test-rest"]
fn in_every_way() {
    check("dynamic/lld", "", &["--release"]);
    check("dynamic/gnu", GNU_LD, &[]);
    check("dynamic/gnu", GNU_LD, &["--release"]);
}

/// A plug-in with keys, sites and a runtime of its own.
struct Plugin(*mut libc::c_void);

/// Builds the plug-in, and returns its path.
fn plugin() -> CString {
    // The tests of a user's crate use this directory, too, so the verifier is built once for both.
    cargo("build", "plugin", "nested", "", &[]);
    let path = target("nested").join("debug/libplugin.so");
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

impl Plugin {
    fn load(path: &CString) -> Self {
        // SAFETY: the shared object has no constructors.
        let object = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        assert!(!object.is_null());
        Self(object)
    }

    fn function(&self, name: &CStr) -> *mut libc::c_void {
        // SAFETY: the object is loaded.
        let function = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        assert!(!function.is_null());
        function
    }

    /// Calls `switch_and_call` or `alias_and_call`.
    fn call(&self, name: &CStr, n: u32) -> u32 {
        let function = self.function(name);
        // SAFETY: the function has this type.
        let function: extern "C" fn(u32) -> u32 = unsafe { std::mem::transmute(function) };
        function(n)
    }

    /// Returns `switch_often` or `call_often`.
    fn often(&self, name: &CStr) -> extern "C" fn(u32) -> bool {
        // SAFETY: both functions have this type.
        unsafe { std::mem::transmute(self.function(name)) }
    }

    /// Returns how many calls are inline, and how many of these take steps.
    fn count_inline(&self) -> (usize, usize) {
        let function = self.function(c"count_inline");
        // SAFETY: the function has this type.
        let function: extern "C" fn(&mut usize) -> usize = unsafe { std::mem::transmute(function) };
        let mut steps = 0;
        (function(&mut steps), steps)
    }

    fn unload(self) {
        // SAFETY: nothing uses it any more.
        assert_eq!(unsafe { libc::dlclose(self.0) }, 0);
        let is_gone = |m: &support::Mapping| !m.file.ends_with("libplugin.so");
        assert!(support::mappings().iter().all(is_gone));
    }
}

#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn a_plugin_leaves_nothing_behind() {
    let path = plugin();
    // In its own process, because other tests' threads have mappings, too.
    support::in_child("a_plugin_leaves_nothing_behind", &[], || {
        let load_and_unload = |with_alias: bool| {
            let plugin = Plugin::load(&path);
            let name = if with_alias { c"alias_and_call" } else { c"switch_and_call" };
            assert_eq!(plugin.call(name, 5), 5 + 5 + 6 + 6, "a freshly loaded plug-in");
            assert!(plugin.often(c"switch_often")(2));
            let (inline, steps) = plugin.count_inline();
            assert!(inline > steps && steps > 2, "{inline} {steps}");
            plugin.unload();
            support::mappings().len()
        };
        let first = load_and_unload(false);
        for with_alias in [false, true] {
            for _ in 0..20 {
                assert_eq!(load_and_unload(with_alias), first, "alias: {with_alias}");
            }
        }
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        assert!(!maps.contains(support::ALIASED), "{maps}");
    });
}

/// The plug-in is loaded, used by two threads and unloaded, again and again, while other threads
/// call and update a key of the program.
#[test]
#[cfg_attr(any(miri, not(target_arch = "x86_64")), ignore = "runs the compiler")]
fn a_plugin_comes_and_goes_while_others_update() {
    let path = plugin();
    support::in_child("a_plugin_comes_and_goes_while_others_update", &[], || {
        let done = AtomicBool::new(false);
        let run = |round: &dyn Fn()| {
            while !done.load(Ordering::Relaxed) {
                round();
            }
        };
        std::thread::scope(|scope| {
            let others: [fn(); 3] = [
                || {
                    lib::apply::update(|x| x + 7).unwrap();
                    lib::apply::reset().unwrap();
                },
                || assert!([X + 1, X + 7].contains(&lib::tail(X))),
                || assert!([X + 1, X + 7].contains(&lib::site(X).rotate_right(2))),
            ];
            let others = others.map(|other| scope.spawn(move || run(&other)));
            for _ in 0..40 {
                let plugin = Plugin::load(&path);
                assert_eq!(plugin.call(c"switch_and_call", 5), 5 + 5 + 6 + 6);
                let [switch, call] = [c"switch_often", c"call_often"].map(|f| plugin.often(f));
                let caller = scope.spawn(move || call(100));
                assert!(switch(10), "no other thread switches this key");
                assert!(caller.join().unwrap());
                plugin.unload();
                assert!(others.iter().all(|other| !other.is_finished()));
            }
            done.store(true, Ordering::Relaxed);
        });
        assert_eq!(support::open_pages(), [""; 0]);
    });
}
