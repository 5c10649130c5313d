//! `Self` in the code of a trait, found and written anew.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{Type, TypePath};

/// Tokens of a default body with `<Handle as Trait>::name` for `Self::name`, where that is an
/// item of the trait: in an inherent function of the handle `Self::name` could mean something else.
pub(crate) fn qualified(
    tokens: TokenStream,
    handle: &Ident,
    of_trait: &Ident,
    items: &[Ident],
) -> TokenStream {
    let mut out = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    // The braces of an `impl` or a trait inside have a `Self` of their own.
    let mut is_inner = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let is_braces = group.delimiter() == Delimiter::Brace;
                let stream = if is_inner && is_braces {
                    is_inner = false;
                    group.stream()
                } else {
                    qualified(group.stream(), handle, of_trait, items)
                };
                let mut new = Group::new(group.delimiter(), stream);
                new.set_span(group.span());
                new.to_tokens(&mut out);
            }
            TokenTree::Ident(ident) if ident == "Self" => {
                let mut path = Vec::new();
                while path.len() < 2
                    && let Some(TokenTree::Punct(punct)) = tokens.peek()
                    && punct.as_char() == ':'
                {
                    path.extend(tokens.next());
                }
                match tokens.peek() {
                    Some(TokenTree::Ident(name)) if path.len() == 2 && items.contains(name) => {
                        out.extend(quote!(<#handle as #of_trait>));
                    }
                    _ => ident.to_tokens(&mut out),
                }
                out.extend(path);
            }
            token => {
                if let TokenTree::Ident(ident) = &token {
                    is_inner |= ident == "impl" || ident == "trait";
                } else if let TokenTree::Punct(punct) = &token {
                    is_inner &= !matches!(punct.as_char(), ';' | '=');
                }
                token.to_tokens(&mut out);
            }
        }
    }
    out
}

/// The uses of `Self` in a type.
#[derive(Default)]
pub(crate) struct Uses {
    /// `Self` itself.
    pub(crate) bare: Option<TypePath>,
    /// `Self::Name`.
    pub(crate) short: Vec<TypePath>,
    /// `<Self as Trait>::Name`.
    pub(crate) long: Vec<TypePath>,
}

impl Uses {
    pub(crate) fn of(ty: &Type) -> Self {
        let mut uses = Self::default();
        uses.visit_type_mut(&mut ty.clone());
        uses
    }
}

fn is_own(path: &TypePath) -> bool {
    path.qself.is_none() && path.path.segments.first().is_some_and(|s| s.ident == "Self")
}

impl VisitMut for Uses {
    fn visit_type_path_mut(&mut self, ty: &mut TypePath) {
        if is_own(ty) {
            if ty.path.segments.len() == 1 {
                self.bare.get_or_insert_with(|| ty.clone());
            } else {
                self.short.push(ty.clone());
            }
            return;
        }
        if let Some(qself) = &ty.qself
            && let Type::Path(own) = &*qself.ty
            && is_own(own)
            && own.path.segments.len() == 1
            && qself.position > 0
        {
            self.long.push(ty.clone());
            visit_mut::visit_path_mut(self, &mut ty.path);
            return;
        }
        visit_mut::visit_type_path_mut(self, ty);
    }
}
