//! Tests of the link hook in a user's package: every driver and linker, every kind of image.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "link/fixture.rs"]
#[expect(dead_code, reason = "shared with the tests of the command")]
mod fixture;
mod tools;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use object::Object;

use fixture::{
    Fixture, check_inline, check_not_inline, check_table, direct, header, linker, text,
    write_script,
};
use tools::have;

#[test]
fn default_linker() {
    let fixture = Fixture::new("default");
    let image = fixture.check();
    assert_eq!(linker(&image), "LLD", "rustc's default since 1.90");
    let mode = fs::metadata(fixture.product("hooked")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
    let file = object::File::parse(&*image).unwrap();
    assert!(file.section_by_name(".debug_line").is_some(), "debug information stays");
    // The image gets its name when it is complete, and nothing else is left.
    let dir = fixture.product("hooked").parent().unwrap().join("deps");
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|n| n.to_string_lossy().contains("static-call.")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn tests_and_doctests() {
    let fixture = Fixture::new("tests");
    let output = fixture.cargo(&["test"]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches("1 passed").count(), 3, "unit, integration, doctest: {text}");
    let images: Vec<&str> = text
        .lines()
        // The library has no test, so its image has no call.
        .filter(|line| line.trim_start().starts_with("Running ") && !line.contains("src/lib.rs"))
        .filter_map(|line| Some(line.split_once('(')?.1.trim_end_matches(')')))
        .collect();
    assert_eq!(images.len(), 2, "{text}");
    for image in images {
        check_table(std::path::Path::new(image));
    }
}

#[test]
fn gnu_ld() {
    let image = Fixture::new("gnu-ld").flags("-Clinker-features=-lld").check();
    assert_eq!(linker(&image), "GNU ld");
}

#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn gnu_ld_release() {
    let image = Fixture::new("gnu-ld-release").flags("-Clinker-features=-lld").release().check();
    assert_eq!(linker(&image), "GNU ld");
}

#[test]
fn mold() {
    if have(&["ld.mold"]) {
        let image = Fixture::new("mold").flags("-Clink-arg=-fuse-ld=mold").check();
        assert_eq!(linker(&image), "mold");
    }
}

const GOLD: &str = "-Clink-arg=-fuse-ld=gold";

#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn gold() {
    if !have(&["ld.gold"]) {
        return;
    }
    for flags in ["", "-Ctarget-feature=+crt-static", "-Clink-arg=-Wl,--icf=all"] {
        let flags = format!("{GOLD} {flags}");
        assert_eq!(linker(&Fixture::new("gold").flags(&flags).check()), "gold", "{flags}");
        let image = Fixture::new("gold").flags(&flags).release().check();
        assert_eq!(linker(&image), "gold", "{flags}");
    }
}

/// If gold collects garbage in a shared object, the records of its calls are lost, and the table is
/// empty.
#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn gold_and_shared_objects() {
    if !have(&["ld.gold"]) {
        return;
    }
    for (flags, is_whole) in [("", false), ("-Clink-arg=-Wl,--no-gc-sections", true)] {
        let fixture = Fixture::cdylib("gold-cdylib").flags(&format!("{GOLD} {flags}")).release();
        let output = fixture.cargo(&["build"]);
        assert!(output.status.success(), "{}", text(&output));
        let library = fixture.product("libhooked.so");
        let image = fs::read(&library).unwrap();
        assert_eq!(linker(&image), "gold");
        assert_eq!(header(&image).unwrap().count > 0, is_whole, "{flags}: docs/verifier.md, gold");
        let loaded = std::process::Command::new(fixture.product("hooked")).arg(library).status();
        assert!(loaded.unwrap().success(), "{flags}");
    }
}

