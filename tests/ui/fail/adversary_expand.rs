//! Only `#[static_call]` and `call!` may call the procedural macros: a crate that forbids unsafe
//! code cannot pass them the path of another crate.
#![forbid(unsafe_code)]

use static_call::static_call;

#[static_call]
fn level(n: u8) -> u8 {
    n
}

mod fake {
    pub use static_call::*;
}

static_call::__expand_item! { unsafe fake; [] fn with_a_fake(n: u8) -> u8 { n } }

macro_rules! own {
    () => {
        static_call::__expand_item! { unsafe $crate::fake; [] fn with_a_macro(n: u8) -> u8 { n } }
    };
}
own!();

struct Filter;

static_call::__expand_item! {
    unsafe fake;
    []
    impl Filter {
        #[static_call]
        fn of_a_type(n: u8) -> u8 {
            n
        }
    }
}

static_call::__expand_item! {
    unsafe fake;
    []
    trait Codec {
        fn of_a_trait(n: u8) -> u8 {
            n
        }
    }
}

fn main() {
    let _ = static_call::__expand_call! { unsafe fake; level(1) };
}
