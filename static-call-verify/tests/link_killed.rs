//! The hook is killed in the middle of a link, or cannot write: the image is the old one, the whole
//! new one, or not there, and the next link is as if nothing had been.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "link/fixture.rs"]
#[expect(dead_code, reason = "shared with the tests of the hook")]
mod fixture;
mod images;

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use fixture::{COPY_HOOK, Fixture, check_inline, check_table, text};
use images::{PRELUDE, assemble, function, have, run};

/// The linker that the hook runs: GNU ld, which stops where the file `mode` says. An orphan gives
/// up by itself.
const LINKER: &str = r#"#!/bin/sh
here=$(dirname "$0")
for image; do :; done
hold() {
    echo $$ > "$here/linker"
    echo $PPID > "$here/arrived.new" && mv "$here/arrived.new" "$here/arrived"
    n=0
    while [ ! -e "$here/go-$1" ] && [ $n -lt 600 ]; do sleep 0.05; n=$((n + 1)); done
}
case $(cat "$here/mode") in
before) hold before; exec $REAL "$@";;
half)
    $REAL "$@" || exit
    cp "$image" "$here/whole"
    head -c 100000 "$here/whole" > "$image"
    hold half
    head -c 200000 "$here/whole" > "$image";;
after) $REAL "$@" || exit; hold after;;
talk) $REAL "$@" || exit; head -c 1000000 /dev/zero | tr '\0' x >&2;;
unlimited) ulimit -S -f unlimited; exec $REAL "$@";;
*) exec $REAL "$@";;
esac
"#;

/// A hook, a linker that can be stopped, and an object to link.
struct Bench {
    dir: PathBuf,
    object: PathBuf,
    linker: &'static str,
}

impl Bench {
    fn new(fixture: &Fixture, linker: &'static str) -> Self {
        fixture.write(
            "build.rs",
            &format!("fn main() {{ static_call_verify::enable(); {COPY_HOOK} }}"),
        );
        let built = fixture.cargo(&["check"]);
        assert!(built.status.success(), "{}", text(&built));
        let dir = fixture.dir().join("bench");
        fs::create_dir_all(dir.join("out")).unwrap();
        fs::copy(fixture.dir().join("hook"), dir.join("hook")).unwrap();
        let body = function("f", "call tramp\n jmp tramp") + ".set _start, f\n";
        // Large enough for its writing to take a while.
        let data = ".data\n.rept 250000\n.quad 0x0123456789abcdef\n.endr\n";
        let object = assemble(&format!("{PRELUDE}{body}{data}"));
        let bench = Self { dir, object, linker };
        bench.write("linker.sh", LINKER);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(bench.dir.join("linker.sh"), executable).unwrap();
        bench.settings("");
        bench.mode("go on");
        bench
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.join(name), text).unwrap();
    }

    fn settings(&self, more: &str) {
        let linker = self.dir.join("linker.sh");
        self.write("static-call-settings", &format!("linker {}\n{more}", linker.display()));
    }

    fn mode(&self, mode: &str) {
        self.write("mode", mode);
        for name in ["arrived", "go-before", "go-half", "go-after"] {
            let _ = fs::remove_file(self.dir.join(name));
        }
    }

    /// The image that links make.
    fn image(&self) -> PathBuf {
        self.dir.join("out/app")
    }

    /// What the image is: `None` if it is not there.
    fn bytes(&self) -> Option<Vec<u8>> {
        fs::read(self.image()).ok()
    }

    fn command(&self, first: &str) -> Command {
        let mut command = Command::new(first);
        command.env("REAL", self.linker).stderr(Stdio::piped()).stdout(Stdio::null());
        command
    }

    fn args(&self, inputs: &[&Path]) -> Vec<PathBuf> {
        let mut args: Vec<PathBuf> = vec!["-pie".into(), "-o".into(), self.image()];
        args.extend(inputs.iter().map(|path| path.to_path_buf()));
        args.push(self.object.clone());
        args
    }

    fn start(&self, inputs: &[&Path]) -> Child {
        let hook = self.dir.join("hook");
        self.command(hook.to_str().unwrap()).args(self.args(inputs)).spawn().unwrap()
    }

    /// A link that nobody disturbs: it succeeds, gives these bytes, and leaves nothing else.
    fn link(&self, expected: Option<&[u8]>) -> Vec<u8> {
        self.mode("go on");
        let output = self.start(&[]).wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let bytes = self.bytes().unwrap();
        assert!(expected.is_none_or(|e| e == bytes), "another image than before");
        self.assert_nothing_left();
        bytes
    }

    fn assert_nothing_left(&self) {
        let entries = fs::read_dir(self.dir.join("out")).unwrap();
        let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| name == "app"), "{names:?}");
    }

    /// Waits until the linker has come to where it stops.
    fn arrival(&self, child: &mut Child) {
        let arrived = self.dir.join("arrived");
        wait(child, || arrived.exists());
        let hook = fs::read_to_string(arrived).unwrap();
        assert_eq!(hook.trim(), child.id().to_string());
    }

    /// Ends the linker that a killed hook has left behind.
    fn kill_linker(&self) {
        let number = fs::read_to_string(self.dir.join("linker")).unwrap();
        let _ = Command::new("kill").args(["-KILL", number.trim()]).status();
    }

    /// Puts an image there, or none.
    fn begin_with(&self, old: Option<&[u8]>) {
        let _ = fs::remove_file(self.image());
        if let Some(old) = old {
            fs::write(self.image(), old).unwrap();
        }
    }
}

