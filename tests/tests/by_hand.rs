//! What the macros generate, written by hand: the contract between macros and runtime.
#![allow(
    missing_docs,
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    improper_ctypes_definitions,
    reason = "what the macros allow in the code they generate"
)]

use std::mem::ManuallyDrop;

use static_call::__private as sc;
use static_call::{Key, Update, UpdateError};

pub struct Big([u64; 5]);

// ---- expansion of
// #[static_call]
// pub fn checksum(data: &[u8], big: Big) -> u32 { data.len() as u32 + big.0[4] as u32 }

#[inline(always)]
pub fn checksum(arg0: &[u8], arg1: Big) -> u32 {
    static_call::__plain_trampoline! {
        trampoline[const N: u32](
            arg0: &[u8],
            arg1: <sc::Pass<{ size_of::<Big>() > 16 }> as sc::Passing<Big>>::Abi
        ) -> u32;
        me trampoline::<N>;
        record __STATIC_CALL_CHECKSUM;
        key checksum
    }
    let mut arg1 = ManuallyDrop::new(arg1);
    // SAFETY: `arg1` is not used again and lives until the call returns.
    let arg1 =
        unsafe { <sc::Pass<{ size_of::<Big>() > 16 }> as sc::Passing<Big>>::pass(&mut arg1) };
    trampoline::<0>(arg0, arg1)
}

#[allow(non_camel_case_types, reason = "beside a function of this name")]
pub enum checksum {}

#[sc::linkme::distributed_slice(sc::KEYS)]
#[linkme(crate = sc::linkme)]
static __STATIC_CALL_CHECKSUM: sc::KeyRecord = sc::KeyRecord::new(sc::KeyDescription {
    default: &__STATIC_CALL_CHECKSUM_DEFAULT,
    default_shim: checksum::__default as *const (),
    stub: <checksum as sc::Keyed>::stub as *const (),
    name: "checksum",
    module: module_path!(),
    file: file!(),
    signature: "fn checksum(data: &[u8], big: Big) -> u32",
    line: line!(),
    column: column!(),
    flags: 0,
});

static __STATIC_CALL_CHECKSUM_DEFAULT: sc::TargetRecord =
    sc::TargetRecord::new(checksum::__default as *const (), || concat!(module_path!(), "::checksum"));

impl checksum {
    pub const KEY: Key<checksum> = Key::new();

    pub fn original(data: &[u8], big: Big) -> u32 {
        data.len() as u32 + big.0[4] as u32
    }

    pub fn update<F>(target: F) -> Result<Update, UpdateError>
    where
        F: Fn(&[u8], Big) -> u32 + Copy + Send + Sync + 'static,
    {
        Self::KEY.update(target)
    }

    extern "C-unwind" fn __default(
        arg0: &[u8],
        arg1: <sc::Pass<{ size_of::<Big>() > 16 }> as sc::Passing<Big>>::Abi,
    ) -> u32 {
        let arg1 =
            unsafe { <sc::Pass<{ size_of::<Big>() > 16 }> as sc::Passing<Big>>::receive(arg1) };
        checksum::original(arg0, arg1)
    }

    extern "C-unwind" fn __shim<F>(
        arg0: &[u8],
        arg1: <sc::Pass<{ size_of::<Big>() > 16 }> as sc::Passing<Big>>::Abi,
    ) -> u32
    where
        F: Fn(&[u8], Big) -> u32 + Copy + Send + Sync + 'static,
    {
        let target = unsafe { sc::conjure::<F>() };
        let arg1 =
            unsafe { <sc::Pass<{ size_of::<Big>() > 16 }> as sc::Passing<Big>>::receive(arg1) };
        target(arg0, arg1)
    }

    #[inline(always)]
    pub fn __call_at<F>(site: F, arg0: &[u8], arg1: Big) -> u32
    where
        F: FnOnce(
            std::marker::PhantomData<checksum>,
            &[u8],
            <sc::Pass<{ size_of::<Big>() > 16 }> as sc::Passing<Big>>::Abi,
        ) -> u32,
    {
        let mut arg1 = ManuallyDrop::new(arg1);
        let arg1 =
            unsafe { <sc::Pass<{ size_of::<Big>() > 16 }> as sc::Passing<Big>>::pass(&mut arg1) };
        site(std::marker::PhantomData, arg0, arg1)
    }
}

impl sc::Keyed for checksum {
    const RECORD: *const sc::KeyRecord = &raw const __STATIC_CALL_CHECKSUM;
    static_call::__stub!(__STATIC_CALL_CHECKSUM);
    fn own_type() -> std::any::TypeId {
        sc::type_id_of(&checksum)
    }
}

impl<F> sc::Accept<F> for checksum
where
    F: Fn(&[u8], Big) -> u32 + Copy + Send + Sync + 'static,
{
    const TARGET: &'static sc::TargetRecord = &sc::TargetRecord::new(
        checksum::__shim::<F> as *const (),
        std::any::type_name::<F>,
    );
}

// ---- expansion of call!(checksum(data, Big([9; 5]))), per use
macro_rules! call_by_hand {
    ($a:expr, $b:expr) => {
        checksum::__call_at(
            {
                #[sc::linkme::distributed_slice(sc::SITES)]
                #[linkme(crate = sc::linkme)]
                static SITE: sc::SiteRecord = sc::SiteRecord::new(file!(), line!(), column!());
                static_call::__site_trampoline! {
                    trampoline[const N: u32, K: sc::Keyed, A, B, R](_a: A, _b: B) -> R;
                    me trampoline::<N, K, A, B, R>;
                    key K;
                    site SITE
                }
                #[inline(always)]
                fn go<K: sc::Keyed, A, B, R>(_: std::marker::PhantomData<K>, a: A, b: B) -> R {
                    trampoline::<0, K, A, B, R>(a, b)
                }
                |k, a, b| go(k, a, b)
            },
            $a,
            $b,
        )
    };
}

#[test]
fn works() {
    let data = vec![1u8; 7];
    assert_eq!(checksum(&data, Big([1; 5])), 8);
    assert_eq!(call_by_hand!(&data, Big([2; 5])), 9);
    checksum::update(|d, b| d.len() as u32 * 2 + b.0[0] as u32).unwrap();
    assert_eq!(checksum(&data, Big([1; 5])), 15);
    assert_eq!(call_by_hand!(&data, Big([2; 5])), 16);
}
