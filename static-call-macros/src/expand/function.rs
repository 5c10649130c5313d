//! A free function, and the enum of the same name.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::signature::Place;
use super::{scoped_result, update_result};
use crate::model::Function;

/// The function, its enum and its records.
pub(super) fn expand(f: &Function) -> TokenStream {
    let (krate, keys, vis) = (&f.krate, &f.keys, &f.source.vis);
    let update_vis = &f.update_vis;
    let ident = &f.source.sig.ident;
    let cfgs: Vec<_> = f.cfgs().collect();
    let lints: Vec<_> = f.lints().collect();
    let hidden = &f.attrs.hidden;
    let caller = f.caller_fn(&f.attrs.wrapper, Some(vis));
    let name = f.name();
    let original = f.original_fn();
    let call_at = f.call_at("__call_at", Place::Outside, f.source.body.is_none());
    let (update, scoped) = (update(f, &name), scoped(f, &name));
    let query_and_reset = query_and_reset(f, &name);
    let forces = f.forces();
    let disable = f.source.body.is_none().then(|| disable(f, &name));
    let machinery = f.machinery(&quote!(#ident), &quote!(#keys::original));
    let about = format!("Updates and queries the target of the static call `{name}`.");
    let key = format!("The key of the static call `{name}`.");
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

            #scoped

            #query_and_reset

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
    let about = format!(
        " Makes all calls to `{name}` go to `target`, on every thread.\n\n \
         `target` is a function, or a closure that captures nothing.\n\n \
         # Errors\n\n If the update fails, nothing changes; the error says why."
    );
    let about_fn = format!(
        " Makes all calls to `{name}` go to a function pointer known only at run time.\n\n \
         This costs one more indirect call than a target of `update`.\n\n \
         # Errors\n\n The same as for `update`."
    );
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
        #update_vis #declaration
        {
            #check
            #sc::update(Self::KEY, target)
        }

        #[doc = #about_fn]
        #update_vis fn update_fn(
            pointer: #pointer,
        ) -> #result {
            Self::KEY.update_fn(pointer)
        }
    }
}

/// `update` for as long as a guard lives.
fn scoped(f: &Function, name: &str) -> TokenStream {
    let (sc, krate, update_vis) = (f.private(), &f.krate, &f.update_vis);
    let (parameter, bounds, result) = (f.target_parameter(), f.bounds(), scoped_result(&f.krate));
    let about = format!(
        " Makes all calls to `{name}` go to `target` while the guard lives.\n\n \
         For tests: a guard of the same key on another thread waits.\n\n \
         # Errors\n\n \
         The same as for `update`, and if two threads would wait for each other."
    );
    let span = f.signature_span();
    let declaration = quote_spanned! {span=>
        fn scoped<#parameter>(target: #parameter)
            -> #result
        where
            #parameter: #bounds,
    };
    let check = quote_spanned!(span=> const { #sc::captures_nothing::<#parameter>() });
    quote! {
        #krate::__with_std! {
            #[doc = #about]
            #update_vis #declaration
            {
                #check
                #sc::scoped_one(Self::KEY, target)
            }
        }
    }
}

fn query_and_reset(f: &Function, name: &str) -> TokenStream {
    let (krate, vis, update_vis) = (&f.krate, &f.source.vis, &f.update_vis);
    let result = update_result(krate);
    let query = format!("Returns the current target of `{name}`.");
    let reset = format!(
        " Makes all calls to `{name}` go to its default again.\n\n \
         # Errors\n\n The same as for `update`."
    );
    quote! {
        #[doc = #query]
        #[must_use]
        #vis fn query() -> #krate::Target {
            Self::KEY.query()
        }

        #[doc = #reset]
        #update_vis fn reset() -> #result {
            Self::KEY.reset()
        }
    }
}

fn disable(f: &Function, name: &str) -> TokenStream {
    let (update_vis, result) = (&f.update_vis, update_result(&f.krate));
    let about = format!("Turns `{name}` off: the same as `reset`.");
    quote! {
        #[doc = #about]
        ///
        /// # Errors
        ///
        /// The same as for `update`.
        #update_vis fn disable() -> #result {
            Self::KEY.reset()
        }
    }
}
