//! Tests of `bind = true`: programs whose calls lead to their defaults in the file, linked in many
//! ways.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "link/fixture.rs"]
#[expect(dead_code, reason = "shared with the other tests of the link hook")]
mod fixture;
mod tools;

use std::fs;
use std::path::Path;
use std::process::Command;

use object::{Object, ObjectSection, ObjectSegment};
use static_call::arch::x86_64::Branch;
use static_call_verify::report::Report;
use static_call_verify::{Policy, stamp, verify};

use fixture::{Fixture, text};
use tools::have;

const BOUND: &str = "static_call_verify::LinkHook::new().bind_defaults(true).enable();";

const LIB: &str = r#"
use static_call::{call, static_call};

#[static_call]
pub fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[inline(never)]
pub fn twice(a: u32) -> u32 {
    call!(add(a, a)) + 1
}

/// The linker drops it.
pub fn dead(a: u32) -> u32 {
    call!(add(a, 7)) + call!(on_dead(a)).unwrap_or_default()
}

#[static_call]
fn on_dead(a: u32) -> Option<u32>;
"#;

const MAIN: &str = r#"
use hooked::{add, twice};
use static_call::{call, flag, static_call};

#[static_call]
fn own(a: u32) -> u32 {
    a * 10 + std::hint::black_box(0)
}

#[static_call]
fn heard(a: u32);

flag! { static LOUD = false; }

#[static_call(select(avx2 => fast))]
fn chosen(a: u32) -> u32 {
    a
}

#[target_feature(enable = "avx2")]
fn fast(a: u32) -> u32 {
    a
}

#[inline(never)]
fn work(a: u32) -> u32 {
    call!(heard(a));
    let sum = own(a) + call!(own(a + 1)) + twice(a) + add(a, 1) + chosen(a);
    if LOUD.unlikely() { sum + 1000 } else { sum }
}

fn main() {
    assert_eq!(work(1), 36);
    let update = static_call::init().unwrap();
    println!("inline {} of {}", update.inline, update.inline + update.trampoline + update.indirect);
    assert_eq!(work(1), 36);
    own::update(|a| a).unwrap();
    add::update(|a, b| a * b + 100).unwrap();
    LOUD.enable().unwrap();
    assert_eq!(work(1), 1 + 2 + 102 + 101 + 1 + 1000);
    static_call::unbind().unwrap();
    assert_eq!(work(1), 1 + 2 + 102 + 101 + 1 + 1000);
    own::reset().unwrap();
    add::reset().unwrap();
    LOUD.disable().unwrap();
    assert_eq!(work(1), 36);
    println!("{}", static_call::report());
}
"#;

fn package(name: &str, build_rs: &str) -> Fixture {
    let fixture = Fixture::with_build_rs(name, build_rs);
    fixture.write("src/lib.rs", LIB);
    fixture.write("src/main.rs", MAIN);
    fs::remove_dir_all(fixture.dir().join("tests")).unwrap();
    fixture
}

fn plain_report(image: &[u8]) -> Report {
    let mut policy = Policy::default();
    policy.set_source_lines(false);
    verify(image, &policy)
}

/// Builds and runs the package. Returns its image and what it printed.
fn run(fixture: &Fixture) -> (Vec<u8>, String) {
    let output = fixture.cargo(&["run"]);
    assert!(output.status.success(), "{}", text(&output));
    (fs::read(fixture.product("hooked")).unwrap(), text(&output))
}

/// Returns the code at an address of an image.
fn code(image: &[u8], address: u64) -> Vec<u8> {
    let file = object::File::parse(image).unwrap();
    let mut segments = file.segments();
    segments.find_map(|s| s.data_range(address, 8).unwrap().map(<[u8]>::to_vec)).expect("code")
}

/// Asserts that every call that can be patched leads to the code of its key's default, or to what
/// that code jumps to, except those of `chosen`.
fn check_bound(image: &[u8], said: &str) {
    let report = plain_report(image);
    let mut leads = 0;
    for call in report.calls.iter().filter(|call| call.listed) {
        let key = &report.keys[call.key];
        let to = Branch::decode(&code(image, call.address)).unwrap().destination(call.address);
        let trampoline = report.trampolines[call.trampoline].address;
        assert_eq!(key.is_bound, key.name != "chosen", "{key:?}\n{said}");
        if !key.is_bound {
            assert_eq!((to, key.default), (trampoline, None));
            continue;
        }
        let default = key.default.unwrap();
        let hop = Branch::decode(&code(image, default)).map(|jump| jump.destination(default));
        assert!(to == default || Some(to) == hop, "{to:#x} {key:?}");
        leads += 1;
    }
    assert!(leads >= 4, "{leads}\n{report}");
    for label in report.labels.iter().filter(|label| label.is_sound) {
        assert_eq!(code(image, label.address)[..5], [0x0f, 0x1f, 0x44, 0, 0], "{label:?}");
    }
    assert!(report.to_string().contains("lead to their defaults in the file"), "{report}");
    assert!(!said.contains("problem: "), "{said}");
}

