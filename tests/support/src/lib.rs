//! Shared code of the tests: child processes, the state of this process, and control over its
//! system calls.
#![cfg(unix)]
#![allow(missing_docs, reason = "names suffice; only this workspace's tests use them")]

pub mod callers;
pub mod children;
#[cfg(target_arch = "x86_64")]
pub mod code;
pub mod filter;
pub mod gdb;
#[cfg(target_os = "linux")]
pub mod limits;
pub mod supervisor;
#[path = "../../../static-call-verify/tests/tools/mod.rs"]
mod tools;

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use static_call::{CallReport, Kind};

/// Returns whether all of these programs are in `PATH`; if not, reports the test as [`skipped`].
pub fn have(programs: &[&str]) -> bool {
    tools::have(programs)
}

/// Reports that a test, or a part of it, is skipped because `program` is missing.
pub fn skipped(program: &str) {
    tools::skipped(program);
}

/// Set in a child, to the name of the test that it runs.
const CHILD: &str = "STATIC_CALL_RULES_CHILD";

/// Runs `body` in its own process: this executable, with `environment` and only this test, which is
/// named with its modules. Fails if the child fails or takes longer than a minute.
pub fn in_child(test: &str, environment: &[(&str, &str)], body: impl FnOnce()) {
    in_child_of(this_executable, test, environment, body);
}

fn this_executable() -> PathBuf {
    std::env::current_exe().expect("this test")
}

/// Like [`in_child`], but the child runs another form of this executable.
pub fn in_child_of(
    executable: impl FnOnce() -> PathBuf,
    test: &str,
    environment: &[(&str, &str)],
    body: impl FnOnce(),
) {
    if is_child_of(test) {
        if has(environment) {
            body();
        }
        return;
    }
    let output = child_of(&executable(), test, environment);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{test} in a child: {}\n{text}", output.status);
    assert!(text.contains("1 passed"), "{test} did not run:\n{text}");
    let skipped = text.lines().filter_map(|line| line.find("skipped: ").map(|at| &line[at..]));
    skipped.for_each(|line| println!("{line}"));
}

/// Like [`in_child`], but `body` must be killed by this signal.
pub fn killed_in_child(test: &str, environment: &[(&str, &str)], signal: i32, body: impl FnOnce()) {
    use std::os::unix::process::ExitStatusExt;
    if is_child_of(test) {
        if has(environment) {
            body();
        }
        return;
    }
    let status = child(test, environment).status;
    assert_eq!(status.signal(), Some(signal), "{test} in a child: {status}");
}

/// Returns whether this process is a child that runs this test.
fn is_child_of(test: &str) -> bool {
    std::env::var_os(CHILD).is_some_and(|name| name == test)
}

/// Returns whether this process has this environment: a test may have several children, which
/// differ in it.
fn has(environment: &[(&str, &str)]) -> bool {
    environment.iter().all(|(name, value)| std::env::var_os(name).is_some_and(|v| v == *value))
}

/// Runs this executable with one test; see [`in_child`].
pub fn child(test: &str, environment: &[(&str, &str)]) -> Output {
    child_of(&this_executable(), test, environment)
}

fn child_of(exe: &Path, test: &str, environment: &[(&str, &str)]) -> Output {
    // For an emulated architecture only cargo's runner can start this executable.
    let runner = std::env::var_os("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER")
        .filter(|_| cfg!(target_arch = "aarch64"));
    let mut command = match runner {
        Some(runner) => {
            let mut command = Command::new(runner);
            command.arg(exe);
            command
        }
        None => Command::new(exe),
    };
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, test);
    command.env_remove("STATIC_CALL").envs(environment.iter().copied());
    finish(command)
}

/// Runs a command, for at most a minute, and returns its output.
pub fn finish(mut command: Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = loop {
        match command.spawn() {
            // Another test forked while this one wrote the program: until that child executes its
            // own program, it has the file open, too.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::yield_now(),
            result => break result.unwrap(),
        }
    };
    let mut streams = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = |stream: &mut dyn std::io::Read| {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("a pipe");
        bytes
    };
    thread::scope(|scope| {
        let stdout = scope.spawn(|| read(&mut streams.0));
        let stderr = scope.spawn(|| read(&mut streams.1));
        let deadline = Instant::now() + Duration::from_secs(60);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                child.kill().unwrap();
                break child.wait().unwrap();
            }
            thread::sleep(Duration::from_millis(2));
        };
        Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
    })
}

/// A mapping of this process.
pub struct Mapping {
    pub start: usize,
    pub end: usize,
    rights: String,
    /// The offset in the file.
    pub offset: usize,
    pub file: String,
}

impl Mapping {
    pub fn is_executable(&self) -> bool {
        self.rights.contains('x')
    }
}

pub fn mappings() -> Vec<Mapping> {
    let maps = fs::read_to_string("/proc/self/maps").expect("procfs");
    let mapping = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (start, end) = words[0].split_once('-').unwrap();
        let number = |hex| usize::from_str_radix(hex, 16).unwrap();
        Mapping {
            start: number(start),
            end: number(end),
            rights: words[1].to_owned(),
            offset: number(words[2]),
            file: words.get(5).unwrap_or(&"").to_string(),
        }
    };
    maps.lines().map(mapping).collect()
}

/// The name of the mappings of code that an alias made.
pub const ALIASED: &str = "/memfd:static-call";

/// Returns mappings that are writable and executable. There are none, except during an update.
pub fn open_pages() -> Vec<String> {
    let open = |m: &&Mapping| m.rights.contains('w') && m.rights.contains('x');
    let name = |m: &Mapping| format!("{:x}-{:x} {} {}", m.start, m.end, m.rights, m.file);
    mappings().iter().filter(open).map(name).collect()
}

