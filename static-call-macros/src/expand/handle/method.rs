//! The key of a method: its records and shims.

use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::FnArg;

use crate::expand::key::Place;
use crate::model::{Default, Handle, Method};

/// The key's type, its records and its shims.
pub(super) fn expand(h: &Handle, method: &Method) -> TokenStream {
    let f = &method.function;
    let (sc, marker, vis) = (f.private(), f.marker(), &f.source.vis);
    let (handle, of_trait, ident) = (&h.name, &h.source.ident, &f.source.sig.ident);
    let cfgs: Vec<_> = f.cfgs().collect();
    let lints: Vec<_> = f.lints().collect();
    let deprecated = h.allowed();
    let i = h.parameter();
    let bounds = h.bounds(&i.to_token_stream());
    let lifetimes = f.lifetimes_at(Place::Outside);
    let names = f.argument_names();
    let types = f.abi_types(Place::Outside);
    let output = f.output_at(Place::Outside);
    let receiving = f.receiving();
    let call = call(h, method, &i.to_token_stream());
    let (shim, target) = match h.default_of(method) {
        Default::Of(ty) => {
            (quote!(#marker::__shim::<#ty> as *const ()), target(h, method, &ty.to_token_stream()))
        }
        _ => {
            let name = f.full_name();
            let shim = quote!(#marker::__default as *const ());
            let target = quote! {
                #sc::TargetRecord::new(
                    #shim,
                    || #sc::core::concat!(#sc::core::module_path!(), "::", #name),
                )
            };
            (shim, target)
        }
    };
    let default = default_body(h, method).map(|body| {
        let lifetimes = &lifetimes;
        quote! {
            unsafe extern "C-unwind" fn __default<#(#lifetimes),*>(#(#names: #types),*) -> #output {
                #receiving
                #body
            }
        }
    });
    let hook_flags = f.hook_flags(h.is_hook(method));
    let is_unsafe = h.source.unsafety.map(|_| "UNSAFE_TO_SWITCH");
    let records = f.records(&shim, &target, hook_flags.into_iter().chain(is_unsafe));
    // Generic, because naming the handle's own method asks for the supertraits once more: one
    // that is missing would be said twice.
    let bounds_of_own = h.bounds_without_instance(&i.to_token_stream());
    let keyed = f.keyed(&quote! {
        fn of<#i>() -> #sc::core::any::TypeId
        where
            #bounds_of_own,
        {
            #sc::type_of(|| <#i as #of_trait>::#ident)
        }
        of::<#handle>()
    });
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #vis enum #marker {}

        #records

        #(#cfgs)*
        #(#lints)*
        #deprecated
        #[allow(improper_ctypes_definitions, unused_variables)]
        impl #marker {
            #default

            unsafe extern "C-unwind" fn __shim<#(#lifetimes,)* #i>(#(#names: #types),*) -> #output
            where
                #bounds,
            {
                #receiving
                #call
            }
        }

        #keyed
    }
}

