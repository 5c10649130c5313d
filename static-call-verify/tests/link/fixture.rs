//! A user's package in a temporary directory, and its builds.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use object::{Object, ObjectSection};
use static_call::layout::{TABLE_SECTION, TABLE_VERSION, TableHeader};
use static_call_verify::report::TableState;
use static_call_verify::{Policy, verify};

/// The target is passed explicitly, so that flags do not apply to build scripts, which are then
/// built only once.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The alignment flags from docs/verifier.md.
pub(crate) const ALIGNED: &str =
    "-Cllvm-args=-x86-align-branch-boundary=8 -Cllvm-args=-x86-align-branch=call";

/// Returns flags that make rustc run the linker itself, which then needs to be told what a driver
/// knows.
pub(crate) fn direct() -> String {
    let file = |name: &str| {
        let path = Command::new("cc").arg(format!("-print-file-name={name}")).output().unwrap();
        PathBuf::from(String::from_utf8(path.stdout).unwrap().trim())
    };
    let mut flags = "-Clinker=rust-lld \
        -Clink-args=-dynamic-linker=/lib64/ld-linux-x86-64.so.2"
        .to_owned();
    for object in ["Scrt1.o", "crti.o", "crtn.o"] {
        flags += &format!(" -Clink-args={}", file(object).display());
    }
    for library in ["libc.so", "libgcc_s.so.1", "libgcc.a"] {
        flags += &format!(" -Clink-args=-L{}", file(library).parent().unwrap().display());
    }
    flags
}

/// Code for a build.rs after `enable`: copies the installed linker into the package.
pub(crate) const COPY_HOOK: &str = r#"
    let out_dir = std::env::var_os("OUT_DIR").unwrap();
    let linker = std::path::Path::new(&out_dir).join("static-call/real-ld");
    std::fs::copy(linker, concat!(env!("CARGO_MANIFEST_DIR"), "/hook")).unwrap();
"#;

const LIB: &str = r#"
use static_call::{call, static_call};

#[static_call]
pub fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn hooked_twice(a: u32) -> u32 {
    call!(add(a, a)) + 1
}

/// ```
/// assert_eq!(hooked::hooked_twice(2), 5);
/// ```
pub fn documented() {}
"#;

const MAIN: &str = r#"
use hooked::{add, hooked_twice};
use static_call::{call, static_call};

#[static_call]
fn own(a: u32) -> u32 {
    a * 10
}

fn main() {
    let mut sum = 0;
    for i in 0..10 {
        sum += add(i, 1) + call!(own(i)) + own(i) + hooked_twice(i);
    }
    assert_eq!(sum, 1055);
    add::update(|a, b| a * b).unwrap();
    assert_eq!(hooked_twice(4), 17);
    own::update(|a| a + 1).unwrap();
    assert_eq!(call!(own(1)) + own(2), 5);
    println!("{}", static_call::report());
}

#[test]
fn unit() {
    assert_eq!(hooked_twice(4), 9);
}
"#;

const LOADER: &str = r#"
use std::ffi::{CString, c_char, c_int, c_void};

unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

fn main() {
    let name = CString::new(std::env::args().nth(1).unwrap()).unwrap();
    let library = unsafe { dlopen(name.as_ptr(), 2) };
    assert!(!library.is_null());
    let function = unsafe { dlsym(library, c"hooked_twice".as_ptr()) };
    let twice: extern "C" fn(u32) -> u32 = unsafe { std::mem::transmute(function) };
    assert_eq!(twice(20), 41);
}
"#;

/// A package with static calls, and how it is built.
pub(crate) struct Fixture {
    dir: PathBuf,
    target_dir: PathBuf,
    env: BTreeMap<&'static str, OsString>,
    /// `debug` or `release`.
    pub(crate) profile: &'static str,
    // Builds in one target directory wait for each other anyway.
    _lock: MutexGuard<'static, ()>,
}

