//! Attributes that need `unsafe`, where the compiler does not check: it trusts macros of other
//! crates, and unsafe functions call the default.
#![forbid(unsafe_code)]
#![allow(non_upper_case_globals)]

use static_call::static_call;

static_call::flag! {
    #[unsafe(no_mangle)]
    static malloc = false;

    #[unsafe(link_section = ".init_array")]
    static IN_A_SECTION = true;
}

#[static_call]
#[link_section = ".init_array"]
fn in_a_section(n: u8) -> u8 {
    n
}

#[static_call]
#[r#target_feature(enable = "avx512f")]
fn raw(n: u8) -> u8 {
    n
}

struct Filter;

#[static_call]
impl Filter {
    #[static_call]
    #[cfg_attr(all(), cfg_attr(all(), target_feature(enable = "avx512f")))]
    fn nested(n: u8) -> u8 {
        n
    }

    #[static_call]
    #[cfg_attr(true, cfg_attr(not(false), allow(unused)), r#target_feature(enable = "avx512f"))]
    fn literal(n: u8) -> u8 {
        n
    }
}

fn main() {}
