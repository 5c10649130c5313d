//! What `call!` calls, and how.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Path, Token};

use crate::parse;

/// A call as a site of its own.
pub(crate) struct Call {
    pub(crate) krate: Path,
    /// The function that takes the site.
    pub(crate) callee: TokenStream,
    pub(crate) arguments: Punctuated<Expr, Token![,]>,
}

impl Call {
    pub(crate) fn new(call: parse::Call) -> syn::Result<Self> {
        let wrong = |span| Error::new(span, "expected a call: `call!(path(arguments))`");
        let Some(Expr::Call(expr)) = call.expr.map(ungrouped) else {
            return Err(wrong(Span::call_site()));
        };
        let Expr::Path(path) = ungrouped(*expr.func) else {
            return Err(wrong(Span::call_site()));
        };
        let (qself, mut path) = (path.qself, path.path);
        let count = path.segments.len();
        let is_method = qself.is_some()
            || count > 1 && {
                let owner = &path.segments[count - 2].ident;
                owner == "Self" || owner.unraw().to_string().starts_with(char::is_uppercase)
            };
        let last = path.segments[count - 1].ident.clone();
        if is_method {
            let name = format_ident!("__call_at_{}", last.unraw(), span = last.span());
            path.segments[count - 1].ident = name;
        } else {
            path.segments.push(Ident::new("__call_at", last.span()).into());
        }
        let callee = match qself {
            Some(qself) => {
                let (ty, rest) = (qself.ty, path.segments.iter());
                quote_spanned!(last.span()=> <#ty> #(:: #rest)*)
            }
            None => path.to_token_stream(),
        };
        Ok(Self { krate: call.krate, callee, arguments: expr.args })
    }
}

/// The expression without invisible groups around it, which macros by example leave.
pub(crate) fn ungrouped(mut expr: Expr) -> Expr {
    while let Expr::Group(group) = expr {
        expr = *group.expr;
    }
    expr
}
