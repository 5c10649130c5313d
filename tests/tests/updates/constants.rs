//! Targets that do nothing or return a constant: one instruction at the call, if it fits.

use std::num::NonZeroU8;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use static_call::{CallReport, Grade, Kind, call, static_call};

/// Returns the current bytes of a key's calls that lie within a quadword.
fn whole_calls(key: &str) -> Vec<Vec<u8>> {
    let whole =
        |call: &CallReport| (call.kind, call.grade) == (Some(Kind::Call), Some(Grade::Quad));
    let calls = support::calls(key).into_iter().filter(whole);
    calls.map(|call| support::read(call.address, 5)).collect()
}

fn all_begin(key: &str, with: &[u8]) {
    let calls = whole_calls(key);
    assert!(!calls.is_empty(), "{key} has calls in one quadword");
    for call in calls {
        assert_eq!(&call[..with.len()], with, "{key}");
    }
}

/// Defines a key, its caller, and targets that return constants; the caller must get each constant.
macro_rules! values {
    ($(
        $test:ident: $name:ident $caller:ident: $ty:ty = $first:expr,
        [$($value:expr => $bytes:expr),* $(,)?];
    )*) => {$(
        #[static_call]
        fn $name(x: u64) -> $ty {
            if x == 0 { $first } else { std::hint::black_box($first) }
        }

        #[inline(never)]
        fn $caller(x: u64) -> $ty {
            let value = call!($name(x));
            // Prevents a tail call, which would be a jump.
            std::hint::black_box(x);
            value
        }

        #[test]
        fn $test() {
            assert_eq!($caller(1), $first);
            $(
                $name::update(|_| $value).unwrap();
                assert_eq!($caller(1), $value);
                let bytes: &[u8] = $bytes;
                all_begin(stringify!($name), bytes);
            )*
            $name::reset().unwrap();
            assert_eq!($caller(1), $first);
            all_begin(stringify!($name), CALL);
        }
    )*};
}

const CALL: &[u8] = &[0xe8];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colour {
    Red = 7,
    Blue = 300,
}

mod values {
    use super::*;

    values! {
        u32: of_u32 call_u32: u32 = 1, [
            0 => &[0xb8, 0, 0, 0, 0],
            0x0102_0304 => &[0xb8, 4, 3, 2, 1],
            u32::MAX => &[0xb8, 255, 255, 255, 255],
        ];
        bool: of_bool call_bool: bool = false, [true => &[0xb8, 1], false => &[0xb8, 0]];
        u8: of_u8 call_u8: u8 = 1, [255 => &[0xb8, 255], 0 => &[0xb8, 0]];
        i16: of_i16 call_i16: i16 = 1, [-2 => &[0xb8, 0xfe, 0xff], 0 => &[0xb8, 0, 0]];
        char: of_char call_char: char = 'a', ['ü' => &[0xb8, 0xfc, 0, 0, 0]];
        u64: of_u64 call_u64: u64 = 1, [
            5 => &[0xb8, 5, 0, 0, 0],
            0xffff_ffff => &[0xb8, 255, 255, 255, 255],
            // Not a 32-bit value, so the call stays.
            1 << 32 => CALL,
            u64::MAX => CALL,
        ];
        option: of_option call_option: Option<bool> = Some(true), [
            None => &[0xb8, 2, 0, 0, 0],
            Some(false) => &[0xb8, 0, 0, 0, 0],
        ];
        niche: of_niche call_niche: Option<NonZeroU8> = None, [
            NonZeroU8::new(9) => &[0xb8, 9, 0, 0, 0],
            None => &[0xb8, 0, 0, 0, 0],
        ];
        enumeration: of_enum call_enum: Colour = Colour::Red, [Colour::Blue => &[0xb8, 44, 1]];
        // In two registers, or in one of another kind, so the call stays.
        u128: of_u128 call_u128: u128 = 1, [2 => CALL];
        pair: of_pair call_pair: (u64, u64) = (1, 2), [(3, 4) => CALL];
        float: of_float call_float: f32 = 1.0, [2.5 => CALL];
    }
}

#[static_call]
fn consume(text: String) -> u64 {
    text.len() as u64
}

#[inline(never)]
fn consumed(text: String) -> u64 {
    let length = call!(consume(text));
    std::hint::black_box(1);
    length
}

#[test]
fn arguments_are_dropped() {
    consume::update(|_| 7).unwrap();
    assert_eq!(consumed("abc".to_owned()), 7);
    // Dropping needs code, so the target is not a constant. A leak would only show in valgrind.
    all_begin("consume", CALL);
}

#[static_call]
fn nothing(x: u64) {
    std::hint::black_box(x);
}

#[inline(never)]
fn do_nothing(x: u64) -> u64 {
    call!(nothing(x));
    x + 1
}

#[test]
fn a_target_without_code_is_a_no_op() {
    nothing::update(|_| {}).unwrap();
    assert_eq!(do_nothing(std::hint::black_box(1)), 2);
    all_begin("nothing", &[0x0f, 0x1f, 0x44, 0, 0]);
    nothing::reset().unwrap();
    assert_eq!(do_nothing(std::hint::black_box(1)), 2);
    all_begin("nothing", CALL);
}

#[static_call]
fn switched(x: u64) -> u64 {
    x
}

#[inline(never)]
fn call_switched(x: u64) -> u64 {
    call!(switched(x)) + 1
}

#[test]
fn constants_come_and_go_under_threads() {
    static STOP: AtomicBool = AtomicBool::new(false);
    static CALLS: AtomicU64 = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !STOP.load(Ordering::Relaxed) {
                    let found = call_switched(0x1_0000_0001);
                    let expected = [0x1_0000_0002, 0x7777_7778, 0x3334, 0x1_0000_0003];
                    assert!(expected.contains(&found), "{found:#x}");
                    CALLS.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut n = 0;
        while n < 4_000 || CALLS.load(Ordering::Relaxed) < 100_000 {
            match n % 4 {
                0 => switched::update(|_| 0x7777_7777).unwrap(),
                1 => switched::update(|_| 0x3333).unwrap(),
                2 => switched::update(|x| x + 1).unwrap(),
                _ => switched::reset().unwrap(),
            };
            n += 1;
        }
        STOP.store(true, Ordering::Relaxed);
    });
    all_begin("switched", CALL);
}
