//! What switches a handle: all of its keys as one.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};

use super::method::target;
use crate::model::{Handle, Method};

/// The functions of the handle.
pub(super) fn inherent(h: &Handle) -> TokenStream {
    let (krate, sc, vis, of_trait) = (&h.krate, h.private(), &h.source.vis, &h.source.ident);
    let (update_vis, switch) = (h.update_vis(), h.switch());
    let unsafety = &h.source.unsafety;
    let i = h.parameter().to_token_stream();
    let bounds = h.bounds(&i);
    let result = quote!(#sc::core::result::Result<#krate::Update, #krate::UpdateError>);
    let count = count(h);
    let about =
        format!("Makes every method call that of the implementation `{i}` of [`{of_trait}`].");
    let safety = unsafety.map(|_| {
        quote! {
            ///
            /// # Safety
            ///
            /// 1. What the methods promise together holds although they are switched one by one:
            ///    while this runs, a thread may call one method of the implementation before and
            ///    another of the new one.
        }
    });
    let targets = h.switched().map(|method| {
        let f = &method.function;
        let (cfgs, name, marker) = (&f.attrs.cfgs, f.name(), f.marker());
        quote!(#(#cfgs)* (#name, unsafe { #krate::Key::<#marker>::new() }.query()))
    });
    let sealing = h.switched().map(|method| {
        let (cfgs, marker) = (&method.function.attrs.cfgs, method.function.marker());
        quote!(#(#cfgs)* unsafe { #krate::Key::<#marker>::new() }.seal();)
    });
    let span = of_trait.span().resolved_at(proc_macro2::Span::call_site());
    let declaration = quote_spanned!(span=> fn update<#i>() -> #result where #bounds);
    quote! {
        #[doc = #about]
        ///
        /// All of them or none, as one batch. They are switched one after another: other threads
        /// can call one method of the implementation before and then another of the new one, so a
        /// pair of calls (a beginning and an end) can be split over both. One call is never split:
        /// it runs with the instance of the implementation that it is of.
        ///
        /// # Errors
        ///
        /// An update that fails changes nothing; the error says what stood in its way.
        #safety
        #[allow(dead_code)]
        #update_vis #unsafety #declaration
        {
            unsafe { #sc::update_all::<#switch, #i>() }
        }

        /// Makes every method do again what it did before the first update.
        ///
        /// # Errors
        ///
        /// As for `update`.
        #safety
        #[allow(dead_code)]
        #update_vis #unsafety fn reset() -> #result {
            unsafe { #sc::reset_all::<#switch>() }
        }

        /// Makes what the methods call final: every later update is an error.
        #[allow(dead_code)]
        #update_vis fn seal() {
            #(#sealing)*
        }

        /// What each method calls now, by the method's name.
        #[must_use]
        #[allow(dead_code)]
        #vis fn query() -> [(&'static #sc::core::primitive::str, #krate::Target); #count] {
            [#(#targets),*]
        }
    }
}

/// The number of keys, without those that the configuration takes away.
fn count(h: &Handle) -> TokenStream {
    let ones = h.switched().map(|method| {
        let cfgs = &method.function.attrs.cfgs;
        quote!(#(#cfgs)* ())
    });
    quote!({ const ONES: &[()] = &[#(#ones),*]; ONES.len() })
}

/// The traits that batches go by.
pub(super) fn expand(h: &Handle) -> TokenStream {
    let (sc, switch, name) = (h.private(), h.switch(), &h.name);
    let (cfgs, lints) = (&h.attrs.cfgs, &h.attrs.lints);
    let allowed = h.allowed();
    let i = h.parameter().to_token_stream();
    let bounds = h.bounds(&i);
    let count = count(h);
    let defaults = wishes(h, |method| {
        let record = method.function.record();
        quote!(#sc::Request::default_of(&#record))
    });
    let new = wishes(h, |method| {
        let record = method.function.record();
        let target = target(h, method, &i);
        quote!(unsafe { #sc::Request::new(&#record, const { &#target }) })
    });
    let keys = h.options.update.as_ref().map(|vis| {
        let about = format!("The right to switch [`{name}`], for `static_call::batch`.");
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

        #safe
    }
}

/// An array with a wish for each key.
fn wishes(h: &Handle, wish: impl Fn(&Method) -> TokenStream) -> TokenStream {
    let wishes = h.switched().map(|method| {
        let (cfgs, wish) = (&method.function.attrs.cfgs, wish(method));
        quote!(#(#cfgs)* #wish)
    });
    quote!([#(#wishes),*])
}
