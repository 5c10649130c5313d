//! Traits with `#[static_call]`: calls through the handle, from generic code and by `call!`.
#![allow(clippy::needless_lifetimes, clippy::non_minimal_cfg, reason = "shapes that users write")]

use std::cell::Cell;
use std::fmt::Debug;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use static_call::{Instance, call, static_call};

#[static_call]
trait Codec {
    fn encode(&self, src: &[u8], dst: &mut Vec<u8>) -> Result<usize, String>;
    fn level() -> u32;
    fn name(&self) -> &str;
}

#[derive(Instance)]
struct Plain;

impl Codec for Plain {
    fn encode(&self, src: &[u8], dst: &mut Vec<u8>) -> Result<usize, String> {
        dst.extend(src);
        Ok(src.len())
    }

    fn level() -> u32 {
        0
    }

    fn name(&self) -> &str {
        "plain"
    }
}

struct Prefixed {
    prefix: String,
}

static PREFIXED: std::sync::LazyLock<Prefixed> =
    std::sync::LazyLock::new(|| Prefixed { prefix: "p:".to_owned() });
static_call::instance!(PREFIXED: Prefixed);

impl Codec for Prefixed {
    fn encode(&self, src: &[u8], dst: &mut Vec<u8>) -> Result<usize, String> {
        if src.is_empty() {
            return Err(format!("{} nothing", self.prefix));
        }
        dst.extend(self.prefix.bytes());
        dst.extend(src);
        Ok(self.prefix.len() + src.len())
    }

    fn level() -> u32 {
        9
    }

    fn name(&self) -> &str {
        &self.prefix
    }
}

/// Knows nothing about static calls.
fn generic<C: Codec>(codec: &C) -> (Result<usize, String>, Vec<u8>, u32, String) {
    let mut dst = Vec::new();
    let result = codec.encode(b"abc", &mut dst);
    (result, dst, C::level(), codec.name().to_owned())
}

#[test]
fn generic_code_follows_the_handle() {
    let update = StaticCodec::update::<Plain>().unwrap();
    assert_eq!(generic(&StaticCodec), generic(&Plain));
    let targets = StaticCodec::query();
    assert_eq!(targets.map(|(name, _)| name), ["encode", "level", "name"]);
    for (name, target) in targets {
        assert!(target.name().contains("Plain as ") && target.name().ends_with(name), "{target:?}");
        assert!(!target.is_default());
    }

    let second = StaticCodec::update::<Prefixed>().unwrap();
    assert_eq!(generic(&StaticCodec), generic(&*PREFIXED));
    assert!(StaticCodec.encode(b"", &mut Vec::new()).is_err());
    let text = format!("{:?}", second.previous);
    assert!(text.contains("\"StaticCodec::level\": ") && text.contains("Plain as "), "{text}");
    second.previous.restore().unwrap();
    assert_eq!(generic(&StaticCodec), generic(&Plain));

    let mut dst = Vec::new();
    assert_eq!(call!(StaticCodec::encode(&StaticCodec, b"abc", &mut dst)), Ok(3));
    assert_eq!(call!(StaticCodec::level()), 0);
    assert_eq!(call!(StaticCodec::name(&StaticCodec)), "plain");
    assert_eq!(call!(<StaticCodec>::level()), 0);
    drop(update);
}

#[test]
fn the_report_lists_methods_with_their_lines() {
    let report = static_call::report();
    let key = report.keys.iter().find(|key| key.name == "StaticCodec::level").unwrap();
    assert_eq!(key.signature, "fn level() -> u32");
    assert!(key.file.ends_with("traits/calls.rs"));
    let lines = include_str!("calls.rs").lines().collect::<Vec<_>>();
    assert_eq!(lines[key.line as usize - 1], "    fn level() -> u32;");
}

#[derive(Clone, Debug, PartialEq)]
struct Big([u64; 9]);

#[static_call]
trait Shapes {
    fn elided(&self, text: &mut String) -> &str;
    fn named<'a>(&'a self, one: &'a str, other: &str) -> &'a str;
    fn argument<'a>(&self, one: &'a str, other: &'a str) -> &'a str;
    fn longest<'a, 'b: 'a>(one: &'a str) -> &'a str
    where
        Self: Sized,
    {
        one
    }
    fn invariant<'a>(&'a self) -> Cell<&'a str>;
    fn large(&self, big: Big, text: String, (a, b): (u64, u128)) -> Big {
        let _ = (text, a, b);
        big
    }
    unsafe fn raw(&self, at: *const u8) -> u8;
    unsafe fn raw_or_zero(at: *const u8) -> u8 {
        let _ = at;
        0
    }
    fn future<'a>(&'a self, n: &'a u32) -> Pin<Box<dyn Future<Output = u32> + 'a>>;
    fn with_callback(&self, each: &dyn Fn(&str) -> usize) -> usize;
    fn fail(&self, code: i32) -> !;
    #[must_use]
    #[deprecated = "for a test"]
    fn old(&self) -> u8;
    #[cfg(any())]
    fn never_there(&self, missing: Missing);
    #[cfg(all())]
    fn always_there(&self) -> u8 {
        1
    }
    /// Generic, so it is not a static call: the handle has it unchanged.
    fn each<T: Debug>(&self, values: &[T]) -> String
    where
        Self: Sized,
    {
        values.iter().map(|value| format!("{value:?}{}", self.always_there())).collect()
    }
    fn r#match(&self, r#type: u8) -> u8;
}

