//! Defaults chosen by the processor's features.

use std::sync::Barrier;
use std::thread;

use static_call::{call, static_call};

/// Returns whether the processor has these features. Written differently from generated code.
fn has(features: &[&str]) -> bool {
    features.iter().all(|&feature| match feature {
        #[cfg(target_arch = "x86_64")]
        "sse2" => is_x86_feature_detected!("sse2"),
        #[cfg(target_arch = "x86_64")]
        "sse4.2" => is_x86_feature_detected!("sse4.2"),
        #[cfg(target_arch = "x86_64")]
        "avx2" => is_x86_feature_detected!("avx2"),
        #[cfg(target_arch = "x86_64")]
        "bmi2" => is_x86_feature_detected!("bmi2"),
        #[cfg(target_arch = "aarch64")]
        "neon" => std::arch::is_aarch64_feature_detected!("neon"),
        #[cfg(target_arch = "aarch64")]
        "sve2-aes" => std::arch::is_aarch64_feature_detected!("sve2-aes"),
        _ => false,
    })
}

/// Returns the name of the first candidate whose features the processor has.
fn first<'a>(candidates: &[(&[&str], &'a str)]) -> &'a str {
    let found = candidates.iter().find(|(features, _)| has(features));
    found.map_or("body", |&(_, name)| name)
}

macro_rules! candidates {
    ($($name:ident: $features:literal, $arch:meta;)*) => {$(
        #[cfg($arch)]
        #[target_feature(enable = $features)]
        fn $name() -> &'static str {
            stringify!($name)
        }
    )*};
}

candidates! {
    nowhere: "tbm,kl", target_arch = "x86_64";
    wide: "avx2,bmi2", target_arch = "x86_64";
    middle: "sse4.2", target_arch = "x86_64";
    narrow: "sse2", target_arch = "x86_64";
    arm: "neon", target_arch = "aarch64";
    far: "sve2-aes", target_arch = "aarch64";
}

/// A function that needs no features can be a candidate.
#[allow(dead_code, reason = "not on every architecture")]
fn plain() -> &'static str {
    "plain"
}

#[static_call(select(
    sve2-aes => far,
    // `tbm` is only on AMD and `kl` only on Intel: no processor has both.
    tbm + kl => nowhere,
    avx2 + bmi2 => wide,
    "sse4.2" => middle,
    sse2 => narrow,
    neon => arm,
))]
fn best() -> &'static str {
    "body"
}

const BEST: &[(&[&str], &str)] = &[
    (&["sve2-aes"], "far"),
    (&["tbm", "kl"], "nowhere"),
    (&["avx2", "bmi2"], "wide"),
    (&["sse4.2"], "middle"),
    (&["sse2"], "narrow"),
    (&["neon"], "arm"),
];

// `sse2` is always there.
#[static_call(select(sse2 + tbm + kl => nowhere))]
fn never() -> &'static str {
    "body"
}

#[static_call(select(sse2 => plain))]
fn simple() -> &'static str {
    "body"
}

#[test]
fn the_first_candidate_that_the_processor_has_is_chosen() {
    let expected = first(BEST);
    assert_eq!(best(), expected);
    assert_eq!(call!(best()), expected);
    assert_eq!(best::original(), "body");
    let target = best::query();
    let name = if expected == "body" { "best" } else { expected };
    assert_eq!(target.name(), format!("select::choice::{name}"));
    assert!(target.is_default());
    #[cfg(target_arch = "x86_64")]
    assert_ne!(expected, "body", "every x86-64 processor has sse2");
}

#[test]
fn a_missing_feature_is_never_selected() {
    assert_eq!(never(), "body");
    assert_eq!(never::query().features(), None);
    assert!(
        never::query().is_default() && never::query().name().ends_with("select::choice::never")
    );
    never::reset().unwrap();
    assert_eq!(call!(never()), "body");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_function_without_features_is_a_candidate() {
    assert_eq!(simple(), "plain");
    assert_eq!(simple::query().features(), Some("sse2"));
}

#[test]
fn the_report_says_which_features_made_the_choice() {
    #[static_call(select("sse4.2" + sse2 => middle, sse2 => narrow))]
    fn reported() -> &'static str {
        "body"
    }
    let expected = first(&[(&["sse4.2"], "middle"), (&["sse2"], "narrow")]);
    let report = static_call::report();
    let key = report.keys.iter().find(|key| key.name == "reported").unwrap();
    let (features, words) = match expected {
        "middle" => (Some("sse4.2 + sse2"), "(default, chosen for sse4.2 + sse2)"),
        "narrow" => (Some("sse2"), "(default, chosen for sse2)"),
        _ => (None, "(default)"),
    };
    assert_eq!(key.target.features(), features);
    let text = report.to_string();
    let start = text.find("::reported").unwrap();
    let line = text[start..].lines().nth(2).unwrap();
    assert!(line.contains(words), "{line}");
    assert_eq!(reported(), expected);
}

