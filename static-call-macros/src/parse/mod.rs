//! Turns tokens into syntax. Function bodies stay tokens: the compiler checks them.

mod groups;
mod handle;
mod options;
mod select;

pub(crate) use groups::ungrouped;
pub(crate) use handle::{Method, Trait, TraitMember};
pub(crate) use options::{Options, TraitOptions};
pub(crate) use select::{Candidate, Feature, Select};

use proc_macro2::{Group, Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Error, Expr, Path, Result, Signature, Token, Visibility, braced, bracketed};

/// The item under the attribute.
pub(crate) enum Item {
    Function(Options, Function),
    Impl(Options, Impl),
    Trait(TraitOptions, Box<Trait>),
    Other(Other),
}

/// A function, free or associated.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// The braces, or `None` if there is a semicolon.
    pub(crate) body: Option<Group>,
    pub(crate) semi_token: Option<Token![;]>,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let sig = input.parse()?;
        let semi_token: Option<Token![;]> = input.parse()?;
        let body = if semi_token.is_some() { None } else { Some(input.parse()?) };
        Ok(Self { attrs, vis, sig, body, semi_token })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for attr in &self.attrs {
            attr.to_tokens(tokens);
        }
        self.vis.to_tokens(tokens);
        self.sig.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

/// An `impl` block.
pub(crate) struct Impl {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) unsafety: Option<Token![unsafe]>,
    pub(crate) impl_token: Token![impl],
    pub(crate) generics: syn::Generics,
    /// `Trait for`, if this implements a trait.
    pub(crate) of_trait: Option<(Path, Token![for])>,
    pub(crate) self_ty: syn::Type,
    pub(crate) items: Vec<Member>,
}

/// A member of an `impl` block.
pub(crate) enum Member {
    /// A function under `#[static_call]`.
    Key(Box<(Options, Function)>),
    /// The attribute, and something else that was under it.
    Misplaced(Box<Attribute>, Box<syn::ImplItem>),
    /// Anything else.
    Item(Box<syn::ImplItem>),
}

impl Parse for Impl {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let unsafety = input.parse()?;
        let impl_token = input.parse()?;
        let has_generics = input.peek(Token![<])
            && (input.peek2(Token![>])
                || input.peek2(Token![#])
                || input.peek2(Token![const])
                || (input.peek2(syn::Ident) || input.peek2(syn::Lifetime))
                    && (input.peek3(Token![:])
                        || input.peek3(Token![,])
                        || input.peek3(Token![>])
                        || input.peek3(Token![=])));
        let mut generics: syn::Generics =
            if has_generics { input.parse()? } else { syn::Generics::default() };
        let mut self_ty: syn::Type = input.parse()?;
        let of_trait = match input.parse::<Option<Token![for]>>()? {
            Some(for_token) => {
                let path = match &self_ty {
                    syn::Type::Path(ty) => ty.path.clone(),
                    _ => return Err(Error::new(for_token.span, "expected a trait before `for`")),
                };
                self_ty = input.parse()?;
                Some((path, for_token))
            }
            None => None,
        };
        generics.where_clause = input.parse()?;
        let content;
        braced!(content in input);
        let items = members.parse2(groups::opened(content.parse()?))?;
        Ok(Self { attrs, unsafety, impl_token, generics, of_trait, self_ty, items })
    }
}

/// Reads all members of a block.
fn members<T: Parse>(input: ParseStream<'_>) -> Result<Vec<T>> {
    let mut members = Vec::new();
    while !input.is_empty() {
        members.push(input.parse()?);
    }
    Ok(members)
}

impl Parse for Member {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let ahead = input.fork();
        let attrs = ahead.call(Attribute::parse_outer)?;
        let Some(at) = attrs.iter().position(is_static_call) else {
            return input.parse().map(Box::new).map(Self::Item);
        };
        let attr = attrs[at].clone();
        let options = match &attr.meta {
            syn::Meta::Path(_) => Options::default(),
            meta => {
                let options = meta.require_list().and_then(|list| list.parse_args());
                options.unwrap_or_else(Options::refused)
            }
        };
        if ahead.parse::<Visibility>().is_ok() && ahead.parse::<Signature>().is_ok() {
            let mut function: Function = input.parse()?;
            function.attrs.remove(at);
            return Ok(Self::Key(Box::new((options, function))));
        }
        input.call(Attribute::parse_outer)?;
        let mut item: syn::ImplItem = input.parse()?;
        let rest = attrs.into_iter().enumerate().filter(|(i, _)| *i != at).map(|(_, a)| a);
        match &mut item {
            syn::ImplItem::Const(i) => i.attrs.extend(rest),
            syn::ImplItem::Fn(i) => i.attrs.extend(rest),
            syn::ImplItem::Type(i) => i.attrs.extend(rest),
            syn::ImplItem::Macro(i) => i.attrs.extend(rest),
            _ => {}
        }
        Ok(Self::Misplaced(Box::new(attr), Box::new(item)))
    }
}