/// Waits for something that a child does before it ends.
fn wait(child: &mut Child, mut is_there: impl FnMut() -> bool) {
    while !is_there() {
        assert!(child.try_wait().unwrap().is_none(), "the hook has ended");
        sleep(Duration::from_millis(2));
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9), "it was still running");
}

const LINKERS: [&str; 3] = ["ld", "ld.lld", "ld.mold"];
const OLD: Option<&[u8]> = Some(b"what stood there before");

/// Held where nothing can be missed: the old image stands there, byte for byte, or none.
#[test]
fn killed_at_every_step() {
    let fixture = Fixture::new("killed");
    for linker in LINKERS.into_iter().filter(|linker| have(&[linker])) {
        let bench = Bench::new(&fixture, linker);
        let new = bench.link(None);
        check_table(&bench.image());
        for old in [OLD, None] {
            let old_bytes = old.map(<[u8]>::to_vec);
            // While the inputs are read: two of them are pipes, the second of which nobody opens.
            bench.begin_with(old);
            let pipes = ["first", "second"].map(|name| bench.dir.join(name));
            let _ = pipes.each_ref().map(fs::remove_file);
            run(Command::new("mkfifo").args(&pipes));
            let mut child = bench.start(&[&pipes[0], &pipes[1]]);
            // O_NONBLOCK: an error as long as nobody reads.
            let open = || OpenOptions::new().write(true).custom_flags(0o4000).open(&pipes[0]);
            wait(&mut child, || open().is_ok());
            kill(child);
            assert!(bench.bytes() == old_bytes);
            bench.link(Some(&new));

            for mode in ["before", "half", "after"] {
                bench.begin_with(old);
                bench.mode(mode);
                let mut child = bench.start(&[]);
                bench.arrival(&mut child);
                assert!(bench.bytes() == old_bytes, "{mode}: shown before it is whole");
                kill(child);
                bench.kill_linker();
                assert!(bench.bytes() == old_bytes, "{mode}");
                bench.link(Some(&new));
            }

            // After the stamping: the hook tells what the linker said, and nobody listens.
            bench.begin_with(old);
            bench.mode("talk");
            let mut child = bench.start(&[]);
            let mut byte = [0];
            child.stderr.as_mut().unwrap().read_exact(&mut byte).unwrap();
            assert!(bench.bytes() == old_bytes, "shown before the hook is done");
            kill(child);
            assert!(bench.bytes() == old_bytes);
            bench.link(Some(&new));
        }
    }
}

