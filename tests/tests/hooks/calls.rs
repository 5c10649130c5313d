//! Hooks: what `call!` evaluates and when, bound, unbound, and where nothing is patched.

use std::sync::atomic::{AtomicU64, Ordering};

use static_call::{call, static_call};
use static_call_tests::hooks;

use crate::turn;

static SUM: AtomicU64 = AtomicU64::new(0);

fn add(x: u64) {
    SUM.fetch_add(x, Ordering::Relaxed);
}

fn sum() -> u64 {
    SUM.swap(0, Ordering::Relaxed)
}

/// Calls the hook in every way, each with a different number. Returns how often the argument was
/// evaluated, and the sum of what the hook received.
fn all_ways() -> (usize, u64) {
    let mut evaluated = 0;
    for (i, way) in hooks::WAYS.iter().enumerate() {
        way(&mut || {
            evaluated += 1;
            1 << i
        });
    }
    let mut here = || {
        evaluated += 1;
        8
    };
    call!(hooks::heard(here()));
    (evaluated, sum())
}

fn on_and_off() {
    static_call::unbind().unwrap();
    hooks::heard::disable().unwrap();
    static_call::unbind().unwrap();
    for _ in 0..2 {
        // As linked, or bound by `init` or by the previous update.
        assert_eq!(all_ways(), (0, 0));
        static_call::init().unwrap();
        assert_eq!(all_ways(), (0, 0));
        hooks::heard::update(add).unwrap();
        assert_eq!(all_ways(), (4, 15));
        hooks::heard::update(|x| add(10 * x)).unwrap();
        assert_eq!(all_ways(), (4, 150));
        static_call::unbind().unwrap();
        assert_eq!(all_ways(), (4, 150));
        static_call::init().unwrap();
        assert_eq!(all_ways(), (4, 150));
        hooks::heard::disable().unwrap();
        assert_eq!(all_ways(), (0, 0));
    }
}

#[test]
fn arguments_are_evaluated_only_while_on() {
    let _turn = turn();
    on_and_off();
}

#[test]
fn on_every_path() {
    for cap in ["inline", "trampoline", "indirect", "nonsense"] {
        support::in_child("calls::on_every_path", &[("STATIC_CALL", cap)], on_and_off);
    }
}

#[test]
fn plain_calls_evaluate_their_arguments() {
    let _turn = turn();
    let mut evaluated = 0;
    let mut argument = || {
        evaluated += 1;
        evaluated
    };
    hooks::heard(argument());
    hooks::heard::update(add).unwrap();
    hooks::heard(argument());
    hooks::heard::disable().unwrap();
    hooks::heard(argument());
    assert_eq!((sum(), evaluated), (2, 3));
}

#[static_call]
fn lookup<'a>(words: &'a [String], n: usize) -> Option<&'a str>;

#[static_call]
fn verdict(n: u8) -> Option<bool>;

#[static_call]
fn large(n: u64) -> Option<[u64; 5]>;

#[test]
fn a_hook_that_returns_an_option_returns_none() {
    let words = ["a".to_owned(), "b".to_owned()];
    let evaluated = |n: usize| -> usize { panic!("evaluated: {n}") };
    for _ in 0..2 {
        assert_eq!(lookup(&words, 1), None);
        assert_eq!(call!(lookup(&words, evaluated(1))), None);
        assert_eq!((verdict(1), call!(verdict(1))), (None, None));
        assert_eq!((large(1), call!(large(1))), (None, None));
        assert_eq!((hooks::choice(1), call!(hooks::choice(1))), (None, None));
        static_call::init().unwrap();
    }
    lookup::update(|words, n| words.get(n).map(String::as_str)).unwrap();
    verdict::update(|n| (n > 1).then_some(n > 2)).unwrap();
    large::update(|n| Some([n; 5])).unwrap();
    hooks::choice::update(|x| x.checked_sub(5)).unwrap();
    assert_eq!((lookup(&words, 1), call!(lookup(&words, 0))), (Some("b"), Some("a")));
    assert_eq!((call!(lookup(&words, 9)), lookup::original(&words, 0)), (None, None));
    assert_eq!([call!(verdict(1)), verdict(2), call!(verdict(3))], [None, Some(false), Some(true)]);
    assert_eq!((large(7), call!(large(8))), (Some([7; 5]), Some([8; 5])));
    assert_eq!((call!(hooks::choice(4)), call!(hooks::choice(7))), (None, Some(2)));
    verdict::disable().unwrap();
    assert_eq!((verdict(1), call!(verdict(u8::try_from(300).unwrap()))), (None, None));
}

struct Filter {
    passed: AtomicU64,
}

#[static_call]
impl Filter {
    #[static_call]
    fn passes(&self, n: u64);

    #[static_call]
    fn limit(&self) -> Option<u64>;
}

