//! The run: all threads, and what is said in the end.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::account::Account;
use super::options::Options;
use super::pages::{self, Seen};
use super::process::Held;
use super::random::Random;
use super::{callers, signals, updaters};

/// Callers for each core.
const PER_CORE: usize = 4;
const UPDATERS: usize = 2;

pub(crate) fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("torture: {message}");
            return ExitCode::from(2);
        }
    };
    if let Some(Err(error)) = options.is_aliased.then(static_call::init_aliased) {
        eprintln!("torture: no alias: {error}");
        return ExitCode::FAILURE;
    }
    let account: &'static Account = Box::leak(Box::default());
    if let Err(error) = signals::start(account) {
        eprintln!("torture: no timer: {error}");
        return ExitCode::FAILURE;
    }
    // All memory that caches and veneers ever need is there after the first part.
    let first = (options.time / 4).min(Duration::from_secs(20));
    part(account, options.seed, first);
    let before = Held::now();
    part(account, options.seed ^ 1 << 63, options.time - first);
    if let Err(error) = signals::stop() {
        account.violate(format!("the timer does not stop: {error}"));
    }
    let after = Held::now();
    after.leaks_since(before).into_iter().for_each(|leak| account.violate(leak));
    say(account, &options)
}

/// Runs all threads for some time.
fn part(account: &'static Account, seed: u64, time: Duration) {
    let cores = thread::available_parallelism().map_or(2, usize::from).max(2);
    let callers = cores * PER_CORE;
    let seen = Seen::new(callers);
    account.start();
    let until = Instant::now() + time;
    thread::scope(|scope| {
        let random = |stream: usize| Random::new(seed, stream as u64 + 1);
        for caller in 0..callers {
            let seen = &seen;
            scope.spawn(move || callers::call(account, seen, caller, random(caller)));
        }
        for n in 0..UPDATERS {
            scope.spawn(move || updaters::update(account, random(1000 + n)));
        }
        let seen = &seen;
        scope.spawn(move || pages::revoke(account, seen, random(2000)));
        scope.spawn(move || callers::come_and_go(account, random(3000)));
        while Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        account.stop();
    });
}

fn say(account: &Account, options: &Options) -> ExitCode {
    let Options { time, seed, .. } = options;
    let get = |counter: &AtomicU64| counter.load(Relaxed);
    for message in account.messages() {
        println!("VIOLATION {message}");
    }
    println!(
        "torture: seed {seed}, {} s: {} calls, {} more in a signal handler, {} updates and {} that \
         had to fail, {} old targets made unexecutable, {} threads came and went, {} violations",
        time.as_secs(),
        get(&account.calls),
        get(&account.handled),
        get(&account.updates),
        get(&account.failed),
        get(&account.revoked),
        get(&account.threads),
        get(&account.violations),
    );
    if let Err(error) = static_call::init() {
        println!("VIOLATION {error}");
        return ExitCode::FAILURE;
    }
    let report = static_call::report().to_string();
    println!("{}", report.trim_end().lines().last().unwrap_or_default());
    let is_right = get(&account.violations) == 0 && get(&account.revoked) > 0;
    if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