/// A linker that outlives its hook goes on writing while the next link is done and over.
#[test]
fn a_linker_that_outlives_its_hook() {
    let fixture = Fixture::new("killed");
    for linker in LINKERS.into_iter().filter(|linker| have(&[linker])) {
        let bench = Bench::new(&fixture, linker);
        let new = bench.link(None);
        for mode in ["before", "half"] {
            bench.begin_with(OLD);
            bench.mode(mode);
            let mut first = bench.start(&[]);
            bench.arrival(&mut first);
            kill(first);
            // Another hook's linker is done; then the first one's goes on, and that is not the end.
            bench.write("mode", "after");
            fs::remove_file(bench.dir.join("arrived")).unwrap();
            let orphan = fs::read_to_string(bench.dir.join("linker")).unwrap();
            let mut second = bench.start(&[]);
            bench.arrival(&mut second);
            bench.write(&format!("go-{mode}"), "");
            while Path::new("/proc").join(orphan.trim()).exists() {
                sleep(Duration::from_millis(2));
            }
            bench.write("go-after", "");
            let output = second.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", text(&output));
            assert!(bench.bytes().unwrap() == new, "{mode}: the orphan has written into it");
            bench.link(Some(&new));
        }
    }
}

/// Killed at moments that are spread over the whole link. Which step each hits is chance; what has
/// to hold at all of them is not.
#[test]
fn killed_at_any_moment() {
    const MOMENTS: u32 = 40;
    let fixture = Fixture::new("killed");
    let bench = Bench::new(&fixture, "ld");
    let new = bench.link(None);
    let start = Instant::now();
    bench.link(Some(&new));
    let step = start.elapsed() * 5 / 4 / MOMENTS;
    let mut seen = [0; 2];
    for moment in 0..MOMENTS {
        let old = if moment % 2 == 0 { OLD } else { None };
        bench.begin_with(old);
        let hook = bench.dir.join("hook");
        let mut command = bench.command(hook.to_str().unwrap());
        // The linker with it: an orphan is the subject of another test.
        let mut child = command.args(bench.args(&[])).process_group(0).spawn().unwrap();
        sleep(step * moment);
        let group = format!("-{}", child.id());
        // It may be over already.
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        child.wait().unwrap();
        let bytes = bench.bytes();
        // None: between the removal of the old image and the new one's taking its name.
        let is_whole = [old, Some(&new), None].contains(&bytes.as_deref());
        assert!(is_whole, "moment {moment}");
        seen[usize::from(bytes.as_deref() != old)] += 1;
        bench.link(Some(&new));
    }
    println!("{} links were not done, {} were", seen[0], seen[1]);
}

/// Writes fail at a size limit, as on a full disk, in the hook, in the linker, or in both.
#[test]
fn writes_that_fail() {
    let fixture = Fixture::new("killed");
    let bench = Bench::new(&fixture, "ld");
    let new = bench.link(None);
    run(Command::new("ld").args(bench.args(&[])));
    let plain = bench.bytes().unwrap();
    let blocks = new.len() / 512;
    let mut failures = 0;
    for settings in ["", "strict true\n"] {
        bench.settings(settings);
        for mode in ["go on", "unlimited"] {
            for limit in [0, 1, 8, 64, blocks / 2, blocks - 1, blocks + 1, 2 * blocks] {
                // A refused write is an error, or the end of the process.
                for trap in ["trap '' XFSZ;", ""] {
                    bench.begin_with(OLD);
                    bench.mode(mode);
                    let script = format!("ulimit -c 0; ulimit -S -f {limit}; {trap} exec \"$@\"");
                    let mut command = bench.command("sh");
                    command.args(["-c", &script, "-"]).arg(bench.dir.join("hook"));
                    let output = command.args(bench.args(&[])).output().unwrap();
                    let case = format!("{settings:?} {mode} {limit} {trap}: {}", text(&output));
                    failures += u32::from(!output.status.success());
                    check_limited(&bench, &output, &case, settings, [&new, &plain]);
                }
            }
        }
        bench.settings("");
        bench.link(Some(&new));
    }
    assert!(failures > 10, "{failures}");
}