/// Whether this is `#[static_call]`, by any path.
pub(crate) fn is_static_call(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|s| s.ident == "static_call")
}

/// An item that cannot be a key.
pub(crate) struct Other {
    /// Its keyword, such as `struct` or `mod`.
    pub(crate) keyword: Ident,
    pub(crate) tokens: TokenStream,
}

/// Reads the attribute and its item.
pub(crate) fn attribute(options: TokenStream, item: TokenStream) -> Result<Item> {
    let item = groups::opened(item);
    let keyword = |input: ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let is_function = input.fork().parse::<Signature>().is_ok();
        let is_impl =
            input.peek(Token![impl]) || input.peek(Token![unsafe]) && input.peek2(Token![impl]);
        let mut keyword = input.call(Ident::parse_any)?;
        while ["unsafe", "auto"].iter().any(|word| keyword == word) {
            keyword = input.call(Ident::parse_any)?;
        }
        input.parse::<TokenStream>()?;
        Ok((is_function, is_impl, keyword))
    };
    let (is_function, is_impl, keyword) = keyword.parse2(item.clone())?;
    if !is_function && keyword == "trait" {
        let options = syn::parse2(options).unwrap_or_else(TraitOptions::refused);
        return Ok(Item::Trait(options, Box::new(syn::parse2(item)?)));
    }
    let options = syn::parse2(options).unwrap_or_else(Options::refused);
    if is_function {
        Ok(Item::Function(options, syn::parse2(item)?))
    } else if is_impl {
        Ok(Item::Impl(options, syn::parse2(item)?))
    } else {
        Ok(Item::Other(Other { keyword, tokens: item }))
    }
}

/// What a macro of `static_call` passes on: the path of its crate, and an `unsafe`.
#[derive(Clone)]
pub(crate) struct Trusted {
    /// Generated code always has a block with this `unsafe`. If it is not from `static_call` but
    /// from a crate that forbids unsafe code, the compiler reports that.
    pub(crate) token: Token![unsafe],
    /// `$crate`.
    pub(crate) krate: Path,
}

impl Parse for Trusted {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let token = input.parse()?;
        let krate = input.call(Path::parse_mod_style)?;
        input.parse::<Token![;]>()?;
        Ok(Self { token, krate })
    }
}

/// Splits what `__item!` passes on: `unsafe crate path; [options] item`.
pub(crate) fn forwarded(input: TokenStream) -> Result<(Trusted, TokenStream, TokenStream)> {
    let input = groups::parenthesized(input);
    let parts = |input: ParseStream<'_>| {
        let trusted = input.parse()?;
        let options;
        bracketed!(options in input);
        Ok((trusted, options.parse()?, input.parse()?))
    };
    parts.parse2(input)
}

/// The input of `call!`, after `unsafe crate path;`.
pub(crate) struct Call {
    pub(crate) trusted: Trusted,
    /// `None` if `call!` is empty.
    pub(crate) expr: Option<Expr>,
    pub(crate) rest: TokenStream,
}

impl Parse for Call {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let trusted = input.parse()?;
        let expr = if input.is_empty() { None } else { Some(ungrouped(input.parse()?)) };
        Ok(Self { trusted, expr, rest: input.parse()? })
    }
}

/// Reads the input of `call!`.
pub(crate) fn call(input: TokenStream) -> Result<Call> {
    syn::parse2(groups::parenthesized(input))
}
