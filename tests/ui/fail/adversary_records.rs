//! Safe code cannot put its own static among the records, or into any other section.
#![forbid(unsafe_code)]

use static_call::static_call;

#[static_call]
fn level(n: u8) -> u8 {
    n
}

static_call::__record! { key OF_ANOTHER_TYPE = [0_usize; 20]; }

static_call::__record! { site A_FUNCTION = main as fn(); }

static_call::__record! {
    key WITHOUT_UNSAFE = static_call::__private::KeyRecord::new(
        static_call::__private::KeyDescription {
            describe: |_| (),
            shim: main as fn() as *const (),
            stub: <level as static_call::__private::Keyed>::stub as *const (),
            text: "::",
            module: 0,
            name: 0,
            file: 0,
            position: (0, 0),
            flags: 0,
        },
    );
}

fn main() {}
