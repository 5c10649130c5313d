//! A free function: itself, and the enum of its name.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};

use super::key::Place;
use crate::model::Function;

/// The function, its enum and its records.
pub(super) fn expand(f: &Function) -> TokenStream {
    let (sc, krate, keys, vis) = (f.private(), &f.krate, &f.keys, &f.source.vis);
    let update_vis = &f.update_vis;
    let ident = &f.source.sig.ident;
    let cfgs: Vec<_> = f.cfgs().collect();
    let lints: Vec<_> = f.lints().collect();
    let (wrapper_attrs, hidden) = (&f.attrs.wrapper, &f.attrs.hidden);
    let wrapper = wrapper(f);
    let body = f.wrapper_body();
    let name = f.name();
    let original = f.original_fn(&original_docs(f, &name));
    let call_at = f.call_at("__call_at", Place::Outside, f.source.body.is_none());
    let (update, scoped) = (update(f, &name), scoped(f, &name));
    let forces = f.forces();
    let disable = f.source.body.is_none().then(|| disable(f, &name));
    let machinery = f.machinery(&quote!(#ident), &quote!(#keys::original));
    let about = format!("Switches `{name}`: the keys to the static call of this name.");
    let key = format!("The key of `{name}`.");
    let query = format!("What `{name}` calls now.");
    let reset = format!("Makes `{name}` call its default again.");
    quote! {
        #(#cfgs)*
        #(#lints)*
        #(#wrapper_attrs)*
        #[inline(always)]
        #vis #wrapper {
            #body
        }

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
            #update_vis fn reset() -> #sc::core::result::Result<#krate::Update, #krate::UpdateError> {
                Self::KEY.reset()
            }

            #disable

            #forces

            #call_at
        }

        #machinery
    }
}

/// The signature that users see, in their own tokens.
pub(super) fn wrapper(f: &Function) -> TokenStream {
    let sig = &f.source.sig;
    let unsafety = f.unsafety();
    let (fn_token, ident, generics, output) =
        (&sig.fn_token, &sig.ident, &sig.generics, &sig.output);
    let parameters = f.arguments.iter().map(|a| &a.parameter);
    quote!(#unsafety #fn_token #ident #generics (#(#parameters),*) #output)
}

/// The documentation of the function that holds the body: the user's, which is about that body.
pub(super) fn original_docs(f: &Function, name: &str) -> TokenStream {
    let docs = f.attrs.wrapper.iter().filter(|attr| attr.path().is_ident("doc"));
    let mut docs = docs.map(ToTokens::to_token_stream).peekable();
    if docs.peek().is_some() {
        return docs.collect();
    }
    let does = if f.source.body.is_some() { "" } else { ": nothing" };
    let about = format!("What `{name}` does by default{does}.");
    quote!(#[doc = #about])
}

fn update(f: &Function, name: &str) -> TokenStream {
    let (sc, krate, update_vis) = (f.private(), &f.krate, &f.update_vis);
    let parameter = f.target_parameter();
    let bounds = f.bounds();
    let about = format!("Makes every call of `{name}` reach `target`, on every thread.");
    let about_fn = format!("Makes every call of `{name}` reach a function known only at run time.");
    let pointer = f.pointer();
    let span = f.signature_span();
    let declaration = quote_spanned! {span=>
        fn update<#parameter>(target: #parameter)
            -> #sc::core::result::Result<#krate::Update, #krate::UpdateError>
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
        ) -> #sc::core::result::Result<#krate::Update, #krate::UpdateError> {
            Self::KEY.update_fn(pointer)
        }
    }
}

/// [`update`], for as long as a guard lives.
fn scoped(f: &Function, name: &str) -> TokenStream {
    let (sc, krate, update_vis) = (f.private(), &f.krate, &f.update_vis);
    let (parameter, bounds) = (f.target_parameter(), f.bounds());
    let about = format!("Makes every call of `{name}` reach `target` while the guard lives.");
    let span = f.signature_span();
    let declaration = quote_spanned! {span=>
        fn scoped<#parameter>(target: #parameter)
            -> #sc::core::result::Result<#krate::Scoped, #krate::UpdateError>
        where
            #parameter: #bounds,
    };
    let check = quote_spanned!(span=> const { #sc::captures_nothing::<#parameter>() });
    quote! {
        #krate::__with_std! {
            #[doc = #about]
            ///
            /// For tests: a guard of the same key on another thread waits.
            ///
            /// # Errors
            ///
            /// As for `update`, and where two threads would wait for each other.
            #update_vis #declaration
            {
                #check
                #sc::scoped_one(Self::KEY, target)
            }
        }
    }
}

fn disable(f: &Function, name: &str) -> TokenStream {
    let (sc, krate, update_vis) = (f.private(), &f.krate, &f.update_vis);
    let about = format!("Makes `{name}` do nothing again: the same as `reset`.");
    quote! {
        #[doc = #about]
        ///
        /// # Errors
        ///
        /// As for `update`.
        #update_vis fn disable() -> #sc::core::result::Result<#krate::Update, #krate::UpdateError> {
            Self::KEY.reset()
        }
    }
}
