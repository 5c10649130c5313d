//! No `/proc`: absent, or an empty file system in its place. Nothing may depend on it.

use std::ffi::CStr;
use std::fs::File;
use std::io::{Error, Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr::null;

use support::children::{child, exit, fork, wait};

use super::{check, switch, while_called};

/// How `/proc` is hidden.
#[derive(Clone, Copy, Debug)]
enum Hidden {
    Absent,
    Empty,
}

/// Hides `/proc` from this process, which must have only one thread.
fn hide(how: Hidden) -> Result<(), Error> {
    let done = |result| if result == 0 { Ok(()) } else { Err(Error::last_os_error()) };
    // SAFETY: it moves this process into a new namespace.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
        // Whoever may not do this may do it in a new user namespace.
        // SAFETY: as above.
        done(unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) })?;
    }
    let mount = |what: &CStr, place: &CStr, flags| {
        let (what, place) = (what.as_ptr(), place.as_ptr());
        // SAFETY: the strings live until the call returns.
        done(unsafe { libc::mount(what, place, what, flags, null()) })
    };
    mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE)?;
    match how {
        // SAFETY: the string lives until the call returns.
        Hidden::Absent => done(unsafe { libc::umount2(c"/proc".as_ptr(), libc::MNT_DETACH) }),
        Hidden::Empty => mount(c"tmpfs", c"/proc", 0),
    }
}

/// Returns whether this user may hide `/proc`; if not, says that the test is skipped.
fn may_hide(how: Hidden) -> bool {
    match fork() {
        0 => exit(hide(how).map_or_else(|e| e.raw_os_error().unwrap_or(1), |()| 0)),
        child => {
            let mut status = 0;
            // SAFETY: the status lives until the call returns.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            let is_allowed = libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
            if !is_allowed {
                // No package would help.
                println!("skipped: /proc cannot be hidden ({how:?}): status {status:#x}");
            }
            is_allowed
        }
    }
}

/// Programs that check their own results print the same as with `/proc`.
#[test]
fn programs_run_without_proc() {
    for how in [Hidden::Absent, Hidden::Empty] {
        if !may_hide(how) {
            continue;
        }
        for program in [env!("CARGO_BIN_EXE_rules_helper"), env!("CARGO_BIN_EXE_switching")] {
            let run = |is_hidden: bool| -> Vec<String> {
                // The shell makes sure that it is so.
                let test = if is_hidden { "test ! -e /proc/self" } else { "test -e /proc/self" };
                let mut command = Command::new("sh");
                command.args(["-c", &format!("{test} && exec \"$0\""), program]);
                command.env_remove("STATIC_CALL");
                if is_hidden {
                    // SAFETY: it makes only system calls.
                    unsafe { command.pre_exec(move || hide(how)) };
                }
                let output = support::finish(command);
                let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
                assert!(output.status.success(), "{program} {how:?}: {}\n{text}", output.status);
                // Addresses differ.
                text.lines()
                    .filter_map(|line| line.split(" at 0x").next())
                    .map(Into::into)
                    .collect()
            };
            let text = run(true);
            let totals = text.last().expect("a report");
            assert!(totals.contains(" inline, ") && !totals.contains(" 0 inline, "), "{totals}");
            assert_eq!(text, run(false));
        }
    }
}

/// Updates work where `/proc` was hidden after the first of them, or before, and no page stays
/// writable.
#[test]
fn updates_work_without_proc() {
    for (how, is_first) in [(Hidden::Absent, true), (Hidden::Absent, false), (Hidden::Empty, true)]
    {
        let environment = [("HOW", &*format!("{how:?} {is_first}"))];
        support::in_child("no_proc::updates_work_without_proc", &environment, || {
            if !may_hide(how) {
                return;
            }
            if !is_first {
                switch(true).unwrap();
            }
            wait(child(|| without_proc(how)));
            switch(false).unwrap();
            check(false);
        });
    }
}

fn without_proc(how: Hidden) {
    // A file that is open stays readable.
    let mut maps = File::open("/proc/self/maps").unwrap();
    hide(how).unwrap();
    assert!(File::open("/proc/self/maps").is_err());
    while_called(|| {
        for on in [true, false, true] {
            static_call::init().unwrap();
            switch(on).unwrap();
            check(on);
            let report = static_call::report();
            assert!(report.totals().inline > 30 && report.problems.is_empty(), "{report}");
            let mut text = String::new();
            maps.rewind().unwrap();
            maps.read_to_string(&mut text).unwrap();
            assert!(text.contains(" r-xp ") && !text.contains(" rwxp "), "{text}");
        }
    });
}
