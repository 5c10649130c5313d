//! The macros of `static-call`. Use them through that crate, whose documentation describes them.
//!
//! A pipeline with a file per phase: `parse` reads tokens, `model` gives them meaning and keeps
//! them for their spans, `validate` only rejects, `expand` cannot fail.
//!
//! The attribute itself only finds out where `static_call` is, and hands the item to a macro there
//! (`forward`). That macro passes it back to [`item`] together with its own `$crate` and the word
//! `unsafe`. So generated code names the real crate, and a crate that forbids unsafe code cannot
//! call [`item`] with a path or an `unsafe` of its own choice.
#![forbid(unsafe_code)]

mod attributes;
mod cpu_features;
mod derive;
mod errors;
mod expand;
mod forward;
#[cfg(test)]
mod golden;
mod model;
mod parse;
mod self_type;
mod signature_text;
mod types;
mod validate;

use proc_macro2::TokenStream;

/// Makes a function switchable at run time; see `static_call::static_call`.
#[proc_macro_attribute]
pub fn static_call(
    options: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    forward::attribute(options.into(), item.into()).into()
}

/// The item under `#[static_call]`: `unsafe crate path; [options] item`.
#[doc(hidden)]
#[proc_macro]
pub fn item(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expanded(input.into()).into()
}

/// The part of `static_call::call!` that needs a procedural macro: `unsafe crate path;
/// callee(arguments)`.
#[doc(hidden)]
#[proc_macro]
pub fn call(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    site(input.into()).into()
}

/// Implements `static_call::Instance` for a struct without fields.
#[proc_macro_derive(Instance, attributes(instance))]
pub fn instance(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    derive::instance(input.into()).into()
}

fn expanded(input: TokenStream) -> TokenStream {
    let (trusted, options, item) = match parse::forwarded(input) {
        Ok(parts) => parts,
        Err(error) => return error.to_compile_error(),
    };
    let item = match parse::attribute(options, item.clone()) {
        Ok(item) => item,
        Err(error) => return expand::unparsed(&error, item),
    };
    let model = model::Item::new(item, &trusted);
    match validate::item(&model) {
        Ok(()) => expand::item(&model),
        Err(error) => expand::recover(&model, &error),
    }
}

fn site(input: TokenStream) -> TokenStream {
    let call = match parse::call(input) {
        Ok(call) => call,
        Err(error) => return expand::refused_call(&error),
    };
    let model = model::Call::new(call);
    match validate::call(&model) {
        Ok(()) => expand::call(&model),
        Err(error) => expand::refused_call(&error),
    }
}
