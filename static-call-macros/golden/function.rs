/// Sums up.
#[must_use]
#[inline(always)]
pub fn checksum<'a>(data: &'a [u8], big: Big<'a>, __arg2: (u8, &str)) -> &'a u8 {
    ::static_call::__plain_trampoline! {
        __trampoline['a, '__0, const __N : u32] (arg0 : & 'a[u8], arg1 : <
        ::static_call::__private::Pass < { ::static_call::__private::core::mem::size_of::
        < Big < '_ > > () > 16 } > as ::static_call::__private::Passing < Big < 'a > >>
        ::Abi, arg2 : < ::static_call::__private::Pass < {
        ::static_call::__private::core::mem::size_of:: < (u8, & str) > () > 16 } > as
        ::static_call::__private::Passing < (u8, & '__0 str) >> ::Abi) -> & 'a u8; me
        __trampoline:: < __N >; record __STATIC_CALL_checksum; key checksum
    }
    let mut __arg1 = ::static_call::__private::core::mem::ManuallyDrop::new(big);
    let __arg1 = unsafe {
        <::static_call::__private::Pass<
            { ::static_call::__private::core::mem::size_of::<Big<'_>>() > 16 },
        > as ::static_call::__private::Passing<_>>::pass(&mut __arg1)
    };
    let mut __arg2 = ::static_call::__private::core::mem::ManuallyDrop::new(__arg2);
    let __arg2 = unsafe {
        <::static_call::__private::Pass<
            { ::static_call::__private::core::mem::size_of::<(u8, &str)>() > 16 },
        > as ::static_call::__private::Passing<_>>::pass(&mut __arg2)
    };
    __trampoline::<0>(data, __arg1, __arg2)
}
///Switches `checksum`: the keys to the static call of this name.
#[allow(non_camel_case_types)]
pub enum checksum {}
#[allow(dead_code)]
impl checksum {
    ///The key of `checksum`.
    pub const KEY: ::static_call::Key<checksum> = ::static_call::Key::new();
    /// Sums up.
    #[allow(clippy::missing_const_for_fn)]
    #[must_use]
    pub fn original<'a>(data: &'a [u8], mut big: Big<'a>, (a, _): (u8, &str)) -> &'a u8 {
        body
    }
    ///Makes every call of `checksum` reach `target`, on every thread.
    ///
    /// A target is a function or a closure that captures nothing.
    ///
    /// # Errors
    ///
    /// An update that fails changes nothing; the error says what stood in its way.
    pub fn update<F>(
        target: F,
    ) -> ::static_call::__private::core::result::Result<
        ::static_call::Update,
        ::static_call::UpdateError,
    >
    where
        F: for<'a> ::static_call::__private::core::ops::Fn(
                &'a [u8],
                Big<'a>,
                (u8, &str),
            ) -> &'a u8 + ::static_call::__private::core::marker::Copy
            + ::static_call::__private::core::marker::Send
            + ::static_call::__private::core::marker::Sync + 'static,
    {
        Self::KEY.update(target)
    }
    ///What `checksum` calls now.
    #[must_use]
    pub fn query() -> ::static_call::Target {
        Self::KEY.query()
    }
    ///Makes `checksum` call its default again.
    ///
    /// # Errors
    ///
    /// As for `update`.
    pub fn reset() -> ::static_call::__private::core::result::Result<
        ::static_call::Update,
        ::static_call::UpdateError,
    > {
        Self::KEY.reset()
    }
    #[doc(hidden)]
    #[must_use]
    #[inline(always)]
    pub fn __call_at<'a, '__0, F>(
        site: F,
        arg0: &'a [u8],
        arg1: Big<'a>,
        arg2: (u8, &'__0 str),
    ) -> &'a u8
    where
        F: ::static_call::__private::core::ops::FnOnce(
            ::static_call::__private::core::marker::PhantomData<checksum>,
            &'a [u8],
            <::static_call::__private::Pass<
                { ::static_call::__private::core::mem::size_of::<Big<'_>>() > 16 },
            > as ::static_call::__private::Passing<Big<'a>>>::Abi,
            <::static_call::__private::Pass<
                { ::static_call::__private::core::mem::size_of::<(u8, &str)>() > 16 },
            > as ::static_call::__private::Passing<(u8, &'__0 str)>>::Abi,
        ) -> &'a u8,
    {
        let mut __arg1 = ::static_call::__private::core::mem::ManuallyDrop::new(arg1);
        let __arg1 = unsafe {
            <::static_call::__private::Pass<
                { ::static_call::__private::core::mem::size_of::<Big<'_>>() > 16 },
            > as ::static_call::__private::Passing<_>>::pass(&mut __arg1)
        };
        let mut __arg2 = ::static_call::__private::core::mem::ManuallyDrop::new(arg2);
        let __arg2 = unsafe {
            <::static_call::__private::Pass<
                { ::static_call::__private::core::mem::size_of::<(u8, &str)>() > 16 },
            > as ::static_call::__private::Passing<_>>::pass(&mut __arg2)
        };
        site(::static_call::__private::core::marker::PhantomData, arg0, __arg1, __arg2)
    }
}
#[::static_call::__private::linkme::distributed_slice(::static_call::__private::KEYS)]
#[linkme(crate = ::static_call::__private::linkme)]
#[allow(non_upper_case_globals)]
static __STATIC_CALL_checksum: ::static_call::__private::KeyRecord = ::static_call::__private::KeyRecord::new(::static_call::__private::KeyDescription {
    default: &__STATIC_CALL_checksum_DEFAULT,
    default_shim: checksum::__default as *const (),
    stub: <checksum as ::static_call::__private::Keyed>::stub as *const (),
    name: "checksum",
    module: ::static_call::__private::core::module_path!(),
    file: ::static_call::__private::core::file!(),
    signature: "fn checksum<'a>(data: &'a [u8], mut big: Big<'a>, (a, _): (u8, &str)) -> &'a u8",
    line: ::static_call::__private::core::line!(),
    column: ::static_call::__private::core::column!(),
    flags: 0
        | if false || ::static_call::__private::core::mem::needs_drop::<&[u8]>()
            || ::static_call::__private::core::mem::needs_drop::<Big<'_>>()
            || ::static_call::__private::core::mem::needs_drop::<(u8, &str)>()
        {
            0
        } else {
            ::static_call::__private::KeyRecord::NOTHING_TO_DROP
        },
});
#[allow(non_upper_case_globals)]
static __STATIC_CALL_checksum_DEFAULT: ::static_call::__private::TargetRecord = ::static_call::__private::TargetRecord::new(
    checksum::__default as *const (),
    || {
        ::static_call::__private::core::concat!(
            ::static_call::__private::core::module_path!(), "::", "checksum"
        )
    },
);
#[allow(improper_ctypes_definitions)]
impl checksum {
    extern "C-unwind" fn __default<'a, '__0>(
        arg0: &'a [u8],
        arg1: <::static_call::__private::Pass<
            { ::static_call::__private::core::mem::size_of::<Big<'_>>() > 16 },
        > as ::static_call::__private::Passing<Big<'a>>>::Abi,
        arg2: <::static_call::__private::Pass<
            { ::static_call::__private::core::mem::size_of::<(u8, &str)>() > 16 },
        > as ::static_call::__private::Passing<(u8, &'__0 str)>>::Abi,
    ) -> &'a u8 {
        let arg1 = unsafe {
            <::static_call::__private::Pass<
                { ::static_call::__private::core::mem::size_of::<Big<'_>>() > 16 },
            > as ::static_call::__private::Passing<Big<'a>>>::receive(arg1)
        };
        let arg2 = unsafe {
            <::static_call::__private::Pass<
                { ::static_call::__private::core::mem::size_of::<(u8, &str)>() > 16 },
            > as ::static_call::__private::Passing<(u8, &'__0 str)>>::receive(arg2)
        };
        checksum::original(arg0, arg1, arg2)
    }
    extern "C-unwind" fn __shim<'a, '__0, F>(
        arg0: &'a [u8],
        arg1: <::static_call::__private::Pass<
            { ::static_call::__private::core::mem::size_of::<Big<'_>>() > 16 },
        > as ::static_call::__private::Passing<Big<'a>>>::Abi,
        arg2: <::static_call::__private::Pass<
            { ::static_call::__private::core::mem::size_of::<(u8, &str)>() > 16 },
        > as ::static_call::__private::Passing<(u8, &'__0 str)>>::Abi,
    ) -> &'a u8
    where
        F: ::static_call::__private::core::ops::Fn(
                &'a [u8],
                Big<'a>,
                (u8, &'__0 str),
            ) -> &'a u8 + ::static_call::__private::core::marker::Copy,
    {
        let target = unsafe { ::static_call::__private::conjure::<F>() };
        let arg1 = unsafe {
            <::static_call::__private::Pass<
                { ::static_call::__private::core::mem::size_of::<Big<'_>>() > 16 },
            > as ::static_call::__private::Passing<Big<'a>>>::receive(arg1)
        };
        let arg2 = unsafe {
            <::static_call::__private::Pass<
                { ::static_call::__private::core::mem::size_of::<(u8, &str)>() > 16 },
            > as ::static_call::__private::Passing<(u8, &'__0 str)>>::receive(arg2)
        };
        target(arg0, arg1, arg2)
    }
}
#[allow(improper_ctypes_definitions)]
impl ::static_call::__private::Keyed for checksum {
    const RECORD: *const ::static_call::__private::KeyRecord = &raw const __STATIC_CALL_checksum;
    ::static_call::__stub!(__STATIC_CALL_checksum);
    fn own_type() -> ::static_call::__private::core::any::TypeId {
        ::static_call::__private::type_id_of(&checksum)
    }
}
impl<F> ::static_call::__private::Accept<F> for checksum
where
    F: for<'a> ::static_call::__private::core::ops::Fn(
            &'a [u8],
            Big<'a>,
            (u8, &str),
        ) -> &'a u8 + ::static_call::__private::core::marker::Copy
        + ::static_call::__private::core::marker::Send
        + ::static_call::__private::core::marker::Sync + 'static,
{
    const TARGET: &'static ::static_call::__private::TargetRecord = &::static_call::__private::TargetRecord::new(
        checksum::__shim::<F> as *const (),
        ::static_call::__private::core::any::type_name::<F>,
    );
}
