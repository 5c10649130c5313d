//! Signals: a timer whose handler makes static calls, and the report of a thread that entered an
//! old target.

use std::io::Error;
use std::sync::OnceLock;

use super::account::Account;
use super::sites::SIMPLE;

static ACCOUNT: OnceLock<&'static Account> = OnceLock::new();

/// Makes calls: which ones depends on how often it ran.
extern "C" fn on_timer(_: i32) {
    let Some(account) = ACCOUNT.get() else { return };
    let count = account.handled.load(std::sync::atomic::Ordering::Relaxed);
    let group = &SIMPLE[count as usize % SIMPLE.len()];
    let wrong = (group.run)(count << 20 | 0xf_0001);
    Account::add(&account.handled, group.calls);
    Account::add(&account.violations, wrong);
}

/// Ends the program.
extern "C" fn on_fault(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes the information about this signal.
    let info = unsafe { &*info };
    // SAFETY: it is a fault, which has an address.
    let address = unsafe { info.si_addr() } as usize;
    let mut text = *b"torture: VIOLATION: a thread executed or read 0x0000000000000000\n";
    let digits = text.len() - 17..text.len() - 1;
    for (digit, n) in text[digits].iter_mut().rev().zip(0..) {
        *digit = b"0123456789abcdef"[address >> (4 * n) & 15];
    }
    // SAFETY: it writes these bytes.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
    // SAFETY: it ends the process.
    unsafe { libc::_exit(101) }
}

/// Starts the timer.
///
/// # Errors
///
/// That of the system call that failed.
pub(super) fn start(account: &'static Account) -> Result<(), Error> {
    let _ = ACCOUNT.set(account);
    for (signal, handler) in [
        (libc::SIGALRM, on_timer as *const () as usize),
        (libc::SIGSEGV, on_fault as *const () as usize),
    ] {
        // SAFETY: no signal is blocked, no flag is set: all fields may be zero.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = handler;
        action.sa_flags = libc::SA_RESTART;
        if signal == libc::SIGSEGV {
            action.sa_flags |= libc::SA_SIGINFO;
        }
        // SAFETY: the handlers call only what a handler may call.
        if unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) } != 0 {
            return Err(Error::last_os_error());
        }
    }
    set_timer(1000)
}

/// Stops the timer.
///
/// # Errors
///
/// That of the system call.
pub(super) fn stop() -> Result<(), Error> {
    set_timer(0)
}

fn set_timer(microseconds: i64) -> Result<(), Error> {
    let each = libc::timeval { tv_sec: 0, tv_usec: microseconds };
    let timer = libc::itimerval { it_interval: each, it_value: each };
    // SAFETY: it reads the timer.
    match unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}
