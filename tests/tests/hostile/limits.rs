//! Limits on memory: address space, data, the number of mappings.

use std::io::Error;
use std::ptr::null_mut;

use static_call::{Barrier, Path, Reason, UpdateError};
use static_call_tests::{self as lib, splits};
use support::Code;
use support::limits::{keep_memory, limited};

use super::{
    X, add_seven, assert_all, assert_denied, assert_inline, assert_no_veneers, assert_problem,
    assert_refused, calls, check, switch, switch_slots, while_called,
};

const PAGE: usize = 4096;
/// The most mappings that a test makes; 65,530 are usual.
const MOST_MAPPINGS: usize = 300_000;

/// Maps memory that is never used. Returns the errno if the system refuses.
fn map(length: usize, rights: i32) -> Result<usize, i32> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping replaces nothing.
    let memory = unsafe { libc::mmap(null_mut(), length, rights, flags, -1, 0) };
    if memory == libc::MAP_FAILED { Err(errno()) } else { Ok(memory.addr()) }
}

fn errno() -> i32 {
    Error::last_os_error().raw_os_error().unwrap_or_default()
}

/// What a program has too little of.
#[derive(Clone, Copy, Debug)]
enum Lack {
    /// `RLIMIT_AS`: no memory can be mapped.
    Space,
    /// `RLIMIT_DATA`: nothing becomes writable.
    Data,
    /// `vm.max_map_count`: no mapping can be divided.
    Mappings,
}

impl Lack {
    /// Returns whether a test can have it; if not, says that a test is skipped.
    fn can_be(self) -> bool {
        let most = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap();
        let is_small = most.trim().parse::<usize>().unwrap() < MOST_MAPPINGS;
        let can_be = is_small || !matches!(self, Self::Mappings);
        if !can_be {
            // No package would help.
            println!("skipped: vm.max_map_count is large");
        }
        can_be
    }

    /// Runs `body` under this lack.
    fn during<R>(self, body: impl FnOnce() -> R) -> R {
        match self {
            // No memory at all: what is mapped already is more than one page.
            Self::Space => limited(libc::RLIMIT_AS, PAGE as u64, || {
                assert_eq!(map(PAGE, libc::PROT_READ), Err(libc::ENOMEM));
                body()
            }),
            // The kernel makes an exception for a limit of 0.
            Self::Data => limited(libc::RLIMIT_DATA, PAGE as u64, || {
                assert_eq!(map(PAGE, libc::PROT_WRITE), Err(libc::ENOMEM));
                body()
            }),
            Self::Mappings => {
                let (start, length) = fill_mappings();
                let result = body();
                // SAFETY: nothing uses this memory.
                assert_eq!(unsafe { libc::munmap(start as *mut _, length) }, 0);
                result
            }
        }
    }
}

/// Divides memory into as many mappings as the process may have, and returns where it is.
fn fill_mappings() -> (usize, usize) {
    let length = 2 * MOST_MAPPINGS * PAGE;
    let start = map(length, libc::PROT_NONE).expect("address space");
    for page in (start..start + length).step_by(2 * PAGE) {
        // SAFETY: nothing uses this memory.
        if unsafe { libc::mprotect(page as *mut _, PAGE, libc::PROT_READ) } != 0 {
            assert_eq!(errno(), libc::ENOMEM);
            return (start, length);
        }
    }
    panic!("this process may have more mappings than the system says");
}

/// Updates of calls that one store retargets need no memory. Others need some for new targets.
#[test]
fn no_address_space_for_a_while() {
    support::in_child("limits::no_address_space_for_a_while", &[], || {
        keep_memory();
        // The registry is made, but no veneers.
        let _ = static_call::report();
        while_called(|| {
            Lack::Space.during(|| {
                for on in [true, false, true] {
                    let [apply, ..] = switch(on).unwrap();
                    assert_eq!((apply.barrier, apply.barriers), (Barrier::Ran, 1));
                    check(on);
                    let (whole, steps) = calls();
                    assert_all(&whole, Path::Inline, None);
                    assert_no_veneers(&steps, libc::ENOMEM);
                    assert_eq!(static_call::report().veneer_pages, 0);
                }
            });
            for on in [false, true] {
                switch(on).unwrap();
                check(on);
                assert_inline();
            }
            // Both targets are known now.
            Lack::Space.during(|| {
                for on in [false, true, false] {
                    switch(on).unwrap();
                    check(on);
                    assert_inline();
                }
            });
        });
        let near = || {
            splits::stepped::update(splits::near).unwrap();
            assert_eq!(splits::all(X), splits::expected(splits::near, X));
        };
        Lack::Space.during(|| {
            near();
            for call in calls().1.iter().filter(|call| call.path != Path::Inline) {
                assert_eq!(call.path, Path::Trampoline);
                assert_eq!(call.reason, Some(Reason::NoVeneer(libc::ENOMEM)));
            }
            splits::stepped::update(add_seven).unwrap();
            assert_eq!(splits::all(X), splits::expected(add_seven, X));
        });
        near();
        assert_inline();
        assert_eq!(support::open_pages(), [""; 0]);
    });
}

