//! The model to code. Nothing here can fail: what reaches it was validated.
//!
//! What is generated, with the reasons for its form, stands in the documentation of
//! `static-call`'s `__private`; `tests` holds golden expansions.

mod call;
mod function;
mod handle;
mod key;
mod method;
mod pointer;
mod records;
mod recover;
mod select;
mod site;

pub(crate) use call::{call, refused_call};
pub(crate) use recover::{recover, unparsed};

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::quote;
use syn::Token;

use crate::model::Item;

/// An unsafe block at the place of the word `unsafe` that a macro of `static_call` passed on.
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
