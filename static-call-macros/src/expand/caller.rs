//! The function that users call, and the function with its body.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Pat, Visibility};

use super::signature::Place;
use crate::model::{Function, local};

impl Function {
    /// The function that users call. Its signature is the user's own tokens.
    pub(super) fn caller_fn(&self, attrs: &[Attribute], vis: Option<&Visibility>) -> TokenStream {
        let (cfgs, lints) = (&self.attrs.cfgs, &self.attrs.lints);
        let sig = &self.source.sig;
        let (unsafety, fn_token, ident) = (self.unsafety(), &sig.fn_token, &sig.ident);
        let (generics, output) = (&sig.generics, &sig.output);
        let parameters = self.arguments.iter().map(|a| &a.parameter);
        let body = self.caller_body();
        quote! {
            #(#cfgs)*
            #(#lints)*
            #(#attrs)*
            #[inline(always)]
            #vis #unsafety #fn_token #ident #generics (#(#parameters),*) #output {
                #body
            }
        }
    }

    fn caller_body(&self) -> TokenStream {
        let (krate, sc, marker) = (&self.krate, self.private(), self.marker());
        let (trampoline, n) = (local("trampoline"), self.instance_parameter());
        let names = self.argument_names();
        let types = self.abi_types(Place::Outside);
        let lifetimes = self.lifetimes_at(Place::Outside);
        let output = self.output_at(Place::Outside);
        let values: Vec<_> = self.arguments.iter().map(|a| a.value.clone()).collect();
        let (statements, values) = self.passing(&values);
        // The trampoline gets its own block: an item would hide a parameter of the same name.
        quote! {
            #statements
            {
                #krate::__trampoline! {
                    unsafe #trampoline[#(#lifetimes,)* const #n: #sc::u32](
                        #(#names: #types),*
                    ) -> #output;
                    me #trampoline::<{ #n }>;
                    key #marker;
                    site 0
                }
                unsafe { #trampoline::<0>(#(#values),*) }
            }
        }
    }

    /// The function with the body.
    pub(super) fn original_fn(&self) -> TokenStream {
        let docs = self.original_docs();
        let (vis, attrs) = (&self.source.vis, &self.attrs.original);
        let mut sig = self.source.sig.clone();
        sig.ident = self.original();
        let body = match &self.source.body {
            Some(body) => body.to_token_stream(),
            None => {
                for input in &mut sig.inputs {
                    if let FnArg::Typed(typed) = input {
                        *typed.pat = Pat::Wild(syn::PatWild {
                            attrs: Vec::new(),
                            underscore_token: syn::Token![_](Span::call_site()),
                        });
                    }
                }
                let sc = self.private();
                let none = self.returns_option().then(|| quote!(#sc::Option::None));
                quote!({ #none })
            }
        };
        // A static call cannot be `const`, so the lint's advice would be wrong.
        quote! {
            #docs
            #[allow(clippy::missing_const_for_fn)]
            #(#attrs)*
            #vis #sig #body
        }
    }

    /// The documentation of the function with the body: the user's, if there is any.
    fn original_docs(&self) -> TokenStream {
        let docs = self.attrs.wrapper.iter().filter(|attr| attr.path().is_ident("doc"));
        let mut docs = docs.map(ToTokens::to_token_stream).peekable();
        if docs.peek().is_some() {
            return docs.collect();
        }
        let about = match (&self.source.body, self.full_name()) {
            (Some(_), name) => format!("Runs the default of `{name}`."),
            (None, name) => format!("Does nothing: the default of `{name}`."),
        };
        quote!(#[doc = #about])
    }
}
