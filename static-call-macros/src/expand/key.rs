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
        let mut flags = self.hook_flags(self.source.body.is_none());
        flags.extend(self.select.is_some().then_some("CHOOSES"));
        let records = self.records(&shim, flags);
        let shims = self.default_shim(original);
        let d = local("description");
        let keyed =
            self.keyed(&d, &quote!(#d.at(#shim).of_key(#sc::type_of(|| #caller)) #chosen_by;));
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

    /// The shim of the default.
    fn default_shim(&self, original: &TokenStream) -> TokenStream {
        let marker = self.marker();
        let (cfgs, lints, deprecated) = (self.cfgs(), self.lints(), self.deprecated());
        let names = self.argument_names();
        let receiving = self.receiving();
        let call = self.unsafe_if_declared(quote!(#original(#(#names),*)));
        let head = quote!(unsafe extern "C-unwind" fn __default);
        let default = self.abi_fn(&head, None, &quote!({ #receiving #call }));
        quote! {
            #(#cfgs)*
            #(#lints)*
            #[allow(improper_ctypes_definitions #deprecated)]
            impl #marker {
                #default
            }
        }
    }

    /// The shim of functions and closures.
    fn shim(&self) -> TokenStream {
        let sc = self.private();
        let f = self.target_parameter();
        let names = self.argument_names();
        // The shim itself declares the lifetimes, so its bound must not.
        let types = self.arguments.iter().map(|a| a.type_at(Place::Outside));
        let output = self.output_in_bound(Some(Place::Outside));
        let receiving = self.receiving();
        let target = local("target");
        let head = quote!(unsafe extern "C-unwind" fn __shim);
        let rest = quote! {
            where
                #f: #sc::Fn(#(#types),*) -> #output + #sc::Copy,
            {
                let #target = unsafe { #sc::conjure::<#f>() };
                #receiving
                #target(#(#names),*)
            }
        };
        self.abi_fn(&head, Some(&f), &rest)
    }

    /// The trait that accepts functions and closures as targets, with their shim. It is not a
    /// function of the key's type beside the shim of the default: compilers lay code out by the
    /// names of functions, and shims of targets should lie beside each other.
    fn accept(&self) -> TokenStream {
        let (sc, marker) = (self.private(), self.marker());
        let cfgs = self.cfgs();
        let lints = self.lints();
        let deprecated = self.deprecated();
        let f = self.target_parameter();
        let bounds = self.bounds();
        let shim = self.shim();
        let accept = respanned(quote!(#sc::Accept<#f> for #marker), self.signature_span());
        quote! {
            #(#cfgs)*
            #(#lints)*
            #[allow(improper_ctypes_definitions #deprecated)]
            unsafe impl<#f> #accept
            where
                #f: #bounds,
            {
                const SHIM: *const () = {
                    #shim
                    __shim::<#f> as *const ()
                };
            }
        }
    }
}
