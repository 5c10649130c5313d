//! Retargeting in steps: calls whose displacement a quadword boundary splits.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod aliased;
mod barriers;
mod paths;
mod room;
mod unwind;

use static_call::CallReport;
use static_call_tests::splits;

const X: u64 = 1 << 42;

fn add_seven(x: u64) -> u64 {
    x + 7
}

/// In the code of another crate, so that both parts of most displacements differ.
fn add_eight(x: u64) -> u64 {
    splits::far(x)
}

fn check(target: fn(u64) -> u64) {
    assert_eq!(splits::all(X), splits::expected(target, X));
}

/// Returns how many bytes of a call's displacement lie before a quadword boundary, and the largest
/// power of two that the boundary is a multiple of, up to a page.
fn split(call: &CallReport) -> Option<(usize, usize)> {
    let bytes = support::read(call.address, 2);
    let at = call.address + if matches!(bytes[0], 0xe8 | 0xe9) { 1 } else { 2 };
    let boundary = at.next_multiple_of(8);
    let size = [4096, 64, 32, 16, 8].into_iter().find(|size| boundary.is_multiple_of(*size));
    (at < boundary && boundary < at + 4).then(|| (boundary - at, size.unwrap()))
}

fn split_calls() -> Vec<CallReport> {
    let calls = support::calls("stepped");
    let calls: Vec<_> = calls.into_iter().filter(|call| split(call).is_some()).collect();
    assert!(calls.iter().all(|call| call.steps), "{calls:#?}");
    calls
}

/// Returns whether both parts of a split call's displacement differ for two destinations.
fn differs_in_both_parts(call: &CallReport, from: usize, to: usize) -> bool {
    let (before, _) = split(call).expect("a split call");
    let end = call.address + support::length(call);
    let parts = |to: usize| {
        let displacement = to.wrapping_sub(end) as u32;
        let low = displacement & ((1 << (8 * before)) - 1);
        (low, displacement - low)
    };
    parts(from).0 != parts(to).0 && parts(from).1 != parts(to).1
}

/// Returns whether a call leads to a veneer: `jmp *slot(%rip)`, perhaps behind one-byte no-ops, in
/// memory that belongs to no file, or to one that an alias made.
fn leads_to_veneer(call: &CallReport) -> bool {
    let to = support::destination(call);
    let mapping = support::mappings().into_iter().find(|m| (m.start..m.end).contains(&to));
    let is_of_no_file = |file: &str| file.is_empty() || file == support::ALIASED;
    let is_anonymous = mapping.is_some_and(|m| is_of_no_file(&m.file) && m.is_executable());
    let jump = (to..).find(|&at| !is_anonymous || support::read(at, 1) != [0x90]);
    is_anonymous && jump.is_some_and(|at| support::read(at, 2) == [0xff, 0x25])
}
