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
        let off = self.off_at(&name.replacen("__call_at", "__off", 1), place, is_hook);
        let name = Ident::new(name, span);
        let (sc, marker, vis) = (self.private(), self.marker(), &self.source.vis);
        let site_attrs = &self.attrs.site;
        let unsafety = self.unsafety();
        let lifetimes = self.lifetimes_at(place);
        let site = local("site");
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
        quote! {
            #[doc(hidden)]
            #(#site_attrs)*
            #one_too_many
            #[inline(always)]
            #vis #unsafety fn #name<#(#lifetimes,)*>(
                #site: #sc::Site<
                    fn(#sc::PhantomData<#marker>, #(#abi),*) -> #bound_output,
                >,
                #(#parameters),*
            ) -> #output {
                #statements
                let #site = unsafe { #sc::Site::call(#site) };
                #site(#sc::PhantomData, #(#values),*)
            }

            #off
        }
    }

    /// The value of `call!` if the key is a hook that is off.
    fn off_at(&self, name: &str, place: Place, is_hook: bool) -> TokenStream {
        let name = Ident::new(name, Span::call_site());
        let (sc, marker, vis) = (self.private(), self.marker(), &self.source.vis);
        let site_attrs = &self.attrs.site;
        let lifetimes = self.lifetimes_at(place);
        let l = self.target_parameter();
        let output = self.output_in_bound(Some(place));
        let none = quote!(#sc::Option::None);
        let label_name = local("label");
        let (label, value) = match is_hook {
            true => {
                let off = if self.returns_option() { none.clone() } else { quote!(()) };
                let value = quote! {
                    if #label_name(#sc::PhantomData) {
                        #none
                    } else {
                        #sc::Option::Some(#off)
                    }
                };
                (label_name.to_token_stream(), value)
            }
            false => (quote!(_), none),
        };
        let (cfgs, lints) = (&self.attrs.cfgs, &self.attrs.lints);
        quote! {
            #(#cfgs)*
            #(#lints)*
            #[doc(hidden)]
            #[allow(dead_code)]
            #(#site_attrs)*
            #[inline(always)]
            #vis fn #name<#(#lifetimes,)* #l>(#label: #l) -> #sc::Option<#output>
            where
                #l: #sc::FnOnce(#sc::PhantomData<#marker>)
                    -> #sc::bool,
            {
                #value
            }
        }
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
