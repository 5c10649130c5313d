//! A crate that uses every name of generated code for something else: types, constants, functions,
//! modules, macros, generic parameters, lifetimes and variables.
#![forbid(unsafe_code)]
#![allow(non_camel_case_types, non_upper_case_globals, non_snake_case, dead_code, unused_macros)]

pub mod flags;
mod items;

use ::static_call::{call, static_call};
use items::*;

/// A value of at most two registers, and one that is passed by pointer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Small(pub ::core::primitive::u8);
#[derive(Clone, Debug, PartialEq)]
pub struct Large(pub [::core::primitive::u64; 4]);

/// Generated code names the first argument; the second once had such a name.
#[static_call]
fn second_of(x: Small, __arg0: Small) -> (Small, Small) {
    (x, __arg0)
}

#[static_call]
fn hidden_names(
    __static_call_arg0: Small,
    __static_call_trampoline: Large,
    __static_call_passed1: Large,
    (a, b): (Small, Small),
) -> [Large; 2] {
    assert_eq!((__static_call_arg0, a, b), (Small(1), Small(2), Small(3)));
    [__static_call_trampoline, __static_call_passed1]
}

/// Constants and types in the signature with the names of generic parameters.
#[static_call]
fn parameters(n: [Small; N], m: [Small; __N], f: F, k: K, a: A0, r: R, s: S, i: I) -> Here {
    Here(n.len() + m.len() + usize_of(f.0) + usize_of(k.0 + a.0 + r.0 + s.0) + usize_of(i.0))
}

/// Constants in the signature with the names of generated ones.
#[static_call]
fn lengths(a: [Small; CELL], b: [Small; POSITION]) -> (Small, Small) {
    (a[0], b[0])
}

/// Lifetimes with the names that elided ones get.
#[static_call]
fn lifetimes<'__0, '___1>(a: &'__0 Small, b: &'___1 Small, c: &Small) -> &'___1 Small {
    let _ = (a, c);
    b
}

pub struct Borrowed<'__self0, '__0>(&'__self0 Small, &'__0 Small);

#[static_call]
impl<'__0> Borrowed<'_, '__0> {
    #[static_call]
    fn first<'__self1>(&self, other: &'__self1 Small) -> &'__0 Small {
        let _ = other;
        self.1
    }
}

/// Primitive types and the prelude mean something else here.
#[static_call]
fn primitives(a: bool, b: u32, c: usize, d: Option) -> str {
    str(a, b, c, d)
}

#[static_call]
fn quiet(note: Small);

#[static_call]
fn maybe(note: Small) -> ::core::option::Option<Small>;

#[static_call]
trait Trait {
    fn method(&self, __arg0: Large, arg1: [Small; N], i: I) -> Large {
        let _ = (arg1, i);
        __arg0
    }
}

#[derive(::static_call::Instance)]
struct Other;

impl Trait for Other {
    fn method(&self, mut large: Large, _: [Small; N], i: I) -> Large {
        large.0[0] = i.0;
        large
    }
}

pub fn check() {
    // Variables with the names that `call!` binds, used in its arguments.
    let (__static_call_arg0, __static_call_key, __static_call_value) = (Small(1), Small(2), Small(3));
    let (on, trampoline, go) = (Small(4), Small(5), Small(6));
    assert_eq!(second_of(Small(1), Small(2)), (Small(1), Small(2)));
    assert_eq!(call!(second_of(__static_call_key, __static_call_arg0)), (Small(2), Small(1)));
    assert_eq!(call!(second_of(on, go)), (Small(4), Small(6)));
    let large = |n| Large([n; 4]);
    let both = hidden_names(Small(1), large(7), large(8), (Small(2), __static_call_value));
    assert_eq!(both, [large(7), large(8)]);
    hidden_names::update(|_, a, b, _| [b, a]).unwrap();
    let both = call!(hidden_names(trampoline, large(7), large(8), (on, on)));
    assert_eq!(both, [large(8), large(7)]);

    let sum = || parameters([Small(0); N], [Small(0); __N], F(3), K(4), A0(5), R(6), S(7), I(8));
    assert_eq!(sum().0, N + __N + 33);
    parameters::update(|n, _, _, _, _, _, _, _| Here(n.len())).unwrap();
    assert_eq!(sum().0, N);
    // Arguments refer to items of this crate, not to those of the site.
    assert_eq!(call!(second_of(Small(SITE), Small(DESCRIPTION))), (Small(SITE), Small(DESCRIPTION)));
    let here = call!(parameters([Small(0); N], [Small(0); __N], F(3), K(4), A0(5), R(6), S(7), I(8)));
    assert_eq!(here, Here(N));

    assert_eq!(lengths([Small(1)], [Small(2)]), (Small(1), Small(2)));
    lengths::update_fn(|a, b| (b[0], a[0])).unwrap();
    assert_eq!(call!(lengths([Small(1)], [Small(2)])), (Small(2), Small(1)));

    assert_eq!(lifetimes(&Small(1), &Small(2), &Small(3)), &Small(2));
    let borrowed = Borrowed(&Small(1), &Small(2));
    assert_eq!(borrowed.first(&Small(3)), &Small(2));
    assert_eq!(call!(Borrowed::first(&borrowed, &Small(3))), &Small(2));

    assert_eq!(primitives(bool(1), u32(2), usize(3), Option(4)).1, u32(2));
    assert_eq!(call!(primitives(bool(1), u32(2), usize(3), Option(4))).2, usize(3));
    call!(quiet(Small(1)));
    assert!(call!(maybe(Small(1))).is_none());
    maybe::update(::core::option::Option::Some).unwrap();
    assert_eq!(call!(maybe(Small(9))).unwrap(), Small(9));

    StaticTrait::update::<Other>().unwrap();
    assert_eq!(StaticTrait.method(large(1), [Small(0); N], I(9)).0, [9, 1, 1, 1]);
    flags::check();
}
