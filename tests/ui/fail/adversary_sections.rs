//! For each slice `linkme` exports a macro that puts any static into any section, which could run a
//! function before `main` or forge records.
#![forbid(unsafe_code)]

extern "C" fn early() {}

static_call::_linkme_macro_STATIC_CALL_0_1_KEYS! {
    #![linkme_linux_section = ".init_array"]
    #![linkme_macho_section = "__DATA,__mod_init_func"]
    #![linkme_windows_section = ".CRT$XCU"]
    #![linkme_illumos_section = ".init_array"]
    #![linkme_bsd_section = ".init_array"]
    static EARLY: extern "C" fn() = early;
}

mod fake {
    pub mod __private37 {
        pub enum Void {}
    }

    pub struct DistributedSlice;

    impl DistributedSlice {
        pub fn private_typecheck<A, B>(_: A, _: B) {}
    }
}

#[static_call::__private::linkme::distributed_slice(static_call::__private::KEYS)]
#[linkme(crate = fake)]
static RECORD: [usize; 20] = [1; 20];

fn main() {}
