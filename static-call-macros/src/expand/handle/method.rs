//! The key of a method: its records and shims.

use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::FnArg;

use crate::expand::{describe_path, target_record};
use crate::model::{DefaultTarget, Handle, Method, local};

/// The key's type, its records and its shims.
pub(super) fn expand(h: &Handle, method: &Method) -> TokenStream {
    let f = &method.function;
    let marker = f.marker();
    let cfgs = f.cfgs();
    let lints = f.lints();
    let deprecated = h.allowed();
    let i = h.parameter();
    let bounds = h.bounds(&i.to_token_stream());
    let receiving = f.receiving();
    let call = call(h, method, &i.to_token_stream());
    let marker_enum = f.marker_enum();
    let d = local("description");
    let (shim, described) = match h.default_of(method) {
        DefaultTarget::Implementation(ty) => {
            let ty = ty.to_token_stream();
            (quote!(#marker::__shim::<#ty> as *const ()), describe(h, method, &d, &ty))
        }
        _ => {
            let shim = quote!(#marker::__default as *const ());
            (shim.clone(), quote!(#d.at(#shim);))
        }
    };
    let default = default_body(h, method).map(|body| {
        let head = quote!(unsafe extern "C-unwind" fn __default);
        f.abi_fn(&head, None, &quote!({ #receiving #body }))
    });
    let head = quote!(unsafe extern "C-unwind" fn __shim);
    let shim_fn = f.abi_fn(&head, Some(&i), &quote!(where #bounds, { #receiving #call }));
    let hook_flags = f.hook_flags(h.is_hook(method));
    let is_unsafe = h.source.unsafety.map(|_| "UNSAFE_TO_SWITCH");
    let described = with_key_type(h, method, &i, &d, &described);
    let records = f.records(&shim, &d, &described, hook_flags.into_iter().chain(is_unsafe));
    let keyed = f.keyed();
    quote! {
        #marker_enum

        #records

        #(#cfgs)*
        #(#lints)*
        #deprecated
        #[allow(improper_ctypes_definitions, unused_variables)]
        impl #marker {
            #default

            #shim_fn
        }

        #keyed
    }
}

/// The statements, which describe the default target by the variable `d`, and that of the type by
/// which callers name the key; `i` is a name for a type parameter.
fn with_key_type(
    h: &Handle,
    method: &Method,
    i: &Ident,
    d: &Ident,
    statements: &TokenStream,
) -> TokenStream {
    let f = &method.function;
    let sc = f.private();
    let (handle, of_trait, ident) = (&h.name, &h.source.ident, &f.source.sig.ident);
    // Generic, because naming the handle's method requires the supertraits: a missing one would be
    // reported twice.
    let bounds = h.bounds_without_instance(&i.to_token_stream());
    quote! {
        fn of<#i>() -> #sc::TypeId
        where
            #bounds,
        {
            #sc::type_of(|| <#i as #of_trait>::#ident)
        }
        #statements
        #d.of_key(of::<#handle>());
    }
}

/// The call of an implementation's method, with its instance.
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
    f.unsafe_if_declared(quote!(<#implementation as #of_trait>::#ident(#(#arguments),*)))
}

/// The record of an implementation's method.
pub(super) fn target(h: &Handle, method: &Method, implementation: &TokenStream) -> TokenStream {
    let d = local("description");
    let statements = describe(h, method, &d, implementation);
    target_record(&method.function.private(), &d, &statements)
}

/// The statement that describes an implementation's method by the variable `d`.
fn describe(h: &Handle, method: &Method, d: &Ident, implementation: &TokenStream) -> TokenStream {
    let f = &method.function;
    let (marker, of_trait, ident) = (f.marker(), &h.source.ident, &f.source.sig.ident);
    describe_path(
        &f.private(),
        d,
        &quote!(#marker::__shim::<#implementation>),
        &quote!(<#implementation as #of_trait>::#ident),
        &TokenStream::new(),
    )
}

/// The body of the default, unless that is an implementation's method.
fn default_body(h: &Handle, method: &Method) -> Option<TokenStream> {
    let f = &method.function;
    let (sc, handle) = (f.private(), &h.name);
    Some(match h.default_of(method) {
        DefaultTarget::Implementation(_) => return None,
        DefaultTarget::Body => {
            let original = original_name(method);
            let arguments = f.arguments.iter().zip(f.argument_names()).map(|(argument, name)| {
                match argument.left_behind {
                    Some(_) => quote!(&#handle),
                    None => name.to_token_stream(),
                }
            });
            let originals = h.originals();
            f.unsafe_if_declared(quote!(<#handle as #originals>::#original(#(#arguments),*)))
        }
        DefaultTarget::Nothing if f.returns_unit() => TokenStream::new(),
        DefaultTarget::Nothing => quote!(#sc::Option::None),
        DefaultTarget::Missing => {
            let (name, handle) = (f.full_name(), handle.to_string());
            quote!(#sc::not_set(#name, #handle))
        }
    })
}

fn original_name(method: &Method) -> Ident {
    let ident = &method.function.source.sig.ident;
    format_ident!("__original_{}", method.function.name(), span = ident.span())
}

/// The trait with copies of the default bodies, which only the handle implements. They are in a
/// trait to keep their meaning: `Self` is any type that implements the user's trait.
pub(super) fn originals(h: &Handle) -> Option<TokenStream> {
    let with_body: Vec<_> =
        h.switched().filter(|m| matches!(h.default_of(m), DefaultTarget::Body)).collect();
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
            // The body in the user's trait has these.
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
    /// The method as a member of the trait.
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
        let nothing =
            if self.function.returns_unit() { None } else { Some(quote!(#sc::Option::None)) };
        // Borrowed, so that no argument is unused or dropped early.
        let used: Vec<_> = names.collect();
        let used = (!used.is_empty()).then(|| quote!(let _ = (#(&#used,)*);));
        let mut body = Group::new(Delimiter::Brace, quote!(#used #nothing));
        body.set_span(source.sig.paren_token.span.join());
        source.body = None;
        let source = source.to_token_stream();
        quote!(#source #body)
    }
}
