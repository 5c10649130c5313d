//! `impl` blocks with `#[static_call]`: of types with lifetimes, of instances of generic types, in
//! other places.

use static_call::{call, static_call};

struct Text<'a>(&'a str);

#[static_call]
impl<'a> Text<'a> {
    #[static_call]
    fn get(&self) -> &'a str {
        self.0
    }

    #[static_call]
    fn shorter(self, other: Self, by: &str) -> Self {
        let _ = by;
        if self.0.len() < other.0.len() { self } else { other }
    }

    #[static_call]
    fn make(text: &'a str) -> Self {
        Self(text)
    }

    #[static_call]
    fn level(n: u8) -> u8 {
        n
    }

    #[static_call]
    fn tail<'b>(&'b self, other: &Text<'b>, n: usize) -> Text<'b> {
        let _ = other;
        Text(&self.0[n..])
    }
}

struct Elided<'a>(&'a str, [u64; 4]);

#[static_call]
impl Elided<'_> {
    #[static_call]
    fn get(&self, from: &str) -> &str {
        &self.0[from.len()..]
    }

    #[static_call]
    fn take(self, n: u64) -> Self {
        Self(self.0, self.1.map(|m| m + n))
    }
}

#[test]
fn types_with_lifetimes() {
    let owned = String::from("text");
    let got = Text(&owned).get();
    assert_eq!(got, call!(Text::get(&Text(&owned))));
    Text::GET.update(|text| &text.0[1..]).unwrap();
    assert_eq!(call!(Text::get(&Text(&owned))), "ext");
    assert_eq!(call!(Text::shorter(Text("a"), Text(&owned), "")).0, "a");
    Text::SHORTER.update(|_, other, _| other).unwrap();
    assert_eq!(Text("a").shorter(Text(&owned), "").0, "text");
    assert_eq!(Text::make("a").0, call!(Text::make("a")).0);
    assert_eq!(Text::level(1), call!(Text::level(1)));
    Text::LEVEL.update(|n| n + 1).unwrap();
    assert_eq!(Text::level(1), 2);
    assert_eq!(call!(Text::tail(&Text("abc"), &Text("d"), 1)).0, "bc");
    assert_eq!(Text::GET.name(), "Text::get");

    assert_eq!(Elided("abc", [0; 4]).get("a"), "bc");
    assert_eq!(call!(Elided::get(&Elided("abc", [0; 4]), "ab")), "c");
    Elided::GET.update(|elided, _| elided.0).unwrap();
    assert_eq!(call!(Elided::get(&Elided("abc", [0; 4]), "ab")), "abc");
    assert_eq!(call!(Elided::take(Elided("abc", [1; 4]), 2)).1, [3; 4]);
    Elided::TAKE.update(|elided, _| elided).unwrap();
    assert_eq!(Elided("abc", [1; 4]).take(2).1, [1; 4]);
}

struct List<T>(Vec<T>);

#[static_call]
impl List<u8> {
    #[static_call]
    fn first(&self) -> Option<&u8> {
        self.0.first()
    }
}

#[static_call]
impl List<Option<u16>> {
    #[static_call]
    fn first(&self) -> Option<&Option<u16>> {
        self.0.first()
    }
}

mod elsewhere {
    #[derive(Default)]
    pub(super) struct Outer(pub(super) u8);
}

#[static_call]
impl elsewhere::Outer {
    #[static_call]
    fn get(&self) -> u8 {
        call!(Self::add(self, 1))
    }

    #[static_call]
    fn add(&self, n: u8) -> u8 {
        self.0 + n
    }
}

#[test]
fn types_of_many_kinds() {
    assert_eq!(List(vec![1u8]).first(), Some(&1));
    assert_eq!(List(vec![Some(1u16)]).first(), Some(&Some(1)));
    List::<u8>::FIRST.update(|_| None).unwrap();
    assert_eq!(call!(List::<u8>::first(&List(vec![1u8]))), None);
    assert_eq!(List(vec![Some(1u16)]).first(), Some(&Some(1)));
    assert_eq!(elsewhere::Outer::default().get(), 1);
    elsewhere::Outer::ADD.update(|_, _| 9).unwrap();
    assert_eq!(elsewhere::Outer::default().get(), 9);
}

#[test]
fn in_function_bodies() {
    struct Local(u8);

    #[static_call]
    impl Local {
        #[static_call]
        fn get(&self) -> u8 {
            self.0
        }
    }

    assert_eq!(Local(1).get() + call!(Local::get(&Local(2))), 3);
    Local::GET.update(|local| local.0 * 2).unwrap();
    assert_eq!(Local(1).get() + call!(Local::get(&Local(2))), 6);
}

macro_rules! by_example {
    ($name:ident, $method:ident, $ty:ty) => {
        struct $name($ty);

        #[static_call]
        impl $name {
            #[static_call]
            fn $method(&self, n: $ty) -> $ty {
                self.0 + n
            }
        }
    };
}

by_example!(Example, plus_one, u64);

#[test]
fn in_macros_by_example() {
    assert_eq!(Example(1).plus_one(2) + call!(Example::plus_one(&Example(3), 4)), 10);
    Example::PLUS_ONE.update(|example, _| example.0).unwrap();
    assert_eq!(Example(1).plus_one(2) + call!(Example::plus_one(&Example(3), 4)), 4);
}
