//! Observers, generations, seals, function pointers, and private updates.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use static_call::{Change, Observer, UpdateError, call, static_call};

#[static_call]
fn level(x: u64) -> u64 {
    x
}

#[static_call]
fn other(x: u64) -> u64 {
    x
}

fn plus_one(x: u64) -> u64 {
    x + 1
}

fn plus_two(x: u64) -> u64 {
    x + 2
}

static SEEN: Mutex<Vec<Change>> = Mutex::new(Vec::new());
static LOG: Observer = Observer::new(|change| SEEN.lock().unwrap().push(*change));

fn seen() -> Vec<Change> {
    std::mem::take(&mut SEEN.lock().unwrap())
}

#[test]
fn observers_see_what_changed() {
    support::in_child("observers::observers_see_what_changed", &[], || {
        level::update(plus_one).unwrap();
        assert!(seen().is_empty());
        LOG.register();
        LOG.register();
        let before = static_call::generation();
        level::update(plus_two).unwrap();
        let [change] = seen()[..] else { panic!("one change, seen once") };
        assert_eq!(change.key, "level");
        assert!(change.before.name().ends_with("plus_one"), "{change:?}");
        assert!(change.now.name().ends_with("plus_two") && !change.now.is_default());
        assert_eq!(change.generation, before + 1);
        assert_eq!(static_call::generation(), before + 1);

        static_call::batch(|batch| {
            batch.update(level::KEY, plus_one)?;
            batch.update(other::KEY, plus_one)?;
            batch.reset(level::KEY)
        })
        .unwrap();
        let [first, second] = seen()[..] else { panic!("one change per key") };
        assert_eq!((first.key, second.key), ("other", "level"));
        assert!(second.now.is_default() && second.before.name().ends_with("plus_two"));
        assert_eq!((first.generation, second.generation), (before + 2, before + 2));

        // The same target, binding, and refused updates are not changes.
        other::update(plus_one).unwrap();
        static_call::init().unwrap();
        static_call::unbind().unwrap();
        level::KEY.seal();
        assert!(level::reset().is_err());
        assert!(seen().is_empty());

        LOG.unregister();
        other::reset().unwrap();
        assert!(seen().is_empty());
        LOG.register();
        other::update(plus_one).unwrap();
        assert_eq!(seen().len(), 1);
    });
}

#[test]
fn observers_may_update_and_panic() {
    support::in_child("observers::observers_may_update_and_panic", &[], || {
        static FOLLOW: Observer = Observer::new(|change| {
            if change.key == "level" {
                other::update(plus_one).unwrap();
                assert!(static_call::report().keys.iter().any(|key| key.name == "other"));
                thread::spawn(|| other::update(plus_two)).join().unwrap().unwrap();
                panic!("on purpose");
            }
        });
        FOLLOW.register();
        assert!(std::panic::catch_unwind(|| level::update(plus_one)).is_err());
        assert_eq!((level(7), other(7)), (8, 9));
        FOLLOW.unregister();
        level::update(plus_two).unwrap();
        assert_eq!(level(7), 9);
    });
}

#[test]
fn a_sealed_key_keeps_its_target() {
    support::in_child("observers::a_sealed_key_keeps_its_target", &[], || {
        level::update(plus_one).unwrap();
        let previous = level::update(plus_two).unwrap().previous;
        level::KEY.seal();
        assert!(level::KEY.is_sealed() && !other::KEY.is_sealed());
        let sealed = UpdateError::Sealed { key: "level" };
        assert_eq!(sealed.to_string(), "`level` is sealed: `seal` made its target final");
        assert_eq!(level::update(plus_one).unwrap_err(), sealed);
        assert_eq!(level::update_fn(plus_one).unwrap_err(), sealed);
        assert_eq!(level::reset().unwrap_err(), sealed);
        assert_eq!(previous.restore().unwrap_err(), sealed);
        other::update(plus_one).unwrap();
        // These change the path of calls, not their targets.
        static_call::unbind().unwrap();
        assert_eq!((level(7), call!(level(7)), other(7)), (9, 9, 8));
        static_call::init().unwrap();
        assert_eq!((level(7), call!(level(7)), other(7)), (9, 9, 8));
        static_call::seal();
        assert_eq!(other::reset().unwrap_err(), UpdateError::Sealed { key: "other" });
    });
}

