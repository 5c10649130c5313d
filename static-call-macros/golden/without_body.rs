#[inline(always)]
fn on_request(request: &Request<'_>, __arg1: String) {
    ::static_call::__plain_trampoline! {
        __trampoline['__0, '__1, const __N : u32] (arg0 : & '__0 Request < '__1 >, arg1 :
        < ::static_call::__private::Pass < {
        ::static_call::__private::core::mem::size_of:: < String > () > 16 } > as
        ::static_call::__private::Passing < String >> ::Abi) -> (); me __trampoline:: <
        __N >; record __STATIC_CALL_on_request; key on_request
    }
    let mut __arg1 = ::static_call::__private::core::mem::ManuallyDrop::new(__arg1);
    let __arg1 = unsafe {
        <::static_call::__private::Pass<
            { ::static_call::__private::core::mem::size_of::<String>() > 16 },
        > as ::static_call::__private::Passing<_>>::pass(&mut __arg1)
    };
    __trampoline::<0>(request, __arg1)
}
///Switches `on_request`: the keys to the static call of this name.
#[allow(non_camel_case_types)]
enum on_request {}
#[allow(dead_code)]
impl on_request {
    ///The key of `on_request`.
    const KEY: ::static_call::Key<on_request> = ::static_call::Key::new();
    ///What `on_request` does by default: nothing.
    #[allow(clippy::missing_const_for_fn)]
    fn original(_: &Request<'_>, _: String) {}
    ///Makes every call of `on_request` reach `target`, on every thread.
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
        F: ::static_call::__private::core::ops::Fn(&Request<'_>, String)
            + ::static_call::__private::core::marker::Copy
            + ::static_call::__private::core::marker::Send
            + ::static_call::__private::core::marker::Sync + 'static,
    {
        Self::KEY.update(target)
    }
    ///What `on_request` calls now.
    #[must_use]
    fn query() -> ::static_call::Target {
        Self::KEY.query()
    }
    ///Makes `on_request` call its default again.
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
    ///Makes `on_request` do nothing again: the same as `reset`.
    ///
    /// # Errors
    ///
    /// As for `update`.
    fn disable() -> ::static_call::__private::core::result::Result<
        ::static_call::Update,
        ::static_call::UpdateError,
    > {
        Self::KEY.reset()
    }
    #[doc(hidden)]
    #[inline(always)]
    fn __call_at<'__0, '__1, F>(site: F, arg0: &'__0 Request<'__1>, arg1: String) -> ()
    where
        F: ::static_call::__private::core::ops::FnOnce(
            ::static_call::__private::core::marker::PhantomData<on_request>,
            &'__0 Request<'__1>,
            <::static_call::__private::Pass<
                { ::static_call::__private::core::mem::size_of::<String>() > 16 },
            > as ::static_call::__private::Passing<String>>::Abi,
        ) -> (),
    {
        let mut __arg1 = ::static_call::__private::core::mem::ManuallyDrop::new(arg1);
        let __arg1 = unsafe {
            <::static_call::__private::Pass<
                { ::static_call::__private::core::mem::size_of::<String>() > 16 },
            > as ::static_call::__private::Passing<_>>::pass(&mut __arg1)
        };
        site(::static_call::__private::core::marker::PhantomData, arg0, __arg1)
    }
}
#[::static_call::__private::linkme::distributed_slice(::static_call::__private::KEYS)]
#[linkme(crate = ::static_call::__private::linkme)]
#[allow(non_upper_case_globals)]
static __STATIC_CALL_on_request: ::static_call::__private::KeyRecord = ::static_call::__private::KeyRecord::new(::static_call::__private::KeyDescription {
    default: &__STATIC_CALL_on_request_DEFAULT,
    default_shim: on_request::__default as *const (),
    stub: <on_request as ::static_call::__private::Keyed>::stub as *const (),
    name: "on_request",
    module: ::static_call::__private::core::module_path!(),
    file: ::static_call::__private::core::file!(),
    signature: "fn on_request(request: &Request<'_>, _: String)",
    line: ::static_call::__private::core::line!(),
    column: ::static_call::__private::core::column!(),
    flags: ::static_call::__private::KeyRecord::HAS_NO_BODY
        | if false || ::static_call::__private::core::mem::needs_drop::<&Request<'_>>()
            || ::static_call::__private::core::mem::needs_drop::<String>()
        {
            0
        } else {
            ::static_call::__private::KeyRecord::NOTHING_TO_DROP
        },
});
#[allow(non_upper_case_globals)]
static __STATIC_CALL_on_request_DEFAULT: ::static_call::__private::TargetRecord = ::static_call::__private::TargetRecord::new(
    on_request::__default as *const (),
    || {
        ::static_call::__private::core::concat!(
            ::static_call::__private::core::module_path!(), "::", "on_request"
        )
    },
);
#[allow(improper_ctypes_definitions)]
impl on_request {
    extern "C-unwind" fn __default<'__0, '__1>(
        arg0: &'__0 Request<'__1>,
        arg1: <::static_call::__private::Pass<
            { ::static_call::__private::core::mem::size_of::<String>() > 16 },
        > as ::static_call::__private::Passing<String>>::Abi,
    ) -> () {
        let arg1 = unsafe {
            <::static_call::__private::Pass<
                { ::static_call::__private::core::mem::size_of::<String>() > 16 },
            > as ::static_call::__private::Passing<String>>::receive(arg1)
        };
        on_request::original(arg0, arg1)
    }
    extern "C-unwind" fn __shim<'__0, '__1, F>(
        arg0: &'__0 Request<'__1>,
        arg1: <::static_call::__private::Pass<
            { ::static_call::__private::core::mem::size_of::<String>() > 16 },
        > as ::static_call::__private::Passing<String>>::Abi,
    ) -> ()
    where
        F: ::static_call::__private::core::ops::Fn(&'__0 Request<'__1>, String) -> ()
            + ::static_call::__private::core::marker::Copy,
    {
        let target = unsafe { ::static_call::__private::conjure::<F>() };
        let arg1 = unsafe {
            <::static_call::__private::Pass<
                { ::static_call::__private::core::mem::size_of::<String>() > 16 },
            > as ::static_call::__private::Passing<String>>::receive(arg1)
        };
        target(arg0, arg1)
    }
}
#[allow(improper_ctypes_definitions)]
impl ::static_call::__private::Keyed for on_request {
    const RECORD: *const ::static_call::__private::KeyRecord = &raw const __STATIC_CALL_on_request;
    ::static_call::__stub!(__STATIC_CALL_on_request);
    fn own_type() -> ::static_call::__private::core::any::TypeId {
        ::static_call::__private::type_id_of(&on_request)
    }
}
impl<F> ::static_call::__private::Accept<F> for on_request
where
    F: ::static_call::__private::core::ops::Fn(&Request<'_>, String)
        + ::static_call::__private::core::marker::Copy
        + ::static_call::__private::core::marker::Send
        + ::static_call::__private::core::marker::Sync + 'static,
{
    const TARGET: &'static ::static_call::__private::TargetRecord = &::static_call::__private::TargetRecord::new(
        on_request::__shim::<F> as *const (),
        ::static_call::__private::core::any::type_name::<F>,
    );
}
