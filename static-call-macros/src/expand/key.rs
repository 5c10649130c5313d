//! What every key has: a type, records, shims, and the traits that lead to them.

use proc_macro2::TokenStream;
use quote::quote;

use super::signature::{Place, respanned};
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
        let (sc, marker) = (self.private(), self.marker());
        let (first, chosen_by) = self.first();
        let shim = quote!(#marker::#first as *const ());
        let default = self.named_target(&shim);
        let default = quote!(#default #chosen_by);
        let flags = self.hook_flags(self.source.body.is_none());
        let records = self.records(&shim, &default, flags);
        let shims = self.shims(original);
        let keyed = self.keyed(&quote!(#sc::type_of(|| #caller)));
        let (accept, pointed, selection) = (self.accept(), self.pointed(), self.selection());
        quote! {
            #records

            #shims

            #keyed

            #accept

            #pointed

            #selection
        }
    }

    /// The record of a target that runs the body, with its `shim`.
    pub(super) fn named_target(&self, shim: &TokenStream) -> TokenStream {
        let (sc, name) = (self.private(), self.full_name());
        quote! {
            #sc::TargetRecord::new(
                #shim,
                || #sc::core::concat!(#sc::core::module_path!(), "::", #name),
            )
        }
    }

    /// The shims of the default and of other targets.
    fn shims(&self, original: &TokenStream) -> TokenStream {
        let (sc, marker) = (self.private(), self.marker());
        let cfgs = self.cfgs();
        let lints = self.lints();
        let deprecated = self.deprecated();
        let f = self.target_parameter();
        let names = self.argument_names();
        // The shim itself declares the lifetimes, so its bound must not.
        let types = self.arguments.iter().map(|a| a.type_at(Place::Outside));
        let output = self.output_in_bound(Some(Place::Outside));
        let receiving = self.receiving();
        let call = self.unsafe_if_declared(quote!(#original(#(#names),*)));
        let target = local("target");
        let head = quote!(unsafe extern "C-unwind" fn __default);
        let default = self.abi_fn(&head, None, &quote!({ #receiving #call }));
        let head = quote!(unsafe extern "C-unwind" fn __shim);
        let rest = quote! {
            where
                #f: #sc::core::ops::Fn(#(#types),*) -> #output + #sc::core::marker::Copy,
            {
                let #target = unsafe { #sc::conjure::<#f>() };
                #receiving
                #target(#(#names),*)
            }
        };
        let shim = self.abi_fn(&head, Some(&f), &rest);
        quote! {
            #(#cfgs)*
            #(#lints)*
            #[allow(improper_ctypes_definitions #deprecated)]
            impl #marker {
                #default

                #shim
            }
        }
    }

    /// The trait that accepts functions and closures as targets.
    fn accept(&self) -> TokenStream {
        let (sc, marker) = (self.private(), self.marker());
        let cfgs = self.cfgs();
        let lints = self.lints();
        let f = self.target_parameter();
        let bounds = self.bounds();
        let accept = respanned(quote!(#sc::Accept<#f> for #marker), self.signature_span());
        quote! {
            #(#cfgs)*
            #(#lints)*
            unsafe impl<#f> #accept
            where
                #f: #bounds,
            {
                const TARGET: &'static #sc::TargetRecord = &#sc::TargetRecord::new(
                    #marker::__shim::<#f> as *const (),
                    #sc::core::any::type_name::<#f>,
                )
                .with_type(#sc::core::any::TypeId::of::<#f>);
            }
        }
    }
}