#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn clang_with_every_linker() {
    for (flags, program, name) in [
        ("", "ld", "GNU ld"),
        ("-Clink-arg=-fuse-ld=lld", "ld.lld", "LLD"),
        ("-Clink-arg=-fuse-ld=mold", "ld.mold", "mold"),
        ("-Clink-arg=-fuse-ld=bfd", "ld.bfd", "GNU ld"),
        ("-Clink-arg=--ld-path=ld.mold", "ld.mold", "mold"),
        ("-Clink-arg=-fuse-ld=gold", "ld.gold", "gold"),
    ] {
        if have(&["clang", program]) {
            let flags = format!("-Clinker=clang {flags}");
            assert_eq!(linker(&Fixture::new("clang").flags(&flags).check()), name, "{flags}");
        }
    }
}

#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn clang_without_ld_path() {
    if !have(&["clang", "ld.mold"]) {
        return;
    }
    let fixture = Fixture::new("old-clang");
    let clang = script(
        &fixture,
        "old/clang",
        "case \"$*\" in *--ld-path*) echo unknown >&2; exit 1;; esac; exec clang \"$@\"",
    );
    let flags = format!("-Clinker={clang} -Clink-arg=-fuse-ld=mold");
    assert_eq!(linker(&fixture.flags(&flags).check()), "mold");
}

#[test]
fn release() {
    Fixture::new("release").release().check();
}

#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn stripped() {
    // Not with the profile, because cargo would then rebuild the hook.
    Fixture::new("stripped").flags("-Cstrip=symbols").release().check();
}

#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn thin_lto() {
    Fixture::new("thin").env("CARGO_PROFILE_RELEASE_LTO", "thin").release().check();
}

#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn fat_lto() {
    Fixture::new("fat").env("CARGO_PROFILE_RELEASE_LTO", "fat").release().check();
}

/// The calls are not in the inputs yet, so the size of the table is guessed.
#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn lto_in_the_linker() {
    let fixture = Fixture::new("plugin").flags("-Clinker-plugin-lto").release();
    let output = fixture.cargo(&["run"]);
    assert!(output.status.success(), "{}", text(&output));
    let image = check_table(&fixture.product("hooked"));
    assert_eq!(header(&image).unwrap().capacity, 4096);
}

#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn static_pie_and_fixed_addresses() {
    Fixture::new("static-pie").flags("-Ctarget-feature=+crt-static").check();
    Fixture::new("static").flags("-Ctarget-feature=+crt-static -Crelocation-model=static").check();
}

#[test]
fn shared_object() {
    for flags in ["", "-Clinker-features=-lld", "-Clink-arg=-fuse-ld=mold"] {
        if !flags.contains("mold") || have(&["ld.mold"]) {
            let fixture = Fixture::cdylib("cdylib").flags(flags).release();
            let output = fixture.cargo(&["build"]);
            assert!(output.status.success(), "{}", text(&output));
            let library = fixture.product("libhooked.so");
            check_table(&library);
            let program = fixture.product("hooked");
            let loaded = std::process::Command::new(program).arg(library).status();
            assert!(loaded.unwrap().success(), "{flags}");
        }
    }
}

/// If rustc runs the linker itself, a warning says so, and the program is correct without a table.
#[test]
fn direct_linker() {
    let fixture = Fixture::new("direct").flags(&direct());
    let output = fixture.cargo(&["run"]);
    check_not_inline(&output);
    let text = text(&output);
    assert!(
        text.contains("cannot hook the link: rustc runs the linker `rust-lld` itself"),
        "{text}"
    );
    assert!(text.contains("`cargo static-call build` can hook every linker"), "{text}");
    // The program says so as well: a plain build after `cargo static-call build` is like this one,
    // and none of this project's code runs in it.
    assert!(text.contains("not verified at link time"), "{text}");
    assert!(text.contains("or build with `cargo static-call build`"), "{text}");
    drop(fixture);

    let build_rs = "static_call_verify::LinkHook::new().strict(true).enable();";
    let output = Fixture::with_build_rs("direct", build_rs).flags(&direct()).cargo(&["build"]);
    assert!(!output.status.success(), "strict");
}

