//! Flags: their answers, counts and batches, also where nothing is patched.

use static_call::{UpdateError, flag};
use static_call_tests::hooks;

use crate::turn;

/// Returns the answers of all sites.
fn answers() -> Vec<[bool; 4]> {
    let here = [
        hooks::LOUD.unlikely(),
        hooks::LOUD.likely(),
        hooks::KEPT.likely(),
        hooks::KEPT.unlikely(),
    ];
    let memory = [hooks::LOUD.get(), hooks::LOUD.get(), hooks::KEPT.get(), hooks::KEPT.get()];
    vec![hooks::flags(), hooks::flags_inlined(), here, memory]
}

fn all(loud: bool, kept: bool) {
    assert_eq!(answers(), [[loud, loud, kept, kept]; 4]);
}

fn every_state() {
    all(false, true);
    static_call::init().unwrap();
    all(false, true);
    for loud in [true, false, true, true, false] {
        for kept in [false, true, false, false, true] {
            hooks::LOUD.set(loud).unwrap();
            hooks::KEPT.set(kept).unwrap();
            all(loud, kept);
            static_call::unbind().unwrap();
            all(loud, kept);
        }
    }
    hooks::LOUD.enable().unwrap();
    hooks::KEPT.disable().unwrap();
    all(true, false);
    hooks::LOUD.disable().unwrap();
    hooks::KEPT.enable().unwrap();
    all(false, true);
    static_call::unbind().unwrap();
}

#[test]
fn every_state_at_every_site() {
    let _turn = turn();
    every_state();
}

#[test]
fn on_every_path() {
    for cap in ["inline", "trampoline", "indirect", "nonsense"] {
        support::in_child("flags::on_every_path", &[("STATIC_CALL", cap)], every_state);
    }
}

#[test]
fn counted() {
    flag! { static COUNTED = false; }
    let state = || (COUNTED.get(), COUNTED.unlikely(), COUNTED.likely(), COUNTED.count());
    let on = |count| (true, true, true, count);
    let off = (false, false, false, 0);
    let none = UpdateError::CountOutOfRange { flag: "COUNTED", count: 0 };
    assert_eq!(state(), off);
    assert_eq!(COUNTED.dec().unwrap_err(), none);
    assert_eq!(state(), off);
    for count in 1..4 {
        COUNTED.inc().unwrap();
        assert_eq!(state(), on(count));
    }
    COUNTED.dec().unwrap();
    assert_eq!(state(), on(2));
    COUNTED.set(true).unwrap();
    assert_eq!(state(), on(1));
    COUNTED.dec().unwrap();
    assert_eq!(state(), off);
    assert_eq!(COUNTED.dec().unwrap_err(), none);
    COUNTED.inc().unwrap();
    COUNTED.inc().unwrap();
    COUNTED.set(false).unwrap();
    assert_eq!(state(), off);
    // Restoring brings back the count.
    COUNTED.inc().unwrap();
    let update = COUNTED.inc().unwrap();
    assert_eq!(state(), on(2));
    update.previous.restore().unwrap();
    assert_eq!(state(), on(1));
    COUNTED.set(false).unwrap().previous.restore().unwrap();
    assert_eq!(state(), on(1));
}

#[test]
fn in_batches() {
    flag! {
        static A = false;
        static B = true;
    }
    let state = || (A.unlikely(), A.count(), B.likely(), B.count());
    static_call::batch(|b| {
        b.set_flag(&A, true)?;
        b.inc_flag(&A)?;
        b.inc_flag(&B)?;
        b.inc_flag(&A)?;
        b.dec_flag(&B)?;
        b.dec_flag(&B)
    })
    .unwrap();
    assert_eq!(state(), (true, 3, false, 0));
    // All or nothing.
    let refused = static_call::batch(|b| {
        b.set_flag(&A, false)?;
        b.inc_flag(&B)?;
        b.dec_flag(&A)
    });
    assert_eq!(refused.unwrap_err(), UpdateError::CountOutOfRange { flag: "A", count: 0 });
    assert_eq!(state(), (true, 3, false, 0));
    B.seal();
    let sealed = static_call::batch(|b| {
        b.set_flag(&A, false)?;
        b.set_flag(&B, true)
    });
    assert_eq!(sealed.unwrap_err(), UpdateError::Sealed { key: "B" });
    assert_eq!(B.inc().unwrap_err(), UpdateError::Sealed { key: "B" });
    assert_eq!(state(), (true, 3, false, 0));
    static_call::batch(|b| b.set_flag(&A, false)).unwrap().previous.restore().unwrap();
    assert_eq!(state(), (true, 3, false, 0));
}

#[test]
fn counted_twice_in_a_batch_and_restored() {
    flag! { static TWICE = false; }
    let state = || (TWICE.get(), TWICE.unlikely(), TWICE.count());
    for before in 0..2 {
        let was = state();
        assert_eq!(was, (before > 0, before > 0, before));
        let update = static_call::batch(|b| {
            b.inc_flag(&TWICE)?;
            b.inc_flag(&TWICE)?;
            b.inc_flag(&TWICE)
        });
        assert_eq!(state(), (true, true, before + 3));
        let back = update.unwrap().previous.restore().unwrap();
        assert_eq!(state(), was);
        // And forth again.
        back.previous.restore().unwrap();
        assert_eq!(state(), (true, true, before + 3));
        TWICE.set(true).unwrap();
    }
}

mod places {
    static_call::flag! {
        /// With attributes and a visibility.
        #[cfg(all())]
        #[allow(dead_code, reason = "it may carry attributes")]
        pub(super) static HERE = cfg!(all());
        #[cfg(any())]
        pub(super) static NOWHERE = compile_error!("not compiled");
    }
}

/// Flags in functions, with the same name as others, and in generic code.
#[test]
fn places_and_names() {
    fn one() -> bool {
        flag! { static SAME = true; }
        SAME.likely()
    }
    fn two<T: Default + PartialEq>() -> bool {
        flag! { static SAME = false; }
        SAME.enable().unwrap();
        SAME.unlikely() && T::default() == T::default()
    }
    assert!(one() && two::<u8>() && two::<String>());
    assert!(places::HERE.likely() && places::HERE.unlikely());
    assert_eq!(places::HERE.name(), "HERE");
    assert_eq!(format!("{:?}", places::HERE), r#"Flag { name: "HERE", on: true }"#);
}

#[test]
fn in_the_report() {
    let _turn = turn();
    let report = static_call::report();
    let key = report.keys.iter().find(|key| key.name == "LOUD").unwrap();
    assert!(key.is_flag && key.target.is_default(), "{report}");
    assert_eq!((key.signature, key.target.name()), ("static LOUD = false", "off"));
    assert!(!report.keys.iter().any(|key| key.name == "heard" && key.is_flag));
    hooks::LOUD.enable().unwrap();
    let report = static_call::report();
    let key = report.keys.iter().find(|key| key.name == "LOUD").unwrap();
    assert_eq!(key.target.name(), "on");
    assert!(report.to_string().contains("\n  is on\n"), "{report}");
    hooks::LOUD.disable().unwrap();
    assert!(static_call::report().to_string().contains("\n  is off (default)\n"));
}
