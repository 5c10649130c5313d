//! `select(avx2 + bmi2 => path, ..)`: functions to choose from by the processor's features.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Expr, ExprPath, LitInt, LitStr, Result, Token, parenthesized};

use super::groups::ungrouped;

/// The option `select`.
#[derive(Clone)]
pub(crate) struct Select {
    /// The word `select`.
    pub(crate) keyword: Ident,
    /// In order of preference.
    pub(crate) candidates: Vec<Candidate>,
}

/// A function, and the features it needs.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) features: Vec<Feature>,
    /// `unsafe` before the path: the user vouches for the call.
    pub(crate) unsafety: Option<Token![unsafe]>,
    pub(crate) path: ExprPath,
}

/// A feature, by its name in `#[target_feature]`.
#[derive(Clone)]
pub(crate) struct Feature {
    pub(crate) name: String,
    pub(crate) tokens: TokenStream,
}

impl Select {
    /// Parses what follows the word `select`.
    pub(super) fn parse(keyword: Ident, input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(syn::token::Paren) {
            return Err(Error::new(
                keyword.span(),
                "`select` lists functions by the features they need: write `select(avx2 => path)`",
            ));
        }
        let content;
        parenthesized!(content in input);
        let candidates = content.parse_terminated(Candidate::parse, Token![,])?;
        Ok(Self { keyword, candidates: candidates.into_iter().collect() })
    }
}

impl Parse for Candidate {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let mut features = vec![input.parse()?];
        while input.peek(Token![+]) {
            input.parse::<Token![+]>()?;
            features.push(input.parse()?);
        }
        if !input.peek(Token![=>]) {
            return Err(input.error(
                "expected `=>` and the function for these features, as in `avx2 + bmi2 => path`",
            ));
        }
        input.parse::<Token![=>]>()?;
        let unsafety = input.parse()?;
        let path = match ungrouped(input.parse()?) {
            Expr::Path(path) if path.attrs.is_empty() => path,
            other => {
                return Err(Error::new_spanned(
                    other,
                    "expected the path of a function, without arguments",
                ));
            }
        };
        Ok(Self { attrs, features, unsafety, path })
    }
}

impl Parse for Feature {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            return Ok(Self { name: literal.value(), tokens: literal.to_token_stream() });
        }
        if !input.peek(syn::Ident::peek_any) {
            return Err(input.error("expected a processor feature, such as `avx2` or `sse4.2`"));
        }
        let first = input.call(Ident::parse_any)?;
        let mut name = first.to_string();
        let mut tokens = first.to_token_stream();
        // `sse4.2` and `sve2-aes` are three tokens each.
        while input.peek(Token![.]) || input.peek(Token![-]) {
            let joint: proc_macro2::Punct = input.parse()?;
            name.push(joint.as_char());
            joint.to_tokens(&mut tokens);
            if input.peek(LitInt) {
                let number: LitInt = input.parse()?;
                name.push_str(&number.to_string());
                number.to_tokens(&mut tokens);
            } else {
                let word = input.call(Ident::parse_any)?;
                name.push_str(&word.to_string());
                word.to_tokens(&mut tokens);
            }
        }
        Ok(Self { name, tokens })
    }
}

impl Candidate {
    /// The features as shown in the report: `avx2 + bmi2`.
    pub(crate) fn because(&self) -> String {
        let names: Vec<_> = self.features.iter().map(|f| f.name.as_str()).collect();
        names.join(" + ")
    }

    /// The last name of the path.
    pub(crate) fn name(&self) -> Option<&Ident> {
        self.path.path.segments.last().map(|segment| &segment.ident)
    }
}
