//! A free function: itself, and the enum of its name.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::signature::Place;
use super::update_result;
use crate::model::Function;

/// The function, its enum and its records.
pub(super) fn expand(f: &Function) -> TokenStream {
    let (krate, keys, vis) = (&f.krate, &f.keys, &f.source.vis);
    let result = update_result(krate);
    let update_vis = &f.update_vis;
    let ident = &f.source.sig.ident;
    let cfgs: Vec<_> = f.cfgs().collect();
    let lints: Vec<_> = f.lints().collect();
    let hidden = &f.attrs.hidden;
    let caller = f.caller_fn(&f.attrs.wrapper, Some(vis));
    let name = f.name();
    let original = f.original_fn();
    let call_at = f.call_at("__call_at", Place::Outside, f.source.body.is_none());
    let update = update(f, &name);
    let forces = f.forces();
    let disable = f.source.body.is_none().then(|| disable(f, &name));
    let machinery = f.machinery(&quote!(#ident), &quote!(#keys::original));
    let about = format!("Switches `{name}`: the keys to the static call of this name.");
    let key = format!("The key of `{name}`.");
    let query = format!("What `{name}` calls now.");
    let reset = format!("Makes `{name}` call its default again.");
    quote! {
        #caller

        #(#cfgs)*
        #[doc = #about]
        #(#hidden)*
        #[allow(non_camel_case_types)]
        #vis enum #keys {}

        #(#cfgs)*
        #(#lints)*
        #[allow(dead_code)]
        impl #keys {
            #[doc = #key]
            #update_vis const KEY: #krate::Key<#keys> = unsafe { #krate::Key::new() };

            #original

            #update

            #[doc = #query]
            #[must_use]
            #vis fn query() -> #krate::Target {
                Self::KEY.query()
            }

            #[doc = #reset]
            ///
            /// # Errors
            ///
            /// As for `update`.
            #update_vis fn reset() -> #result {
                Self::KEY.reset()
            }

            #disable

            #forces

            #call_at
        }

        #machinery
    }
}

fn update(f: &Function, name: &str) -> TokenStream {
    let (sc, update_vis, result) = (f.private(), &f.update_vis, update_result(&f.krate));
    let parameter = f.target_parameter();
    let bounds = f.bounds();
    let about = format!("Makes every call of `{name}` reach `target`, on every thread.");
    let about_fn = format!("Makes every call of `{name}` reach a function known only at run time.");
    let pointer = f.pointer();
    let span = f.signature_span();
    let declaration = quote_spanned! {span=>
        fn update<#parameter>(target: #parameter)
            -> #result
        where
            #parameter: #bounds,
    };
    let check = quote_spanned!(span=> const { #sc::captures_nothing::<#parameter>() });
    quote! {
        #[doc = #about]
        ///
        /// A target is a function or a closure that captures nothing.
        ///
        /// # Errors
        ///
        /// An update that fails changes nothing; the error says what stood in its way.
        #update_vis #declaration
        {
            #check
            #sc::update(Self::KEY, target)
        }

        #[doc = #about_fn]
        ///
        /// It is called through a cell: one indirect call more than a target of `update`.
        ///
        /// # Errors
        ///
        /// As for `update`.
        #update_vis fn update_fn(
            pointer: #pointer,
        ) -> #result {
            Self::KEY.update_fn(pointer)
        }
    }
}

fn disable(f: &Function, name: &str) -> TokenStream {
    let (update_vis, result) = (&f.update_vis, update_result(&f.krate));
    let about = format!("Makes `{name}` do nothing again: the same as `reset`.");
    quote! {
        #[doc = #about]
        ///
        /// # Errors
        ///
        /// As for `update`.
        #update_vis fn disable() -> #result {
            Self::KEY.reset()
        }
    }
}
