//! Names of keys, and of items in generated code.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;

use super::Function;
use crate::{signature_text, types};

impl Function {
    /// The name, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.source.sig.ident.unraw().to_string()
    }

    /// The name with its type: `Filter::matches`.
    pub(crate) fn full_name(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{}::{}", owner.name, self.name()),
            None => self.name(),
        }
    }

    /// The signature as written.
    pub(crate) fn signature(&self) -> String {
        signature_text::readable(self.source.sig.to_token_stream())
    }

    /// The part of hidden names that comes from this function.
    fn hidden_name(&self) -> String {
        let no_letter = |c: char| !(c.is_alphanumeric() || c == '_');
        let owner = self.owner.as_ref().map_or("", |o| &o.name);
        let mut words: Vec<_> = owner.split(no_letter).filter(|w| !w.is_empty()).collect();
        let name = self.name();
        words.push(&name);
        words.join("_")
    }

    /// The type that stands for the key.
    pub(crate) fn marker(&self) -> Ident {
        match &self.owner {
            None => self.keys.clone(),
            Some(_) => format_ident!("__static_call_{}", self.hidden_name()),
        }
    }

    /// The static that holds the key's record.
    pub(crate) fn record(&self) -> Ident {
        format_ident!("__STATIC_CALL_{}", self.hidden_name())
    }

    /// The name of the function with the body.
    pub(crate) fn original(&self) -> Ident {
        let span = self.source.sig.ident.span();
        match &self.owner {
            None => Ident::new("original", span),
            Some(_) => format_ident!("original_{}", self.name(), span = span),
        }
    }

    /// A name for the type parameter of a target that hides no type of the signature.
    pub(crate) fn target_parameter(&self) -> Ident {
        free_name("F", self.names_in_scope())
    }

    /// A name for the constant parameter of a trampoline that hides nothing of the signature.
    pub(crate) fn instance_parameter(&self) -> Ident {
        free_name("N", self.names_in_scope())
    }

    /// The tokens whose names a generic parameter could hide.
    fn names_in_scope(&self) -> [TokenStream; 2] {
        let owner = self.owner.as_ref().map(|o| o.ty.to_token_stream()).unwrap_or_default();
        [self.source.sig.to_token_stream(), owner]
    }
}

/// Returns `name`, after as many underscores as make it new in `tokens`. For generic parameters,
/// which are not hygienic.
pub(super) fn free_name(name: &str, tokens: impl IntoIterator<Item = TokenStream>) -> Ident {
    let tokens: TokenStream = tokens.into_iter().collect();
    let mut name = name.to_owned();
    while types::any_ident(&tokens, &|ident| ident == &name) {
        name.insert(0, '_');
    }
    Ident::new(&name, Span::call_site())
}

/// `MATCHES` for `matches`.
pub(super) fn constant_name(function: &Ident) -> Ident {
    let mut name = String::new();
    let mut lower = false;
    for c in function.unraw().to_string().chars() {
        if lower && c.is_uppercase() {
            name.push('_');
        }
        lower = c.is_lowercase();
        name.extend(c.to_uppercase());
    }
    Ident::new(&name, function.span())
}

/// A name for a binding in generated code. It is hygienic, so it does not clash with a user's
/// variable; the prefix keeps it from naming a user's constant, which no hygiene prevents in a
/// pattern.
pub(crate) fn local(name: &str) -> Ident {
    format_ident!("__static_call_{name}", span = Span::mixed_site())
}
