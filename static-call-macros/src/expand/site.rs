//! The functions of a key for `call!`: one takes a site, and one returns the value of a hook that
//! is off.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

use super::signature::Place;
use crate::model::{Function, local};

impl Function {
    /// The function that `call!` calls. Its span is the user's function, which errors about
    /// arguments show.
    pub(super) fn call_at(&self, name: &str, place: Place, is_hook: bool) -> TokenStream {
        let span = self.source.sig.ident.span().resolved_at(Span::call_site());
        let off = name.replacen("__call_at", "__off", 1);
        let name = Ident::new(name, span);
        let (marker, vis) = (self.marker(), &self.source.vis);
        let site_attrs = &self.attrs.site;
        let unsafety = self.unsafety();
        let lifetimes = self.lifetimes_at(place);
        let names = self.argument_names();
        let parameters = self.arguments.iter().zip(&names).map(|(a, name)| match &a.left_behind {
            Some(ty) => quote!(_: #ty),
            None => {
                let ty = a.type_at(place);
                quote!(#name: #ty)
            }
        });
        let output = self.output_at(place);
        let bound_output = self.output_in_bound(Some(place));
        let values: Vec<_> = self
            .arguments
            .iter()
            .zip(&names)
            .map(|(a, name)| match a.left_behind {
                Some(_) => a.value.clone(),
                None => name.to_token_stream(),
            })
            .collect();
        let (statements, values) = self.passing(&values);
        let abi = self.abi_types(place);
        // The site adds one argument to the user's; clippy's limit is seven.
        let one_too_many = (names.len() >= 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
        let (krate, sc, site) = (&self.krate, self.private(), local("site"));
        let open = quote!(let #site = unsafe { #sc::Site::call(#site) };);
        let (cfgs, lints) = (&self.attrs.cfgs, &self.attrs.lints);
        let off = Ident::new(&off, Span::call_site());
        let label = self.target_parameter();
        let attrs = quote!(#(#lints)* #(#site_attrs)*);
        let value = is_hook.then(|| self.off_value());
        quote! {
            #(#cfgs)*
            #krate::__call_at! {
                #marker #vis [#unsafety] [#attrs #one_too_many] [#attrs]
                #name #off #site [#(#lifetimes,)*] #label
                (#(#abi),*) -> [#output] [#bound_output]
                (#(#parameters),*) { #statements #open } (#(#values),*) #value
            }
        }
    }

    /// The value of `call!` if the key, a hook, is off and `label` returns false.
    fn off_value(&self) -> TokenStream {
        let sc = self.private();
        let none = quote!(#sc::Option::None);
        let off = if self.returns_option() { none } else { quote!(()) };
        quote!({ #off })
    }

    /// The flags that mark the key as a hook in its record.
    pub(super) fn hook_flags(&self, is_hook: bool) -> Vec<&'static str> {
        match is_hook {
            true if self.returns_option() => vec!["HAS_NO_BODY", "RETURNS_OPTION"],
            true => vec!["HAS_NO_BODY"],
            false => Vec::new(),
        }
    }
}
