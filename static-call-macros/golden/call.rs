fn function() {
    checksum::__call_at(
        {
            #[static_call::__private::linkme::distributed_slice(
                static_call::__private::SITES
            )]
            #[linkme(crate = static_call::__private::linkme)]
            static SITE: static_call::__private::SiteRecord = static_call::__private::SiteRecord::new(
                static_call::__private::core::file!(),
                static_call::__private::core::line!(),
                static_call::__private::core::column!(),
            );
            static_call::__site_trampoline! {
                trampoline[const N : u32, K : static_call::__private::Keyed, A0, A1, R]
                (__a0 : A0, __a1 : A1) -> R; me trampoline:: < N, K, A0, A1, R >; key K;
                site SITE
            }
            #[inline(always)]
            fn go<K: static_call::__private::Keyed, A0, A1, R>(
                _: static_call::__private::core::marker::PhantomData<K>,
                __a0: A0,
                __a1: A1,
            ) -> R {
                trampoline::<0, K, A0, A1, R>(__a0, __a1)
            }
            |__key, __a0, __a1| go(__key, __a0, __a1)
        },
        &data,
        big,
    );
}
fn function() {
    module::Filter::__call_at_matches(
        {
            #[static_call::__private::linkme::distributed_slice(
                static_call::__private::SITES
            )]
            #[linkme(crate = static_call::__private::linkme)]
            static SITE: static_call::__private::SiteRecord = static_call::__private::SiteRecord::new(
                static_call::__private::core::file!(),
                static_call::__private::core::line!(),
                static_call::__private::core::column!(),
            );
            static_call::__site_trampoline! {
                trampoline[const N : u32, K : static_call::__private::Keyed, A0, A1, R]
                (__a0 : A0, __a1 : A1) -> R; me trampoline:: < N, K, A0, A1, R >; key K;
                site SITE
            }
            #[inline(always)]
            fn go<K: static_call::__private::Keyed, A0, A1, R>(
                _: static_call::__private::core::marker::PhantomData<K>,
                __a0: A0,
                __a1: A1,
            ) -> R {
                trampoline::<0, K, A0, A1, R>(__a0, __a1)
            }
            |__key, __a0, __a1| go(__key, __a0, __a1)
        },
        &filter,
        "line",
    );
}
fn function() {
    <T>::__call_at_f({
        #[static_call::__private::linkme::distributed_slice(
            static_call::__private::SITES
        )]
        #[linkme(crate = static_call::__private::linkme)]
        static SITE: static_call::__private::SiteRecord = static_call::__private::SiteRecord::new(
            static_call::__private::core::file!(),
            static_call::__private::core::line!(),
            static_call::__private::core::column!(),
        );
        static_call::__site_trampoline! {
            trampoline[const N : u32, K : static_call::__private::Keyed, R] () -> R; me
            trampoline:: < N, K, R >; key K; site SITE
        }
        #[inline(always)]
        fn go<K: static_call::__private::Keyed, R>(
            _: static_call::__private::core::marker::PhantomData<K>,
        ) -> R {
            trampoline::<0, K, R>()
        }
        |__key| go(__key)
    });
}