#[test]
fn methods() {
    let filter = Filter { passed: AtomicU64::new(0) };
    let evaluated = AtomicU64::new(0);
    let n = || evaluated.fetch_add(1, Ordering::Relaxed) + 10;
    call!(Filter::passes(&filter, n()));
    assert_eq!(
        call!(<Filter>::limit({
            let _ = n();
            &filter
        })),
        None
    );
    assert_eq!(evaluated.load(Ordering::Relaxed), 0);
    Filter::PASSES.update(|filter, n| _ = filter.passed.fetch_add(n, Ordering::Relaxed)).unwrap();
    Filter::LIMIT.update(|filter| Some(filter.passed.load(Ordering::Relaxed))).unwrap();
    call!(Filter::passes(&filter, n()));
    assert_eq!((filter.limit(), call!(Filter::limit(&filter))), (Some(10), Some(10)));
    assert_eq!(evaluated.load(Ordering::Relaxed), 1);
}

#[static_call]
fn outer(x: u64);

#[static_call]
fn inner(x: u64) -> Option<u64>;

fn nested() -> u64 {
    call!(outer(
        call!(inner(call!(inner(call!(inner(1)).unwrap_or(2))).unwrap_or(3)))
            .unwrap_or(call!(inner(30)).unwrap_or(4))
    ));
    sum()
}

#[test]
fn calls_in_arguments_of_calls() {
    let _turn = turn();
    assert_eq!(nested(), 0);
    inner::update(|x| Some(x * 10)).unwrap();
    assert_eq!(nested(), 0);
    outer::update(add).unwrap();
    assert_eq!(nested(), 1000);
    inner::disable().unwrap();
    assert_eq!(nested(), 4);
    inner::update(|x| Some(x + 1)).unwrap();
    assert_eq!(nested(), 4);
    // Each level expands its arguments once; otherwise this would take for ever to compile.
    macro_rules! deep {
        ($x:expr;) => { $x };
        ($x:expr; . $($rest:tt)*) => { call!(inner(deep!($x; $($rest)*))).unwrap() };
    }
    call!(outer(deep!(1; . . . . . . . . . . . . . . . . . . . .)));
    assert_eq!(sum(), 21);
}

#[static_call]
fn guarded(x: u64);

fn by_return(n: u64) -> &'static str {
    call!(guarded(if n > 1 { return "left" } else { n }));
    "stayed"
}

fn by_question_mark(n: Option<u64>) -> Option<&'static str> {
    call!(guarded(n?));
    Some("stayed")
}

fn by_break() -> u64 {
    let mut n = 0;
    loop {
        n += 1;
        call!(guarded(if n == 3 { break n } else { n }));
        if n == 9 {
            break 0;
        }
    }
}

fn by_continue() -> u64 {
    let mut stayed = 0;
    for n in 0..5 {
        call!(guarded(if n % 2 == 0 { continue } else { n }));
        stayed += 1;
    }
    stayed
}

fn by_label() -> u64 {
    'found: {
        for n in 0..5 {
            call!(guarded(if n == 3 { break 'found n } else { n }));
        }
        9
    }
}

#[test]
fn control_flow_in_arguments() {
    let _turn = turn();
    let all = || {
        let ways = (by_return(2), by_question_mark(None), by_break(), by_continue(), by_label());
        (ways, sum())
    };
    assert_eq!(all(), (("stayed", Some("stayed"), 0, 5, 9), 0));
    static_call::init().unwrap();
    assert_eq!(all(), (("stayed", Some("stayed"), 0, 5, 9), 0));
    guarded::update(add).unwrap();
    assert_eq!(all(), (("left", None, 3, 2, 3), 1 + 2 + 1 + 3 + 1 + 2));
    assert_eq!((by_return(1), by_question_mark(Some(1))), ("stayed", Some("stayed")));
    guarded::disable().unwrap();
    assert_eq!(all(), (("stayed", Some("stayed"), 0, 5, 9), 2));
}

#[static_call]
fn first<'a>(text: &'a str) -> Option<&'a str>;

/// A temporary in an argument lives as long as in a function call.
#[test]
fn temporaries() {
    assert_eq!(call!(first(&String::from("ab"))).map(str::len), None);
    first::update(|text| text.get(..1)).unwrap();
    assert_eq!(call!(first(&String::from("ab"))).map(str::len), Some(1));
    assert_eq!(call!(first(call!(first(&"ab".repeat(2))).unwrap())), Some("a"));
    struct Bomb<'a>(&'a AtomicU64);
    impl Drop for Bomb<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    #[static_call]
    fn holds(bomb: &u8);
    let drops = AtomicU64::new(0);
    call!(holds(&{ Bomb(&drops) }.0.load(Ordering::Relaxed).to_le_bytes()[0]));
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    holds::update(|byte| assert_eq!(*byte, 0)).unwrap();
    call!(holds(&{ Bomb(&drops) }.0.load(Ordering::Relaxed).to_le_bytes()[0]));
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}