#[test]
fn pointers_switch_under_threads() {
    support::in_child("observers::pointers_switch_under_threads", &[], || {
        static STOP: AtomicBool = AtomicBool::new(false);
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let table: [fn(u64) -> u64; 3] = [plus_one, plus_two, |x| x + 3];
        level::update_fn(table[0]).unwrap();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !STOP.load(Ordering::Relaxed) {
                        assert!((8..=10).contains(&level(7)));
                        assert!((8..=10).contains(&call!(level(7))));
                        CALLS.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let mut n = 0;
            while n < 2_000 || CALLS.load(Ordering::Relaxed) < 1_000 {
                n += 1;
                let pointer = table[n % 3];
                let previous = level::update_fn(pointer).unwrap().previous;
                assert_eq!(level::query().address(), pointer as usize);
                assert_eq!(level(7), pointer(7));
                previous.restore().unwrap();
                assert_eq!(level(7), table[0](7));
            }
            STOP.store(true, Ordering::Relaxed);
        });
    });
}

/// Function pointers also work with lifetimes, large arguments and methods.
mod pointers {
    use static_call::static_call;

    pub(crate) struct Big(pub(crate) [u64; 8]);

    #[static_call]
    pub(crate) fn pick<'a>(all: &'a [Big], _: &str, by: Big) -> &'a Big {
        &all[by.0[0] as usize]
    }

    pub(crate) struct Filter(u64);

    #[static_call]
    impl Filter {
        #[static_call]
        pub(crate) fn name(&self) -> &str {
            "filter"
        }
    }

    fn last<'a>(all: &'a [Big], _: &str, by: Big) -> &'a Big {
        &all[all.len() - 1 - by.0[0] as usize]
    }

    #[test]
    fn of_all_signatures() {
        let all = [Big([1; 8]), Big([2; 8])];
        assert_eq!(pick(&all, "", Big([0; 8])).0[7], 1);
        pick::update_fn(last).unwrap();
        assert_eq!(pick(&all, "", Big([0; 8])).0[7], 2);
        assert_eq!(pick::query().name(), "a function pointer");
        Filter::NAME.update_fn(|filter| if filter.0 == 0 { "none" } else { "some" }).unwrap();
        assert_eq!((Filter(0).name(), Filter(1).name()), ("none", "some"));
    }
}

/// Everyone may call, but only this module may update.
mod private {
    use static_call::static_call;

    #[static_call(update = pub(self))]
    pub(crate) fn allocate(x: u64) -> u64 {
        x
    }

    pub(crate) struct Pool;

    #[static_call(update = pub(in crate::observers::private))]
    impl Pool {
        #[static_call]
        pub(crate) fn size() -> u64 {
            1
        }

        /// Its own option overrides.
        #[static_call(update = pub)]
        pub(crate) fn limit() -> u64 {
            1
        }
    }

    pub(crate) fn switch() {
        allocate::update(|x| x * 2).unwrap();
        Pool::SIZE.update(|| 2).unwrap();
    }
}

#[test]
fn a_key_can_be_public_only_for_calls() {
    use private::{Pool, allocate};

    private::switch();
    assert_eq!((allocate(3), call!(allocate(3)), allocate::original(3)), (6, 6, 3));
    assert!(!allocate::query().is_default());
    assert_eq!((Pool::size(), call!(Pool::size())), (2, 2));
    Pool::LIMIT.update(|| 3).unwrap();
    assert_eq!(Pool::limit(), 3);
}
