pub const fn largest<T: Ord>(values: &[T]) -> T {
    body
}
#[allow(non_camel_case_types, dead_code)]
type __STATIC_CALL_largest_ERROR = <[(); ::core::compile_error! {
    "a static call cannot be evaluated while compiling: leave `const` out, or call a `const fn` of another name from here"
}] as ::static_call::__private::Passing<()>>::Abi;
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum largest {}
impl largest {
    #[doc(hidden)]
    pub const KEY: ::static_call::Key<largest> = ::static_call::Key::new();
    #[doc(hidden)]
    pub fn original(_: __STATIC_CALL_largest_ERROR) -> __STATIC_CALL_largest_ERROR {
        loop {}
    }
    #[doc(hidden)]
    pub fn update<
        __F: ::static_call::__private::core::ops::Fn(
                __STATIC_CALL_largest_ERROR,
            ) -> __STATIC_CALL_largest_ERROR,
    >(
        _: __F,
    ) -> ::static_call::__private::core::result::Result<
        ::static_call::Update,
        ::static_call::UpdateError,
    > {
        loop {}
    }
    #[doc(hidden)]
    pub fn query() -> ::static_call::Target {
        loop {}
    }
    #[doc(hidden)]
    pub fn reset() -> ::static_call::__private::core::result::Result<
        ::static_call::Update,
        ::static_call::UpdateError,
    > {
        loop {}
    }
    #[doc(hidden)]
    pub fn disable() -> ::static_call::__private::core::result::Result<
        ::static_call::Update,
        ::static_call::UpdateError,
    > {
        loop {}
    }
    #[doc(hidden)]
    pub fn __call_at<__S>(
        _: __S,
        _: __STATIC_CALL_largest_ERROR,
    ) -> __STATIC_CALL_largest_ERROR
    where
        __S: ::static_call::__private::core::ops::FnOnce(
            ::static_call::__private::core::marker::PhantomData<largest>,
            __STATIC_CALL_largest_ERROR,
        ) -> __STATIC_CALL_largest_ERROR,
    {
        loop {}
    }
}
impl ::static_call::__private::Keyed for largest {
    const RECORD: *const ::static_call::__private::KeyRecord = ::static_call::__private::core::ptr::null();
    extern "C" fn stub() {}
    fn own_type() -> ::static_call::__private::core::any::TypeId {
        ::static_call::__private::core::any::TypeId::of::<largest>()
    }
}
impl<
    __F: ::static_call::__private::core::ops::Fn(
            __STATIC_CALL_largest_ERROR,
        ) -> __STATIC_CALL_largest_ERROR,
> ::static_call::__private::Accept<__F> for largest {
    const TARGET: &'static ::static_call::__private::TargetRecord = loop {};
}
::core::compile_error! {
    "a static call has one signature: write a function for each type, or take `&dyn Trait`"
}
