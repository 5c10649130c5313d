//! `call!`: paths, arguments, and what it does not change.
#![allow(clippy::let_and_return, reason = "shapes that users write")]

use static_call::{call, static_call};

mod outer {
    pub(crate) mod inner {
        #[static_call::static_call]
        pub(crate) fn level(n: u8) -> u8 {
            n
        }
    }

    pub(crate) fn by_super() -> u8 {
        mod below {
            pub(super) fn get() -> u8 {
                static_call::call!(super::inner::level(4))
            }
        }
        below::get() + static_call::call!(self::inner::level(5))
    }
}

#[test]
fn paths_of_functions() {
    use outer::inner::level;
    use outer::inner::level as renamed;
    assert_eq!(call!(level(1)), 1);
    assert_eq!(call!(renamed(2)), 2);
    assert_eq!(call!(outer::inner::level(3)), 3);
    assert_eq!(call!(crate::call::outer::inner::level(3)), 3);
    assert_eq!(outer::by_super(), 9);
    assert_eq!(static_call::call! { level(6) }, 6);
    assert_eq!(call!(level(7,)), 7);
}

#[expect(non_camel_case_types, reason = "a type that looks like a module")]
struct lower(u8);

#[static_call]
impl lower {
    #[static_call]
    fn get(&self) -> u8 {
        self.0
    }
}

type Alias = lower;

#[test]
fn paths_of_methods() {
    assert_eq!(call!(<lower>::get(&lower(1))), 1);
    assert_eq!(call!(<crate::call::lower>::get(&lower(2))), 2);
    assert_eq!(call!(Alias::get(&lower(3))), 3);
    assert_eq!(call!(<Alias>::get(&lower(3),)), 3);
}

#[static_call]
fn borrowed(bytes: &[u8], text: &str, f: &dyn Fn(u8) -> u8, any: &dyn std::fmt::Debug) -> usize {
    bytes.len() + text.len() + usize::from(f(1)) + format!("{any:?}").len()
}

#[static_call]
fn pointers(f: fn(u8) -> u8, raw: *const u8, unsized_: Box<dyn Fn(u8) -> u8>, n: u64) -> u64 {
    let _ = raw;
    u64::from(f(1)) + u64::from(unsized_(2)) + n
}

#[test]
fn arguments_coerce() {
    let (bytes, text, offset) = (vec![1, 2, 3], String::from("ab"), 10);
    let mut array = [0; 2];
    assert_eq!(call!(borrowed(&bytes, &text, &|n| n + offset, &Some(1))), 23);
    assert_eq!(call!(borrowed(&mut array, "", &|n| n, &())), 5);
    assert_eq!(call!(pointers(|n| n, &1, Box::new(move |n| n + offset), 1 << 40)), (1 << 40) + 13);
}

#[static_call]
fn sum(a: u32, b: u32, c: u32) -> u32 {
    a * 100 + b * 10 + c
}

#[test]
fn arguments_are_evaluated_in_order_once() {
    let mut n = 0;
    let mut next = || {
        n += 1;
        n
    };
    assert_eq!(call!(sum(next(), next(), next())), 123);
    assert_eq!(n, 3);
    assert_eq!(
        call!(sum(
            call!(sum(1, 2, 3)),
            {
                let b = 1;
                b
            },
            if n > 0 { 2 } else { 3 }
        )),
        12312
    );
}

#[test]
fn control_flow_in_arguments() {
    fn early(n: Option<u32>) -> Option<u32> {
        Some(call!(sum(n?, 0, 0)))
    }
    fn returning() -> u32 {
        #[expect(unreachable_code, reason = "the test")]
        #[allow(clippy::diverging_sub_expression, reason = "the test")]
        {
            call!(sum(1, return 5, 3))
        }
    }
    assert_eq!(early(None), None);
    assert_eq!(early(Some(1)), Some(100));
    assert_eq!(returning(), 5);
    let result = 'block: {
        for n in 0.. {
            call!(sum(if n == 2 { break 'block n } else { n }, 1, 1));
        }
        unreachable!()
    };
    assert_eq!(result, 2);
}

#[test]
fn names_in_arguments_are_the_callers() {
    #[expect(non_snake_case, reason = "the name in generated code")]
    let (SITE, trampoline, go, __key) = (1, 2, 3, 4);
    assert_eq!(call!(sum(SITE, trampoline, go)), 123);
    let (__a0, __a1, k) = (1, 2, __key);
    assert_eq!(call!(sum(__a1, __a0, k)), 214);
}

fn generic<T: Copy + Into<u32>>(value: T) -> u32 {
    call!(sum(value.into(), value.into(), 0))
}

#[inline]
fn closure() -> impl Fn(u32) -> u32 {
    |n| call!(sum(n, n, n))
}

async fn in_async(n: u32) -> u32 {
    call!(sum(n, n, 0))
}

#[test]
fn in_generic_functions_closures_and_futures() {
    assert_eq!(generic(1u8) + generic(2u16) + closure()(3), 110 + 220 + 333);
    let mut future = std::pin::pin!(in_async(4));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), std::task::Poll::Ready(440));
}

#[test]
fn temporaries_live_as_long_as_in_a_call() {
    #[static_call]
    fn same(text: &str) -> &str {
        text
    }
    assert_eq!(call!(same(&String::from("temporary"))).len(), 9);
    let text = call!(same(call!(same("a"))));
    assert_eq!(text, "a");
}

#[test]
fn on_many_threads() {
    #[static_call]
    fn level(n: u8) -> u8 {
        n
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    assert!([3, 4].contains(&call!(level(3))));
                }
            });
        }
        for _ in 0..20 {
            level::update(|n| n + 1).unwrap();
            level::reset().unwrap();
        }
    });
}