impl Fixture {
    /// Returns a package whose build.rs is one line.
    pub(crate) fn new(name: &str) -> Self {
        Self::with_build_rs(name, "static_call_verify::enable();")
    }

    /// Returns a package whose build.rs has this `main`.
    pub(crate) fn with_build_rs(name: &str, main: &str) -> Self {
        static LOCK: Mutex<()> = Mutex::new(());
        let lock = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let dir = temporary.join("hook").join(name);
        let _ = fs::remove_dir_all(&dir);
        let fixture = Self {
            dir,
            // Shared with the tests' user, so that the verifier is built once for both.
            target_dir: temporary.join("nested"),
            env: BTreeMap::new(),
            profile: "debug",
            _lock: lock,
        };
        let root = root.display();
        fixture.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"hooked\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                 [workspace]\n\
                 [lints.rust]\nlinker_messages = \"warn\"\n\
                 [dependencies]\n\
                 static-call = {{ path = \"{root}/static-call\", features = [\"std\"] }}\n\
                 [build-dependencies]\n\
                 static-call-verify = {{ path = \"{root}/static-call-verify\" }}\n\
                 [profile.release.package.\"*\"]\nopt-level = 0\n"
            ),
        );
        fixture.write("Cargo.lock", &fs::read_to_string(format!("{root}/Cargo.lock")).unwrap());
        fixture.write("build.rs", &format!("fn main() {{ {main} }}\n"));
        fixture.write("src/lib.rs", LIB);
        fixture.write("src/main.rs", MAIN);
        fixture.write("tests/it.rs", "#[test] fn it() { assert_eq!(hooked::hooked_twice(4), 9); }");
        fixture.env("RUSTFLAGS", ALIGNED)
    }

    /// Turns on a feature of the verifier.
    pub(crate) fn feature(self, feature: &str) -> Self {
        let manifest = fs::read_to_string(self.dir.join("Cargo.toml")).unwrap();
        let verifier = "/static-call-verify\"";
        let with_feature = format!("{verifier}, features = [\"{feature}\"]");
        self.write("Cargo.toml", &manifest.replace(verifier, &with_feature));
        self
    }

    /// Returns the same package as a shared object, with a program that loads it.
    pub(crate) fn cdylib(name: &str) -> Self {
        let fixture = Self::new(name);
        let manifest = fs::read_to_string(fixture.dir.join("Cargo.toml")).unwrap();
        fixture.write("Cargo.toml", &format!("{manifest}[lib]\ncrate-type = [\"cdylib\"]\n"));
        fixture.write("src/main.rs", LOADER);
        fs::remove_dir_all(fixture.dir.join("tests")).unwrap();
        fixture
    }

    /// Writes a file of the package.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Returns the package's directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Adds flags for rustc to [`ALIGNED`].
    pub(crate) fn flags(self, flags: &str) -> Self {
        self.env("RUSTFLAGS", format!("{ALIGNED} {flags}"))
    }

    /// Sets a variable for cargo.
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.insert(name, value.into());
        self
    }

    /// Builds with the release profile.
    pub(crate) fn release(mut self) -> Self {
        self.profile = "release";
        self
    }

    /// Runs cargo.
    pub(crate) fn cargo(&self, args: &[&str]) -> Output {
        self.run(Command::new(env!("CARGO")), args)
    }

    /// Runs `cargo static-call`.
    pub(crate) fn cargo_static_call(&self, args: &[&str]) -> Output {
        let program = option_env!("CARGO_BIN_EXE_cargo-static-call");
        let mut command = Command::new(program.expect("built with the feature `cli`"));
        command.arg("static-call");
        self.run(command, args)
    }

    fn run(&self, mut command: Command, args: &[&str]) -> Output {
        // Users' builds are incremental, with many more objects.
        for name in [
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_INCREMENTAL",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
        ] {
            command.env_remove(name);
        }
        command.args(args);
        if args[0] != "verify" {
            command.args(["--offline", "--target", TARGET]);
            command.args((self.profile == "release").then_some("--release"));
        }
        command.env("CARGO_TARGET_DIR", &self.target_dir).envs(&self.env);
        command.current_dir(&self.dir).output().unwrap()
    }

    /// Returns the path of a file that cargo made.
    pub(crate) fn product(&self, name: &str) -> PathBuf {
        self.target_dir.join(TARGET).join(self.profile).join(name)
    }

    /// Builds and runs the program. Asserts that the image has a table and its calls are inline.
    pub(crate) fn check(&self) -> Vec<u8> {
        let output = self.cargo(&["run"]);
        let image = check_table(&self.product("hooked"));
        check_inline(&output);
        image
    }
}

