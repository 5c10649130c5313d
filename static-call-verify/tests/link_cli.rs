//! Tests of `cargo static-call` in a user's package.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "link/fixture.rs"]
#[expect(dead_code, reason = "shared with the tests of the hook")]
mod fixture;
mod tools;

use fixture::{Fixture, check_inline, check_table, direct, linker, text, write_script};

/// Returns a package that does not use the hook.
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

/// rustc runs a relative linker from where cargo runs rustc: the workspace, not the package.
#[test]
fn a_relative_linker() {
    let fixture = Fixture::new("relative").flags("-Clinker=tools/cc.sh");
    let manifest = std::fs::read_to_string(fixture.dir().join("Cargo.toml")).unwrap();
    fixture.write("Cargo.toml", "[workspace]\nmembers = [\"app\"]\nresolver = \"3\"\n");
    fixture.write("app/Cargo.toml", &manifest.replace("[workspace]\n", ""));
    for name in ["build.rs", "src", "tests"] {
        let to = fixture.dir().join("app").join(name);
        std::fs::rename(fixture.dir().join(name), to).unwrap();
    }
    write_script(&fixture.dir().join("tools/cc.sh"), "#!/bin/sh\nexec cc \"$@\"\n");
    let output = fixture.cargo(&["run"]);
    assert!(!text(&output).contains("cannot hook the link"), "{}", text(&output));
    check_inline(&output);
    check_table(&fixture.product("hooked"));
    fixture.write("app/build.rs", "fn main() {}\n");
    let output = fixture.cargo_static_call(&["run"]);
    assert!(!text(&output).contains("cannot hook the link"), "{}", text(&output));
    check_inline(&output);
    check_table(&fixture.product("hooked"));
}

#[test]
fn a_direct_linker() {
    let fixture = unhooked("command-direct").flags(&direct());
    check_inline(&fixture.cargo_static_call(&["run"]));
    assert_eq!(linker(&check_table(&fixture.product("hooked"))), "LLD");
}

