//! Items and calls made by `macro_rules!`, with fragments of every kind. The macros see fragments
//! as invisible groups.

#![allow(clippy::needless_lifetimes, reason = "one is a fragment")]
#![allow(unreachable_pub, reason = "so is `pub`")]

use static_call::{call, flag, static_call};

macro_rules! functions {
    (
        $(#[$meta:meta])* $vis:vis $name:ident, $argument:ident: $ty:ty, $pat:pat, $life:lifetime,
        $text:ident, $sized:ident, $body:block, $length:expr, $literal:literal, $path:path
    ) => {
        $(#[$meta])*
        #[static_call]
        $vis fn $name<$life>(
            $argument: $ty, $pat: (u8, u8), $text: &$life str, $sized: [u8; $length]
        ) -> ($ty, &$life str, $path, [u8; $literal])
        $body
    };
}

functions! {
    #[must_use] /// Documented.
    pub made, n: u64, (a, _), 'a,
    text, sized, { (n, text, Some(a + sized[0]), [0; 2]) }, 1 + 1, 2, Option<u8>
}

macro_rules! item {
    ($($item:item)*) => { $(#[static_call] $item)* };
}

item! {
    fn whole(n: u8) -> u8 { n }
    pub(crate) fn hook(n: u8);
    trait Codec {
        fn encode(&self, n: u8) -> u8 { n }
        fn level() -> u8 { 3 }
    }
}

struct Filter(u8);

item! {
    impl Filter {
        #[static_call]
        fn matches(&self, n: u8) -> bool { n == self.0 }
    }
}

macro_rules! associated {
    ($ty:ty, $n:ident, $block:block, $method:item) => {
        #[static_call]
        impl $ty {
            #[static_call]
            fn first(&self, $n: u8) -> u8 $block

            #[static_call]
            $method
        }
    };
}

pub(crate) struct Other(u8);

associated!(
    Other,
    n,
    { n },
    pub(crate) fn second(&self, n: u8) -> u8 {
        n + self.0
    }
);

macro_rules! of_trait {
    ($name:ident, $handle:ident, $item:ident, $block:block, $method:item, $ty:ty, $expr:expr) => {
        #[static_call(handle = $handle, type Item = $ty, const LEVEL: u8 = $expr)]
        trait $name {
            type Item;
            const LEVEL: u8;
            fn given(&self, $item: Self::Item) -> Self::Item $block
            $method
        }
    };
}

of_trait!(
    Made,
    MadeHandle,
    item,
    { item },
    fn other(&self) -> u8 {
        Self::LEVEL
    },
    Vec<u8>,
    4 + 1
);

macro_rules! options {
    ($keys:ident, $vis:vis, $feature:ident, $literal:literal, $path:path) => {
        #[static_call(keys = $keys, update = $vis, select($feature => $path, $literal => $path))]
        fn chosen(n: u8) -> u8 {
            n
        }
    };
}

options!(Chosen, pub(crate), sse2, "neon", wide);

fn wide(n: u8) -> u8 {
    n + 1
}

macro_rules! nested {
    ($($t:tt)*) => { items_of! { $($t)* } };
}
macro_rules! items_of {
    ($name:ident $n:ident $body:block) => {
        item! { fn $name($n: u8) -> u8 $body }
    };
}
nested!(twice n { n * 2 });

macro_rules! types {
    ($name:ident, $pointer:ty, $object:ty) => {
        #[static_call]
        fn $name(pointer: $pointer, object: &$object) -> $pointer {
            if object(1) { pointer } else { |n| n }
        }
    };
}
types!(typed, fn(u8) -> u8, dyn Fn(u8) -> bool + Sync);

macro_rules! precedence {
    ($name:ident, $expr:expr, $negative:expr, $literal:literal) => {
        #[static_call]
        fn $name(sized: [u8; $expr * 2]) -> ([u8; $expr * 2], Vec<usize>, i32, &'static str) {
            (sized, vec![$expr * 3, ($expr) * 4], $negative.pow(2), concat!("n", $literal))
        }
    };
}
precedence!(doubled, 1 + 1, -3_i32, -4);

macro_rules! flags {
    ($vis:vis $name:ident, $value:expr, $meta:meta) => {
        flag! { #[$meta] $vis static $name = $value; }
    };
}
flags!(pub(crate) LOUD, cfg!(target_pointer_width = "64"), doc = "Whether it is loud.");

macro_rules! calls {
    ($path:path, $expr:expr) => { call!($path($expr)) };
    (ident $name:ident, $literal:literal) => { call!($name($literal)) };
    (ty $ty:ty, $receiver:expr, $block:block) => { call!(<$ty>::matches($receiver, 1 + $block)) };
    (twice $expr:expr) => { call!(whole($expr * 2)) };
    (whole $call:expr) => { call!($call) };
    (tokens $($t:tt)*) => { call!($($t)*) };
}

#[test]
fn functions() {
    let (n, text, some, zeros) = made(7, (1, 2), "text", [3, 4]);
    assert_eq!((n, text, some, zeros), (7, "text", Some(4), [0, 0]));
    made::update(|n, _, text, _| (n, text, None, [1, 1])).unwrap();
    assert_eq!(call!(made(7, (1, 2), "text", [3, 4])).2, None);
    assert_eq!((whole(1), twice(4), chosen(0) < 2), (1, 8, true));
    hook(1);
    assert_eq!(typed(wide, &|n| n == 1)(1), 2);
    assert!(Chosen::KEY.query().is_default());
}

#[test]
fn methods_and_traits() {
    assert!(Filter(1).matches(1) && call!(Filter::matches(&Filter(2), 2)));
    assert_eq!((Other(1).first(5), Other(1).second(5)), (5, 6));
    assert_eq!((StaticCodec.encode(1), StaticCodec::level()), (1, 3));
    assert_eq!((MadeHandle.given(vec![1]), MadeHandle.other()), (vec![1], 5));
}

#[test]
fn calls_and_flags() {
    assert_eq!(calls!(crate::fragments::whole, 1 + 1), 2);
    assert_eq!(calls!(ident whole, 3), 3);
    assert!(calls!(ty Filter, &Filter(4), { 3 }));
    assert_eq!(calls!(whole whole(5)), 5);
    assert_eq!(calls!(tokens whole(6)), 6);
    assert_eq!(calls!(twice 1 + 2), 6);
    assert_eq!(doubled([1; 4]), ([1; 4], vec![6, 8], 9, "n-4"));
    assert!(LOUD.likely());
}
