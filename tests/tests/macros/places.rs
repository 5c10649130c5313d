//! Static calls in modules, in function bodies, from macros by example, and with names that clash.

use static_call::{call, static_call};

struct Big([u64; 5]);

/// Calls a function plainly and by `call!`, and checks that the results are the same.
macro_rules! both {
    ($function:ident($($arg:expr),* $(,)?)) => {{
        let plain = $function($($arg),*);
        assert_eq!(plain, call!($function($($arg),*)));
        plain
    }};
}

mod inner {
    pub(super) struct Private(pub(super) u8);

    #[super::static_call]
    pub(super) fn take(private: &Private, list: [Private; 3]) -> u8 {
        private.0 + list[2].0
    }

    pub(crate) mod deeper {
        #[static_call::static_call]
        pub(in crate::places::inner) fn deep(n: super::Private) -> super::Private {
            super::Private(n.0 + 1)
        }
    }

    pub(super) fn through(n: u8) -> u8 {
        use static_call::call;
        deeper::deep::update(|p| p).unwrap();
        call!(self::deeper::deep(Private(n))).0 + deeper::deep(Private(n)).0
    }
}

#[test]
fn in_modules() {
    use inner::{Private, take};
    let list = || [Private(1), Private(2), Private(3)];
    assert_eq!(take(&Private(1), list()) + call!(take(&Private(1), list())), 8);
    assert_eq!(inner::take(&Private(1), list()) + call!(inner::take(&Private(1), list())), 8);
    take::update(|private, _| private.0).unwrap();
    assert_eq!(call!(crate::places::inner::take(&Private(1), list())), 1);
    assert_eq!(inner::through(4), 8);
}

#[test]
fn in_function_bodies() {
    struct Local(u8);

    #[static_call]
    fn local(n: &Local) -> u8 {
        n.0
    }

    fn nested() -> u8 {
        #[static_call]
        fn local(n: u8) -> u8 {
            n + 100
        }
        both!(local(1))
    }

    assert_eq!(both!(local(&Local(3))), 3);
    local::update(|n| n.0 + 1).unwrap();
    assert_eq!(both!(local(&Local(3))), 4);
    assert_eq!(nested(), 101);
}

macro_rules! key {
    ($(#[$attr:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty, $body:expr) => {
        $(#[$attr])*
        #[static_call]
        $vis fn $name($($arg: $ty),*) -> $ret {
            let hygienic = 1;
            hygienic + $body
        }
    };
    ($name:ident in $module:ident) => {
        mod $module {
            #[static_call::static_call]
            pub(super) fn $name(hygienic: $crate::places::Big, n: u64) -> u64 {
                hygienic.0[0] + n
            }
        }
    };
}

key!(
    /// Documented.
    #[must_use]
    pub(crate) fn by_example(a: u8, b: &[u8], hygienic: u8) -> u8,
    a + b[0] + hygienic
);
key!(other in module);

macro_rules! call_by_example {
    ($path:path, $($arg:expr),*) => { call!($path($($arg),*)) };
    (ident $path:ident, $($arg:tt)*) => { call!($path($($arg)*)) };
    (expr $call:expr) => { call!($call) };
}

#[test]
fn in_macros_by_example() {
    assert_eq!(both!(by_example(1, &[2], 3)), 7);
    by_example::update(|a, _, _| a).unwrap();
    assert_eq!(both!(by_example(1, &[2], 3)), 1);
    assert_eq!(module::other(Big([5; 5]), 6), 11);
    assert_eq!(call_by_example!(module::other, Big([5; 5]), 6), 11);
    assert_eq!(call_by_example!(ident by_example, 1, &[2], 3), 1);
    assert_eq!(call_by_example!(expr module::other(Big([5; 5]), 6)), 11);
}

#[static_call]
fn r#match(r#type: u8) -> u8 {
    r#type
}

#[test]
fn raw_names() {
    assert_eq!(r#match(1), call!(r#match(1)));
    r#match::update(|n| n + 1).unwrap();
    assert_eq!(both!(r#match(1)), 2);
    assert_eq!(r#match::KEY.name(), "match");
}

mod names {
    use static_call::{call, static_call};

    mod crc {}

    #[static_call(keys = Crc)]
    pub(super) fn crc(n: u8) -> u8 {
        n
    }

    pub(super) fn check() {
        assert_eq!(crc(1), call!(Crc(1)));
        Crc::update(|n| n + 1).unwrap();
        assert_eq!((crc(1), call!(Crc(1)), Crc::original(1)), (2, 2, 1));
    }

    /// Names that generated code also uses.
    pub(super) mod common {
        use static_call::{call, static_call};

        pub(crate) struct F(pub(crate) u8);
        pub(crate) struct R;
        pub(crate) const N: usize = 2;
        #[expect(dead_code, reason = "generated code also uses the name `Result`")]
        struct Result;

        #[static_call]
        pub(crate) fn uses(trampoline: F, site: &R, target: [u8; N], arg1: u8, arg0: u8) -> F {
            let _ = site;
            F(trampoline.0 + target[1] + arg0 + arg1)
        }

        pub(crate) fn check() {
            let (k, go) = (1, 2);
            assert_eq!(call!(uses(F(k), &R, [k, go], 1, 1)).0, uses(F(k), &R, [k, go], 1, 1).0);
            uses::update(|f, _, _, _, _| f).unwrap();
            assert_eq!(call!(uses(F(k), &R, [k, go], 1, 1)).0, 1);
        }
    }
}

#[test]
fn names_that_clash() {
    names::check();
    names::common::check();
}
