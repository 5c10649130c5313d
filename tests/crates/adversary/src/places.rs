//! A type that depends on the position of a constant. Generated code has the signature in several
//! places, where it must be the same type.

use std::panic::Location;

use static_call::{call, static_call};

struct Filter;

impl Filter {
    #[track_caller]
    const fn line() -> usize {
        Location::caller().line() as usize
    }
}

struct Text<const LINE: usize>(&'static str);

#[static_call]
impl Filter {
    #[static_call]
    fn length(
        // Not the line of the attribute.
        text: &Text<{ Self::line() }>,
    ) -> usize {
        text.0.len()
    }
}

pub fn check() {
    let text = Text("four");
    assert_eq!((Filter::length(&text), call!(Filter::length(&text))), (4, 4));
    Filter::LENGTH.update(|text| text.0.len() * 2).unwrap();
    assert_eq!((Filter::length(&text), call!(Filter::length(&text))), (8, 8));
}
