//! The hook is killed in the middle of a link, or cannot write. The image is the old one, the
//! complete new one, or absent, and the next link works as if nothing had happened.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

#[path = "link/fixture.rs"]
#[expect(dead_code, reason = "shared with the tests of the hook")]
mod fixture;
mod images;

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use fixture::{COPY_HOOK, Fixture, check_inline, check_table, text, write_script};
use images::{PRELUDE, assemble, function, have, run};

/// The linker that the hook runs: GNU ld, which stops where the file `mode` says. An orphan gives
/// up after a while.
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
        // Large enough that writing it takes a while.
        let data = ".data\n.rept 250000\n.quad 0x0123456789abcdef\n.endr\n";
        let object = assemble(&format!("{PRELUDE}{body}{data}"));
        let bench = Self { dir, object, linker };
        write_script(&bench.dir.join("linker.sh"), LINKER);
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

    /// Returns the path of the image that the links make.
    fn image(&self) -> PathBuf {
        self.dir.join("out/app")
    }

    /// Returns the bytes of the image; `None` if it does not exist.
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

    /// Links undisturbed: the link succeeds, gives these bytes, and leaves nothing else.
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

    /// Waits until the linker has reached the point where it stops.
    fn arrival(&self, child: &mut Child) {
        let arrived = self.dir.join("arrived");
        wait(child, || arrived.exists());
        let hook = fs::read_to_string(arrived).unwrap();
        assert_eq!(hook.trim(), child.id().to_string());
    }

    /// Kills the linker that a killed hook has left behind.
    fn kill_linker(&self) {
        let number = fs::read_to_string(self.dir.join("linker")).unwrap();
        let _ = Command::new("kill").args(["-KILL", number.trim()]).status();
    }

    /// Puts an old image in place, or none.
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
const OLD: Option<&[u8]> = Some(b"what was there before");

/// Each step is held, so that none can be missed: the old image is there, byte for byte, or none.
#[test]
fn killed_at_every_step() {
    let fixture = Fixture::new("killed");
    for linker in LINKERS.into_iter().filter(|linker| have(&[linker])) {
        let bench = Bench::new(&fixture, linker);
        let new = bench.link(None);
        check_table(&bench.image());
        for old in [OLD, None] {
            let old_bytes = old.map(<[u8]>::to_vec);
            // While the inputs are read. Two of them are pipes, and nobody opens the second.
            bench.begin_with(old);
            let pipes = ["first", "second"].map(|name| bench.dir.join(name));
            let _ = pipes.each_ref().map(fs::remove_file);
            run(Command::new("mkfifo").args(&pipes));
            let mut child = bench.start(&[&pipes[0], &pipes[1]]);
            // O_NONBLOCK: fails as long as nobody reads.
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
                assert!(bench.bytes() == old_bytes, "{mode}: visible before it is complete");
                kill(child);
                bench.kill_linker();
                assert!(bench.bytes() == old_bytes, "{mode}");
                bench.link(Some(&new));
            }

            // After stamping: the hook is printing the linker's messages, and nobody reads them.
            bench.begin_with(old);
            bench.mode("talk");
            let mut child = bench.start(&[]);
            let mut byte = [0];
            child.stderr.as_mut().unwrap().read_exact(&mut byte).unwrap();
            assert!(bench.bytes() == old_bytes, "visible before the hook is done");
            kill(child);
            assert!(bench.bytes() == old_bytes);
            bench.link(Some(&new));
        }
    }
}

/// A linker that outlives its hook goes on writing while the next link runs and finishes.
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
            // Another hook's linker finishes. Then the first one continues, and writes its half.
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

/// The hook is killed at moments spread over the whole link. Which step each moment hits is chance,
/// but the condition must hold at every step.
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
        // Kill the linker too: orphans have their own test.
        let mut child = command.args(bench.args(&[])).process_group(0).spawn().unwrap();
        sleep(step * moment);
        let group = format!("-{}", child.id());
        // The link may already be over.
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        child.wait().unwrap();
        let bytes = bench.bytes();
        // None: between the removal of the old image and the rename of the new one.
        let is_whole = [old, Some(&new), None].contains(&bytes.as_deref());
        assert!(is_whole, "moment {moment}");
        seen[usize::from(bytes.as_deref() != old)] += 1;
        bench.link(Some(&new));
    }
    println!("{} links had not finished, {} had", seen[0], seen[1]);
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
                // A refused write is an error, or kills the process.
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
        // Without a table the image is complete, too, and the reason is printed.
        let is_plain = bytes.as_deref() == Some(made[1]) && settings.is_empty();
        assert!(bytes.as_deref() == Some(made[0]) || is_plain, "{case}");
        assert!(!is_plain || text(output).contains("linking without a table"), "{case}");
        return;
    }
    // As with a denied finding, a strict hook does not leave an old image.
    let is_gone = bytes.is_none() && !settings.is_empty();
    assert!(bytes.as_deref() == OLD || is_gone, "{case}");
    let said = text(output);
    match output.status.signal() {
        Some(signal) => assert_eq!(signal, 25, "{case}"),
        None => {
            assert!(said.contains("static-call: error: "), "{case}");
            // GNU ld has its own words for a refused write.
            let why = ["File too large", "No space left", "signal: 25"];
            assert!(why.iter().any(|w| said.contains(w)), "{case}");
            let entries = fs::read_dir(bench.dir.join("out")).unwrap();
            let ours = |n: &std::ffi::OsString| n.to_string_lossy().contains(".static-call.");
            let left: Vec<_> = entries.map(|e| e.unwrap().file_name()).filter(ours).collect();
            assert!(left.is_empty(), "{left:?}: {case}");
        }
    }
}

/// The same in a build: the hook is killed under cargo, and the next build is correct.
#[test]
fn the_next_build_succeeds() {
    let fixture = Fixture::new("killed-build");
    let first = fixture.check();
    let linker = fixture.dir().join("bin/ld.mold");
    // The linker kills the hook that waits for it, with half an image written.
    let kills = "head -c 100000 \"$here/whole\" > \"$image\"\n    kill -KILL $PPID; exit\n";
    let script = LINKER.replace("$REAL", "ld");
    let at = script.find("head -c 100000").unwrap();
    let end = at + script[at..].find("    hold half\n").unwrap();
    write_script(&linker, &format!("{}{kills}{}", &script[..at], &script[end..]));
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
