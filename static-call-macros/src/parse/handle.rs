//! Traits and their methods.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Error, Generics, Meta, Result, Signature, Token, TraitItem, TypeParamBound,
    Visibility, braced,
};

use super::groups::opened;
use super::{Function, is_static_call, members};
use crate::errors::Errors;

/// A trait.
pub(crate) struct Trait {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) unsafety: Option<Token![unsafe]>,
    pub(crate) auto_token: Option<Token![auto]>,
    pub(crate) trait_token: Token![trait],
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) colon_token: Option<Token![:]>,
    pub(crate) supertraits: Punctuated<TypeParamBound, Token![+]>,
    pub(crate) brace_token: syn::token::Brace,
    pub(crate) items: Vec<TraitMember>,
}

/// A member of a trait.
pub(crate) enum TraitMember {
    /// A function.
    Method(Box<Method>),
    /// Anything else.
    Item(Box<TraitItem>),
}

/// A function of a trait.
#[derive(Clone)]
pub(crate) struct Method {
    /// The `optional` of `#[static_call(optional)]`.
    pub(crate) optional: Option<Ident>,
    /// The function, without that attribute.
    pub(crate) function: Function,
    /// Errors in that attribute.
    pub(crate) errors: Errors,
}

impl Parse for Trait {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let unsafety = input.parse()?;
        let auto_token = input.parse()?;
        let trait_token = input.parse()?;
        let ident = input.parse()?;
        let mut generics: Generics = input.parse()?;
        let colon_token: Option<Token![:]> = input.parse()?;
        let mut supertraits = Punctuated::new();
        if colon_token.is_some() {
            while !input.peek(Token![where]) && !input.peek(syn::token::Brace) {
                supertraits.push_value(input.parse()?);
                if !input.peek(Token![+]) {
                    break;
                }
                supertraits.push_punct(input.parse()?);
            }
        }
        generics.where_clause = input.parse()?;
        let content;
        let brace_token = braced!(content in input);
        let items = members.parse2(opened(content.parse()?))?;
        Ok(Self {
            attrs,
            vis,
            unsafety,
            auto_token,
            trait_token,
            ident,
            generics,
            colon_token,
            supertraits,
            brace_token,
            items,
        })
    }
}

impl Parse for TraitMember {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        if ahead.parse::<Visibility>().is_err() || ahead.parse::<Signature>().is_err() {
            return input.parse().map(Box::new).map(Self::Item);
        }
        let mut function: Function = input.parse()?;
        let (mut optional, mut errors) = (None, Errors::default());
        if let Some(at) = function.attrs.iter().position(is_static_call) {
            match method_option(&function.attrs.remove(at)) {
                Ok(ident) => optional = Some(ident),
                Err(error) => errors.add(error),
            }
        }
        Ok(Self::Method(Box::new(Method { optional, function, errors })))
    }
}

/// Parses the only option of a method.
fn method_option(attr: &Attribute) -> Result<Ident> {
    const ADVICE: &str = "every method of this trait is already a static call: remove this, or \
                          write `#[static_call(optional)]`";
    match &attr.meta {
        Meta::List(list) => match list.parse_args_with(Ident::parse_any) {
            Ok(ident) if ident == "optional" => Ok(ident),
            _ => Err(Error::new_spanned(&list.tokens, ADVICE)),
        },
        meta => Err(Error::new_spanned(meta, ADVICE)),
    }
}

impl Method {
    /// The function as a member of a trait.
    pub(crate) fn tokens(&self) -> TokenStream {
        let mut tokens = self.function.to_token_stream();
        self.function.semi_token.to_tokens(&mut tokens);
        tokens
    }
}

impl Trait {
    /// The trait with these members.
    pub(crate) fn with(&self, members: &TokenStream) -> TokenStream {
        let Self { attrs, vis, unsafety, trait_token, ident, generics, .. } = self;
        let (colon, supertraits) = (&self.colon_token, &self.supertraits);
        let where_clause = &generics.where_clause;
        let mut tokens = quote::quote! {
            #(#attrs)*
            #vis #unsafety #trait_token #ident #generics #colon #supertraits #where_clause
        };
        self.brace_token.surround(&mut tokens, |tokens| members.to_tokens(tokens));
        tokens
    }
}
