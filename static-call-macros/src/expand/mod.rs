//! Turns the model into code. Nothing here can fail: the model has been validated.
//!
//! The documentation of `static_call::__private` says what is generated and why it has this form;
//! `golden` holds expansions.

mod call;
mod caller;
mod function;
mod handle;
mod key;
mod method;
mod pointer;
mod records;
mod recover;
mod select;
mod signature;
mod site;

pub(crate) use call::{call, refused_call};
pub(crate) use recover::{recover, unparsed};

use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use quote::quote;
use syn::{Path, Token};

use crate::model::{Function, Item};

/// An unsafe block with the `unsafe` that a macro of `static_call` passed on.
fn trusted_block(token: Token![unsafe], body: TokenStream) -> TokenStream {
    let mut block = Group::new(Delimiter::Brace, body);
    block.set_span(token.span);
    quote!(#token #block)
}

/// The code of a valid item.
pub(crate) fn item(item: &Item) -> TokenStream {
    match item {
        Item::Function(function) => function::expand(function),
        Item::Impl(block) => method::expand(block),
        Item::Trait(handle) => handle::expand(handle),
        Item::Other(other) => other.tokens.clone(),
    }
}

/// The path of `static_call::__private`.
fn private(krate: &Path) -> TokenStream {
    quote!(#krate::__private)
}

/// The return type of an update.
fn update_result(krate: &Path) -> TokenStream {
    let sc = private(krate);
    quote!(#sc::Result<#krate::Update>)
}

/// The return type of an update that lasts as long as a guard.
fn scoped_result(krate: &Path) -> TokenStream {
    let sc = private(krate);
    quote!(#sc::Result<#krate::Scoped>)
}

/// The statement that describes a target that is named by a `path` of the user, in a function whose
/// parameter is `d`.
fn describe_path(
    sc: &TokenStream,
    d: &Ident,
    shim: &TokenStream,
    path: &TokenStream,
    more: &TokenStream,
) -> TokenStream {
    quote! {
        #d.at(#shim as *const ()).calls(#sc::type_name_of(|| #path), #sc::type_of(|| #path)) #more;
    }
}

/// A record with these statements, which describe its target by the variable `d`.
fn target_record(sc: &TokenStream, d: &Ident, statements: &TokenStream) -> TokenStream {
    quote!(#sc::TargetRecord::new(|#d| { #statements }))
}

impl Function {
    /// The path of `static_call::__private`.
    fn private(&self) -> TokenStream {
        private(&self.krate)
    }
}
