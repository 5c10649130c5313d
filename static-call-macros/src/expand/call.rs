//! `call!`: the site's items stand in blocks of their own. So they are nested in the user's
//! function, which makes their symbols local, and hide no name in the arguments.
//!
//! The function that calls the trampoline reaches the key in a `Site`, which only code of the macros
//! can open: the callee is a path of the user's, and may be no static call at all.
//! The arguments stand in the expansion once: a call in an argument of a
//! call must not double what it is made of. Where the key is a hook that is off they are not
//! evaluated: the block is left before them. Its value is its last expression, so that a temporary
//! in an argument lives as long as in any call; that this holds is why this crate is of edition
//! 2021. Only where an argument has a `break` without a label, which may not leave a block with one,
//! the call stands in a branch, where temporaries live as long as the call.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Error, Lifetime};

use super::trusted_block;
use crate::model::{Call, Site, local};

/// The code of a valid call.
pub(crate) fn call(call: &Call) -> TokenStream {
    match call {
        Call::Site(call) => site(call),
        Call::Other(other) => other.expr.to_token_stream(),
    }
}

/// The call, with its own site, label and trampoline.
fn site(call: &Site) -> TokenStream {
    let (callee, off, arguments) = (&call.callee, &call.off, &call.arguments);
    let sc = private(call);
    let option = quote!(#sc::core::option::Option);
    // Hygienic, so that an argument of this name is the caller's own.
    let value = local("value");
    let (label, trampoline) = (label(call), trampoline(call));
    let arguments = arguments.iter();
    if call.leaves_loop {
        return quote! {
            {
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

fn private(call: &Site) -> TokenStream {
    super::private(&call.trusted.krate)
}

/// `file!()`, `line!()`, `column!()` and the callee: what describes a site, and names it.
fn position(call: &Site) -> TokenStream {
    let (sc, text) = (private(call), &call.text);
    quote!(#sc::core::file!(), #sc::core::line!(), #sc::core::column!(), #text)
}

/// What asks whether the key is on.
fn label(call: &Site) -> TokenStream {
    let (krate, sc, position) = (&call.trusted.krate, private(call), position(call));
    let key = local("key");
    quote! {
        {
            const SITE: #sc::core::primitive::u64 = #sc::site_id(#position);
            #[inline(always)]
            fn on<K: #sc::Keyed>(
                _: #sc::core::marker::PhantomData<K>,
            ) -> #sc::core::primitive::bool {
                #krate::__label! { unlikely K; site SITE }
            }
            |#key| on(#key)
        }
    }
}

/// What calls: the description, the trampoline, and the function that calls through it.
fn trampoline(call: &Site) -> TokenStream {
    let (krate, sc, position) = (&call.trusted.krate, private(call), position(call));
    let count = call.arguments.len();
    let names: Vec<_> = (0..count).map(|i| local(&format!("arg{i}"))).collect();
    let types: Vec<_> = (0..count).map(|i| format_ident!("A{i}")).collect();
    let key = local("key");
    let through =
        trusted_block(call.trusted.token, quote!(trampoline::<0, K, #(#types,)* R>(#(#names),*)));
    // `go` has the key as one argument more; clippy's limit is seven.
    let one_too_many = (count >= 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    quote! {
        {
            const SITE: #sc::core::primitive::u64 = #sc::site_id(#position);
            #krate::__record! { site DESCRIPTION = #sc::SiteRecord::new(#position); }
            #krate::__trampoline! {
                unsafe trampoline[const N: #sc::core::primitive::u32, K: #sc::Keyed, #(#types,)* R](
                    #(#names: #types),*
                ) -> R;
                me trampoline::<{ N }, K, #(#types,)* R>;
                key K;
                site SITE
            }
            #one_too_many
            #[inline(always)]
            fn go<K: #sc::Keyed, #(#types,)* R>(
                _: #sc::core::marker::PhantomData<K>,
                #(#names: #types),*
            ) -> R {
                #through
            }
            unsafe { #sc::Site::new(|#key, #(#names),*| go(#key, #(#names),*)) }
        }
    }
}

/// The error in the place of the call.
pub(crate) fn refused_call(error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    quote!({ #error })
}
