//! Threads that update: one key, several as a batch, all, and batches that must fail.

use std::thread;
use std::time::Duration;

use static_call::{Batch, Update, UpdateError, batch};

use super::account::Account;
use super::keys::{self, ALL};
use super::random::Random;

/// Updates until the time is over, in bursts with pauses between them.
pub(super) fn update(account: &Account, mut random: Random) {
    while !account.is_over() {
        step(account, &mut random);
        if random.below(64) == 0 {
            thread::sleep(Duration::from_micros(random.below(500)));
        }
    }
}

fn note(account: &Account, what: &str, result: Result<Update, UpdateError>) {
    Account::add(&account.updates, 1);
    match result {
        Ok(update) => {
            let Update { barriers, unfinished, lost, pages_left_open, .. } = update;
            let is_whole = (unfinished, lost, pages_left_open) == (0, 0, 0) && barriers <= 3;
            account.check(is_whole, || {
                format!(
                    "an update of {what} left {unfinished} calls between steps, lost {lost} \
                     stores, left {pages_left_open} pages open, ran {barriers} barriers"
                )
            });
        }
        Err(error) => account.violate(format!("an update of {what} failed: {error}")),
    }
}

/// Makes one update.
fn step(account: &Account, random: &mut Random) {
    let target = random.next() >> 32;
    let (what, result) = match random.below(256) {
        0 => ("all keys", static_call::unbind()),
        1 | 2 => ("all keys", static_call::init()),
        3..24 => ("some keys", batch(|batch| several(batch, target))),
        24..40 => return fail(account, target),
        40..56 => ("LOUD", keys::LOUD.set(target & 1 == 0)),
        56..72 => ("QUIET", keys::QUIET.set(target & 1 == 0)),
        _ => {
            let key = ALL[target as usize % ALL.len()];
            (key.name, (key.update)(target >> 8))
        }
    };
    note(account, what, result);
}

/// Collects updates of about half of the keys.
fn several(batch: &mut Batch, target: u64) -> Result<(), UpdateError> {
    for (key, n) in ALL.iter().zip(0..) {
        if target >> n & 1 == 1 {
            (key.collect)(batch, target >> (2 * n))?;
        }
    }
    batch.set_flag(&keys::LOUD, target & 1 == 0)
}

/// Makes a batch that must fail, and checks that it changed nothing: the key that only batches
/// that fail touch keeps its default.
fn fail(account: &Account, target: u64) {
    let result = batch(|batch| {
        batch.update(keys::front::KEY, keys::back)?;
        if target & 1 == 0 {
            // They would call each other.
            return batch.update(keys::back::KEY, keys::front);
        }
        Err(UpdateError::Cancelled)
    });
    let is_right = matches!(result, Err(UpdateError::Cancelled | UpdateError::CallsItself { .. }));
    account.check(is_right, || format!("a batch that must fail gave {result:?}"));
    let (front, back) = (keys::front(target), keys::back(target));
    account.check(front ^ back == 1, || "a batch that failed changed a key".to_owned());
    Account::add(&account.failed, 1);
}