struct Owning {
    text: String,
}

static OWNING: std::sync::LazyLock<Owning> =
    std::sync::LazyLock::new(|| Owning { text: "owned".to_owned() });
static_call::instance!(OWNING: Owning);

impl Shapes for Owning {
    fn elided(&self, text: &mut String) -> &str {
        text.push('!');
        &self.text
    }
    fn named<'a>(&'a self, one: &'a str, other: &str) -> &'a str {
        if other.is_empty() { &self.text } else { one }
    }
    fn argument<'a>(&self, one: &'a str, other: &'a str) -> &'a str {
        if one.len() > other.len() { one } else { other }
    }
    fn invariant<'a>(&'a self) -> Cell<&'a str> {
        Cell::new(&self.text)
    }
    fn large(&self, mut big: Big, text: String, (a, b): (u64, u128)) -> Big {
        big.0[8] = text.len() as u64 + a + b as u64;
        big
    }
    unsafe fn raw(&self, at: *const u8) -> u8 {
        // SAFETY: the caller's promise (INV-SLOT).
        unsafe { *at }
    }
    fn future<'a>(&'a self, n: &'a u32) -> Pin<Box<dyn Future<Output = u32> + 'a>> {
        Box::pin(async { *n + self.text.len() as u32 })
    }
    fn with_callback(&self, each: &dyn Fn(&str) -> usize) -> usize {
        each(&self.text)
    }
    fn fail(&self, code: i32) -> ! {
        panic!("{} {code}", self.text)
    }
    fn old(&self) -> u8 {
        7
    }
    fn r#match(&self, r#type: u8) -> u8 {
        r#type + 1
    }
}

#[test]
fn lifetimes_sizes_and_odd_forms() {
    let handle = StaticShapes;
    let big = Big([1; 9]);
    assert_eq!(handle.large(big.clone(), String::new(), (1, 2)), big);
    // SAFETY: the default does not read it (INV-SLOT).
    assert_eq!(unsafe { StaticShapes::raw_or_zero(std::ptr::null()) }, 0);
    assert_eq!(handle.each(&[1, 2]), "1121");
    assert_eq!(StaticShapes::longest("left out, too"), "left out, too");

    StaticShapes::update::<Owning>().unwrap();
    let mut text = String::new();
    assert_eq!(handle.elided(&mut text), "owned");
    assert_eq!(call!(StaticShapes::elided(&handle, &mut text)), "owned");
    assert_eq!(text, "!!");
    {
        let one = String::from("one");
        assert_eq!(handle.named(&one, ""), "owned");
        assert_eq!(call!(StaticShapes::named(&handle, &one, "x")), "one");
        assert_eq!(handle.argument(&one, "o"), "one");
        let cell = handle.invariant();
        cell.set(&one);
        assert_eq!(cell.get(), "one");
    }
    let changed = handle.large(big.clone(), "abc".to_owned(), (1, 2));
    assert_eq!(changed.0[8], 6);
    assert_eq!(call!(StaticShapes::large(&handle, big, "abc".to_owned(), (1, 2))), changed);
    // SAFETY: it points to a byte (INV-SLOT).
    assert_eq!(unsafe { handle.raw(&5) }, 5);
    // SAFETY: as above (INV-SLOT).
    assert_eq!(unsafe { call!(StaticShapes::raw(&handle, &6)) }, 6);
    let n = 3;
    let mut future = pin!(handle.future(&n));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(8));
    assert_eq!(handle.with_callback(&str::len), 5);
    assert_eq!(handle.r#match(1) + call!(StaticShapes::r#match(&handle, 2)), 5);
    assert_eq!(handle.always_there(), 1);
    #[expect(deprecated, reason = "the handle has the attribute, too")]
    let old = handle.old();
    assert_eq!(old, 7);
    let error = std::panic::catch_unwind(|| handle.fail(3)).unwrap_err();
    assert_eq!(error.downcast_ref::<String>().unwrap(), "owned 3");
    assert_eq!(StaticShapes::query().len(), 13);
}

#[test]
fn a_trait_inside_a_function() {
    #[static_call(handle = Chosen)]
    trait Local {
        fn answer() -> u8 {
            1
        }
    }
    struct Two;
    impl Local for Two {
        fn answer() -> u8 {
            2
        }
    }
    assert_eq!(Chosen::answer(), 1);
    Chosen::update::<Two>().unwrap();
    assert_eq!((Chosen::answer(), call!(Chosen::answer())), (2, 2));
    assert_eq!(
        Chosen::update::<Chosen>().unwrap_err().to_string(),
        "`Chosen::answer` would call itself: its target leads back to it"
    );
    assert_eq!(Chosen::answer(), 2);
    Chosen::seal();
    assert!(Chosen::reset().is_err());
}
