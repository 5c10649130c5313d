//! Work divided among several threads.

use std::ops::Range;
use std::thread;

/// Returns how many threads are worth starting for `size` units of work, if one is worth it for
/// every `part` units.
pub(crate) fn count(size: usize, part: usize) -> usize {
    match size / part {
        ..2 => 1,
        parts => thread::available_parallelism().map_or(1, usize::from).min(parts),
    }
}

/// Divides a list of work into one share for each thread, of about equal size and in order. One
/// thread is worth starting for every `part` of the sizes.
pub(crate) fn shares(sizes: &[usize], part: usize) -> Vec<Range<usize>> {
    let total = sizes.iter().copied().fold(0, usize::saturating_add);
    let count = count(total, part);
    let share = total.div_ceil(count).max(1);
    let mut shares = Vec::new();
    let (mut start, mut taken) = (0, 0_usize);
    for (i, size) in sizes.iter().enumerate() {
        taken = taken.saturating_add(*size);
        let is_full = taken >= share && shares.len() + 1 < count;
        if is_full || i + 1 == sizes.len() {
            shares.push(start..i + 1);
            (start, taken) = (i + 1, 0);
        }
    }
    shares
}

/// Calls `work` for each number below `count`, which is small, and returns the results in order.
/// Each call runs in its own thread, or in this one if the system cannot start a thread. A panic in
/// `work` resumes in the caller.
pub(crate) fn each<R: Send>(count: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let work = &work;
    thread::scope(|scope| {
        let spawn = |n| thread::Builder::new().spawn_scoped(scope, move || work(n));
        let others: Vec<_> = (1..count).map(|n| (n, spawn(n))).collect();
        let mut results: Vec<R> = (0..count.min(1)).map(work).collect();
        for (n, other) in others {
            results.push(match other {
                Ok(thread) => {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                }
                Err(_) => work(n),
            });
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_passed_once_and_in_order() {
        for count in 0..9 {
            assert_eq!(each(count, |n| n * n), (0..count).map(|n| n * n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn small_work_has_one_thread() {
        assert_eq!([0, 1, 99, 199].map(|size| count(size, 100)), [1; 4]);
        assert!((1..=2).contains(&count(200, 100)));
    }

    #[test]
    fn shares_cover_everything_once() {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let mut state = 1_u64;
        for length in 0..200 {
            let mut sizes = Vec::new();
            for _ in 0..length {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                sizes.push((state >> 40) as usize % if length % 2 == 0 { 3 } else { 1000 });
            }
            let shares = shares(&sizes, 50);
            assert!(shares.iter().cloned().flatten().eq(0..sizes.len()), "{sizes:?}");
            assert!(shares.len() <= processors && shares.iter().all(|share| !share.is_empty()));
            let largest = sizes.iter().max().copied().unwrap_or_default();
            let total: usize = sizes.iter().sum();
            let share = total.div_ceil(count(total, 50));
            let size = |s: &Range<usize>| sizes[s.clone()].iter().sum::<usize>();
            assert!(shares.iter().all(|s| size(s) <= share + largest), "{sizes:?} {shares:?}");
        }
        assert_eq!(shares(&[usize::MAX, 1, usize::MAX], 1).last().unwrap().end, 3);
    }

    #[test]
    fn a_panic_resumes_in_the_caller() {
        let work = |n| assert_ne!(n, 1, "of the second part");
        let panic = std::panic::catch_unwind(|| each(3, work)).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().contains("of the second part"));
    }
}
