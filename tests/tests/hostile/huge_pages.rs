//! Code on huge pages: collapsed where it is, or copied to huge pages that are moved into its
//! place, as libhugetlbfs and similar tools do.

use std::arch::asm;
use std::fs::{self, File};
use std::io::Error;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::path::PathBuf;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};

use static_call::call;
use static_call_tests::{self as lib, hooks, splits};

use super::{Stop, X, all_calls, assert_inline, check, switch, while_called};

/// Bytes of a huge page.
const HUGE: usize = 2 << 20;
/// Of linux/mman.h, since Linux 6.1.
const MADV_COLLAPSE: i32 = 25;

/// Fills an aligned huge page, with a call that one store retargets, one that takes steps, and a
/// jump label at its start.
#[inline(never)]
pub(crate) fn in_a_huge_page(x: u64) -> [u64; 2] {
    // SAFETY: it only jumps over no-ops.
    unsafe {
        asm!("jmp 2f", ".p2align 21", "2:", options(nomem, nostack, preserves_flags));
    }
    let whole = call!(lib::apply(x)).rotate_left(1);
    // SAFETY: it only pads with no-ops.
    unsafe {
        asm!(".balign 64", ".skip 5, 0x90", options(nomem, nostack, preserves_flags));
    }
    let split = splits::stepped(x).rotate_left(1);
    let loud = u64::from(hooks::LOUD.unlikely());
    // SAFETY: it only jumps over no-ops.
    unsafe {
        asm!("jmp 2f", ".nops 0x200000", "2:", options(nomem, nostack, preserves_flags));
    }
    [whole, split + (loud << 1)]
}

/// Returns what it returns while both keys call `target`, and the flag is on or off.
pub(crate) fn expected(target: fn(u64) -> u64, on: bool) -> [u64; 2] {
    let result = target(X).rotate_left(1);
    [result, result + (u64::from(on) << 1)]
}

/// Returns the start of that page. It is not aligned in memory if the kernel does not align
/// programs (before Linux 5.10).
fn start() -> Option<usize> {
    let calls = [support::calls("apply"), support::calls("stepped")].concat();
    let is_inside = |call: &static_call::CallReport| {
        call.function.is_some_and(|f| f.contains("in_a_huge_page"))
    };
    let inside: Vec<_> = calls.iter().filter(|call| is_inside(call)).map(|c| c.address).collect();
    assert_eq!(inside.len(), 2, "{calls:#?}");
    let start = inside[0] & !(HUGE - 1);
    inside.iter().all(|at| (start..start + 1024).contains(at)).then_some(start)
}

/// Returns how much of the mapping at an address lies on huge pages, in KiB.
fn on_huge_pages(address: usize) -> usize {
    const KINDS: [&str; 3] = ["AnonHugePages:", "FilePmdMapped:", "ShmemPmdMapped:"];
    let text = fs::read_to_string("/proc/self/smaps").unwrap();
    let mut is_here = false;
    let mut sum = 0;
    for line in text.lines() {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        if let Some((start, end)) = first.split_once('-') {
            let number = |hex| usize::from_str_radix(hex, 16).unwrap();
            is_here = (number(start)..number(end)).contains(&address);
        } else if is_here && KINDS.contains(&first) {
            sum += rest.trim().trim_end_matches(" kB").parse::<usize>().unwrap();
        }
    }
    sum
}