/// The same image without binding verifies the same, and each form can be made of the other.
fn check_same(bound: &[u8], linked: &[u8]) {
    let mut policy = Policy::default();
    policy.set_source_lines(false);
    let (mut before, after) = (plain_report(bound), plain_report(linked));
    before.keys.iter_mut().for_each(|key| key.is_bound = false);
    before.summary.bound = 0;
    assert_eq!(before, after);
    let mut image = bound.to_vec();
    let _ = stamp(&mut image, &policy);
    assert!(image == linked, "taken back");
    policy.set_bind_defaults(true);
    let _ = stamp(&mut image, &policy);
    assert!(image == bound, "bound again");
}

/// Builds the package with these flags, bound and not.
fn check_both(name: &str, configure: impl Fn(Fixture) -> Fixture) {
    let (bound, said) = run(&configure(package(name, BOUND)));
    check_bound(&bound, &said);
    let (linked, said) = run(&configure(package(name, "static_call_verify::enable();")));
    assert_eq!(plain_report(&linked).summary.bound, 0, "{said}");
    check_same(&bound, &linked);
}

#[test]
fn programs_are_bound() {
    check_both("bind-debug", |fixture| fixture);
    check_both("bind-release", Fixture::release);
}

#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn programs_at_fixed_addresses_are_bound() {
    check_both("bind-static", |fixture| {
        fixture.flags("-Crelocation-model=static -Ctarget-feature=+crt-static").release()
    });
    check_both("bind-fixed", |fixture| fixture.flags("-Crelocation-model=static").release());
    check_both("bind-static-pie", |fixture| fixture.flags("-Ctarget-feature=+crt-static"));
}

#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn stripped_programs_are_bound() {
    check_both("bind-stripped", |fixture| fixture.flags("-Cstrip=symbols").release());
}

#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn programs_of_other_linkers_are_bound() {
    check_both("bind-bfd", |fixture| fixture.flags("-Clinker-features=-lld").release());
    check_both("bind-bfd-debug", |fixture| fixture.flags("-Clinker-features=-lld"));
    if have(&["ld.mold"]) {
        check_both("bind-mold", |fixture| fixture.flags("-Clink-arg=-fuse-ld=mold"));
    }
    check_both("bind-relr", |fixture| fixture.flags("-Clink-arg=-Wl,-z,pack-relative-relocs"));
}

#[test]
#[ignore = "one of many ways to link: cargo xtask test-links"]
fn programs_with_lto_are_bound() {
    check_both("bind-lto", |fixture| fixture.env("CARGO_PROFILE_RELEASE_LTO", "fat").release());
}

/// The manifest can ask for it, and build.rs overrides it.
#[test]
fn the_manifest_asks_for_it() {
    let fixture = package("bind-manifest", "static_call_verify::enable();");
    let manifest = fs::read_to_string(fixture.dir().join("Cargo.toml")).unwrap();
    let metadata = "[package.metadata.static-call]\nbind = true\n";
    fixture.write("Cargo.toml", &format!("{manifest}{metadata}"));
    let (image, said) = run(&fixture);
    check_bound(&image, &said);
    fixture.write(
        "build.rs",
        "fn main() { static_call_verify::LinkHook::new().bind_defaults(false).enable(); }",
    );
    assert_eq!(plain_report(&run(&fixture).0).summary.bound, 0);
    let wrong = "[package.metadata.static-call]\nbind = \"yes\"\n";
    fixture.write("Cargo.toml", &format!("{manifest}{wrong}"));
    let output = fixture.cargo(&["build"]);
    assert!(!output.status.success());
    assert!(text(&output).contains("`bind` must be `true` or `false`"), "{}", text(&output));
}

/// A shared object is bound like a program.
#[test]
fn shared_objects_are_bound() {
    let fixture = Fixture::cdylib("bind-cdylib");
    fixture.write("build.rs", &format!("fn main() {{ {BOUND} }}"));
    let output = fixture.cargo(&["build"]);
    assert!(output.status.success(), "{}", text(&output));
    let library = fixture.product("libhooked.so");
    let image = fs::read(&library).unwrap();
    let report = plain_report(&image);
    assert!(report.summary.bound > 0, "{report}");
    for call in report.calls.iter().filter(|call| call.listed && report.keys[call.key].is_bound) {
        let to = Branch::decode(&code(&image, call.address)).unwrap().destination(call.address);
        assert_eq!(Some(to), report.keys[call.key].default);
    }
    let status = Command::new(fixture.product("hooked")).arg(&library).status().unwrap();
    assert!(status.success());
}

/// Returns the functions that run before `main`: how many pointers these sections hold.
fn constructors(image: &[u8]) -> [u64; 3] {
    let file = object::File::parse(image).unwrap();
    [".preinit_array", ".init_array", ".ctors"]
        .map(|name| file.section_by_name(name).map_or(0, |section| section.size() / 8))
}

/// Nothing of ours runs before `main`: a bound program has the constructors of one without static
/// calls.
#[test]
fn nothing_runs_before_main() {
    let (bound, _) = run(&package("bind-constructors", BOUND));
    let fixture = package("bind-no-calls", "");
    fixture.write("src/lib.rs", "");
    fixture.write("src/main.rs", "fn main() { println!(\"{}\", std::env::args().count()); }");
    let (other, _) = run(&fixture);
    assert_eq!(constructors(&bound), constructors(&other));
    assert!(Path::new(&fixture.product("hooked")).exists());
}
