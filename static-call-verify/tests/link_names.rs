//! Tests of the names that the link hook puts into images: the program's report shows the functions
//! that the verifier finds, and an image that has none reserves nothing for them.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "link/fixture.rs"]
#[expect(dead_code, reason = "shared with the other tests of the link hook")]
mod fixture;
mod tools;

use std::fs;
use std::process::Output;

use object::{Object, ObjectSection};
use static_call::layout::{PLACES_LEAST, PLACES_ROOM, PLACES_SECTION, PlacesHeader};
use static_call_verify::{Policy, verify};

use fixture::{Fixture, check_inline, check_not_inline, direct, text};
use tools::have;

/// Returns the bytes of the section with the names.
fn places(image: &[u8]) -> Vec<u8> {
    let file = object::File::parse(image).unwrap();
    let sections = file.sections().filter(|s| s.name() == Ok(PLACES_SECTION));
    sections.flat_map(|s| s.data().unwrap().to_vec()).collect()
}

/// Returns the functions that the program's report shows, one for each call.
fn shown(output: &Output) -> Vec<String> {
    let said = String::from_utf8_lossy(&output.stdout);
    let mut functions = Vec::new();
    for (row, function) in said.lines().filter_map(|line| line.split_once("  in ")) {
        let times = row.split_once(" x ").and_then(|(before, _)| before.rsplit(' ').next());
        let function = function.split(": ").next().unwrap();
        functions.extend(vec![function.to_owned(); times.unwrap().parse().unwrap()]);
    }
    functions.sort();
    functions
}

/// Returns the functions that the verifier finds.
fn found(image: &[u8]) -> Vec<String> {
    let report = verify(image, &Policy::default());
    let calls = report.calls.into_iter().filter_map(|c| c.function);
    let mut functions: Vec<_> =
        calls.chain(report.labels.into_iter().filter_map(|l| l.function)).collect();
    functions.sort();
    functions
}

/// Builds and runs the package. Returns its image and what it printed.
fn run(fixture: &Fixture) -> (Vec<u8>, Output) {
    let output = fixture.cargo(&["run"]);
    assert!(output.status.success(), "{}", text(&output));
    (fs::read(fixture.product("hooked")).unwrap(), output)
}

#[test]
fn reports_name_the_functions_that_the_verifier_finds() {
    let mold = if have(&["ld.mold"]) { "-Clink-arg=-fuse-ld=mold" } else { "" };
    for flags in ["", "-Clinker-features=-lld", mold] {
        // For release builds cargo asks to leave out debug information, and mold before 2.1 leaves
        // out all symbols then.
        let fixture = Fixture::new("names").flags(&format!("{flags} -Cstrip=none")).release();
        let (image, output) = run(&fixture);
        check_inline(&output);
        let names = found(&image);
        let calls = names.len();
        assert_eq!(shown(&output), names, "{}", text(&output));
        assert!(names.contains(&"hooked::main".to_owned()), "{names:?}");
        assert!(names.contains(&"hooked_twice".to_owned()), "{names:?}");
        let places = places(&image);
        let header = PlacesHeader::from_bytes(places.first_chunk().unwrap()).unwrap();
        assert_eq!(header.count as usize, calls);
        assert_eq!(places.len(), PlacesHeader::SIZE + header.capacity as usize);
        // There is a bit more room than calls: the linker drops code.
        let room = |calls: u32| PLACES_LEAST + PLACES_ROOM * calls;
        let calls = calls as u32;
        assert!((room(calls)..=room(2 * calls)).contains(&header.capacity), "{header:?}");
    }
}

/// A program with flags and no calls.
#[test]
fn flags_alone_have_functions() {
    let fixture = Fixture::new("flags").release();
    fixture.write(
        "src/main.rs",
        "static_call::flag! { static LOUD = false; }\n\
         #[inline(never)] fn ask() -> bool { LOUD.unlikely() }\n\
         fn main() { static_call::init().unwrap(); assert!(!ask());\n\
             println!(\"{}\", static_call::report()); }",
    );
    let (image, output) = run(&fixture);
    assert_eq!(found(&image), ["hooked::ask"]);
    assert_eq!(shown(&output), ["hooked::ask"], "{}", text(&output));
}

#[track_caller]
fn check_without_names(fixture: &Fixture) -> Vec<u8> {
    let (image, output) = run(fixture);
    check_inline(&output);
    assert!(places(&image).is_empty(), "{}", text(&output));
    assert_eq!(shown(&output), [""; 0], "{}", text(&output));
    image
}

#[test]
fn images_without_symbols_reserve_nothing() {
    for flags in ["-Cstrip=symbols", "-Clink-arg=-s"] {
        let image = check_without_names(&Fixture::new("no-symbols").flags(flags));
        assert!(!verify(&image, &Policy::default()).image.has_symbols, "{flags}");
    }
    // Only debug information is left out.
    let (image, output) = run(&Fixture::new("no-symbols").flags("-Cstrip=debuginfo"));
    assert_eq!(shown(&output), found(&image));
}

#[test]
fn packages_that_want_no_names_reserve_nothing() {
    let build_rs = "static_call_verify::LinkHook::new().names(false).enable();";
    let fixture = Fixture::with_build_rs("no-names", build_rs);
    let image = check_without_names(&fixture);
    assert!(found(&image).contains(&"hooked::main".to_owned()));

    let manifest = fs::read_to_string(fixture.dir().join("Cargo.toml")).unwrap();
    let metadata = "[package.metadata.static-call]\nnames = false\n";
    fixture.write("Cargo.toml", &format!("{manifest}{metadata}"));
    fixture.write("build.rs", "fn main() { static_call_verify::enable(); }");
    check_without_names(&fixture);
    // What build.rs says overrides it.
    fixture.write(
        "build.rs",
        "fn main() { static_call_verify::LinkHook::new().names(true).enable(); }",
    );
    assert_eq!(shown(&run(&fixture).1), found(&image));
}

#[test]
fn images_that_are_not_verified_have_no_names() {
    let fixture = Fixture::new("direct").flags(&direct());
    let (image, output) = run(&fixture);
    check_not_inline(&output);
    assert_eq!((places(&image).len(), shown(&output).len()), (0, 0), "{}", text(&output));
}

/// Where room runs out, some names are missing and the others are whole.
#[test]
fn long_names_share_the_room() {
    let fixture = Fixture::new("long-names");
    let long = |i: u32| format!("function_{i}_{}", "with_a_long_name_".repeat(8));
    let mut code = "#[static_call::static_call]\nfn add(a: u32) -> u32 { a + 1 }\n".to_owned();
    for i in 0..20 {
        code += &format!("#[inline(never)]\nfn {}() -> u32 {{ add({i}) * 2 }}\n", long(i));
    }
    let all: String = (0..20).map(|i| format!("{}(), ", long(i))).collect();
    let main = format!(
        "fn main() {{ static_call::init().unwrap(); assert_eq!([{all}].len(), 20);\n\
         println!(\"{{}}\", static_call::report()); }}"
    );
    fixture.write("src/main.rs", &(code + &main));
    let (image, output) = run(&fixture);
    check_inline(&output);
    let (found, shown) = (found(&image), shown(&output));
    assert_eq!(found.len(), 20, "{found:?}");
    assert!(shown.len() > 5 && shown.len() < 15, "{}", text(&output));
    assert!(shown.iter().all(|name| found.contains(name)), "{}", text(&output));
}