fn advise(address: usize, advice: i32) -> Result<(), Error> {
    // SAFETY: it changes only how the memory is backed.
    match unsafe { libc::madvise(address as *mut _, HUGE, advice) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}

/// Puts a copy of the page, which is private memory, in its place.
fn replace(page: usize) -> Result<(), Error> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping replaces nothing.
    let memory = unsafe { libc::mmap(null_mut(), 2 * HUGE, rights, flags, -1, 0) };
    assert_ne!(memory, libc::MAP_FAILED);
    let copy = memory.addr().next_multiple_of(HUGE);
    advise(copy, libc::MADV_HUGEPAGE)?;
    // SAFETY: both are mapped, and apart.
    unsafe { std::ptr::copy_nonoverlapping(page as *const u8, copy as *mut u8, HUGE) };
    // SAFETY: nothing else uses this memory.
    let result = unsafe { libc::mprotect(copy as *mut _, HUGE, libc::PROT_READ | libc::PROT_EXEC) };
    assert_eq!(result, 0);
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: the bytes are the same.
    let moved =
        unsafe { libc::mremap(copy as *mut _, HUGE, HUGE, flags, page as *mut libc::c_void) };
    assert_eq!(moved.addr(), page);
    Ok(())
}

/// Says that a part of a test is skipped. No package would help.
fn skipped(why: &str) {
    println!("skipped: {why}");
}

/// Updates while two threads call and one makes the page a huge one again and again, as far as the
/// kernel can do that.
fn updates_work(page: usize) {
    let mut huge = 0;
    let done = AtomicBool::new(false);
    let collapse = || {
        while !done.load(Ordering::Relaxed) {
            let _ = advise(page, MADV_COLLAPSE);
        }
    };
    while_called(|| {
        std::thread::scope(|scope| {
            let _stop = Stop(&done);
            scope.spawn(collapse);
            for round in 0..40 {
                let _ = advise(page, MADV_COLLAPSE);
                let _ = all_calls();
                huge += usize::from(on_huge_pages(page) > 0);
                switch(round % 2 == 0).unwrap();
                check(round % 2 == 0);
                assert_inline();
                assert_eq!(support::open_pages(), [""; 0]);
            }
            static_call::unbind().unwrap();
            check(false);
        });
    });
    println!("{huge} of 40 updates on a huge page");
    if huge == 0 {
        skipped("there was no huge page");
    }
}

#[test]
fn code_copied_to_huge_pages_is_updated() {
    for how in ["at the start", "after the first update"] {
        let test = "huge_pages::code_copied_to_huge_pages_is_updated";
        support::in_child(test, &[("HOW", how)], || {
            let Some(page) = start() else { return skipped("programs are not aligned") };
            if how != "at the start" {
                switch(true).unwrap();
            }
            match replace(page) {
                Ok(()) => updates_work(page),
                Err(error) => skipped(&format!("no huge pages for anonymous memory: {error}")),
            }
        });
    }
}

/// Copies this executable into memory that can be executed as a file, and returns its path. Code of
/// files on a disk cannot be collapsed by a kernel without `CONFIG_READ_ONLY_THP_FOR_FS`.
fn in_memory() -> PathBuf {
    // SAFETY: the name lives until the call returns.
    let fd = unsafe { libc::memfd_create(c"hostile".as_ptr(), 0) };
    assert!(fd >= 0, "{}", Error::last_os_error());
    // SAFETY: the descriptor is new and has no other owner.
    let mut copy = unsafe { File::from_raw_fd(fd) };
    let mut program = File::open(std::env::current_exe().unwrap()).unwrap();
    std::io::copy(&mut program, &mut copy).unwrap();
    // The copy must not be open for writing, and lives as long as the descriptor.
    let path = format!("/proc/{}/fd/{fd}", std::process::id());
    let reader = File::open(path).unwrap();
    drop(copy);
    format!("/proc/{}/fd/{}", std::process::id(), reader.into_raw_fd()).into()
}

#[test]
fn collapsed_code_is_updated() {
    let body = || {
        let Some(page) = start() else { return skipped("programs are not aligned") };
        match advise(page, MADV_COLLAPSE) {
            // The next access maps it.
            Ok(()) => check(false),
            Err(error) => return skipped(&format!("code cannot be collapsed: {error}")),
        }
        assert!(on_huge_pages(page) > 0);
        updates_work(page);
    };
    let test = "huge_pages::collapsed_code_is_updated";
    support::in_child(test, &[("FILE", "on a disk")], body);
    support::in_child_of(in_memory, test, &[("FILE", "in memory")], body);
}
