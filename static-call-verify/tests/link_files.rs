//! Files that a linker writes besides the image name the image, not the place where the hook makes
//! it.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "link/fixture.rs"]
#[expect(dead_code, reason = "shared with the tests of the hook")]
mod fixture;
mod images;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fixture::{COPY_HOOK, Fixture, check_table, text, write_script};
use images::{PRELUDE, assemble, function, have};

/// The hook, an object to link, and a directory with a space in its name.
struct Bench {
    _fixture: Fixture,
    dir: PathBuf,
    object: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let main = format!("static_call_verify::enable(); {COPY_HOOK}");
        let fixture = Fixture::with_build_rs("files", &main);
        let built = fixture.cargo(&["check"]);
        assert!(built.status.success(), "{}", text(&built));
        let dir = fixture.dir().join("bench");
        fs::create_dir_all(dir.join("o ut")).unwrap();
        fs::rename(fixture.dir().join("hook"), dir.join("hook")).unwrap();
        let body = function("f", "call tramp\n jmp tramp") + ".set _start, f\n";
        let object = assemble(&format!("{PRELUDE}{body}"));
        fs::copy(object, dir.join("in put.o")).unwrap();
        Self { _fixture: fixture, object: "in put.o".into(), dir }
    }

    /// Links with the linker itself, then with the hook, and returns the contents of `file` after
    /// each.
    fn link(&self, linker: &str, options: &[&str], file: &str) -> [String; 2] {
        fs::write(self.dir.join("static-call-settings"), format!("linker {linker}\n")).unwrap();
        [Path::new(linker), Path::new("./hook")].map(|program| {
            fs::remove_dir_all(self.dir.join("o ut")).unwrap();
            fs::create_dir_all(self.dir.join("o ut/maps")).unwrap();
            let output = self.run(program, options);
            assert!(output.status.success(), "{linker} {options:?}: {}", text(&output));
            let said = text(&output);
            assert!(!said.contains(".static-call."), "{said}");
            let left = fs::read_dir(self.dir.join("o ut")).unwrap();
            let left = left.map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
            assert!(!left.into_iter().any(|name| name.contains("static-call")));
            match file {
                "" => String::from_utf8(output.stdout).unwrap(),
                file => fs::read_to_string(self.dir.join(file))
                    .unwrap_or_else(|e| panic!("{linker} {options:?} {program:?}: {file}: {e}")),
            }
        })
    }

    fn run(&self, program: &Path, options: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(["-pie", "-o", "o ut/app"]).args(options).arg(&self.object);
        command.current_dir(&self.dir).output().unwrap()
    }
}

const LINKERS: [&str; 4] = ["ld.bfd", "ld.lld", "ld.mold", "ld.gold"];

#[test]
fn dependencies_are_those_of_the_linker() {
    let bench = Bench::new();
    for linker in LINKERS.into_iter().filter(|linker| have(&[linker])) {
        for options in [&["--dependency-file=o ut/d"][..], &["--dependency-file", "o ut/d"]] {
            let [plain, hooked] = bench.link(linker, options, "o ut/d");
            assert!(plain.starts_with("o ut/app:"), "{plain}");
            assert_eq!(plain, hooked, "{linker}");
            check_table(&bench.dir.join("o ut/app"));
        }
        fs::write(bench.dir.join("response"), "--dependency-file=o\\ ut/d").unwrap();
        let [plain, hooked] = bench.link(linker, &["@response"], "o ut/d");
        assert_eq!(plain, hooked, "{linker}");
    }
}

#[test]
fn maps_name_the_image() {
    let bench = Bench::new();
    for linker in LINKERS.into_iter().filter(|linker| have(&[linker])) {
        for options in
            [&["-Map=o ut/m"][..], &["-Map", "o ut/m"], &["--Map=o ut/m"], &["--Map", "o ut/m"]]
        {
            let [plain, hooked] = bench.link(linker, options, "o ut/m");
            check_map(linker, &plain, &hooked);
        }
        let [plain, hooked] = bench.link(linker, &["--print-map"], "");
        check_map(linker, &plain, &hooked);
    }
    // GNU ld names these after the image, next to it or in a directory.
    if have(&["ld.bfd"]) {
        for (option, file) in [("-Map=%", "o ut/app.map"), ("-Map=o ut/maps", "o ut/maps/app.map")]
        {
            let [plain, hooked] = bench.link("ld.bfd", &[option, "--cref"], file);
            check_map("ld.bfd", &plain, &hooked);
        }
    }
}

fn check_map(linker: &str, plain: &str, hooked: &str) {
    assert!(!plain.is_empty() && !hooked.contains(".static-call."), "{linker}: {hooked}");
    let output = |map: &str| {
        map.lines().find(|line| line.starts_with("OUTPUT(")).unwrap_or_default().to_owned()
    };
    assert_eq!(output(plain), output(hooked));
    assert_eq!(output(plain).is_empty(), linker != "ld.bfd", "{plain}");
    assert!(hooked.contains("o ut/static-call-table.o"), "{linker}: {hooked}");
}

#[test]
fn traces_are_next_to_the_image() {
    if !have(&["ld.lld"]) {
        return;
    }
    let bench = Bench::new();
    for (option, file) in
        [("--time-trace", "o ut/app.time-trace"), ("--time-trace-file=o ut/t", "o ut/t")]
    {
        let [plain, hooked] = bench.link("ld.lld", &["--time-trace", option], file);
        for trace in [plain, hooked] {
            assert!(trace.contains("traceEvents") && !trace.contains(".static-call."), "{trace}");
        }
    }
}

/// If the link with a table fails, the messages of the link without one also name the image.
#[test]
fn messages_name_the_image() {
    let bench = Bench::new();
    let script = "#!/bin/sh\nfor image; do :; done\necho \"cannot write $image\" >&2\n\
                  case \"$*\" in *static-call-table.o*) exit 1;; esac\n\
                  exec ld \"$@\" -Map=\"o ut/m\"\n";
    let linker = bench.dir.join("linker.sh");
    write_script(&linker, script);
    let settings = format!("linker {}\n", linker.display());
    fs::write(bench.dir.join("static-call-settings"), settings).unwrap();
    let output = bench.run(Path::new("./hook"), &["-Map=o ut/m"]);
    let said = text(&output);
    assert!(output.status.success() && said.contains("linking without a table"), "{said}");
    assert_eq!(said.matches("cannot write o ut/app").count(), 2, "{said}");
    assert!(!said.contains(".static-call."), "{said}");
    let map = fs::read_to_string(bench.dir.join("o ut/m")).unwrap();
    assert!(map.contains("OUTPUT(o ut/app elf64-x86-64)"), "{map}");
}