#[test]
fn an_update_overrides_and_reset_restores() {
    #[static_call(select(sse2 => narrow, neon => arm))]
    fn overridden() -> &'static str {
        "body"
    }
    let expected = first(&[(&["sse2"], "narrow"), (&["neon"], "arm")]);
    // Before the first call.
    let update = overridden::update(|| "other").unwrap();
    assert_eq!((overridden(), call!(overridden())), ("other", "other"));
    assert!(!overridden::query().is_default());
    assert_eq!(overridden::query().features(), None);
    update.previous.restore().unwrap();
    assert_eq!((overridden(), call!(overridden())), (expected, expected));
    overridden::update(overridden::original).unwrap();
    assert_eq!(overridden(), "body");
    overridden::reset().unwrap();
    assert_eq!((overridden(), call!(overridden())), (expected, expected));
    assert!(overridden::query().is_default());
    static_call::unbind().unwrap();
    assert_eq!((overridden(), call!(overridden())), (expected, expected));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_candidate_can_be_forced() {
    #[static_call(select(tbm + kl => nowhere, "sse4.2" => middle, sse2 => narrow))]
    fn forced() -> &'static str {
        "body"
    }
    // SAFETY: every x86-64 processor has sse2.
    unsafe { forced::force_narrow().unwrap() };
    assert_eq!((forced(), call!(forced())), ("narrow", "narrow"));
    assert_eq!(forced::query().features(), Some("sse2"));
    assert_eq!(forced::query().is_default(), !has(&["sse4.2"]));
    forced::reset().unwrap();
    assert_eq!(forced(), if has(&["sse4.2"]) { "middle" } else { "narrow" });
    assert!(forced::query().is_default());
}

/// A typical layout of a crate's code for several processors.
#[cfg(target_arch = "x86_64")]
mod modules {
    pub(super) mod sse42 {
        #[target_feature(enable = "sse4.2")]
        pub(crate) fn answer() -> &'static str {
            "sse42"
        }
    }

    pub(super) mod sse2 {
        #[target_feature(enable = "sse2")]
        pub(crate) fn answer() -> &'static str {
            "sse2"
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn candidates_with_the_same_name_differ_by_module() {
    #[static_call(select("sse4.2" => modules::sse42::answer, sse2 => modules::sse2::answer))]
    fn answer() -> &'static str {
        "body"
    }
    assert_eq!(answer(), if has(&["sse4.2"]) { "sse42" } else { "sse2" });
    // SAFETY: every x86-64 processor has sse2.
    unsafe { answer::force_sse2_answer().unwrap() };
    assert_eq!((answer(), call!(answer())), ("sse2", "sse2"));
    if has(&["sse4.2"]) {
        // SAFETY: the processor has sse4.2.
        unsafe { answer::force_sse42_answer().unwrap() };
        assert_eq!(answer(), "sse42");
    }
}

#[test]
fn a_sealed_choice_is_still_made() {
    #[static_call(select(sse2 => narrow, neon => arm))]
    fn sealed() -> &'static str {
        "body"
    }
    sealed::KEY.seal();
    let expected = first(&[(&["sse2"], "narrow"), (&["neon"], "arm")]);
    assert_eq!(sealed(), expected);
    assert!(sealed::reset().is_err());
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_key_cannot_call_itself_through_a_candidate() {
    #[static_call(select(sse2 => after))]
    fn before() -> u32 {
        1
    }
    #[static_call]
    fn after() -> u32 {
        2
    }
    assert_eq!(before(), 2);
    let error = after::update(before).unwrap_err();
    assert_eq!(error, static_call::UpdateError::CallsItself { key: "after" });
    after::update(|| 3).unwrap();
    assert_eq!(before(), 3);
}

/// Defines many keys, because each chooses only once.
macro_rules! many {
    ($($key:ident)*) => {
        $(
            #[static_call(select(tbm + kl => nowhere, sse2 => narrow, neon => arm))]
            fn $key() -> &'static str {
                "body"
            }
        )*

        const CALLS: &[fn() -> &'static str] =
            &[$(|| if cfg!(miri) { $key() } else { call!($key()) }),*];
        const UPDATES: &[fn()] = &[$(|| { $key::update(|| "updated").unwrap(); }),*];
        const IS_DEFAULT: &[fn() -> bool] = &[$(|| $key::query().is_default()),*];
    };
}

many! {
    a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9
    d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
}

#[test]
fn first_calls_binding_and_updates_at_the_same_time() {
    let expected = first(&[(&["sse2"], "narrow"), (&["neon"], "arm")]);
    for (i, call) in CALLS.iter().enumerate() {
        let updates = i % 3 == 0;
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..20 {
                        let result = call();
                        assert!(result == expected || updates && result == "updated", "{result}");
                    }
                });
            }
            scope.spawn(|| {
                start.wait();
                if updates {
                    UPDATES[i]();
                }
            });
            start.wait();
            if i % 2 == 0 {
                static_call::init().unwrap();
            }
        });
        // An update wins, whatever came first.
        assert_eq!(call(), if updates { "updated" } else { expected });
        assert_eq!(IS_DEFAULT[i](), !updates);
    }
}
