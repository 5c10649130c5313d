#[inline(always)]
unsafe fn fail(code: i32) -> ! {
    ::static_call::__plain_trampoline! {
        __trampoline[const __N : u32] (arg0 : i32) -> !; me __trampoline:: < __N >;
        record __STATIC_CALL_fail; key Fail
    }
    __trampoline::<0>(code)
}
///Switches `fail`: the keys to the static call of this name.
#[allow(non_camel_case_types)]
enum Fail {}
#[allow(dead_code)]
impl Fail {
    ///The key of `fail`.
    const KEY: ::static_call::Key<Fail> = ::static_call::Key::new();
    ///What `fail` does by default.
    #[allow(clippy::missing_const_for_fn)]
    #[cold]
    unsafe fn original(code: i32) -> ! {
        body
    }
    ///Makes every call of `fail` reach `target`, on every thread.
    ///
    /// A target is a function or a closure that captures nothing.
    ///
    /// # Errors
    ///
    /// An update that fails changes nothing; the error says what stood in its way.
    fn update<F>(
        target: F,
    ) -> ::static_call::__private::core::result::Result<
        ::static_call::Update,
        ::static_call::UpdateError,
    >
    where
        F: ::static_call::__private::core::ops::Fn(
                i32,
            ) -> ::static_call::__private::Never
            + ::static_call::__private::core::marker::Copy
            + ::static_call::__private::core::marker::Send
            + ::static_call::__private::core::marker::Sync + 'static,
    {
        Self::KEY.update(target)
    }
    ///What `fail` calls now.
    #[must_use]
    fn query() -> ::static_call::Target {
        Self::KEY.query()
    }
    ///Makes `fail` call its default again.
    ///
    /// # Errors
    ///
    /// As for `update`.
    fn reset() -> ::static_call::__private::core::result::Result<
        ::static_call::Update,
        ::static_call::UpdateError,
    > {
        Self::KEY.reset()
    }
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn __call_at<F>(site: F, arg0: i32) -> !
    where
        F: ::static_call::__private::core::ops::FnOnce(
            ::static_call::__private::core::marker::PhantomData<Fail>,
            i32,
        ) -> ::static_call::__private::Never,
    {
        site(::static_call::__private::core::marker::PhantomData, arg0)
    }
}
#[::static_call::__private::linkme::distributed_slice(::static_call::__private::KEYS)]
#[linkme(crate = ::static_call::__private::linkme)]
#[allow(non_upper_case_globals)]
static __STATIC_CALL_fail: ::static_call::__private::KeyRecord = ::static_call::__private::KeyRecord::new(::static_call::__private::KeyDescription {
    default: &__STATIC_CALL_fail_DEFAULT,
    default_shim: Fail::__default as *const (),
    stub: <Fail as ::static_call::__private::Keyed>::stub as *const (),
    name: "fail",
    module: ::static_call::__private::core::module_path!(),
    file: ::static_call::__private::core::file!(),
    signature: "unsafe fn fail(code: i32) -> !",
    line: ::static_call::__private::core::line!(),
    column: ::static_call::__private::core::column!(),
    flags: 0
        | if false || ::static_call::__private::core::mem::needs_drop::<i32>() {
            0
        } else {
            ::static_call::__private::KeyRecord::NOTHING_TO_DROP
        },
});
#[allow(non_upper_case_globals)]
static __STATIC_CALL_fail_DEFAULT: ::static_call::__private::TargetRecord = ::static_call::__private::TargetRecord::new(
    Fail::__default as *const (),
    || {
        ::static_call::__private::core::concat!(
            ::static_call::__private::core::module_path!(), "::", "fail"
        )
    },
);
#[allow(improper_ctypes_definitions)]
impl Fail {
    extern "C-unwind" fn __default(arg0: i32) -> ! {
        unsafe { Fail::original(arg0) }
    }
    extern "C-unwind" fn __shim<F>(arg0: i32) -> !
    where
        F: ::static_call::__private::core::ops::Fn(
                i32,
            ) -> ::static_call::__private::Never
            + ::static_call::__private::core::marker::Copy,
    {
        let target = unsafe { ::static_call::__private::conjure::<F>() };
        target(arg0)
    }
}
#[allow(improper_ctypes_definitions)]
impl ::static_call::__private::Keyed for Fail {
    const RECORD: *const ::static_call::__private::KeyRecord = &raw const __STATIC_CALL_fail;
    ::static_call::__stub!(__STATIC_CALL_fail);
    fn own_type() -> ::static_call::__private::core::any::TypeId {
        ::static_call::__private::type_id_of(&fail)
    }
}
impl<F> ::static_call::__private::Accept<F> for Fail
where
    F: ::static_call::__private::core::ops::Fn(i32) -> ::static_call::__private::Never
        + ::static_call::__private::core::marker::Copy
        + ::static_call::__private::core::marker::Send
        + ::static_call::__private::core::marker::Sync + 'static,
{
    const TARGET: &'static ::static_call::__private::TargetRecord = &::static_call::__private::TargetRecord::new(
        Fail::__shim::<F> as *const (),
        ::static_call::__private::core::any::type_name::<F>,
    );
}
