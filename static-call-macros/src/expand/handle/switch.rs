//! Switching all keys of a handle together.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};

use super::method::target;
use crate::expand::{scoped_result, update_result};
use crate::model::{Handle, Method};

/// The inherent functions that switch and query the handle.
pub(super) fn inherent(h: &Handle) -> TokenStream {
    let (krate, sc, vis) = (&h.krate, h.private(), &h.source.vis);
    let (update_vis, count) = (h.update_vis(), count(h));
    let updates = updates(h);
    let scoped = scoped(h);
    let targets = h.switched().map(|method| {
        let f = &method.function;
        let (cfgs, name, marker) = (&f.attrs.cfgs, f.name(), f.marker());
        quote!(#(#cfgs)* (#name, unsafe { #krate::Key::<#marker>::new() }.query()))
    });
    let sealing = h.switched().map(|method| {
        let (cfgs, marker) = (&method.function.attrs.cfgs, method.function.marker());
        quote!(#(#cfgs)* unsafe { #krate::Key::<#marker>::new() }.seal();)
    });
    quote! {
        #updates

        #scoped

        /// Makes the current target of each method final: later updates fail.
        #[allow(dead_code)]
        #update_vis fn seal() {
            #(#sealing)*
        }

        /// Returns the name and the current target of each method.
        #[must_use]
        #[allow(dead_code)]
        #vis fn query() -> [(&'static #sc::str, #krate::Target); #count] {
            [#(#targets),*]
        }
    }
}

/// `update` and `reset`.
fn updates(h: &Handle) -> TokenStream {
    let (sc, of_trait, unsafety) = (h.private(), &h.source.ident, &h.source.unsafety);
    let (update_vis, switch, result) = (h.update_vis(), h.switch(), update_result(&h.krate));
    let i = h.parameter().to_token_stream();
    let bounds = h.bounds(&i);
    let about = format!("Switches all methods to the implementation `{i}` of [`{of_trait}`].");
    let safety = safety(h);
    let span = of_trait.span().resolved_at(proc_macro2::Span::call_site());
    let declaration = quote_spanned!(span=> fn update<#i>() -> #result where #bounds);
    quote! {
        #[doc = #about]
        ///
        /// All methods are switched in one batch, or none is. Within the batch they are switched
        /// one by one, so another thread may call a method of the old implementation and then one
        /// of the new: a pair of calls, such as begin and end, can be split. A single call is not
        /// split: each method runs with the instance of its own implementation.
        ///
        /// # Errors
        ///
        /// If the update fails, nothing changes; the error says why.
        #safety
        #[allow(dead_code)]
        #update_vis #unsafety #declaration
        {
            unsafe { #sc::update_all::<#switch, #i>() }
        }

        /// Switches all methods back to their defaults.
        ///
        /// # Errors
        ///
        /// The same as for `update`.
        #safety
        #[allow(dead_code)]
        #update_vis #unsafety fn reset() -> #result {
            unsafe { #sc::reset_all::<#switch>() }
        }
    }
}

/// `update` for as long as a guard lives.
fn scoped(h: &Handle) -> TokenStream {
    let (sc, krate, of_trait) = (h.private(), &h.krate, &h.source.ident);
    let (update_vis, switch, unsafety) = (h.update_vis(), h.switch(), &h.source.unsafety);
    let (i, result) = (h.parameter().to_token_stream(), scoped_result(krate));
    let bounds = h.bounds(&i);
    let about = format!(
        "Switches all methods to the implementation `{i}` of [`{of_trait}`] while the guard lives."
    );
    let safety = safety(h).map(|safety| {
        quote! {
            #safety
            ///    Dropping the guard switches them again: the same holds then.
        }
    });
    let span = of_trait.span().resolved_at(proc_macro2::Span::call_site());
    let declaration = quote_spanned!(span=> fn scoped<#i>() -> #result where #bounds);
    quote! {
        #krate::__with_std! {
            #[doc = #about]
            ///
            /// For tests: a guard of the same methods on another thread waits.
            ///
            /// # Errors
            ///
            /// The same as for `update`, and if two threads would wait for each other.
            #safety
            #[allow(dead_code)]
            #update_vis #unsafety #declaration
            {
                unsafe { #sc::scoped_all::<#switch, #i>() }
            }
        }
    }
}

/// What callers promise who switch the handle of an `unsafe trait`.
fn safety(h: &Handle) -> Option<TokenStream> {
    h.source.unsafety.map(|_| {
        quote! {
            ///
            /// # Safety
            ///
            /// 1. The trait's promises hold for threads that, while this runs, call one method of
            ///    the old implementation and then another of the new one.
        }
    })
}

/// The number of keys that the configuration leaves.
fn count(h: &Handle) -> TokenStream {
    let ones = h.switched().map(|method| {
        let cfgs = &method.function.attrs.cfgs;
        quote!(#(#cfgs)* ())
    });
    quote!({ const ONES: &[()] = &[#(#ones),*]; ONES.len() })
}

/// The traits for batches.
pub(super) fn expand(h: &Handle) -> TokenStream {
    let (sc, switch) = (h.private(), h.switch());
    let (cfgs, lints) = (&h.attrs.cfgs, &h.attrs.lints);
    let allowed = h.allowed();
    let i = h.parameter().to_token_stream();
    let bounds = h.bounds(&i);
    let defaults = requests(h, |method| {
        let record = method.function.record();
        quote!(#sc::Request::default_of(&#record))
    });
    let new = requests(h, |method| {
        let record = method.function.record();
        let target = target(h, method, &i);
        quote!(unsafe { #sc::Request::new(&#record, #target) })
    });
    let to_implementation = quote! {
        #(#cfgs)*
        #(#lints)*
        #allowed
        unsafe impl<#i> #sc::Switch<#i> for #switch
        where
            #bounds,
        {
            fn requests() -> Self::Requests {
                #new
            }
        }
    };
    impls(h, &count(h), &defaults, &to_implementation)
}

/// The type that names the handle in a batch, unless that is the handle, and its traits.
/// `to_implementation` is the impl that switches to an implementation.
pub(in crate::expand) fn impls(
    h: &Handle,
    count: &TokenStream,
    defaults: &TokenStream,
    to_implementation: &TokenStream,
) -> TokenStream {
    let (sc, switch, name, cfgs) = (h.private(), h.switch(), &h.name, &h.attrs.cfgs);
    let keys = h.options.update.as_ref().map(|vis| {
        let about =
            format!("Names [`{name}`] in `static_call::batch`, with the visibility of `update`.");
        quote! {
            #(#cfgs)*
            #[doc = #about]
            #[allow(dead_code, missing_debug_implementations)]
            #vis enum #switch {}
        }
    });
    let safe = h.source.unsafety.is_none().then(|| {
        quote! {
            #(#cfgs)*
            unsafe impl #sc::SafeToSwitch for #switch {}
        }
    });
    quote! {
        #keys

        #(#cfgs)*
        unsafe impl #sc::Handle for #switch {
            type Requests = [#sc::Request; #count];

            fn defaults() -> Self::Requests {
                #defaults
            }
        }

        #to_implementation

        #safe
    }
}

/// An array with one request for each key.
fn requests(h: &Handle, request: impl Fn(&Method) -> TokenStream) -> TokenStream {
    let requests = h.switched().map(|method| {
        let (cfgs, request) = (&method.function.attrs.cfgs, request(method));
        quote!(#(#cfgs)* #request)
    });
    quote!([#(#requests),*])
}
