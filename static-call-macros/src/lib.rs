//! The macros of `static-call`. Use them through that crate, which documents them.
//!
//! A pipeline with one module for each phase, in the same order for items and for `call!`: `parse`
//! reads tokens, `model` gives them meaning and keeps them for their spans, `validate` only
//! rejects, and `expand` cannot fail.
//!
//! The attribute itself only finds the path of `static_call` and passes the item to a macro there
//! (`forward`). That macro passes it on to [`item`], with its own `$crate` and the word `unsafe`.
//! So generated code names the real crate, and a crate that forbids unsafe code cannot call
//! [`item`] with a path or an `unsafe` of its own.
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

/// Makes a function switchable at run time: see `static_call::static_call`.
#[proc_macro_attribute]
pub fn static_call(
    options: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    forward::attribute(options.into(), item.into()).into()
}

/// Expands the item under `#[static_call]`: `unsafe crate path; [options] item`.
#[doc(hidden)]
#[proc_macro]
pub fn item(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expanded(input.into()).into()
}

/// Expands `static_call::call!`: `unsafe crate path; callee(arguments)`.
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
