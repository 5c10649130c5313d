//! Free functions with `#[static_call]`: plain calls, `call!`, and the functions of the enum.
#![allow(clippy::unused_unit, clippy::toplevel_ref_arg, reason = "shapes that users write")]

use std::fmt::Debug;

use static_call::{call, static_call};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Big([u64; 5]);

/// Calls a function plainly and by `call!`, and checks that the results are the same.
macro_rules! both {
    ($function:ident($($arg:expr),* $(,)?)) => {{
        let plain = $function($($arg),*);
        assert_eq!(plain, call!($function($($arg),*)));
        plain
    }};
}

#[static_call]
fn checksum(data: &[u8], big: Big) -> u64 {
    data.len() as u64 + big.0[4]
}

#[test]
fn calls_and_updates() {
    let data = vec![1u8; 7];
    assert_eq!(both!(checksum(&data, Big([1; 5]))), 8);
    assert!(checksum::query().is_default());
    assert!(checksum::query().name().ends_with("::checksum"));
    checksum::update(|d, b| d.len() as u64 * 2 + b.0[0]).unwrap();
    assert!(!checksum::query().is_default());
    assert_eq!(both!(checksum(&data, Big([1; 5]))), 15);
    assert_eq!(checksum::original(&data, Big([1; 5])), 8);
    checksum::reset().unwrap();
    assert!(checksum::query().is_default());
    assert_eq!(both!(checksum(&data, Big([2; 5]))), 9);
    checksum::KEY.update(|d, _| d.len() as u64).unwrap();
    assert_eq!(both!(checksum(&data, Big([2; 5]))), 7);
    assert_eq!(checksum::KEY.name(), "checksum");
}

#[static_call]
fn nothing() {}

#[static_call]
fn unit(_: ()) -> () {}

#[test]
fn without_arguments() {
    both!(nothing());
    nothing::update(|| panic!("target")).unwrap();
    std::panic::catch_unwind(nothing).unwrap_err();
    std::panic::catch_unwind(|| call!(nothing())).unwrap_err();
    both!(unit(()));
}

#[static_call]
fn off(n: u8, _: &str);

#[test]
fn without_body() {
    both!(off(1, ""));
    off::update(|n, _| panic!("{n}")).unwrap();
    std::panic::catch_unwind(|| off(1, "")).unwrap_err();
    std::panic::catch_unwind(|| call!(off(1, ""))).unwrap_err();
    off::disable().unwrap();
    both!(off(1, ""));
    off::original(1, "");
}

#[static_call]
fn patterns(
    (a, b): (u8, u8),
    mut n: u32,
    [x, ..]: [u16; 3],
    _: &str,
    ref r: u8,
    w @ 0..: u8,
) -> u32 {
    n += u32::from(a) + u32::from(b) + u32::from(x) + u32::from(*r) + u32::from(w);
    n
}

#[test]
fn patterns_in_arguments() {
    assert_eq!(both!(patterns((1, 2), 3, [4, 5, 6], "", 10, 20)), 40);
    patterns::update(|_, n, _, _, _, _| n).unwrap();
    assert_eq!(both!(patterns((1, 2), 3, [4, 5, 6], "", 10, 20)), 3);
}

#[static_call]
#[expect(clippy::too_many_arguments, reason = "more than there are registers")]
fn many(
    a: u8,
    b: u16,
    c: u32,
    d: u64,
    e: i8,
    f: i16,
    g: i32,
    h: i64,
    i: &str,
    j: f32,
    k: f64,
    l: Big,
) -> f64 {
    let whole = i64::from(a) + i64::from(b) + i64::from(c) + d as i64 + i64::from(e);
    let more = i64::from(f) + i64::from(g) + h + i.len() as i64 + l.0[3] as i64;
    (whole + more) as f64 + f64::from(j) + k
}

#[test]
fn arguments_on_the_stack() {
    let big = Big([1, 2, 3, 4, 5]);
    assert_eq!(both!(many(1, 2, 3, 4, -5, 6, 7, 8, "nine", 0.5, 0.25, big)), 34.75);
    many::update(|a, _, _, _, _, _, _, _, _, _, _, l| f64::from(a) + l.0[4] as f64).unwrap();
    assert_eq!(both!(many(1, 2, 3, 4, -5, 6, 7, 8, "nine", 0.5, 0.25, big)), 6.0);
}

