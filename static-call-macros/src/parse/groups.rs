//! Invisible groups, which wrap the fragments of `macro_rules!`. `syn` handles most of them, but
//! not around an item or a body. The compiler ignores them in the output of a procedural macro: if
//! `$e` is `1 + 1`, then `$e * 2` becomes `1 + 1 * 2`.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::{Expr, Lit, Type, UnOp};

/// Puts parentheses in place of the groups that hold an expression or a type together, also in
/// bodies and in arguments of macros. The meaning of the tokens stays the same.
pub(crate) fn parenthesized(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut result = TokenStream::new();
    while let Some(token) = tokens.next() {
        let TokenTree::Group(group) = token else {
            result.extend([token]);
            continue;
        };
        let inner = parenthesized(group.stream());
        let is_invisible = group.delimiter() == Delimiter::None;
        let before_method =
            matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == '.');
        if is_invisible && comes_apart(&inner, before_method) {
            // The parentheses get the span of the macro: a lint must not call them unnecessary.
            result.extend([TokenTree::Group(Group::new(Delimiter::Parenthesis, inner))]);
            continue;
        }
        let mut same = Group::new(group.delimiter(), inner);
        same.set_span(group.span());
        result.extend([TokenTree::Group(same)]);
    }
    result
}

/// The expression without the invisible groups around it.
pub(crate) fn ungrouped(mut expr: Expr) -> Expr {
    while let Expr::Group(group) = expr {
        expr = *group.expr;
    }
    expr
}

/// Whether a fragment is more than one operand, or more than one bound. Assignments are left out:
/// the inside of an attribute (`doc = "text"`) looks like one, and cannot have parentheses.
fn comes_apart(tokens: &TokenStream, before_method: bool) -> bool {
    match syn::parse2(tokens.clone()) {
        Ok(Type::TraitObject(object)) if object.dyn_token.is_some() => {
            return object.bounds.len() > 1;
        }
        _ => {}
    }
    match syn::parse2(tokens.clone()) {
        // A negative number stays a literal, for `concat!` and for patterns.
        Ok(Expr::Unary(unary)) if matches!(unary.op, UnOp::Neg(_)) && is_number(&unary.expr) => {
            before_method
        }
        Ok(
            Expr::Binary(_)
            | Expr::Cast(_)
            | Expr::Closure(_)
            | Expr::RawAddr(_)
            | Expr::Range(_)
            | Expr::Reference(_)
            | Expr::Unary(_),
        ) => true,
        _ => false,
    }
}

fn is_number(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(lit) if matches!(lit.lit, Lit::Int(_) | Lit::Float(_)))
}

/// Removes the groups around whole items and bodies. Those around types and expressions stay,
/// because they hold the tokens together.
pub(super) fn opened(tokens: TokenStream) -> TokenStream {
    let mut result = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Group(group)
                if group.delimiter() == Delimiter::None && is_item_or_body(&group.stream()) =>
            {
                result.extend(opened(group.stream()));
            }
            token => result.extend([token]),
        }
    }
    result
}

/// Whether a fragment is a block or an item. A type that begins like an item, such as `fn(u8) ->
/// u8`, means the same without the group.
fn is_item_or_body(tokens: &TokenStream) -> bool {
    const WORDS: [&str; 16] = [
        "pub", "fn", "unsafe", "const", "type", "async", "extern", "default", "trait", "struct",
        "enum", "union", "mod", "static", "use", "auto",
    ];
    let mut rest = tokens.clone().into_iter();
    match (rest.next(), rest.next()) {
        (Some(TokenTree::Group(group)), None) => match group.delimiter() {
            Delimiter::Brace => true,
            Delimiter::None => is_item_or_body(&group.stream()),
            _ => false,
        },
        // A visibility can be a fragment of its own.
        (Some(TokenTree::Group(group)), Some(_)) => group.delimiter() == Delimiter::None,
        (Some(TokenTree::Ident(word)), Some(_)) => {
            word == "impl" && has_body(tokens) || WORDS.iter().any(|known| word == known)
        }
        (Some(TokenTree::Punct(punct)), Some(_)) => punct.as_char() == '#',
        _ => false,
    }
}

/// Whether this is an `impl` block rather than the type `impl Trait`.
fn has_body(tokens: &TokenStream) -> bool {
    let last = tokens.clone().into_iter().last();
    matches!(last, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace)
}
