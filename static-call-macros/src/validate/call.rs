//! Rejects what is not a call of a static call.

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Error, Expr, Result};

use crate::errors::Errors;
use crate::model::{Call, Site};
use crate::parse;

const EXPECTED: &str = "expected a call: `call!(path(arguments))`";

/// Rejects what is not a call of a path.
pub(crate) fn call(call: &Call) -> Result<()> {
    let mut errors = Errors::default();
    match call {
        Call::Site(call) => site(call, &mut errors),
        Call::Other(call) => other(call, &mut errors),
    }
    errors.finish()
}

fn site(site: &Site, errors: &mut Errors) {
    surroundings(&site.attrs, &site.rest, errors);
    let (qself, path) = (&site.path.qself, &site.path.path);
    if let Some(qself) = qself.as_ref().filter(|qself| qself.position > 0) {
        errors.at(
            &path.segments[qself.position - 1],
            "name the trait's handle, or the type with the `impl` block, instead of the trait: \
             `call!(Type::method(..))`",
        );
    }
    if let Some(last) = path.segments.last().filter(|last| !last.arguments.is_none()) {
        errors.at(&last.arguments, "a static call has no generic parameters: remove these");
    }
}

fn other(call: &parse::Call, errors: &mut Errors) {
    match &call.expr {
        None => errors.add(Error::new(Span::call_site(), EXPECTED)),
        Some(Expr::Call(expr)) => {
            surroundings(&expr.attrs, &call.rest, errors);
            errors.at(
                parse::ungrouped((*expr.func).clone()),
                "expected the path of a static call, as in `call!(path(arguments))`",
            );
        }
        Some(Expr::MethodCall(call)) => {
            errors.at(&call.method, "call a method by its path: `call!(Type::method(&value, ..))`")
        }
        Some(Expr::Try(expr)) => {
            errors.at(expr.question_token, "move the `?` after `call!`: `call!(..)?`");
        }
        Some(Expr::Await(expr)) => {
            errors.at(expr.await_token, "move the `.await` after `call!`: `call!(..).await`");
        }
        Some(Expr::Unsafe(expr)) => {
            errors.at(expr.unsafe_token, "move `unsafe` around `call!`: `unsafe { call!(..) }`");
        }
        Some(Expr::Macro(expr)) => errors.at(&expr.mac.path, EXPECTED),
        Some(expr) => errors.at(expr, EXPECTED),
    }
}

/// Rejects attributes before the call and tokens after it.
fn surroundings(attrs: &[Attribute], rest: &TokenStream, errors: &mut Errors) {
    if let Some(attr) = attrs.first() {
        errors.at(attr, "move the attribute before `call!`");
    }
    if let Some(token) = rest.clone().into_iter().next() {
        errors.at(token, "`call!` takes one call: remove what follows it");
    }
}