#[static_call]
fn shift(big: Big, by: u64) -> Big {
    Big(big.0.map(|n| n + by))
}

#[static_call]
fn wide(a: u128, b: i128) -> (u128, i128) {
    (a + 1, b - 1)
}

#[static_call]
fn floats(a: f32, b: f64) -> (f64, f32) {
    (b, a)
}

#[static_call]
fn owned(text: String, bytes: Vec<u8>, flag: Option<bool>) -> Result<(String, Vec<u8>), char> {
    match flag {
        Some(true) => Ok((text, bytes)),
        Some(false) => Err('f'),
        None => Err('n'),
    }
}

#[test]
fn large_values() {
    assert_eq!(both!(shift(Big([0, 1, 2, 3, 4]), 10)), Big([10, 11, 12, 13, 14]));
    shift::update(|big, _| big).unwrap();
    assert_eq!(both!(shift(Big([7; 5]), 10)), Big([7; 5]));

    assert_eq!(both!(wide(u128::MAX - 1, i128::MIN + 1)), (u128::MAX, i128::MIN));
    wide::update(|a, b| (b as u128, a as i128)).unwrap();
    assert_eq!(both!(wide(u128::MAX, 5)), (5, -1));

    assert_eq!(both!(floats(1.5, -2.5)), (-2.5, 1.5));
    floats::update(|a, b| (b + 1.0, a + 1.0)).unwrap();
    assert_eq!(both!(floats(1.5, -2.5)), (-1.5, 2.5));

    let (text, bytes) = (|| String::from("text"), || vec![1, 2]);
    assert_eq!(both!(owned(text(), bytes(), Some(true))), Ok((text(), bytes())));
    assert_eq!(both!(owned(text(), bytes(), None)), Err('n'));
    owned::update(|text, _, _| Ok((text, vec![]))).unwrap();
    assert_eq!(both!(owned(text(), bytes(), None)), Ok((text(), vec![])));
}

#[static_call]
fn longest<'a>(a: &'a str, b: &'a str) -> &'a str {
    if a.len() < b.len() { b } else { a }
}

#[static_call]
fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or("")
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Span<'a, 'b>(&'a str, &'b str, [u64; 3]);

#[static_call]
fn split<'a>(span: Span<'a, '_>, by: &dyn Fn(&str) -> usize) -> &'a str {
    &span.0[by(span.1)..]
}

#[static_call]
fn elided_in_path(span: Span<'_, '_>) -> usize {
    span.0.len() + span.1.len()
}

#[static_call]
fn hidden_in_path(out: &mut std::fmt::Formatter, n: u8) -> std::fmt::Result {
    write!(out, "{n}")
}

#[static_call]
fn callback(f: fn(&u8) -> &u8, g: &mut dyn FnMut(&str) -> u8, h: Box<dyn Fn(u8) -> u8 + '_>) -> u8 {
    h(g("a")) + f(&1)
}

#[static_call]
fn shape(_: u8) -> &'static dyn Debug {
    &1
}

#[static_call]
fn shape_of(_: u8) -> fn(&u8) -> &dyn Debug {
    |n| n
}

#[static_call]
fn iterate<'a>(text: &'a [u8]) -> Box<dyn Iterator<Item = &'a u8> + 'a> {
    Box::new(text.iter())
}

#[test]
fn lifetimes() {
    let text = String::from("two words");
    let word = {
        let other = String::from("w");
        assert_eq!(both!(longest(&text, &other)), text);
        longest::update(|_, b| b).unwrap();
        assert_eq!(both!(longest(&text, &other)), other);
        let span = Span(&text, &other, [0; 3]);
        assert_eq!(both!(elided_in_path(span)), 10);
        elided_in_path::update(|span| span.0.len()).unwrap();
        assert_eq!(both!(elided_in_path(span)), 9);
        both!(split(span, &|by| by.len()))
    };
    assert_eq!(word, "wo words");
    split::update(|span, _| span.0).unwrap();
    assert_eq!(both!(first_word(&text)), "two");
    first_word::update(|text| &text[1..]).unwrap();
    assert_eq!(both!(first_word(&text)), "wo words");

    struct Shown(u8);
    impl std::fmt::Display for Shown {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            hidden_in_path(f, self.0)?;
            call!(hidden_in_path(f, self.0))
        }
    }
    assert_eq!(Shown(3).to_string(), "33");
    hidden_in_path::update(|f, n| write!(f, "<{n}>")).unwrap();
    assert_eq!(Shown(3).to_string(), "<3><3>");

    let offset = 10;
    assert_eq!(both!(callback(|n| n, &mut |s| s.len() as u8, Box::new(|n| n + offset))), 12);
    assert_eq!(iterate(b"ab").count() + call!(iterate(b"cde")).count(), 5);
    iterate::update(|text| Box::new(text[1..].iter())).unwrap();
    assert_eq!(iterate(b"ab").count() + call!(iterate(b"cde")).count(), 3);
}

