//! Uprobes: the kernel replaces the first byte of an instruction with a breakpoint. When it removes
//! the breakpoint it writes the byte from the file, whatever was there before.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::fs;
use std::os::fd::{FromRawFd, OwnedFd};

use static_call::{CallReport, Kind, Path, UpdateError, call, flag, static_call};

#[static_call]
fn work(n: u64) -> u64 {
    n + 1
}

#[static_call]
fn quiet(n: u64);

#[static_call]
fn level(n: u64) -> u32 {
    n as u32
}

flag! {
    static LOUD = false;
    static KEPT = true;
}

/// Has calls, hooks, constants and labels, and begins with a label.
#[inline(never)]
fn everything(n: u64) -> u64 {
    if LOUD.unlikely() {
        return 1000;
    }
    call!(quiet(n));
    let kept = u64::from(KEPT.likely());
    let sum = call!(work(n)) + work(n) + u64::from(call!(level(n))) + kept;
    std::hint::black_box(sum)
}

#[inline(never)]
fn tail(n: u64) -> u64 {
    call!(work(n))
}

/// Returns every instruction that an update may change.
fn instructions() -> Vec<CallReport> {
    let keys = ["work", "quiet", "level", "LOUD", "KEPT"];
    let calls: Vec<_> = keys.into_iter().flat_map(support::calls).collect();
    assert!(calls.iter().any(|call| call.kind == Some(Kind::Label)) && calls.len() > 7);
    calls
}

/// This program's file, and where its code is mapped.
struct File {
    bytes: Vec<u8>,
    mapping: support::Mapping,
}

impl File {
    fn new() -> Self {
        let exe = std::env::current_exe().unwrap();
        let code = |m: &support::Mapping| {
            let here = m.start..m.end;
            m.file == exe.to_string_lossy() && here.contains(&(everything as *const () as usize))
        };
        let mapping = support::mappings().into_iter().find(code).expect("this program's code");
        Self { bytes: fs::read(exe).unwrap(), mapping }
    }

    fn offset(&self, address: usize) -> usize {
        address - self.mapping.start + self.mapping.offset
    }

    /// Returns the instructions whose first byte differs from the file, with the file's byte.
    fn differing(&self) -> Vec<(CallReport, u8)> {
        let first = |call: CallReport| (call, self.bytes[self.offset(call.address)]);
        let differs = |(call, byte): &(CallReport, u8)| support::read(call.address, 1) != [*byte];
        instructions().into_iter().map(first).filter(differs).collect()
    }
}

/// `perf_event_attr` of 72 bytes (linux/perf_event.h, `PERF_ATTR_SIZE_VER1`).
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    unused: [u64; 5],
    wakeup: [u32; 2],
    path: u64,
    offset: u64,
}

/// Sets a uprobe in this process until it is dropped. Returns `None` if the system refuses.
fn probe(offset: usize) -> Option<OwnedFd> {
    let kind = fs::read_to_string("/sys/bus/event_source/devices/uprobe/type").ok()?;
    let path = std::ffi::CString::new("/proc/self/exe").unwrap();
    let attributes = Attributes {
        kind: kind.trim().parse().ok()?,
        size: 72,
        path: path.as_ptr() as u64,
        offset: offset as u64,
        ..Attributes::default()
    };
    let (pid, cpu, group, flags) = (std::process::id() as libc::pid_t, -1, -1, 0);
    // SAFETY: the attributes and the path live until the call returns.
    let fd = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const attributes, pid, cpu, group, flags)
    };
    // SAFETY: the kernel has just created this descriptor.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

fn switch(on: bool) {
    LOUD.set(false).unwrap();
    KEPT.set(on).unwrap();
    if on {
        work::update(|n| n * 2).unwrap();
        level::update(|_| 7).unwrap();
        quiet::update(|n| assert!(n > 0)).unwrap();
    } else {
        static_call::batch(|b| {
            b.reset(work::KEY)?;
            b.reset(level::KEY)?;
            b.reset(quiet::KEY)
        })
        .unwrap();
    }
}

fn check(on: bool) {
    let (sum, tailed) = if on { (6 + 6 + 7 + 1, 6) } else { (4 + 4 + 3, 4) };
    assert_eq!((everything(3), tail(3)), (sum, tailed));
}

/// Every first byte is that of the file, so a probe can be removed anywhere.
#[test]
fn retargeting_keeps_every_first_byte() {
    support::in_child("retargeting_keeps_every_first_byte", &[("STATIC_CALL", "retarget")], || {
        static_call::init().unwrap();
        let file = File::new();
        for on in [true, false, true] {
            switch(on);
            assert_eq!(file.differing(), []);
            check(on);
        }
        let calls = support::calls("work").into_iter().chain(support::calls("level"));
        assert!(calls.into_iter().any(|call| call.path == Path::Inline));
    });
}

/// By default labels, no-ops and constants change the first byte; trampolines and calls do not.
#[test]
fn only_labels_and_replaced_calls_change_the_first_byte() {
    support::in_child("only_labels_and_replaced_calls_change_the_first_byte", &[], || {
        static_call::init().unwrap();
        let file = File::new();
        switch(true);
        let differing = file.differing();
        assert!(differing.iter().any(|(call, _)| call.kind == Some(Kind::Label)));
        for (call, byte) in differing {
            let now = support::read(call.address, 1)[0];
            let is_label = call.kind == Some(Kind::Label);
            assert!(is_label || matches!(now, 0x0f | 0xb8), "{byte:x} {now:x}: {call:?}");
        }
        check(true);
    });
}

/// Sets a probe on each instruction in turn, hits it, and removes it.
#[test]
fn probes_come_and_go() {
    if probe(File::new().offset(everything as *const () as usize)).is_none() {
        // No package would help: this needs permission and a kernel with uprobes.
        println!("skipped: no uprobes for this user");
        return;
    }
    let environment = [("STATIC_CALL", "retarget")];
    support::in_child("probes_come_and_go", &environment, || {
        static_call::init().unwrap();
        let file = File::new();
        for on in [true, false] {
            switch(on);
            for call in instructions() {
                let probe = probe(file.offset(call.address)).expect("a probe, as before");
                assert_eq!(support::read(call.address, 1), [support::BREAKPOINT]);
                check(on);
                drop(probe);
                assert_eq!(file.differing(), [], "{call:?}");
                check(on);
            }
        }
        switch(true);
        check(true);
    });
}

/// A page with a probe is not copied: the kernel would not know the probe in the copy, and end the
/// process. Copies get no probes.
#[test]
fn copies_have_no_probes() {
    if probe(File::new().offset(everything as *const () as usize)).is_none() {
        println!("skipped: no uprobes for this user");
        return;
    }
    support::in_child("copies_have_no_probes", &[], || {
        let file = File::new();
        let place = support::calls("work")[0].address;
        let probe_here = || probe(file.offset(place)).expect("a probe, as before");
        let before = probe_here();
        let error = static_call::init_aliased().unwrap_err();
        let page = place & !4095;
        assert_eq!(error, UpdateError::PageChanged { address: page });
        assert_eq!(everything(3), 12);
        drop(before);
        if let Err(error) = static_call::init_aliased() {
            // Older kernels keep the page that the probe was in.
            assert_eq!(error, UpdateError::PageChanged { address: page });
            return;
        }
        for on in [true, false] {
            let after = probe_here();
            assert_ne!(support::read(place, 1), [support::BREAKPOINT]);
            switch(on);
            check(on);
            drop(after);
            check(on);
        }
    });
}