/// If a linker cannot take the table, the link is done without it, and the reason is printed.
#[test]
fn a_linker_that_fails_with_the_table() {
    if !have(&["ld.mold"]) {
        return;
    }
    let fixture = Fixture::new("failing");
    let body = "case \"$*\" in *.static-call.*.o*) echo cannot take that >&2; exit 7;; esac\n\
                exec mold \"$@\"";
    let linker = script(&fixture, "bin/ld.mold", body);
    let dir = linker.strip_suffix("/ld.mold").unwrap();
    let path = format!("{dir}:{}", std::env::var("PATH").unwrap());
    let fixture = fixture.flags("-Clink-arg=-fuse-ld=mold").env("PATH", path);
    let output = fixture.cargo(&["run"]);
    check_not_inline(&output);
    let said = text(&output);
    assert!(said.contains("cannot take that: linking without a table"), "{said}");
    fixture.write(
        "build.rs",
        "fn main() { static_call_verify::LinkHook::new().strict(true).enable(); }",
    );
    let output = fixture.cargo(&["build"]);
    assert!(!output.status.success() && text(&output).contains("cannot take that"), "strict");
}

#[test]
fn denied_findings_fail_the_build() {
    let main = "static_call_verify::LinkHook::new()\
        .deny(\"call.grade.line\").deny(\"call.grade.straddle\").allow(\"flags.missing\")\
        .enable();";
    let fixture = Fixture::with_build_rs("denied", main).env("RUSTFLAGS", "");
    // With so many calls, at least one is certain to be misaligned: two in five are.
    let calls: String = (0..40).map(|i| format!("sum += hooked::add(sum, {i}); ")).collect();
    fixture.write(
        "src/main.rs",
        &format!("fn main() {{ let mut sum = 0; {calls} assert!(sum > 0); }}"),
    );
    let _ = fs::remove_file(fixture.product("hooked"));
    let output = fixture.cargo(&["build"]);
    let text = text(&output);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("call.grade.") && !text.contains("src/main.rs:1"), "{text}");
    assert!(text.contains("denied") && !text.contains("flags.missing"), "{text}");
    for part in [
        "the call of `hooked::add` (declared at src/lib.rs:5:",
        ") in `hooked::main` is retargeted in steps: its displacement ",
        "; to retarget it in one store, compile with `",
        "for source lines, turn on the feature `lines` of `static-call-verify`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!fixture.product("hooked").exists());
    let left = fs::read_dir(fixture.product("deps")).unwrap();
    let left =
        left.filter(|f| f.as_ref().unwrap().file_name().to_string_lossy().contains(".static-call"));
    assert_eq!(left.count(), 0, "no temporary file stays");

    // The same from Cargo.toml, which build.rs overrides.
    let manifest = fs::read_to_string(fixture.dir().join("Cargo.toml")).unwrap();
    let metadata = "[package.metadata.static-call]\ndeny = [\"call.grade.*\"]\n";
    fixture.write("Cargo.toml", &format!("{manifest}{metadata}"));
    fixture.write("build.rs", "fn main() { static_call_verify::enable(); }");
    let output = fixture.cargo(&["build"]);
    let said = self::text(&output);
    assert!(!output.status.success() && said.contains("error: call.grade."), "{said}");
    let main = "fn main() { static_call_verify::LinkHook::new().note(\"call.grade.*\").enable(); }";
    fixture.write("build.rs", main);
    let output = fixture.cargo(&["build"]);
    assert!(output.status.success(), "{}", self::text(&output));
    fixture.write("Cargo.toml", &format!("{manifest}{}", metadata.replace("grade", "grad")));
    let output = fixture.cargo(&["build"]);
    let said = self::text(&output);
    assert!(!output.status.success() && said.contains("did you mean `call.grade.line`"), "{said}");
    assert!(said.contains("Cargo.toml:"), "{said}");

    // From the workspace's table, which the package's overrides.
    fixture.write("build.rs", "fn main() { static_call_verify::enable(); }");
    let shared = format!("{manifest}{}", metadata.replace("package", "workspace"));
    fixture.write("Cargo.toml", &shared);
    let output = fixture.cargo(&["build"]);
    let said = self::text(&output);
    assert!(!output.status.success() && said.contains("error: call.grade."), "{said}");
    fixture.write("Cargo.toml", &format!("{shared}{}", metadata.replace("deny", "note")));
    let output = fixture.cargo(&["build"]);
    assert!(output.status.success(), "{}", self::text(&output));
}

