//! Crates that look like `static-call`, with parts replaced.

use static_call::static_call;

/// The real crate, except the macros that generated code once named by this path.
mod replaced {
    pub use static_call::*;

    macro_rules! nothing {
        ($($tokens:tt)*) => {};
    }
    macro_rules! compile {
        ($($tokens:tt)*) => { compile_error!("a macro of the fake was used"); };
    }
    pub(crate) use compile as __expand_item;
    pub(crate) use compile as __label;
    pub(crate) use compile as __trampoline;
    pub(crate) use nothing as __stub;

    pub mod __private {
        pub use static_call::__private::*;

        pub fn conjure<F>() -> F {
            panic!("a function of the fake was called")
        }
        pub use core::mem::drop as type_of;
    }

    pub type Key<K> = std::collections::BTreeMap<K, ()>;
    pub type Update = u8;
    pub type UpdateError = u8;
}

/// The macro that receives the item is replaced, too: it receives only what the author wrote.
mod swallowing {
    macro_rules! swallow {
        ([$($options:tt)*] $($item:tt)*) => {
            pub const ITEM: &str = stringify!($($item)*);
        };
    }
    pub(crate) use swallow as __item;
}

#[static_call(crate = replaced)]
fn victim(text: &str) -> usize {
    text.len()
}

#[static_call(crate = swallowing)]
fn swallowed(n: u8) -> u8 {
    n
}

#[static_call]
fn other(n: u64) -> u64 {
    n
}

pub fn check() {
    other::update(|n| n + 1).unwrap();
    assert_eq!(victim("four"), 4);
    victim::update(|text| text.len() * 2).unwrap();
    assert_eq!((victim("four"), other(1)), (8, 2));
    assert!(ITEM.starts_with("fn swallowed") && !ITEM.contains("unsafe"), "{ITEM}");
}