/// Writes an executable script.
///
/// Another process does it. If this one had the file open for writing, so would every child that
/// another test forks just then, until the child executes its own program; and the system refuses
/// to execute a file that is open for writing (ETXTBSY). The hook or the driver executes the
/// script, so no test could try again.
pub(crate) fn write_script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut shell = Command::new("/bin/sh");
    let wrote = shell.args(["-c", r#"printf %s "$1" > "$0""#]).arg(path).arg(text).status();
    assert!(wrote.unwrap().success(), "{}", path.display());
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

/// Returns what cargo and the program printed.
pub(crate) fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b));
    format!("{err}\n{out}")
}

/// Asserts that the program ran, and that the runtime used the table.
pub(crate) fn check_inline(output: &Output) {
    let [inline, trampoline, indirect] = paths(output);
    assert!(inline >= 3 && trampoline == 0 && indirect == 0, "{}", text(output));
}

/// Asserts that the program ran, with its calls on the trampolines.
pub(crate) fn check_not_inline(output: &Output) {
    let [inline, trampoline, indirect] = paths(output);
    assert!(inline == 0 && trampoline >= 3 && indirect == 0, "{}", text(output));
}

/// Returns the number of calls by path, from the last line that the program printed.
fn paths(output: &Output) -> [usize; 3] {
    let text = text(output);
    assert!(output.status.success(), "{text}");
    let line = text.lines().rfind(|line| line.starts_with("static-call: ")).unwrap_or_default();
    let count = |path: &str| {
        let mut words = line.split([' ', ',']).rev().skip_while(|word| *word != path);
        words.nth(1).and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{path}? {text}"))
    };
    ["inline", "trampoline", "indirect"].map(count)
}

/// Asserts that an image has a filled table, by its bytes and by the verifier.
pub(crate) fn check_table(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let header = header(&bytes).unwrap_or_else(|| panic!("{} has no table", path.display()));
    assert_eq!(header.version, TABLE_VERSION);
    assert!(header.count > 0 && header.count <= header.capacity, "{header:?}");
    let report = verify(&bytes, &Policy::default());
    let filled = TableState::Filled { count: header.count, capacity: header.capacity };
    assert_eq!(report.image.table, filled, "{report}");
    assert!(report.summary.inline > 0, "{report}");
    bytes
}

/// Returns the header of an image's table.
pub(crate) fn header(image: &[u8]) -> Option<TableHeader> {
    let file = object::File::parse(image).unwrap();
    let mut sections = file.sections().filter(|s| s.name() == Ok(TABLE_SECTION) && s.size() > 0);
    let table = sections.next()?.data().unwrap();
    TableHeader::from_bytes(table.first_chunk()?)
}

/// Returns the linker that made an image, from its note or from `.comment`; GNU ld writes neither.
pub(crate) fn linker(image: &[u8]) -> &'static str {
    let file = object::File::parse(image).unwrap();
    if file.section_by_name(".note.gnu.gold-version").is_some() {
        return "gold";
    }
    let comment = file.section_by_name(".comment").map(|s| s.data().unwrap());
    let comment = String::from_utf8_lossy(comment.unwrap_or_default());
    ["mold", "LLD"].into_iter().find(|name| comment.contains(name)).unwrap_or("GNU ld")
}
