//! `call!`: the items of a site lie in their own blocks. So they are nested in the user's function,
//! which makes their symbols local, and they hide no name in the arguments.
//!
//! The callee is a path of the user's, and may not be a static call at all. So the function that
//! calls the trampoline is passed to it in a `Site`, which only code of the macros can open.
//!
//! The arguments occur once in the expansion: otherwise nested calls would double it at each level.
//! If the key is a hook that is off, the block is left before they are evaluated. The call is the
//! last expression of the block, so that temporaries in its arguments live as long as in any other
//! call; this needs edition 2021, and is why this crate has it. A `break` without a label cannot
//! leave a labelled block: if an argument has one, the call lies in a branch instead, where
//! temporaries live only as long as the call.

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
    let option = quote!(#sc::Option);
    // Hygienic, so that an argument of this name is still the caller's.
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
            // The value of a key that never returns cannot be reached.
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

/// `file!()`, `line!()`, `column!()` and the callee, which identify a site.
fn position(call: &Site) -> TokenStream {
    let (sc, text) = (private(call), &call.text);
    quote!(#sc::core::file!(), #sc::core::line!(), #sc::core::column!(), #text)
}

/// The closure that tests whether the key is on.
fn label(call: &Site) -> TokenStream {
    let (krate, sc, position) = (&call.trusted.krate, private(call), position(call));
    let key = local("key");
    quote! {
        {
            const SITE: #sc::u64 = #sc::site_id(#position);
            #[inline(always)]
            fn on<K: #sc::Keyed>(
                _: #sc::PhantomData<K>,
            ) -> #sc::bool {
                #krate::__label! { unlikely K; site SITE }
            }
            |#key| on(#key)
        }
    }
}

/// The description of the site, its trampoline, and the function that calls through it.
fn trampoline(call: &Site) -> TokenStream {
    let (krate, sc, position) = (&call.trusted.krate, private(call), position(call));
    let count = call.arguments.len();
    let names: Vec<_> = (0..count).map(|i| local(&format!("arg{i}"))).collect();
    let types: Vec<_> = (0..count).map(|i| format_ident!("A{i}")).collect();
    let key = local("key");
    let through =
        trusted_block(call.trusted.token, quote!(trampoline::<0, K, #(#types,)* R>(#(#names),*)));
    // `go` also takes the key; clippy's limit is seven arguments.
    let one_too_many = (count >= 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    quote! {
        {
            const SITE: #sc::u64 = #sc::site_id(#position);
            #krate::__record! { site DESCRIPTION = #sc::SiteRecord::new(#position); }
            #krate::__trampoline! {
                unsafe trampoline[const N: #sc::u32, K: #sc::Keyed, #(#types,)* R](
                    #(#names: #types),*
                ) -> R;
                me trampoline::<{ N }, K, #(#types,)* R>;
                key K;
                site SITE
            }
            #one_too_many
            #[inline(always)]
            fn go<K: #sc::Keyed, #(#types,)* R>(
                _: #sc::PhantomData<K>,
                #(#names: #types),*
            ) -> R {
                #through
            }
            unsafe { #sc::Site::new(|#key, #(#names),*| go(#key, #(#names),*)) }
        }
    }
}

/// The error in place of the call.
pub(crate) fn refused_call(error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    quote!({ #error })
}