/// Plain calls have source lines only with the feature `lines`; a `call!` always has.
#[test]
fn source_lines_need_a_feature() {
    let main = "static_call_verify::LinkHook::new()\
        .warn(\"call.grade.*\").allow(\"flags.missing\").report(\"reports\").enable();";
    // One call is at line 2, at least one of the others is misaligned.
    let calls: String = (0..40).map(|i| format!("sum += hooked::add(sum, {i}); ")).collect();
    let source = format!(
        "fn main() {{ let mut sum = 0; {calls}\n\
         sum += static_call::call!(hooked::add(sum, 7)); assert!(sum > 0); }}"
    );
    let build = |fixture: &Fixture| {
        fixture.write("src/main.rs", &source);
        let built = fixture.cargo(&["build"]);
        assert!(built.status.success(), "{}", text(&built));
        let reports = fs::read_dir(fixture.dir().join("reports")).unwrap();
        (text(&built), fs::read_to_string(reports.last().unwrap().unwrap().path()).unwrap())
    };
    let hint = "for source lines, turn on the feature `lines`";
    let note = "the link hook is built without source lines, so findings name none";
    let plain = Fixture::with_build_rs("without-lines", main).env("RUSTFLAGS", "");
    let (said, report) = build(&plain);
    assert!(said.contains("call.grade.") && said.contains(hint), "{said}");
    assert!(report.contains(note) && report.contains("src/main.rs:2:"), "{report}");
    assert!(!report.contains("src/main.rs:1:"), "{report}");
    drop(plain);
    let fixture = Fixture::with_build_rs("with-lines", main).env("RUSTFLAGS", "").feature("lines");
    let (said, report) = build(&fixture);
    assert!(said.contains("src/main.rs:1:") && !said.contains(hint), "{said}");
    assert!(!report.contains(note) && report.contains("src/main.rs:1:"), "{report}");
}

#[test]
fn mistakes_fail_the_build() {
    let main = "static_call_verify::LinkHook::new().deny(\"call.grade.lime\").enable();";
    let output = Fixture::with_build_rs("mistakes", main).cargo(&["build"]);
    let text = text(&output);
    assert!(!output.status.success() && text.contains("call.grade.lime"), "{text}");
    assert!(text.contains("call.grade.line"), "{text}");
}

#[test]
fn missing_flags_are_reported_once_if_that_is_wanted() {
    let fixture = Fixture::new("flags").env("RUSTFLAGS", "-Clink-arg=-Wl,-z,now");
    let output = fixture.cargo(&["build"]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(!text(&output).contains("flags.missing"), "they are optional: {}", text(&output));
    let main = "fn main() { static_call_verify::LinkHook::new().warn(\"flags.*\").enable(); }";
    fixture.write("build.rs", main);
    let output = text(&fixture.cargo(&["build"]));
    assert_eq!(output.matches("flags.missing").count(), 1, "{output}");
    assert!(output.contains("-x86-align-branch-boundary=8"), "{output}");
    // `init` would write to a file that is not read.
    assert!(output.contains("; RUSTFLAGS is set in the environment"), "{output}");
    let output = text(&fixture.flags("").cargo(&["build"]));
    assert!(!output.contains("flags.missing"), "{output}");
}

#[test]
fn two_builds_give_the_same_bytes() {
    let fixture = Fixture::new("twice").release();
    let first = fixture.check();
    fixture.write("src/main.rs", &fs::read_to_string(fixture.dir().join("src/main.rs")).unwrap());
    let output = fixture.cargo(&["run"]);
    check_inline(&output);
    assert!(text(&output).contains("Compiling hooked"), "linked again");
    assert!(fs::read(fixture.product("hooked")).unwrap() == first);
}

/// Writes an executable shell script and returns its path.
fn script(fixture: &Fixture, path: &str, body: &str) -> String {
    let path = fixture.dir().join(path);
    write_script(&path, &format!("#!/bin/sh\n{body}\n"));
    path.to_str().unwrap().to_owned()
}
