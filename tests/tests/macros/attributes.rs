//! Attributes combined with `#[static_call]`.
#![allow(clippy::non_minimal_cfg, reason = "shapes that users write")]
#![deny(unused, deprecated, unfulfilled_lint_expectations)]

use static_call::{call, static_call};

#[static_call]
#[cfg(all())]
fn configured() -> u8 {
    1
}

#[static_call]
#[cfg(any())]
fn configured() -> Missing {
    2
}

#[cfg(any())]
#[static_call]
fn configured() -> Missing {
    3
}

#[cfg_attr(all(), static_call)]
#[cfg_attr(all(), must_use, cfg(all()), allow(clippy::all), inline(never))]
#[cfg_attr(any(), track_caller_that_does_not_exist)]
fn conditionally(n: u8) -> u8 {
    n
}

struct Filter;

#[static_call]
#[cfg(all())]
impl Filter {
    #[static_call]
    #[cfg(all())]
    fn get(&self) -> u8 {
        1
    }

    #[cfg(any())]
    #[static_call]
    fn get(&self) -> Missing {
        2
    }

    #[cfg_attr(all(), doc = "Documented.")]
    #[static_call]
    #[must_use]
    fn other(&self) -> u8 {
        3
    }
}

#[static_call]
#[cfg(any())]
impl Filter {
    #[static_call]
    fn get(&self) -> Missing {
        4
    }
}

#[test]
fn configuration() {
    assert_eq!(configured() + call!(configured()), 2);
    configured::update(|| 3).unwrap();
    assert_eq!(configured(), 3);
    assert_eq!(conditionally(4) + call!(conditionally(5)), 9);
    assert_eq!(Filter.get() + call!(Filter::get(&Filter)), 2);
    Filter::GET.update(|_| 3).unwrap();
    assert_eq!(Filter.get() + Filter.other(), 6);
}

#[static_call]
#[must_use = "it is what was asked for"]
fn wanted() -> u8 {
    1
}

#[static_call]
#[deprecated = "use `wanted`"]
fn old() -> u8 {
    2
}

#[test]
fn callers_are_warned() {
    #![expect(unused_must_use, deprecated, reason = "the test")]
    wanted();
    old();
    #[expect(unused_must_use, reason = "`call!` warns, too")]
    {
        call!(wanted());
    }
    #[expect(deprecated, reason = "`call!` warns, too")]
    let _ = call!(old());
    #[allow(deprecated, reason = "keys do not warn, and need not")]
    {
        old::update(wanted).unwrap();
    }
}

#[static_call]
#[expect(unused_variables, clippy::too_many_arguments, reason = "the test")]
fn expected(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) -> u8 {
    let unused = a;
    h
}

#[static_call]
#[inline]
#[cold]
fn inlined(n: u8) -> u8 {
    n
}

#[static_call]
#[inline(never)]
fn outlined(n: u8, #[allow(unused_variables, reason = "the test")] m: u8) -> u8 {
    n
}

#[static_call]
#[allow(non_snake_case, clippy::needless_pass_by_value, reason = "the test")]
fn notSnake(n: Vec<u8>) -> usize {
    n.len()
}

#[test]
fn lints_and_code_generation() {
    assert_eq!(expected(1, 2, 3, 4, 5, 6, 7, 8), 8);
    assert_eq!(call!(expected(1, 2, 3, 4, 5, 6, 7, 8)), 8);
    assert_eq!(inlined(1) + call!(inlined(2)), 3);
    assert_eq!(outlined(1, 0) + call!(outlined(2, 0)), 3);
    assert_eq!(notSnake(vec![]) + call!(notSnake(vec![1])), 1);
}
