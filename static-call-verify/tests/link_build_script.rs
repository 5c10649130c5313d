//! Tests of build scripts that do other things besides: none of that takes part in the link.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "link/fixture.rs"]
#[expect(dead_code, reason = "shared with the tests of the hook")]
mod fixture;
mod tools;

use std::fs;

use fixture::{COPY_HOOK, Fixture, check_inline, check_table, text};
use tools::have;

/// Needs what only cargo provides, prints to both streams, has a side effect, and exits differently
/// from a linker.
const BEFORE: &str = r#"
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=FROM_BUILD_RS=told");
    eprintln!("said by the build script");
    let out = std::env::var("OUT_DIR").expect("user code without OUT_DIR");
    let package = std::env::var("CARGO_MANIFEST_DIR");
    let package = package.expect("user code without CARGO_MANIFEST_DIR");
    assert!(std::env::args().len() == 1, "user code with arguments");
    std::fs::write(std::path::Path::new(&out).join("generated.rs"), "").unwrap();
    let runs = std::path::Path::new(&package).join("runs");
    let before = std::fs::read_to_string(&runs).unwrap_or_default();
    std::fs::write(runs, before + "run\n").unwrap();
"#;

#[test]
fn code_before_enable() {
    let main = format!("{BEFORE} static_call_verify::enable();");
    let fixture = Fixture::with_build_rs("script-before", &main);
    let main = fs::read_to_string(fixture.dir().join("src/main.rs")).unwrap();
    fixture.write("src/main.rs", &format!("{main}const _: &str = env!(\"FROM_BUILD_RS\");\n"));
    let output = fixture.cargo(&["run"]);
    check_inline(&output);
    check_table(&fixture.product("hooked"));
    // A second link, without a second run of the build script.
    fixture.write("src/main.rs", &fs::read_to_string(fixture.dir().join("src/main.rs")).unwrap());
    let output = fixture.cargo(&["run"]);
    check_inline(&output);
    let said = text(&output);
    assert!(said.contains("Compiling hooked"), "linked again: {said}");
    for words in ["cargo::", "said by the build script"] {
        assert!(!said.contains(words), "{words}: {said}");
    }
    let runs = fs::read_to_string(fixture.dir().join("runs")).unwrap();
    assert_eq!(runs.lines().count(), 1, "run by links, too");
}

#[test]
fn code_before_enable_with_clang() {
    if have(&["clang"]) {
        let main = format!("{BEFORE} static_call_verify::enable();");
        let fixture = Fixture::with_build_rs("script-before", &main).flags("-Clinker=clang");
        fixture.check();
        let runs = fs::read_to_string(fixture.dir().join("runs")).unwrap();
        assert_eq!(runs.lines().count(), 1, "run by links, too");
    }
}

/// Whatever the build script does, the program that the driver runs contains none of it.
#[test]
fn the_linker_is_not_the_build_script() {
    let main =
        format!("println!(\"own words {{}}\", 1); static_call_verify::enable(); {COPY_HOOK}");
    let fixture = Fixture::with_build_rs("script-linker", &main);
    let output = fixture.cargo(&["check"]);
    assert!(output.status.success(), "{}", text(&output));
    let linker = fs::read(fixture.dir().join("hook")).unwrap();
    let has = |words: &[u8]| linker.windows(words.len()).any(|w| w == words);
    assert!(has(b"--static-call-trial") && !has(b"own words "));
}

#[test]
fn a_program_that_cannot_be_written() {
    let main = r#"
        let out = std::env::var("OUT_DIR").unwrap();
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/out"), &out).unwrap();
        let program = std::path::Path::new(&out).join("static-call-linker");
        let _ = std::fs::remove_file(&program);
        std::fs::create_dir_all(program.join("in the way")).unwrap();
        static_call_verify::enable();
    "#;
    let fixture = Fixture::with_build_rs("script-unwritable", main);
    let output = fixture.cargo(&["check"]);
    // Other tests use the directory, too.
    let out = fs::read_to_string(fixture.dir().join("out")).unwrap();
    fs::remove_dir_all(format!("{out}/static-call-linker")).unwrap();
    let said = text(&output);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(&format!("cannot write and run {out}/static-call-linker: ")), "{said}");
}