/// In generated code bounds may follow an output; they must not become the trait object's bounds.
#[test]
fn outputs_that_end_in_a_trait() {
    let debug = |value: &dyn Debug| format!("{value:?}");
    assert_eq!((debug(shape(1)), debug(call!(shape(1)))), ("1".into(), "1".into()));
    shape::update(|_| &"other").unwrap();
    assert_eq!(debug(shape(1)), "\"other\"");
    assert_eq!(debug(shape_of(1)(&7)), "7");
    shape_of::update(|_| |_| &'c').unwrap();
    assert_eq!(debug(call!(shape_of(1))(&7)), "'c'");
}

/// Reads.
///
/// # Safety
///
/// 1. `at` is valid.
#[static_call]
unsafe fn read(at: *const u8, big: Big) -> u8 {
    // SAFETY: the caller's promise 1.
    unsafe { *at }.wrapping_add(big.0[0] as u8)
}

#[test]
fn unsafe_functions() {
    let n = 3u8;
    // SAFETY: a reference is valid (promise 1).
    assert_eq!(unsafe { read(&n, Big([1; 5])) }, 4);
    // SAFETY: as above.
    assert_eq!(unsafe { call!(read(&n, Big([1; 5]))) }, 4);
    // SAFETY: as above.
    assert_eq!(unsafe { read::original(&n, Big([2; 5])) }, 5);
    read::update(|_, big| big.0[4] as u8).unwrap();
    // SAFETY: as above.
    assert_eq!(unsafe { read(&n, Big([9; 5])) }, 9);
    // SAFETY: as above.
    assert_eq!(unsafe { call!(read(&n, Big([9; 5]))) }, 9);
}

#[static_call]
fn fail(message: &str) -> ! {
    panic!("default: {message}")
}

#[test]
fn never() {
    fn message(f: impl FnOnce() + std::panic::UnwindSafe) -> String {
        *std::panic::catch_unwind(f).unwrap_err().downcast().unwrap()
    }
    fn value(wanted: bool) -> u8 {
        if wanted { 1 } else { call!(fail("value")) }
    }
    assert_eq!(value(true), 1);
    assert_eq!(message(|| fail("a")), "default: a");
    assert_eq!(message(|| call!(fail("a"))), "default: a");
    fail::update(|m| panic!("target: {m}")).unwrap();
    assert_eq!(message(|| fail("a")), "target: a");
    assert_eq!(message(|| assert_eq!(value(false), 1)), "target: value");
}

#[test]
fn targets() {
    #[static_call]
    fn key(n: u64) -> u64 {
        n
    }
    fn function(n: u64) -> u64 {
        n + 1
    }
    fn generic<T: From<u64> + Into<u64>>(n: T) -> u64 {
        n.into() + 2
    }
    key::update(function).unwrap();
    assert_eq!(both!(key(0)), 1);
    key::update(generic::<u64>).unwrap();
    assert_eq!(both!(key(0)), 2);
    key::update(u64::count_zeros_wide).unwrap();
    assert_eq!(both!(key(0)), 64);
    key::update(|n| {
        const THREE: u64 = 3;
        n + THREE
    })
    .unwrap();
    assert_eq!(both!(key(0)), 3);
    assert!(key::update(key).is_err());
    assert_eq!(both!(key(0)), 3);
}

trait Wide {
    fn count_zeros_wide(self) -> u64;
}

impl Wide for u64 {
    fn count_zeros_wide(self) -> u64 {
        u64::from(self.count_zeros())
    }
}
