//! A program whose image tests damage. It updates, checks every result, and prints what it did. The
//! exit code is 0 if all results were right.

use static_call::{call, static_call};
use static_call_tests as lib;

#[inline(never)]
fn rules_helper_never_called(x: u64) -> u64 {
    std::hint::black_box(call!(lib::apply(x))).rotate_left(9)
}

#[static_call]
fn front(x: u64) -> u64 {
    x + 100
}

#[static_call]
fn back(x: u64) -> u64 {
    x + 200
}

/// Checks that a key follows another key that it calls, whether or not the table has the jump
/// between them.
fn check_following() {
    front::update(back).expect("not a cycle");
    back::update(|x| x + 7).expect("no breakpoints here");
    assert_eq!(front(1), 8);
    front::reset().expect("no breakpoints here");
    assert_eq!(front(1), 101);
    front::update(back).expect("not a cycle");
    assert_eq!(front(1), 8);
    back::reset().expect("no breakpoints here");
    assert_eq!(front(1), 201);
    assert!(back::update(front).is_err(), "they would call each other");
}

fn check(target: fn(u64) -> u64) {
    for x in [1 << 41, 1 << 42] {
        assert_eq!(lib::all_ways(x), lib::expected(target, x));
    }
}

/// A debugger stops here and finds a trampoline and its stub in the arguments.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn rules_helper_marker(trampoline: usize, stub: usize) {
    std::hint::black_box((trampoline, stub));
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn rules_helper_target(x: u64) -> u64 {
    std::hint::black_box(x) + 7
}

#[inline(never)]
fn rules_helper_caller(x: u64) -> u64 {
    std::hint::black_box(call!(lib::apply(x))).rotate_left(9)
}

/// Returns the destination of a branch whose displacement follows its first byte.
fn destination(address: usize) -> usize {
    let at = std::ptr::with_exposed_provenance::<i32>(address + 1);
    // SAFETY: INV-TEXT: the report says that there is a five-byte instruction at this address.
    let displacement = unsafe { at.read_unaligned() };
    (address + 5).wrapping_add_signed(displacement as isize)
}

/// Makes one call, while a debugger watches. With an alias, it first stops once pages are copied.
fn show_to_debugger() {
    if std::env::args_os().nth(2).is_some_and(|word| word == "aliased") {
        static_call::init_aliased().expect("a debugger may have set breakpoints");
        // SAFETY: a debugger is there, and continues after it.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            std::arch::asm!("int3");
        }
        static_call::unbind().expect("no breakpoints yet");
    }
    let report = static_call::report();
    let mut sites = report.keys.iter().flat_map(|key| &key.sites);
    let line = include_str!("rules_helper.rs")
        .lines()
        .position(|l| l.starts_with("fn rules_helper_caller"));
    let line = line.expect("it is in this file") as u32 + 2;
    let site =
        sites.find(|s| s.file.ends_with("rules_helper.rs") && s.line == line).expect("a site");
    let trampoline = destination(site.calls[0].address);
    let stub = destination(trampoline);
    lib::apply::update(|x| rules_helper_target(x)).expect("no breakpoints here");
    rules_helper_marker(trampoline, stub);
    println!("{}", rules_helper_caller(std::hint::black_box(1)));
}

fn main() {
    if std::env::args_os().nth(1).is_some_and(|word| word == "debugger") {
        return show_to_debugger();
    }
    if std::env::args_os().len() > 5 {
        println!("{}", rules_helper_never_called(std::hint::black_box(1)));
    }
    check(|x| x + 1);
    let first = static_call::init().expect("no breakpoints here");
    check(|x| x + 1);
    let update = lib::apply::update(|x| x + 7).expect("no breakpoints here");
    check(|x| x + 7);
    assert_eq!((first.lost, update.lost), (0, 0));
    let report = static_call::report();
    println!("init {} {} {}", first.inline, first.trampoline, first.indirect);
    println!("update {} {} {}", update.inline, update.trampoline, update.indirect);
    for problem in &report.problems {
        println!("problem {:x?} {}", problem.address, problem.message);
    }
    lib::apply::reset().expect("no breakpoints here");
    check(|x| x + 1);
    check_following();
    println!("{report}");
}