/// The call of an implementation's method, with its own instance.
fn call(h: &Handle, method: &Method, implementation: &TokenStream) -> TokenStream {
    let (krate, of_trait) = (&h.krate, &h.source.ident);
    let f = &method.function;
    let ident = &f.source.sig.ident;
    let arguments =
        f.arguments.iter().zip(f.argument_names()).map(|(argument, name)| {
            match argument.left_behind {
                Some(_) => quote!(<#implementation as #krate::Instance>::instance()),
                None => name.to_token_stream(),
            }
        });
    let call = quote!(<#implementation as #of_trait>::#ident(#(#arguments),*));
    match f.unsafety() {
        Some(_) => quote!(unsafe { #call }),
        None => call,
    }
}

/// The record of an implementation's method.
pub(super) fn target(h: &Handle, method: &Method, implementation: &TokenStream) -> TokenStream {
    let f = &method.function;
    let (sc, marker, of_trait) = (f.private(), f.marker(), &h.source.ident);
    let ident = &f.source.sig.ident;
    quote! {
        #sc::TargetRecord::new(
            #marker::__shim::<#implementation> as *const (),
            || #sc::type_name_of(|| <#implementation as #of_trait>::#ident),
        )
        .with_type(|| #sc::type_of(|| <#implementation as #of_trait>::#ident))
    }
}

/// What the method does before the first update, if no implementation does it.
fn default_body(h: &Handle, method: &Method) -> Option<TokenStream> {
    let f = &method.function;
    let (sc, handle) = (f.private(), &h.name);
    Some(match h.default_of(method) {
        Default::Of(_) => return None,
        Default::Body => {
            let original = original_name(method);
            let arguments = f.arguments.iter().zip(f.argument_names()).map(|(argument, name)| {
                match argument.left_behind {
                    Some(_) => quote!(&#handle),
                    None => name.to_token_stream(),
                }
            });
            let originals = h.originals();
            let call = quote!(<#handle as #originals>::#original(#(#arguments),*));
            match f.unsafety() {
                Some(_) => quote!(unsafe { #call }),
                None => call,
            }
        }
        Default::Nothing if f.returns_unit() => TokenStream::new(),
        Default::Nothing => quote!(#sc::core::option::Option::None),
        Default::Missing => {
            let (name, handle) = (f.full_name(), handle.to_string());
            quote!(#sc::not_set(#name, #handle))
        }
    })
}

fn original_name(method: &Method) -> Ident {
    let ident = &method.function.source.sig.ident;
    format_ident!("__original_{}", method.function.name(), span = ident.span())
}

/// The trait that holds copies of the default bodies, for the handle alone. A trait, because there they
/// mean what they mean in the user's: `Self` is anything that implements that.
pub(super) fn originals(h: &Handle) -> Option<TokenStream> {
    let with_body: Vec<_> =
        h.switched().filter(|m| matches!(h.default_of(m), Default::Body)).collect();
    if with_body.is_empty() {
        return None;
    }
    let (handle, of_trait, originals) = (&h.name, &h.source.ident, h.originals());
    let (cfgs, lints) = (&h.attrs.cfgs, &h.attrs.lints);
    let allowed = h.allowed();
    let where_clause = &h.source.generics.where_clause;
    let methods = with_body.iter().map(|method| {
        let f = &method.function;
        let (cfgs, lints) = (&f.attrs.cfgs, &f.attrs.lints);
        let attrs = f.attrs.original.iter().filter(|attr| {
            // The trait's own body answers for these.
            !["must_use", "expect"].iter().any(|name| attr.path().is_ident(name))
        });
        let mut sig = f.source.sig.clone();
        sig.ident = original_name(method);
        let body = &f.source.body;
        quote! {
            #(#cfgs)*
            #(#lints)*
            #(#attrs)*
            #sig #body
        }
    });
    Some(quote! {
        #(#cfgs)*
        #(#lints)*
        #allowed
        #[allow(non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
        trait #originals: #of_trait #where_clause {
            #(#methods)*
        }

        #(#cfgs)*
        #allowed
        impl #originals for #handle {}
    })
}

impl Method {
    /// The method as it stands in the trait.
    pub(super) fn in_trait(&self) -> TokenStream {
        if self.source.optional.is_none() {
            return self.source.tokens();
        }
        let mut source = self.source.function.clone();
        let names = source.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => match &*typed.pat {
                syn::Pat::Ident(pat) => Some(&pat.ident),
                _ => None,
            },
            FnArg::Receiver(_) => None,
        });
        let sc = self.function.private();
        let nothing = if self.function.returns_unit() {
            None
        } else {
            Some(quote!(#sc::core::option::Option::None))
        };
        // Borrowed, so that no argument is unused and none is dropped before its time.
        let used: Vec<_> = names.collect();
        let used = (!used.is_empty()).then(|| quote!(let _ = (#(&#used,)*);));
        let mut body = Group::new(Delimiter::Brace, quote!(#used #nothing));
        body.set_span(source.sig.paren_token.span.join());
        source.body = None;
        let source = source.to_token_stream();
        quote!(#source #body)
    }
}
