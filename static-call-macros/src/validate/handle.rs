//! Rejects what a trait's handle cannot have.

use quote::ToTokens;
use syn::{FnArg, ReceiverKind, ReturnType, TraitItem, Type};

use super::{arguments, generics, output, qualifiers};
use crate::errors::Errors;
use crate::model::{Handle, Method};
use crate::self_type::Uses;
use crate::types;

pub(super) fn handle(h: &Handle, errors: &mut Errors) {
    errors.extend(&h.options.errors);
    errors.extend(&h.attrs.errors);
    if let Some(token) = &h.source.auto_token {
        errors.at(token, "an `auto trait` has no methods to switch: remove `auto`");
        return;
    }
    if let Some(parameter) = h.source.generics.params.first() {
        let advice = match parameter {
            syn::GenericParam::Lifetime(_) => {
                "the handle has no lifetime parameters: declare this one on the methods that need \
                 it"
            }
            _ => {
                "a method of a generic trait has no single signature: write the trait for one \
                 type, or use an associated type (`type Item;`) and name it in the attribute"
            }
        };
        errors.at(parameter, advice);
        return;
    }
    let default = match h.options.default.as_ref().map(types::bare) {
        Some(Type::Path(default)) => Some(default),
        _ => None,
    };
    if let Some(default) =
        default.filter(|default| default.path.get_ident().is_some_and(|ident| *ident == h.name))
    {
        errors.at(
            default,
            "the handle cannot be its own default: name an implementation of the trait",
        );
    }
    items(h, errors);
    for method in &h.methods {
        if method.left_out {
            left_out(method, errors);
        } else {
            switched(h, method, errors);
        }
    }
    let has_macro = h.items().any(|item| matches!(item, TraitItem::Macro(_)));
    if h.switched().next().is_none() && !has_macro {
        errors.at(
            &h.source.ident,
            "this trait has no method to switch: remove `#[static_call]`, or add a method",
        );
    }
}

/// Checks that the attribute names all associated types and constants of the trait, and no others.
fn items(h: &Handle, errors: &mut Errors) {
    let name = &h.source.ident;
    for (ident, _) in &h.options.types {
        if !h.types().any(|item| item.ident == *ident) {
            errors.at(
                ident,
                format!("`{name}` has no associated type `{ident}`: remove this option"),
            );
        }
    }
    for (ident, ..) in &h.options.consts {
        if !h.consts().any(|item| item.ident == *ident) {
            errors.at(
                ident,
                format!("`{name}` has no associated constant `{ident}`: remove this option"),
            );
        }
    }
    for item in h.types() {
        let ident = &item.ident;
        if let Some(parameter) = item.generics.params.first() {
            errors.at(
                parameter,
                "the handle cannot have a generic associated type: return a type that the \
                 attribute can name, or `Box<dyn Trait>`",
            );
        } else if h.type_of(ident).is_none() {
            errors.at(
                ident,
                format!("the handle needs this type: write `#[static_call(type {ident} = ..)]`"),
            );
        }
    }
    for item in h.consts() {
        let (ident, ty) = (&item.ident, item.ty.to_token_stream());
        if item.default.is_none() && h.const_of(ident).is_none() {
            errors.at(
                ident,
                format!(
                    "the handle needs this constant: write `#[static_call(const {ident}: {ty} = \
                     ..)]`, or give it a value here"
                ),
            );
        }
    }
}

/// Checks a method with `where Self: Sized`.
fn left_out(method: &Method, errors: &mut Errors) {
    errors.extend(&method.source.errors);
    let f = &method.function;
    if f.source.body.is_none() {
        errors.at(
            &f.source.sig.ident,
            "a method with `where Self: Sized` is not a static call, so the handle needs its \
             default body: write one, or remove `where Self: Sized`",
        );
    }
    if let Some(optional) = &method.source.optional {
        errors.at(
            optional,
            "a method with `where Self: Sized` is not a static call: remove this attribute, or \
             `where Self: Sized`",
        );
    }
}

fn switched(h: &Handle, method: &Method, errors: &mut Errors) {
    let f = &method.function;
    errors.extend(&method.source.errors);
    qualifiers(f, errors);
    generics(
        &f.source.sig.generics,
        "a static call has one signature: take `&dyn Trait`, or exclude the method with `where \
         Self: Sized` and a default body",
        errors,
    );
    if !receiver(f.source.sig.receiver(), errors) {
        return;
    }
    arguments(f, errors);
    output(f, errors);
    own_types(h, method, errors);
    optional(method, errors);
}

/// Rejects every receiver but `&self`.
fn receiver(receiver: Option<&syn::Receiver>, errors: &mut Errors) -> bool {
    let Some(receiver) = receiver else { return true };
    let message = match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => return true,
        ReceiverKind::Reference(..) => {
            "all threads share one instance, so it cannot be borrowed mutably: take `&self` and \
             use an atomic or a lock, or exclude the method with `where Self: Sized` and a default \
             body"
        }
        ReceiverKind::Value => {
            "all calls share one instance, so it cannot be moved: take `&self`, or exclude the \
             method with `where Self: Sized` and a default body"
        }
        _ => {
            "all calls share one instance, passed as `&self`: take `&self`, or exclude the method \
             with `where Self: Sized` and a default body"
        }
    };
    errors.at(receiver, message);
    false
}

/// Rejects types that differ between implementations.
fn own_types(h: &Handle, method: &Method, errors: &mut Errors) {
    let sig = &method.function.source.sig;
    let out = "or exclude the method with `where Self: Sized` and a default body";
    let inputs = sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some((&*typed.ty, false)),
        FnArg::Receiver(_) => None,
    });
    let result = match &sig.output {
        ReturnType::Type(_, ty) => Some((&**ty, true)),
        ReturnType::Default => None,
    };
    for (ty, is_result) in inputs.chain(result) {
        let uses = Uses::of(ty);
        if let Some(own) = uses.bare {
            let message = if is_result {
                format!(
                    "the handle cannot return `Self`, which is another type in each \
                     implementation: return what callers need of it, or `Box<dyn Trait>`, {out}"
                )
            } else {
                format!(
                    "the handle cannot take `Self`, which is another type in each implementation: \
                     take what the method needs of it, or `&dyn Trait`, {out}"
                )
            };
            errors.at(own, message);
        }
        for path in uses.short {
            let is_known = path.path.segments.len() == 2
                && h.types().any(|item| item.ident == path.path.segments[1].ident);
            if !is_known {
                errors.at(
                    path,
                    "this type belongs to a supertrait: write `<Self as Supertrait>::Name`",
                );
            }
        }
    }
}

fn optional(method: &Method, errors: &mut Errors) {
    let Some(optional) = &method.source.optional else { return };
    let f = &method.function;
    if f.source.body.is_some() {
        errors.at(
            optional,
            "a method with a body is already optional: remove this attribute, or the body",
        );
        return;
    }
    if f.returns_unit() || f.returns_option() {
        return;
    }
    if let ReturnType::Type(_, written) = &f.source.sig.output {
        errors.at(
            written,
            "an optional method does nothing by default and has no value to return: return an \
             `Option`, or write a body",
        );
    }
}