/// Without memory for the registry all calls go through the slot, for as long as the program runs,
/// and the report says why.
#[test]
fn no_memory_for_the_registry() {
    for lack in [Lack::Space, Lack::Data] {
        let environment = [("LACK", &*format!("{lack:?}"))];
        support::in_child("limits::no_memory_for_the_registry", &environment, || {
            keep_memory();
            let code = Code::now();
            let look = || {
                let report = static_call::report();
                assert_problem(&format!("no memory for the registry (errno {})", libc::ENOMEM));
                assert_eq!(report.problems.len(), 1, "{report}");
                let apply = report.keys.iter().find(|key| key.name == "apply").unwrap();
                assert!(!apply.bound);
                let reason = Some(Reason::NoMemory(libc::ENOMEM));
                assert_all(&support::calls("apply"), Path::Indirect, reason);
                assert_eq!(support::open_pages(), [""; 0]);
                code.assert_unchanged();
            };
            while_called(|| {
                lack.during(|| {
                    static_call::init().unwrap();
                    switch_slots();
                });
                look();
                switch(false).unwrap();
                check(false);
                look();
                let error = lib::apply::update(lib::apply).unwrap_err();
                assert_eq!(error, UpdateError::CallsItself { key: "apply" });
            });
        });
    }
}

/// Without memory to make code writable, updates of bound keys fail and change nothing. Later they
/// work.
#[test]
fn no_memory_to_open_pages_for_a_while() {
    for lack in [Lack::Data, Lack::Mappings] {
        let environment = [("LACK", &*format!("{lack:?}"))];
        support::in_child("limits::no_memory_to_open_pages_for_a_while", &environment, || {
            if !lack.can_be() {
                return;
            }
            keep_memory();
            switch(true).unwrap();
            assert_inline();
            let code = Code::now();
            while_called(|| {
                lack.during(|| {
                    for _ in 0..2 {
                        assert_denied(libc::ENOMEM);
                    }
                });
                code.assert_unchanged();
                assert_eq!(support::open_pages(), [""; 0]);
                switch(false).unwrap();
                check(false);
                assert_inline();
            });
            assert_eq!(support::open_pages(), [""; 0]);
        });
    }
}

/// If that is so at the first use, all calls stay on the slot.
#[test]
fn no_mappings_from_the_start() {
    support::in_child("limits::no_mappings_from_the_start", &[], || {
        if !Lack::Mappings.can_be() {
            return;
        }
        keep_memory();
        let code = Code::now();
        // One more mapping: the registry's memory.
        let spare = map(PAGE, libc::PROT_READ).unwrap();
        while_called(|| {
            Lack::Mappings.during(|| {
                // SAFETY: nothing uses this memory.
                assert_eq!(unsafe { libc::munmap(spare as *mut _, PAGE) }, 0);
                static_call::init().unwrap();
                switch_slots();
            });
        });
        assert_refused(libc::ENOMEM, &code);
    });
}

/// The smallest stack that a thread can have is enough, for the first update, too.
#[test]
fn small_stacks() {
    support::in_child("limits::small_stacks", &[], || {
        let update = |on| {
            let thread = std::thread::Builder::new().stack_size(libc::PTHREAD_STACK_MIN);
            let switched = thread.spawn(move || switch(on).is_ok()).unwrap().join();
            assert!(switched.unwrap());
            check(on);
            assert_inline();
        };
        [true, false, true].into_iter().for_each(update);
        assert_eq!(support::open_pages(), [""; 0]);
    });
}
