//! A trait's methods before the first update and after a reset, and optional methods.

use std::panic::catch_unwind;
use std::rc::Rc;

use static_call::{Instance, call, static_call};

/// Returns the message of a panic.
fn message(run: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = catch_unwind(run).expect_err("it panics");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    }
}

#[static_call]
trait Required {
    fn method(&self, held: [Rc<()>; 4]) -> u8;
    fn function() -> u8;
}

#[derive(Instance)]
struct Ready {}

impl Required for Ready {
    fn method(&self, held: [Rc<()>; 4]) -> u8 {
        held.len() as u8
    }
    fn function() -> u8 {
        1
    }
}

#[test]
fn without_a_default_the_panic_names_the_key() {
    let one = Rc::new(());
    let held = || [(); 4].map(|()| one.clone());
    let text = "`StaticRequired::method` was called before `StaticRequired::update`";
    let call = std::panic::AssertUnwindSafe(|| {
        StaticRequired.method(held());
    });
    assert_eq!(message(call), text);
    assert_eq!(Rc::strong_count(&one), 1, "the arguments are dropped");
    let text = "`StaticRequired::function` was called before `StaticRequired::update`";
    assert_eq!(message(|| assert_eq!(call!(StaticRequired::function()), 0)), text);

    StaticRequired::update::<Ready>().unwrap();
    assert_eq!(StaticRequired.method(held()) + StaticRequired::function(), 5);
    assert_eq!(Rc::strong_count(&one), 1);
    StaticRequired::reset().unwrap();
    assert!(StaticRequired::query().iter().all(|(_, target)| target.is_default()));
    assert_eq!(message(|| assert_eq!(StaticRequired::function(), 0)), text);
}

#[static_call(default = Slow)]
trait Chosen {
    fn method(&self) -> u8;
    fn function() -> u8 {
        1
    }
    #[static_call(optional)]
    fn optional(&self) -> Option<u8>;
}

struct Slow(u8);
static SLOW: Slow = Slow(7);
static_call::instance!(SLOW: Slow);

impl Chosen for Slow {
    fn method(&self) -> u8 {
        self.0
    }
    fn optional(&self) -> Option<u8> {
        Some(self.0)
    }
}

#[derive(Instance)]
struct Fast;

impl Chosen for Fast {
    fn method(&self) -> u8 {
        8
    }
    fn function() -> u8 {
        2
    }
}

#[test]
fn a_default_implementation() {
    let all = || (StaticChosen.method(), StaticChosen::function(), StaticChosen.optional());
    assert_eq!(all(), (7, 1, Some(7)));
    for (_, target) in StaticChosen::query() {
        assert!(target.is_default() && target.name().contains("Slow as "), "{target:?}");
    }
    StaticChosen::update::<Fast>().unwrap();
    assert_eq!(all(), (8, 2, None));
    StaticChosen::reset().unwrap();
    assert_eq!(all(), (7, 1, Some(7)));
}

#[static_call(const STEP: u32 = 10)]
trait Bodies {
    const STEP: u32;
    fn base(&self) -> u32 {
        1
    }
    fn step() -> u32 {
        Self::STEP
    }
    /// The calls in a default body are static calls, too.
    fn both(&self) -> u32 {
        struct Inner;
        impl Inner {
            const STEP: u32 = 100;
            fn step(&self) -> u32 {
                Self::STEP
            }
        }
        let of_closure = |own: &Self| own.base();
        of_closure(self) + Self::step() + Inner.step()
    }
    /// Has the same name as a function of the handle.
    fn query() -> u32 {
        5
    }
    fn of_query(&self) -> u32 {
        Self::query() + <Self as Bodies>::query()
    }
}

#[derive(Instance)]
struct Twenty;

impl Bodies for Twenty {
    const STEP: u32 = 20;
    fn base(&self) -> u32 {
        2
    }
}

#[test]
fn default_bodies() {
    assert_eq!(StaticBodies.both(), 111);
    assert_eq!(StaticBodies.of_query(), 10);
    assert_eq!(<StaticBodies as Bodies>::query(), 5);
    assert_eq!(StaticBodies::query().len(), 5);
    let update = StaticBodies::update::<Twenty>().unwrap();
    assert_eq!(StaticBodies.both(), 122);
    // The handle keeps its own constant.
    assert_eq!((StaticBodies::STEP, StaticBodies::step()), (10, 20));
    update.previous.restore().unwrap();
    assert_eq!(StaticBodies.both(), 111);
}

#[static_call(type Item = Vec<u8>)]
trait Inferred {
    type Item: AsRef<[u8]>;
    /// If the handle's `Vec` replaced `Item`, the type of `as_ref` would be ambiguous.
    fn first(&self, item: &Self::Item) -> u8 {
        item.as_ref()[0]
    }
    fn forever(&'static self) -> &'static str {
        "for ever"
    }
}

#[test]
fn a_default_body_means_the_same_as_in_the_trait() {
    static HANDLE: StaticInferred = StaticInferred;
    assert_eq!(HANDLE.first(&vec![7]), 7);
    assert_eq!(HANDLE.forever(), "for ever");
    assert_eq!(call!(StaticInferred::forever(&HANDLE)), "for ever");
}

#[static_call]
trait Listener {
    #[static_call(optional)]
    fn opened(&self, path: &str, held: Rc<()>);
    #[static_call(optional)]
    fn veto(path: &str, large: [u64; 8]) -> Option<Box<str>>;
}

#[derive(Instance)]
struct Deaf;
impl Listener for Deaf {}

#[derive(Instance)]
struct Strict;
impl Listener for Strict {
    fn veto(path: &str, large: [u64; 8]) -> Option<Box<str>> {
        (large[7] == 1).then(|| format!("not {path}").into())
    }
}

#[test]
fn optional_methods_do_nothing_until_set() {
    let one = Rc::new(());
    StaticListener.opened("a", one.clone());
    call!(StaticListener::opened(&StaticListener, "a", one.clone()));
    Deaf.opened("a", one.clone());
    assert_eq!(Rc::strong_count(&one), 1);
    assert_eq!(StaticListener::veto("a", [1; 8]), None);
    StaticListener::update::<Strict>().unwrap();
    assert_eq!(StaticListener::veto("a", [1; 8]).unwrap(), "not a".into());
    StaticListener.opened("a", one.clone());
    assert_eq!(Rc::strong_count(&one), 1);
    StaticListener::update::<Deaf>().unwrap();
    assert_eq!(call!(StaticListener::veto("a", [1; 8])), None);
}
