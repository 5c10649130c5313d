//! The call in `call!`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprCall, ExprPath, Token};

use crate::parse::{self, Trusted, ungrouped};
use crate::signature_text;

/// What is in `call!`.
pub(crate) enum Call {
    /// A call of a path.
    Site(Box<Site>),
    /// Anything else.
    Other(Box<parse::Call>),
}

/// A call as a site of its own.
pub(crate) struct Site {
    pub(crate) trusted: Trusted,
    pub(crate) attrs: Vec<Attribute>,
    /// The path as written.
    pub(crate) path: ExprPath,
    /// Tokens after the call.
    pub(crate) rest: TokenStream,
    /// The function that takes the site.
    pub(crate) callee: TokenStream,
    /// The text of the path.
    pub(crate) text: String,
    /// The function that returns the value of the call while the key is off.
    pub(crate) off: TokenStream,
    /// Whether an argument may break out of, or continue, a loop around the call.
    pub(crate) leaves_loop: bool,
    pub(crate) arguments: Punctuated<Expr, Token![,]>,
}

impl Call {
    pub(crate) fn new(call: parse::Call) -> Self {
        match call.expr {
            Some(Expr::Call(expr)) => match ungrouped((*expr.func).clone()) {
                Expr::Path(path) => {
                    Self::Site(Box::new(Site::new(call.trusted, expr, path, call.rest)))
                }
                _ => Self::Other(Box::new(parse::Call { expr: Some(Expr::Call(expr)), ..call })),
            },
            _ => Self::Other(Box::new(call)),
        }
    }
}

impl Site {
    fn new(trusted: Trusted, call: ExprCall, path: ExprPath, rest: TokenStream) -> Self {
        let leaves_loop = leaves_loop(call.args.to_token_stream());
        let text = signature_text::readable(path.path.to_token_stream());
        let (callee, off) = (hidden(&path, "__call_at"), hidden(&path, "__off"));
        let (attrs, arguments) = (call.attrs, call.args);
        Self { trusted, attrs, path, rest, callee, text, off, leaves_loop, arguments }
    }
}

/// The path of the hidden function `name` of the key whose function is at `path`.
fn hidden(path: &ExprPath, name: &str) -> TokenStream {
    let (qself, mut path) = (&path.qself, path.path.clone());
    let count = path.segments.len();
    let is_method = qself.is_some()
        || count > 1 && {
            let owner = &path.segments[count - 2].ident;
            owner == "Self" || owner.unraw().to_string().starts_with(char::is_uppercase)
        };
    let last = path.segments[count - 1].ident.clone();
    if is_method {
        let name = format_ident!("{name}_{}", last.unraw(), span = last.span());
        path.segments[count - 1].ident = name;
    } else {
        path.segments.push(Ident::new(name, last.span()).into());
    }
    match qself {
        Some(qself) => {
            let (ty, rest) = (&qself.ty, path.segments.iter());
            quote_spanned!(last.span()=> <#ty> #(:: #rest)*)
        }
        None => path.to_token_stream(),
    }
}

/// Whether the tokens have a `break` or a `continue` without a label, also in arguments of macros.
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
