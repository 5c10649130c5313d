//! Threads that call: some for the whole time, some for a moment.

use std::thread;

use super::account::Account;
use super::pages::{self, Seen};
use super::random::Random;
use super::registers;
use super::sites::{Group, OTHERS, SIMPLE};

/// Calls until the time is over.
pub(super) fn call(account: &Account, seen: &Seen, caller: usize, mut random: Random) {
    while !account.is_over() {
        round(account, &mut random);
        let x = random.next();
        let wrong = seen.call(caller, x);
        account.check(wrong == 0, || format!("paged: {wrong} wrong results for {x:#x}"));
        Account::add(&account.calls, pages::CALLS);
    }
}

/// Calls of one family, many times, with one argument after another.
fn round(account: &Account, random: &mut Random) {
    let start = random.next() | 1;
    let choice = random.below(64) as usize;
    let (group, times): (&Group, u64) = match choice {
        0..48 => (&SIMPLE[choice % SIMPLE.len()], 256),
        48..60 => (&OTHERS[choice % OTHERS.len()], 16),
        _ => {
            let lost = registers::lost(start);
            account.check(lost == 0, || format!("registers were not kept: {lost:#b}"));
            return;
        }
    };
    let mut wrong = 0;
    for n in 0..times {
        wrong += (group.run)(start.wrapping_add(n << 20));
    }
    account.check(wrong == 0, || format!("{}: {wrong} wrong results from {start:#x}", group.name));
    Account::add(&account.calls, times * group.calls);
}

/// Starts threads that make calls and end, until the time is over.
pub(super) fn come_and_go(account: &Account, mut random: Random) {
    while !account.is_over() {
        let streams = [random.next(), random.next(), random.next()];
        thread::scope(|scope| {
            for stream in streams {
                scope.spawn(move || {
                    let mut random = Random::new(stream, 0);
                    (0..4).for_each(|_| round(account, &mut random));
                });
            }
        });
        Account::add(&account.threads, streams.len() as u64);
    }
}
