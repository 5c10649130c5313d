//! `cargo static-call` in a user's package.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "hook/fixture.rs"]
#[expect(dead_code, reason = "shared with the tests of the hook")]
mod fixture;

use fixture::{DIRECT, Fixture, check_inline, check_table, linker, text};

/// A package that knows nothing of the hook.
fn unhooked(name: &str) -> Fixture {
    Fixture::with_build_rs(name, "")
}

#[test]
fn run_without_build_rs() {
    let fixture = unhooked("command");
    let output = fixture.cargo_static_call(&["run"]);
    check_inline(&output);
    assert_eq!(linker(&check_table(&fixture.product("hooked"))), "LLD", "the default stays");
    let again = fixture.cargo_static_call(&["run"]);
    check_inline(&again);
    assert!(!text(&again).contains("Compiling"), "nothing changed: {}", text(&again));
}

#[test]
fn a_direct_linker() {
    let fixture = unhooked("command-direct").flags(DIRECT);
    check_inline(&fixture.cargo_static_call(&["run"]));
    assert_eq!(linker(&check_table(&fixture.product("hooked"))), "LLD");
}

#[test]
fn clang() {
    if fixture::have(&["clang", "ld.mold"]) {
        let flags = "-Clinker=clang -Clink-arg=-fuse-ld=mold";
        let fixture = unhooked("command-clang").flags(flags);
        check_inline(&fixture.cargo_static_call(&["run"]));
        assert_eq!(linker(&check_table(&fixture.product("hooked"))), "mold");
    }
}

#[test]
fn tests_are_hooked_too() {
    let output = unhooked("command-test").cargo_static_call(&["test", "--tests"]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    let image = text.lines().find_map(|line| line.split_once("tests/it.rs (")).unwrap().1;
    check_table(std::path::Path::new(image.trim_end_matches(')')));
}

#[test]
fn a_package_that_is_hooked_already_is_hooked_once() {
    let fixture = Fixture::new("command-hooked");
    let output = fixture.cargo_static_call(&["run", "-v"]);
    check_inline(&output);
    check_table(&fixture.product("hooked"));
    // Twice would show as a table of two objects.
    let image = std::fs::read(fixture.product("hooked")).unwrap();
    let header = fixture::header(&image).unwrap();
    assert_eq!(header.count, 6, "{header:?}");
}

#[test]
fn another_policy_links_again() {
    // Else cargo builds again when any file of the package changes, `Cargo.toml` included.
    let quiet_cargo = "println!(\"cargo::rerun-if-changed=build.rs\");";
    let fixture = Fixture::with_build_rs("command-policy", quiet_cargo).env("RUSTFLAGS", "");
    let quiet = ["--allow", "flags.missing"];
    let built = fixture.cargo_static_call(&[quiet[0], quiet[1], "build"]);
    assert!(built.status.success() && !text(&built).contains("flags.missing"), "{}", text(&built));
    let warned = fixture.cargo_static_call(&["build"]);
    assert!(
        warned.status.success() && text(&warned).contains("flags.missing"),
        "{}",
        text(&warned)
    );
    let denied = fixture.cargo_static_call(&["--deny", "flags.missing", "build"]);
    assert!(!denied.status.success() && text(&denied).contains("error: static-call"));

    let manifest = std::fs::read_to_string(fixture.dir().join("Cargo.toml")).unwrap();
    let metadata = "[package.metadata.static-call]\n\"flags.missing\" = \"deny\"\n";
    fixture.write("Cargo.toml", &format!("{manifest}{metadata}"));
    let denied = fixture.cargo_static_call(&["build"]);
    assert!(!denied.status.success() && text(&denied).contains("error: static-call"));
    let built = fixture.cargo_static_call(&[quiet[0], quiet[1], "build"]);
    assert!(built.status.success(), "the command line counts more: {}", text(&built));

    // What the workspace says makes cargo link again, too.
    fixture.write("Cargo.toml", &manifest);
    let warned = fixture.cargo_static_call(&["build"]);
    assert!(warned.status.success(), "{}", text(&warned));
    fixture.write("Cargo.toml", &format!("{manifest}{}", metadata.replace("package", "workspace")));
    let denied = fixture.cargo_static_call(&["build"]);
    assert!(!denied.status.success() && text(&denied).contains("error: static-call"));
}

#[test]
fn verify_prints_the_report() {
    let fixture = Fixture::new("command-verify");
    fixture.check();
    let image = fixture.product("hooked");
    let verify = |args: &[&str]| {
        let output = fixture.cargo_static_call(&[&["verify"], args].concat());
        (output.status.code(), text(&output))
    };
    let (code, report) = verify(&[image.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("hooked::own") && report.contains("6 inline"), "{report}");
    assert_eq!(verify(&["/nowhere"]).0, Some(2));
    assert_eq!(verify(&[env!("CARGO_MANIFEST_PATH")]).0, Some(2), "not an image");
    let (code, _) = verify(&["--deny", "image.unsupported", env!("CARGO_MANIFEST_PATH")]);
    assert_eq!(code, Some(2), "cannot read is worse than denied");
}
