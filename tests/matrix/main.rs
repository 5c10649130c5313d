//! The generated program: threads on all cores call everything and check every result, while one
//! thread retargets at random. `matrix-app [SECONDS]`; the exit code is 0 if nothing was wrong.

mod keys;
/* modules */

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use matrix_lib::support::{Ctx, mix};
use static_call::{Path, Update, UpdateError};

static STOP: AtomicBool = AtomicBool::new(false);

/// What the retargeting thread did.
#[derive(Default)]
struct Account {
    updates: u64,
    inline: u64,
    /// The most barriers that an update ran.
    barriers: usize,
    refused: u64,
    first_refusal: Option<UpdateError>,
}

impl Account {
    fn add(&mut self, result: Result<Update, UpdateError>) {
        self.updates += 1;
        match result {
            Ok(update) => {
                self.inline += update.inline as u64;
                self.barriers = self.barriers.max(update.barriers);
            }
            Err(e) => {
                self.refused += 1;
                self.first_refusal.get_or_insert(e);
            }
        }
    }
}

fn call_everything(seed: u64) -> Ctx {
    let mut c = Ctx::new(seed);
    while !STOP.load(Relaxed) {
        matrix_lib::run(&mut c);
        run(&mut c);
    }
    c
}

/// Switches keys at random, in bursts with pauses between them, so that threads run both during
/// updates and in code that does not change.
fn retarget() -> Account {
    let all = [matrix_lib::RETARGET, keys::RETARGET].concat();
    let mut account = Account::default();
    let mut state = 1;
    while !STOP.load(Relaxed) {
        state = mix(state, 1);
        let key = all[(state >> 8) as usize % all.len()];
        account.add(key((state >> 40) & 3));
        match state % 4096 {
            0 => account.add(static_call::init()),
            1 => account.add(static_call::unbind()),
            2..64 => thread::sleep(Duration::from_micros(state >> 54)),
            _ => {}
        }
    }
    account
}

fn run(c: &mut Ctx) {
    /* calls */
}

fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).map_or(2.0, |s| s.parse().expect("seconds"));
    // Calls every key once with its default, before anything is bound.
    let mut first = Ctx::new(0);
    matrix_lib::run(&mut first);
    run(&mut first);
    let calls = first.calls;

    let cores = thread::available_parallelism().map_or(2, usize::from).max(2);
    let start = Instant::now();
    let callers: Vec<_> =
        (1..=cores).map(|n| thread::spawn(move || call_everything(n as u64))).collect();
    let retargeter = thread::spawn(retarget);
    thread::sleep(Duration::from_secs_f64(seconds));
    STOP.store(true, Relaxed);
    let took = start.elapsed().as_secs_f64();

    let mut all = first;
    for caller in callers {
        let c = caller.join().expect("a caller");
        all.calls += c.calls;
        all.wrong.extend(c.wrong);
        for (sum, n) in all.by_target.iter_mut().zip(c.by_target) {
            *sum += n;
        }
    }
    let mut account = retargeter.join().expect("the retargeter");
    for line in &all.wrong {
        println!("WRONG {line}");
    }
    if let Some(e) = account.first_refusal {
        println!("REFUSED {e}");
    }
    println!(
        "matrix: {calls} calls per round; {} calls, by target {:?}; {} updates ({} inline \
         rewrites), at most {} barriers each, {} pages of veneers, {} refused, {} wrong, \
         {took:.1} s",
        all.calls,
        all.by_target,
        account.updates,
        account.inline,
        account.barriers,
        static_call::report().veneer_pages,
        account.refused,
        all.wrong.len(),
    );
    // The last update may have been `unbind`.
    account.add(static_call::init());
    let report = static_call::report();
    let calls = report.keys.iter().flat_map(|key| {
        let calls = key.sites.iter().flat_map(|site| &site.calls);
        calls.map(move |call| (key.name, call))
    });
    for (key, call) in calls.filter(|(_, call)| call.steps && call.path != Path::Inline) {
        println!("{key}: {call:?}");
    }
    println!("{}", report.to_string().trim_end().lines().last().unwrap_or_default());
    let seen_all = all.by_target.iter().all(|n| *n > 0);
    let is_right = all.wrong.is_empty() && account.refused == 0 && account.barriers <= 3;
    if is_right && seen_all && account.updates > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