/// A copy of all code of this image, page by page.
#[derive(PartialEq, Eq)]
pub struct Code(Vec<(usize, Vec<u8>)>);

impl Code {
    pub fn now() -> Self {
        let exe = std::env::current_exe().unwrap();
        let first = mappings().into_iter().find(|m| m.file == exe.to_string_lossy()).unwrap();
        let last = mappings().into_iter().rfind(|m| m.file == exe.to_string_lossy()).unwrap();
        // Copies of pages are among those of the file.
        let is_code =
            |m: &&Mapping| m.is_executable() && (first.start..last.end).contains(&m.start);
        let read = |m: &Mapping| (m.start, read(m.start, m.end - m.start));
        // Joins adjacent mappings, because an update may have split one.
        let mut code: Vec<(usize, Vec<u8>)> = Vec::new();
        for (start, bytes) in mappings().iter().filter(is_code).map(read) {
            match code.last_mut() {
                Some((last, before)) if *last + before.len() == start => before.extend(bytes),
                _ => code.push((start, bytes)),
            }
        }
        assert!(!code.is_empty());
        Self(code)
    }

    /// Returns the addresses of the bytes that have changed.
    pub fn changed(&self) -> Vec<usize> {
        let now = Self::now();
        assert_eq!(self.0.len(), now.0.len());
        let parts = self.0.iter().zip(&now.0);
        let changed = parts.flat_map(|((start, old), (_, new))| {
            old.iter()
                .zip(new)
                .enumerate()
                .filter(|(_, (a, b))| a != b)
                .map(move |(i, _)| start + i)
        });
        changed.collect()
    }

    /// Fails if the code has changed.
    pub fn assert_unchanged(&self) {
        let now = Self::now();
        assert_eq!(self.0.len(), now.0.len());
        for ((start, old), (_, new)) in self.0.iter().zip(&now.0) {
            let find = || (0..old.len()).find(|&i| old[i] != new[i]);
            let changed = (old != new).then(find).flatten();
            assert_eq!(changed.map(|i| format!("{:#x}", start + i)), None, "code has changed");
        }
    }
}

/// Fails unless `unbind` restores what the linker wrote, after these updates. Returns the code.
pub fn unbound_after(updates: impl FnOnce()) -> Code {
    static_call::unbind().unwrap();
    let linked = Code::now();
    static_call::init().unwrap();
    updates();
    assert!(linked != Code::now(), "binding changes code");
    static_call::unbind().unwrap();
    linked.assert_unchanged();
    linked
}

fn memory() -> &'static File {
    static MEMORY: OnceLock<File> = OnceLock::new();
    MEMORY.get_or_init(|| File::options().read(true).write(true).open("/proc/self/mem").unwrap())
}

/// Reads memory of this process.
pub fn read(address: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    memory().read_exact_at(&mut bytes, address as u64).expect("mapped memory");
    bytes
}

/// Writes a byte as a debugger would, even into code. Returns the byte that was there.
pub fn poke(address: usize, byte: u8) -> u8 {
    let old = read(address, 1)[0];
    memory().write_all_at(&[byte], address as u64).expect("mapped memory");
    old
}

/// The breakpoint instruction.
pub const BREAKPOINT: u8 = 0xcc;

/// Returns the call instructions of a key, by the name of its function.
pub fn calls(key: &str) -> Vec<CallReport> {
    let report = static_call::report();
    let keys: Vec<_> = report.keys.iter().filter(|k| k.name == key).collect();
    assert_eq!(keys.len(), 1, "one key is called {key}:\n{report}");
    keys[0].sites.iter().flat_map(|site| site.calls.clone()).collect()
}

/// Returns the length of a direct call instruction in bytes.
pub fn length(call: &CallReport) -> usize {
    let first = read(call.address, 1)[0];
    if first == 0xe8 || first == 0xe9 { 5 } else { 6 }
}

/// Returns where the jump of five bytes at `address` leads, if there is one.
pub fn jump(address: usize) -> Option<usize> {
    let (opcode, to) = (read(address, 1)[0], read(address + 1, 4).try_into().ok()?);
    (opcode == 0xe9).then(|| (address + 5).wrapping_add_signed(i32::from_le_bytes(to) as isize))
}

/// Returns the destination of a direct call instruction.
pub fn destination(call: &CallReport) -> usize {
    let length = length(call);
    let bytes = read(call.address, length);
    if call.kind == Some(Kind::Jcc) {
        assert_eq!((bytes[0], bytes[1] & 0xf0), (0x0f, 0x80));
    }
    let displacement = i32::from_le_bytes(bytes[length - 4..].try_into().unwrap());
    call.address.wrapping_add(length).wrapping_add_signed(displacement as isize)
}

/// Fails unless the image is verified and all calls of the key take this path.
pub fn assert_path(key: &str, path: static_call::Path) {
    let calls = calls(key);
    assert!(calls.iter().all(|c| c.kind.is_some()), "the tests' images are verified");
    assert!(!calls.is_empty());
    assert!(calls.iter().all(|c| c.path == path), "{path}: {calls:#?}");
}

/// Returns the address of a symbol of this executable, which may be local.
pub fn symbol(name: &str) -> usize {
    use object::{Object, ObjectSymbol};
    let exe = std::env::current_exe().unwrap();
    let bytes = fs::read(&exe).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let symbols: Vec<_> = file.symbols().filter(|s| s.name() == Ok(name)).collect();
    assert_eq!(symbols.len(), 1, "one symbol is called {name}");
    let first = mappings().into_iter().find(|m| m.file == exe.to_string_lossy()).unwrap();
    first.start + usize::try_from(symbols[0].address()).unwrap()
}
