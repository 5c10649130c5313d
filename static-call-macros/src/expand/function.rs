//! A free function, and the enum of the same name.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

use super::signature::Place;
use super::{trusted_block, update_result};
use crate::model::Function;

/// The function, its enum and its records.
pub(super) fn expand(f: &Function) -> TokenStream {
    let (keys, vis) = (&f.keys, &f.source.vis);
    let ident = &f.source.sig.ident;
    let cfgs: Vec<_> = f.cfgs().collect();
    let lints: Vec<_> = f.lints().collect();
    let hidden = &f.attrs.hidden;
    let caller = f.caller_fn(&f.attrs.wrapper, Some(vis));
    let name = f.name();
    let original = f.original_fn();
    let call_at = f.call_at("__call_at", Place::Outside, f.source.body.is_none());
    let functions = functions(f);
    let forces = f.forces();
    let disable = f.source.body.is_none().then(|| disable(f, &name));
    let machinery = f.machinery(&quote!(#ident), &quote!(#keys::original));
    let about = format!("Updates and queries the target of the static call `{name}`.");
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
            #original

            #functions

            #disable

            #forces

            #call_at
        }

        #machinery
    }
}

/// The constant and the functions that every key has.
fn functions(f: &Function) -> TokenStream {
    let (krate, keys) = (&f.krate, &f.keys);
    let new = trusted_block(f.trusted, quote!(#krate::Key::new()));
    let (vis, update_vis, sc) = (&f.source.vis, &f.update_vis, f.private());
    let (parameter, bounds, pointer) = (f.target_parameter(), f.bounds(), f.pointer());
    let span = f.signature_span();
    let [update, scoped] = ["update", "scoped"].map(|name| Ident::new(name, span));
    let check = quote_spanned!(span=> const { #sc::captures_nothing::<#parameter>() });
    quote! {
        #krate::__functions! {
            #keys = [#new] [#vis] [#update_vis] #update #scoped
            #parameter [#bounds] [#check] [#pointer]
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
