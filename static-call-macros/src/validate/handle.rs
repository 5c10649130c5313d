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
        errors.at(token, "an `auto trait` has no methods to switch: leave `auto` out");
        return;
    }
    if let Some(parameter) = h.source.generics.params.first() {
        let advice = match parameter {
            syn::GenericParam::Lifetime(_) => {
                "the handle is one type, without lifetimes: give the methods that need it this one"
            }
            _ => {
                "the methods of a generic trait have no single signature: write a trait for one \
                 type, or an associated type (`type Item;`) that the attribute names"
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
        errors.at(default, "the handle would call itself: name an implementation of the trait");
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
            "this trait has no method to switch: `#[static_call]` goes on a trait with methods",
        );
    }
}

/// Associated types and constants: those of the attribute exist, and those of the trait are named.
fn items(h: &Handle, errors: &mut Errors) {
    let name = &h.source.ident;
    for (ident, _) in &h.options.types {
        if !h.types().any(|item| item.ident == *ident) {
            errors.at(ident, format!("`{name}` has no associated type of this name: remove this"));
        }
    }
    for (ident, ..) in &h.options.consts {
        if !h.consts().any(|item| item.ident == *ident) {
            errors
                .at(ident, format!("`{name}` has no associated constant of this name: remove it"));
        }
    }
    for item in h.types() {
        let ident = &item.ident;
        if let Some(parameter) = item.generics.params.first() {
            errors.at(
                parameter,
                "the handle has one type here, without parameters: return a type that the \
                 attribute can name, or `Box<dyn Trait>`",
            );
        } else if h.type_of(ident).is_none() {
            errors.at(
                ident,
                format!("the handle needs this type, too: `#[static_call(type {ident} = ..)]`"),
            );
        }
    }
    for item in h.consts() {
        let (ident, ty) = (&item.ident, item.ty.to_token_stream());
        if item.default.is_none() && h.const_of(ident).is_none() {
            errors.at(
                ident,
                format!(
                    "the handle needs this constant, too: `#[static_call(const {ident}: {ty} = \
                     ..)]`, or give it a value here"
                ),
            );
        }
    }
}

/// A method with `where Self: Sized`.
fn left_out(method: &Method, errors: &mut Errors) {
    errors.extend(&method.source.errors);
    let f = &method.function;
    if f.source.body.is_none() {
        errors.at(
            &f.source.sig.ident,
            "a method with `where Self: Sized` is left out, so the handle needs a body for it: give \
             it one here, or remove `where Self: Sized` to make it a static call",
        );
    }
    if let Some(optional) = &method.source.optional {
        errors.at(
            optional,
            "a method with `where Self: Sized` is left out: remove this, or `where Self: Sized`",
        );
    }
}

fn switched(h: &Handle, method: &Method, errors: &mut Errors) {
    let f = &method.function;
    errors.extend(&method.source.errors);
    qualifiers(f, errors);
    generics(
        &f.source.sig.generics,
        "a static call has one signature: take `&dyn Trait`, or leave the method out of the handle \
         with `where Self: Sized` and a body",
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
            "an implementation has one instance for all threads, so it cannot be borrowed mutably: \
             take `&self` and keep what changes in an atomic or a lock, or leave the method out with \
             `where Self: Sized` and a body"
        }
        ReceiverKind::Value => {
            "an implementation has one instance for all calls, so it cannot be moved out: take \
             `&self`, or leave the method out with `where Self: Sized` and a body"
        }
        _ => {
            "an implementation has one instance, which is reached as `&self`: take that, or leave \
             the method out with `where Self: Sized` and a body"
        }
    };
    errors.at(receiver, message);
    false
}

/// Rejects types that are another one in each implementation.
fn own_types(h: &Handle, method: &Method, errors: &mut Errors) {
    let sig = &method.function.source.sig;
    let out = "or leave the method out with `where Self: Sized` and a body";
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
                    "the handle cannot return an implementation, which is of another type: return \
                     what callers need of it, or `Box<dyn Trait>`, {out}"
                )
            } else {
                format!(
                    "the handle cannot take an implementation, which is of another type: take what \
                     the method needs of it, or `&dyn Trait`, {out}"
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
                    "this type is of a supertrait: name that, as in `<Self as Supertrait>::Name`",
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
            "a method with a body is optional already, and does that until it is set: remove this, \
             or the body",
        );
        return;
    }
    if f.returns_unit() || f.returns_option() {
        return;
    }
    if let ReturnType::Type(_, written) = &f.source.sig.output {
        errors.at(
            written,
            "an optional method does nothing until it is set, so it has no value to return: return \
             `Option` of it, or give it a body",
        );
    }
}
