//! `call!`: the site's items stand in blocks of their own. So they are nested in the user's
//! function, which makes their symbols local, and hide no name in the arguments.
//!
//! The arguments stand in the expansion once: a call in an argument of a
//! call must not double what it is made of. Where the key is a hook that is off they are not
//! evaluated: the block is left before them. Its value is its last expression, so that a temporary
//! in an argument lives as long as in any call; that this holds is why this crate is of edition
//! 2021. Only where an argument has a `break` without a label, which may not leave a block with one,
//! the call stands in a branch, where temporaries live as long as the call.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, Lifetime};

use crate::model::Call;

/// The call, with its own site, label and trampoline.
pub(crate) fn call(call: &Call) -> TokenStream {
    let (callee, off, arguments) = (&call.callee, &call.off, &call.arguments);
    let sc = private(call);
    let option = quote!(#sc::core::option::Option);
    // Hygienic, so that an argument of this name is the caller's own.
    let value = format_ident!("__value", span = Span::mixed_site());
    let (site, label, trampoline) = (site(call), label(call), trampoline(call));
    let arguments = arguments.iter();
    if call.leaves_loop {
        return quote! {
            {
                #site
                match #off(#label) {
                    #option::Some(#value) => #value,
                    #option::None => #callee(#trampoline, #(#arguments),*),
                }
            }
        };
    }
    let block = Lifetime::new("'__call", Span::mixed_site());
    quote! {
        #block: {
            #site
            // A key that never returns has no value to leave with.
            #[allow(unreachable_code)]
            match #off(#label) {
                #option::Some(#value) => break #block #value,
                #option::None => {}
            }
            #callee(#trampoline, #(#arguments),*)
        }
    }
}

fn private(call: &Call) -> TokenStream {
    let krate = &call.krate;
    quote!(#krate::__private)
}

/// The description: the one item that the arguments see.
fn site(call: &Call) -> TokenStream {
    let sc = private(call);
    quote! {
        #[#sc::linkme::distributed_slice(#sc::SITES)]
        #[linkme(crate = #sc::linkme)]
        static __STATIC_CALL_SITE: #sc::SiteRecord = #sc::SiteRecord::new(
            #sc::core::file!(),
            #sc::core::line!(),
            #sc::core::column!(),
        );
    }
}

/// What asks whether the key is on.
fn label(call: &Call) -> TokenStream {
    let (krate, sc) = (&call.krate, private(call));
    quote! {
        {
            #[inline(always)]
            fn on<K: #sc::Keyed>(_: #sc::core::marker::PhantomData<K>) -> bool {
                #krate::__label! { key K; site __STATIC_CALL_SITE }
            }
            |__key| on(__key)
        }
    }
}

/// What calls.
fn trampoline(call: &Call) -> TokenStream {
    let (krate, sc) = (&call.krate, private(call));
    let count = call.arguments.len();
    let names: Vec<_> = (0..count).map(|i| format_ident!("__a{i}")).collect();
    let types: Vec<_> = (0..count).map(|i| format_ident!("A{i}")).collect();
    // `go` has the key as one argument more; clippy's limit is seven.
    let one_too_many = (names.len() >= 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    quote! {
        {
            #krate::__site_trampoline! {
                trampoline[const N: u32, K: #sc::Keyed, #(#types,)* R](#(#names: #types),*) -> R;
                me trampoline::<N, K, #(#types,)* R>;
                key K;
                site __STATIC_CALL_SITE
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
        }
    }
}

/// The error in the place of the call.
pub(crate) fn refused_call(error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    quote!({ #error })
}