#[test]
fn clang() {
    if tools::have(&["clang", "ld.mold"]) {
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
fn an_already_hooked_package_is_hooked_once() {
    let fixture = Fixture::new("command-hooked");
    let output = fixture.cargo_static_call(&["run", "-v"]);
    check_inline(&output);
    check_table(&fixture.product("hooked"));
    // Hooking twice would show as a table of two objects.
    let image = std::fs::read(fixture.product("hooked")).unwrap();
    let header = fixture::header(&image).unwrap();
    assert_eq!(header.count, 6, "{header:?}");
}

/// Adds so many calls that at least one is misaligned without the flags: two in five are.
fn with_misaligned_calls(fixture: &Fixture) {
    let calls: String = (0..40).map(|i| format!("sum += hooked::add(sum, {i}); ")).collect();
    let main = format!("fn main() {{ let mut sum = 0; {calls} assert!(sum > 0); }}");
    fixture.write("src/main.rs", &main);
}

/// Adds to these a call in a function that does not decode without doubt: it stays on its
/// trampoline.
fn with_a_doubtful_call(fixture: &Fixture) {
    with_misaligned_calls(fixture);
    let main = std::fs::read_to_string(fixture.dir().join("src/main.rs")).unwrap();
    let doubtful = "fn doubtful() -> u32 {
        // SAFETY: the jump skips a byte.
        unsafe { std::arch::asm!(\"jmp 2f\", \".byte 0xb8\", \"2:\") };
        hooked::add(1, 2)
    }";
    let main = main.replace("let mut sum = 0;", "let mut sum = doubtful();");
    fixture.write("src/main.rs", &format!("{main}\n{doubtful}\n"));
}

#[test]
fn the_command_line_overrides_build_rs() {
    let main = "static_call_verify::LinkHook::new()\
                .deny(\"call.grade.*\").allow(\"flags.missing\").enable();";
    for flags in ["", "-Clinker=clang"] {
        if !flags.is_empty() && !tools::have(&["clang"]) {
            continue;
        }
        let warns = "static_call_verify::LinkHook::new().warn(\"flags.missing\").enable();";
        let fixture = Fixture::with_build_rs("command-over", warns).env("RUSTFLAGS", flags);
        with_misaligned_calls(&fixture);
        let built = fixture.cargo_static_call(&["build"]);
        assert!(built.status.success(), "{}", text(&built));
        let said = text(&built);
        assert_eq!(said.matches("flags.missing").count(), 1, "once, by build.rs: {said}");
        let denied = fixture.cargo_static_call(&["--deny", "call.grade.*", "build"]);
        let said = text(&denied);
        assert!(!denied.status.success() && said.contains("error: call.grade."), "{said}");
        let denied = fixture.cargo_static_call(&["--deny", "flags.missing", "build"]);
        let said = text(&denied);
        assert!(!denied.status.success() && said.contains("error: static-call: flags."), "{said}");
        drop(fixture);

        // The other way round, and the level that build.rs sets for the flags applies.
        let fixture = Fixture::with_build_rs("command-over", main).env("RUSTFLAGS", flags);
        with_misaligned_calls(&fixture);
        let denied = fixture.cargo_static_call(&["build"]);
        let said = text(&denied);
        assert!(!denied.status.success() && said.contains("error: call.grade."), "{said}");
        assert!(!said.contains("flags.missing"), "{said}");
        let built = fixture.cargo_static_call(&["--note", "call.grade.*", "build"]);
        assert!(built.status.success(), "{}", text(&built));
        let warned = fixture.cargo_static_call(&["--warn=flags.missing", "--note=call.*", "build"]);
        assert!(warned.status.success(), "{}", text(&warned));
        assert_eq!(text(&warned).matches("flags.missing").count(), 1, "{}", text(&warned));
    }
}

/// However the link was hooked, the image records how it was compiled, and every format shows it.
#[test]
fn missing_flags_are_a_finding_about_the_image() {
    let package = |flags: &str| Fixture::new("flags-noted").env("RUSTFLAGS", flags);
    let command = |flags: &str| unhooked("flags-noted").env("RUSTFLAGS", flags);
    for is_command in [false, true] {
        let build = |flags: &str| {
            let fixture = if is_command { command(flags) } else { package(flags) };
            with_misaligned_calls(&fixture);
            let built = match is_command {
                true => fixture.cargo_static_call(&["build"]),
                false => fixture.cargo(&["build"]),
            };
            assert!(built.status.success(), "{}", text(&built));
            assert!(!text(&built).contains("flags.missing"), "{}", text(&built));
            fixture
        };
        let fixture = build("");
        let image = fixture.product("hooked");
        let verify = |args: &[&str]| {
            let line = [&["verify"], args, &[image.to_str().unwrap()]].concat();
            let output = fixture.cargo_static_call(&line);
            (output.status.code(), text(&output))
        };
        let (code, said) = verify(&[]);
        assert_eq!(code, Some(0), "{said}");
        let count = said.matches("note: flags.missing: the image was compiled without").count();
        assert_eq!(count, 1, "{said}");
        let (code, said) = verify(&["--deny=flags.missing"]);
        assert_eq!(code, Some(1), "{said}");
        let (_, said) = verify(&["--format=json"]);
        assert!(said.contains("{\"key\":\"flags.missing\",\"severity\":\"note\""), "{said}");
        let (_, said) = verify(&["--format=sarif"]);
        assert!(said.contains("\"ruleId\": \"flags.missing\""), "{said}");
        let (code, said) = verify(&["--allow=flags.missing", "--format=json"]);
        assert_eq!((code, said.contains("flags.missing")), (Some(0), false), "{said}");
        drop(fixture);
        let fixture = build(fixture::ALIGNED);
        let line = ["verify", "--deny=flags.missing", image.to_str().unwrap()];
        let said = fixture.cargo_static_call(&line);
        assert!(said.status.success() && !text(&said).contains("flags.missing"), "{}", text(&said));
    }
}

/// Cargo repeats what the wrapper of rustc printed. What a linker prints is shown by a lint.
#[test]
fn a_build_says_how_much_is_inline() {
    let fixture = unhooked("line").env("RUSTFLAGS", "");
    with_a_doubtful_call(&fixture);
    let advice = ", 1 on its trampoline: run `cargo static-call report`\n";
    for _ in 0..2 {
        let built = fixture.cargo_static_call(&["build"]);
        let said = text(&built);
        assert!(built.status.success(), "{said}");
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("calls inline")).collect();
        let [line] = lines.as_slice() else { panic!("one line: {said}") };
        assert!(line.starts_with("static-call: hooked: ") && said.contains(advice), "{said}");
    }
    // The package's own program.
    let verified = fixture.cargo_static_call(&["verify", "--format=json"]);
    assert!(text(&verified).contains("\"calls\":["), "{}", text(&verified));
    drop(fixture);

    let fixture = Fixture::new("line").env("RUSTFLAGS", "");
    with_a_doubtful_call(&fixture);
    let said = text(&fixture.cargo(&["build"]));
    assert_eq!(said.matches(advice).count(), 1, "{said}");
    drop(fixture);

    // Without any flag all calls are inline, some of them in steps: nothing to do.
    let fixture = Fixture::new("line").env("RUSTFLAGS", "");
    with_misaligned_calls(&fixture);
    let said = text(&fixture.cargo(&["build"]));
    assert!(!said.contains("calls inline"), "{said}");
    let said = text(&fixture.cargo_static_call(&["build"]));
    let line = said.lines().find(|line| line.contains("calls inline")).expect("a line");
    assert!(line.contains(" calls inline (") && line.ends_with(" in steps)"), "{said}");
    drop(fixture);

    // The lint shows the line only if there is something to do.
    let fixture = Fixture::new("line");
    let said = text(&fixture.cargo(&["build"]));
    assert!(!said.contains("calls inline"), "{said}");
    let said = text(&fixture.cargo_static_call(&["build"]));
    assert!(said.contains("static-call: hooked: 6 of 6 calls inline\n"), "{said}");
}

#[test]
fn denied_flags_also_fail_libraries_and_tests() {
    let main = "println!(\"cargo::rerun-if-changed=build.rs\");";
    let fixture = Fixture::with_build_rs("command-kinds", main).env("RUSTFLAGS", "");
    let manifest = std::fs::read_to_string(fixture.dir().join("Cargo.toml")).unwrap();
    let library = "[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n";
    fixture.write("Cargo.toml", &format!("{manifest}{library}"));
    for what in [&["build", "--lib"][..], &["test", "--no-run", "--test=it"]] {
        let built = fixture.cargo_static_call(what);
        assert!(built.status.success(), "{}", text(&built));
        let denied = fixture.cargo_static_call(&[&["--deny=flags.missing"], what].concat());
        let said = text(&denied);
        assert!(!denied.status.success() && said.contains("error: static-call: flags."), "{said}");
    }
}

#[test]
fn another_policy_links_again() {
    // Otherwise cargo rebuilds when any file of the package changes, including `Cargo.toml`.
    let quiet_cargo = "println!(\"cargo::rerun-if-changed=build.rs\");";
    let fixture = Fixture::with_build_rs("command-policy", quiet_cargo).env("RUSTFLAGS", "");
    let quiet = ["--allow", "flags.missing"];
    let built = fixture.cargo_static_call(&[quiet[0], quiet[1], "build"]);
    assert!(built.status.success() && !text(&built).contains("flags.missing"), "{}", text(&built));
    let warned = fixture.cargo_static_call(&["--warn", "flags.missing", "build"]);
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
    assert!(built.status.success(), "the command line overrides: {}", text(&built));

    // Workspace settings make cargo link again, too.
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
