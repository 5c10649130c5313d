//! Rejects what `call!` cannot call.

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Error, Expr, Result};

use crate::errors::Errors;
use crate::model::{Call, Site};
use crate::parse;

const EXPECTED: &str = "expected a call of a static call: `call!(path(arguments))`";

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
            "name the handle of the trait, or the type whose `impl` block this is in: \
             `call!(Type::method(..))`",
        );
    }
    if let Some(last) = path.segments.last().filter(|last| !last.arguments.is_none()) {
        errors.at(&last.arguments, "a static call has no generic parameters: leave these out");
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
        Some(Expr::MethodCall(call)) => errors
            .at(&call.method, "name the method with its type: `call!(Type::method(&value, ..))`"),
        Some(Expr::Try(expr)) => {
            errors.at(expr.question_token, "the `?` goes behind: `call!(..)?`");
        }
        Some(Expr::Await(expr)) => {
            errors.at(expr.await_token, "the `.await` goes behind: `call!(..).await`");
        }
        Some(Expr::Unsafe(expr)) => {
            errors.at(expr.unsafe_token, "`unsafe` goes around: `unsafe { call!(..) }`");
        }
        Some(Expr::Macro(expr)) => errors.at(&expr.mac.path, EXPECTED),
        Some(expr) => errors.at(expr, EXPECTED),
    }
}

/// Rejects attributes before the call and tokens after it.
fn surroundings(attrs: &[Attribute], rest: &TokenStream, errors: &mut Errors) {
    if let Some(attr) = attrs.first() {
        errors.at(attr, "attributes go before `call!`");
    }
    if let Some(token) = rest.clone().into_iter().next() {
        errors.at(token, "one `call!` makes one call: nothing stands behind it");
    }
}
