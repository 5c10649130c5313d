//! `#[derive(Instance)]`: a struct without fields has one value, which is its instance.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Data, DeriveInput, Error, Path, Result, parse_quote};

use crate::forward;

/// Returns the impl or the error.
pub(crate) fn instance(input: TokenStream) -> TokenStream {
    match syn::parse2(input).and_then(|input| expand(&input)) {
        Ok(tokens) => tokens,
        Err(error) => error.to_compile_error(),
    }
}

fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let mut krate: Option<Path> = None;
    for attr in input.attrs.iter().filter(|attr| attr.path().is_ident("instance")) {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                krate = Some(meta.value()?.call(Path::parse_mod_style)?);
                return Ok(());
            }
            Err(meta.error("unknown option: expected `#[instance(crate = path::to)]`"))
        })?;
    }
    let mut error = None;
    let krate = krate.unwrap_or_else(|| match forward::other_name(std::env::args()) {
        Some(name) => {
            error = forward::error_once(&format!(
                "this package renames its dependency `static-call`: write `#[instance(crate = \
                 {name})]` here and at every other use"
            ));
            let name = Ident::new(&name, Span::call_site());
            parse_quote!(::#name)
        }
        None => parse_quote!(::static_call),
    });
    let name = &input.ident;
    let is_unit = match &input.data {
        Data::Struct(data) => data.fields.is_empty(),
        Data::Enum(_) | Data::Union(_) => false,
    };
    if !is_unit {
        return Err(Error::new_spanned(
            name,
            format!(
                "`#[derive(Instance)]` needs a struct without fields: declare a static of this \
                 type and write `static_call::instance!(STATIC: {name});`"
            ),
        ));
    }
    let (generics, arguments, where_clause) = input.generics.split_for_impl();
    Ok(quote! {
        #error

        impl #generics #krate::Instance for #name #arguments #where_clause {
            fn instance() -> &'static Self {
                const { &Self {} }
            }
        }
    })
}
