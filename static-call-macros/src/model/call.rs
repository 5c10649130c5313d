//! What `call!` calls, and how.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Token};

use crate::parse::{self, Trusted};
use crate::signature_text;

/// A call as a site of its own.
pub(crate) struct Call {
    pub(crate) trusted: Trusted,
    /// The function that takes the site.
    pub(crate) callee: TokenStream,
    /// The path as it is written.
    pub(crate) text: String,
    /// The function that says what the call gives while it is off.
    pub(crate) off: TokenStream,
    /// Whether the arguments may leave a loop around the call, or go on with it.
    pub(crate) leaves_loop: bool,
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
        let leaves_loop = leaves_loop(expr.args.to_token_stream());
        let (qself, path) = (path.qself, path.path);
        let count = path.segments.len();
        let is_method = qself.is_some()
            || count > 1 && {
                let owner = &path.segments[count - 2].ident;
                owner == "Self" || owner.unraw().to_string().starts_with(char::is_uppercase)
            };
        let last = path.segments[count - 1].ident.clone();
        let named = |name: &str| {
            let mut path = path.clone();
            if is_method {
                let name = format_ident!("{name}_{}", last.unraw(), span = last.span());
                path.segments[count - 1].ident = name;
            } else {
                path.segments.push(Ident::new(name, last.span()).into());
            }
            match &qself {
                Some(qself) => {
                    let (ty, rest) = (&qself.ty, path.segments.iter());
                    quote_spanned!(last.span()=> <#ty> #(:: #rest)*)
                }
                None => path.to_token_stream(),
            }
        };
        let (callee, off) = (named("__call_at"), named("__off"));
        let text = signature_text::readable(path.to_token_stream());
        Ok(Self { trusted: call.trusted, callee, off, text, leaves_loop, arguments: expr.args })
    }
}

/// Whether there is a `break` or a `continue` without a label anywhere in the tokens, in the
/// arguments of macros too.
fn leaves_loop(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let found = match token {
            TokenTree::Group(group) => leaves_loop(group.stream()),
            TokenTree::Ident(ident) if ident == "break" || ident == "continue" => {
                !matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == '\'')
            }
            _ => false,
        };
        if found {
            return true;
        }
    }
    false
}

/// The expression without invisible groups around it, which macros by example leave.
pub(crate) fn ungrouped(mut expr: Expr) -> Expr {
    while let Expr::Group(group) = expr {
        expr = *group.expr;
    }
    expr
}
