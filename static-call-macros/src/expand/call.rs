//! `call!`: the site's items stand in a block that is the first argument. So they are nested in
//! the user's function, which makes their symbols local, and hide no name in the arguments.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Error;

use crate::model::Call;

/// The call, with its own site and trampoline.
pub(crate) fn call(call: &Call) -> TokenStream {
    let (krate, callee, arguments) = (&call.krate, &call.callee, &call.arguments);
    let sc = quote!(#krate::__private);
    let names: Vec<_> = (0..arguments.len()).map(|i| format_ident!("__a{i}")).collect();
    let types: Vec<_> = (0..arguments.len()).map(|i| format_ident!("A{i}")).collect();
    // `go` has the key as one argument more; clippy's limit is seven.
    let one_too_many = (names.len() >= 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    let arguments = arguments.iter();
    quote! {
        #callee(
            {
                #[#sc::linkme::distributed_slice(#sc::SITES)]
                #[linkme(crate = #sc::linkme)]
                static SITE: #sc::SiteRecord = #sc::SiteRecord::new(
                    #sc::core::file!(),
                    #sc::core::line!(),
                    #sc::core::column!(),
                );
                #krate::__site_trampoline! {
                    trampoline[const N: u32, K: #sc::Keyed, #(#types,)* R](#(#names: #types),*) -> R;
                    me trampoline::<N, K, #(#types,)* R>;
                    key K;
                    site SITE
                }
                #one_too_many
                #[inline(always)]
                fn go<K: #sc::Keyed, #(#types,)* R>(
                    _: #sc::core::marker::PhantomData<K>,
                    #(#names: #types),*
                ) -> R {
                    trampoline::<0, K, #(#types,)* R>(#(#names),*)
                }
                |__key, #(#names),*| go(__key, #(#names),*)
            },
            #(#arguments),*
        )
    }
}

/// The error in the place of the call.
pub(crate) fn refused_call(error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    quote!({ #error })
}