fn check_limited(bench: &Bench, output: &Output, case: &str, settings: &str, made: [&[u8]; 2]) {
    let bytes = bench.bytes();
    if output.status.success() {
        // Without a table it is whole, too, and the reason is said.
        let is_plain = bytes.as_deref() == Some(made[1]) && settings.is_empty();
        assert!(bytes.as_deref() == Some(made[0]) || is_plain, "{case}");
        assert!(!is_plain || text(output).contains("linking without a table"), "{case}");
        return;
    }
    // As where a finding is denied, a strict hook leaves no old image either.
    let is_gone = bytes.is_none() && !settings.is_empty();
    assert!(bytes.as_deref() == OLD || is_gone, "{case}");
    let said = text(output);
    match output.status.signal() {
        Some(signal) => assert_eq!(signal, 25, "{case}"),
        None => {
            assert!(said.contains("static-call: error: "), "{case}");
            // GNU ld has words of its own for a refused write.
            let why = ["File too large", "No space left", "signal: 25"];
            assert!(why.iter().any(|w| said.contains(w)), "{case}");
            let entries = fs::read_dir(bench.dir.join("out")).unwrap();
            let ours = |n: &std::ffi::OsString| n.to_string_lossy().contains(".static-call.");
            let left: Vec<_> = entries.map(|e| e.unwrap().file_name()).filter(ours).collect();
            assert!(left.is_empty(), "{left:?}: {case}");
        }
    }
}

/// The same in a build: the hook is killed under cargo, and the next build is right.
#[test]
fn the_next_build_succeeds() {
    let fixture = Fixture::new("killed-build");
    let first = fixture.check();
    fixture.write("bin/ld.mold", &LINKER.replace("$REAL", "ld"));
    let linker = fixture.dir().join("bin/ld.mold");
    fs::set_permissions(&linker, fs::Permissions::from_mode(0o755)).unwrap();
    // The linker itself kills the hook that waits for it, with half an image written.
    let kills = "head -c 100000 \"$here/whole\" > \"$image\"\n    kill -KILL $PPID; exit\n";
    let script = LINKER.replace("$REAL", "ld");
    let at = script.find("head -c 100000").unwrap();
    let end = at + script[at..].find("    hold half\n").unwrap();
    fixture.write("bin/ld.mold", &format!("{}{kills}{}", &script[..at], &script[end..]));
    fs::write(fixture.dir().join("bin/mode"), "half").unwrap();
    let path = format!("{}:{}", linker.parent().unwrap().display(), std::env::var("PATH").unwrap());
    fixture.write("src/main.rs", &fs::read_to_string(fixture.dir().join("src/main.rs")).unwrap());
    let fixture = fixture.flags("-Clink-arg=-fuse-ld=mold").env("PATH", path);
    let output = fixture.cargo(&["build", "--bin", "hooked"]);
    assert!(!output.status.success(), "{}", text(&output));
    let product = fixture.product("hooked");
    assert!(fs::read(&product).unwrap() == first, "the old program stays");
    fs::write(fixture.dir().join("bin/mode"), "go on").unwrap();
    let output = fixture.cargo(&["run"]);
    check_inline(&output);
    check_table(&product);
    let names = fs::read_dir(product.parent().unwrap().join("deps")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let left: Vec<_> = names.filter(|name| name.contains(".static-call.")).collect();
    assert!(left.is_empty(), "{left:?}");
}
