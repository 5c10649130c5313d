//! What every key has: a type, records, shims, and the traits that lead to them.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::signature::{Place, respanned};
use super::trusted_block;
use crate::model::{Function, local};

impl Function {
    /// The type that represents the key of an associated function.
    pub(super) fn marker_enum(&self) -> TokenStream {
        let (cfgs, vis, marker) = (self.cfgs(), &self.source.vis, self.marker());
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(non_camel_case_types)]
            #vis enum #marker {}
        }
    }

    /// Records, shims, and the traits that lead to them. `caller` and `original` are paths.
    pub(super) fn machinery(&self, caller: &TokenStream, original: &TokenStream) -> TokenStream {
        let (krate, sc, token) = (&self.krate, self.private(), self.trusted);
        let (marker, record, target) = (self.marker(), self.record(), self.target_parameter());
        let description = local("description");
        let new = trusted_block(token, quote!(#sc::KeyRecord::new(#description)));
        let (first, chosen_by) = self.first();
        let (name, signature, position) = (self.full_name(), self.signature(), self.position());
        let length = Literal::usize_unsuffixed(name.len());
        let mut flags = self.hook_flags(self.source.body.is_none());
        flags.extend(self.select.is_some().then_some("CHOOSES"));
        let flags = self.flags(flags);
        let (cfgs, lints, deprecated) = (self.cfgs(), self.lints(), self.deprecated());
        let lifetimes = self.lifetimes_at(Place::Outside);
        let (names, types) = (self.argument_names(), self.abi_types(Place::Outside));
        let (output, receiving) = (self.output_at(Place::Outside), self.receiving());
        let call = self.unsafe_if_declared(quote!(#original(#(#names),*)));
        let (accept, bounds, pointer) = (self.accept_header(), self.bounds(), self.pointer());
        let (bound, through) = (self.shim_bound(), self.through());
        let selection = self.selection();
        quote! {
            #(#cfgs)*
            #krate::__key! {
                #token #marker #record = [#new] of #description
                [#(#lints)*] [#[allow(improper_ctypes_definitions #deprecated)]]
                #first [#caller] [#chosen_by]
                (#length #name #signature #position; [#flags])
                [#(#lifetimes,)*] (#(#names: #types),*) -> [#output]
                { #receiving } { #call } (#(#names),*)
                #target [#accept] [#bounds] [#bound]
                [#pointer] [#through]
            }

            #selection
        }
    }

    /// The bound on targets in their shim, which declares the lifetimes, so the bound must not.
    fn shim_bound(&self) -> TokenStream {
        let sc = self.private();
        let types = self.arguments.iter().map(|a| a.type_at(Place::Outside));
        let output = self.output_in_bound(Some(Place::Outside));
        quote!(#sc::Fn(#(#types),*) -> #output)
    }

    /// `Accept<F> for` the key's type. Its span is that of the signature, so that type errors show
    /// it.
    fn accept_header(&self) -> TokenStream {
        let (sc, marker, f) = (self.private(), self.marker(), self.target_parameter());
        respanned(quote!(#sc::Accept<#f> for #marker), self.signature_span())
    }
}
