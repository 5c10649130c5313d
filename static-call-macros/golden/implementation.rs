#[cfg(unix)]
impl<'a> Filter<'a> {
    const LIMIT: u8 = 1;
    /// Whether it matches.
    #[inline(always)]
    pub unsafe fn matches(&mut self, line: &str, other: Self) -> &str {
        other::path::__plain_trampoline! {
            __trampoline['a, '__0, '__1, const __N : u32] (arg0 : & '__0 mut Filter < 'a
            >, arg1 : & '__1 str, arg2 : < other::path::__private::Pass < {
            other::path::__private::core::mem::size_of:: < Filter < '_ > > () > 16 } > as
            other::path::__private::Passing < Filter < 'a > >> ::Abi) -> & '__0 str; me
            __trampoline:: < __N >; record __STATIC_CALL_Filter_matches; key
            __static_call_Filter_matches
        }
        let mut __arg2 = other::path::__private::core::mem::ManuallyDrop::new(other);
        let __arg2 = unsafe {
            <other::path::__private::Pass<
                { other::path::__private::core::mem::size_of::<Filter<'_>>() > 16 },
            > as other::path::__private::Passing<_>>::pass(&mut __arg2)
        };
        __trampoline::<0>(self, line, __arg2)
    }
    ///The key of the static call `Filter::matches`.
    #[allow(dead_code)]
    pub const MATCHES: other::path::Key<__static_call_Filter_matches> = other::path::Key::new();
    /// Whether it matches.
    #[allow(clippy::missing_const_for_fn)]
    pub unsafe fn original_matches(&mut self, line: &str, other: Self) -> &str {
        body
    }
    #[allow(dead_code)]
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn __call_at_matches<'__0, '__1, F>(
        site: F,
        arg0: &'__0 mut Self,
        arg1: &'__1 str,
        arg2: Self,
    ) -> &'__0 str
    where
        F: other::path::__private::core::ops::FnOnce(
            other::path::__private::core::marker::PhantomData<
                __static_call_Filter_matches,
            >,
            &'__0 mut Self,
            &'__1 str,
            <other::path::__private::Pass<
                { other::path::__private::core::mem::size_of::<Filter<'_>>() > 16 },
            > as other::path::__private::Passing<Self>>::Abi,
        ) -> &'__0 str,
    {
        let mut __arg2 = other::path::__private::core::mem::ManuallyDrop::new(arg2);
        let __arg2 = unsafe {
            <other::path::__private::Pass<
                { other::path::__private::core::mem::size_of::<Filter<'_>>() > 16 },
            > as other::path::__private::Passing<_>>::pass(&mut __arg2)
        };
        site(other::path::__private::core::marker::PhantomData, arg0, arg1, __arg2)
    }
}
#[cfg(unix)]
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum __static_call_Filter_matches {}
#[cfg(unix)]
#[other::path::__private::linkme::distributed_slice(other::path::__private::KEYS)]
#[linkme(crate = other::path::__private::linkme)]
#[allow(non_upper_case_globals)]
static __STATIC_CALL_Filter_matches: other::path::__private::KeyRecord = other::path::__private::KeyRecord::new(other::path::__private::KeyDescription {
    default: &__STATIC_CALL_Filter_matches_DEFAULT,
    default_shim: __static_call_Filter_matches::__default as *const (),
    stub: <__static_call_Filter_matches as other::path::__private::Keyed>::stub
        as *const (),
    name: "Filter::matches",
    module: other::path::__private::core::module_path!(),
    file: other::path::__private::core::file!(),
    signature: "unsafe fn matches(&mut self, line: &str, other: Self) -> &str",
    line: other::path::__private::core::line!(),
    column: other::path::__private::core::column!(),
    flags: 0
        | if false || other::path::__private::core::mem::needs_drop::<&mut Filter<'_>>()
            || other::path::__private::core::mem::needs_drop::<&str>()
            || other::path::__private::core::mem::needs_drop::<Filter<'_>>()
        {
            0
        } else {
            other::path::__private::KeyRecord::NOTHING_TO_DROP
        },
});
#[cfg(unix)]
#[allow(non_upper_case_globals)]
static __STATIC_CALL_Filter_matches_DEFAULT: other::path::__private::TargetRecord = other::path::__private::TargetRecord::new(
    __static_call_Filter_matches::__default as *const (),
    || {
        other::path::__private::core::concat!(
            other::path::__private::core::module_path!(), "::", "Filter::matches"
        )
    },
);
#[cfg(unix)]
#[allow(improper_ctypes_definitions)]
impl __static_call_Filter_matches {
    extern "C-unwind" fn __default<'a, '__0, '__1>(
        arg0: &'__0 mut Filter<'a>,
        arg1: &'__1 str,
        arg2: <other::path::__private::Pass<
            { other::path::__private::core::mem::size_of::<Filter<'_>>() > 16 },
        > as other::path::__private::Passing<Filter<'a>>>::Abi,
    ) -> &'__0 str {
        let arg2 = unsafe {
            <other::path::__private::Pass<
                { other::path::__private::core::mem::size_of::<Filter<'_>>() > 16 },
            > as other::path::__private::Passing<Filter<'a>>>::receive(arg2)
        };
        unsafe { <Filter<'_>>::original_matches(arg0, arg1, arg2) }
    }
    extern "C-unwind" fn __shim<'a, '__0, '__1, F>(
        arg0: &'__0 mut Filter<'a>,
        arg1: &'__1 str,
        arg2: <other::path::__private::Pass<
            { other::path::__private::core::mem::size_of::<Filter<'_>>() > 16 },
        > as other::path::__private::Passing<Filter<'a>>>::Abi,
    ) -> &'__0 str
    where
        F: other::path::__private::core::ops::Fn(
                &'__0 mut Filter<'a>,
                &'__1 str,
                Filter<'a>,
            ) -> &'__0 str + other::path::__private::core::marker::Copy,
    {
        let target = unsafe { other::path::__private::conjure::<F>() };
        let arg2 = unsafe {
            <other::path::__private::Pass<
                { other::path::__private::core::mem::size_of::<Filter<'_>>() > 16 },
            > as other::path::__private::Passing<Filter<'a>>>::receive(arg2)
        };
        target(arg0, arg1, arg2)
    }
}
#[cfg(unix)]
#[allow(improper_ctypes_definitions)]
impl other::path::__private::Keyed for __static_call_Filter_matches {
    const RECORD: *const other::path::__private::KeyRecord = &raw const __STATIC_CALL_Filter_matches;
    other::path::__stub!(__STATIC_CALL_Filter_matches);
    fn own_type() -> other::path::__private::core::any::TypeId {
        other::path::__private::type_id_of(&<Filter<'_>>::matches)
    }
}
#[cfg(unix)]
impl<F> other::path::__private::Accept<F> for __static_call_Filter_matches
where
    F: for<'a, '__0, '__1> other::path::__private::core::ops::Fn(
            &'__0 mut Filter<'a>,
            &'__1 str,
            Filter<'a>,
        ) -> &'__0 str + other::path::__private::core::marker::Copy
        + other::path::__private::core::marker::Send
        + other::path::__private::core::marker::Sync + 'static,
{
    const TARGET: &'static other::path::__private::TargetRecord = &other::path::__private::TargetRecord::new(
        __static_call_Filter_matches::__shim::<F> as *const (),
        other::path::__private::core::any::type_name::<F>,
    );
}
