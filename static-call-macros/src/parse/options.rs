//! The options in `#[static_call(..)]`.

use proc_macro2::{Ident, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Path, Result, Token, Type, Visibility, parenthesized};

use super::Select;
use crate::errors::Errors;

/// The options of a function, or of an `impl` block.
#[derive(Clone, Default)]
pub(crate) struct Options {
    /// `keys = Name`: the name of the enum, or of a method's constant.
    pub(crate) keys: Option<Ident>,
    /// `update = visibility`: who may update, if fewer than may call.
    pub(crate) update: Option<Visibility>,
    /// `select(feature => path, ..)`: the processor's features decide the default.
    pub(crate) select: Option<Select>,
    /// Errors in the options.
    pub(crate) errors: Errors,
}

/// The options of a trait.
#[derive(Default)]
pub(crate) struct TraitOptions {
    /// `handle = Name`.
    pub(crate) handle: Option<Ident>,
    /// `default = Type`: what the methods call before the first update.
    pub(crate) default: Option<Type>,
    /// `update = visibility`: who may switch.
    pub(crate) update: Option<Visibility>,
    /// `derive(Traits)`, for the handle.
    pub(crate) derives: Vec<Path>,
    /// `type Name = Type`.
    pub(crate) types: Vec<(Ident, Type)>,
    /// `const NAME: Type = value`.
    pub(crate) consts: Vec<(Ident, Type, Expr)>,
    /// Errors in the options.
    pub(crate) errors: Errors,
}

impl Options {
    /// Only the error: the rest of the item is checked, too.
    pub(super) fn refused(error: Error) -> Self {
        Self { errors: error.into(), ..Self::default() }
    }
}

impl TraitOptions {
    /// Only the error: the rest of the trait is checked, too.
    pub(super) fn refused(error: Error) -> Self {
        Self { errors: error.into(), ..Self::default() }
    }
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        const UNKNOWN: &str = ": expected `crate = path::to`, `keys = Name`, `update = pub(crate)` \
                               or `select(avx2 => path)`";
        let mut options = Self::default();
        options.errors = each(input, UNKNOWN, |name| {
            match name.to_string().as_str() {
                "keys" => options.keys = Some(value(input)?),
                "update" => options.update = Some(visibility(input)?),
                "select" => options.select = Some(Select::parse(name, input)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(options)
    }
}

impl Parse for TraitOptions {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        const UNKNOWN: &str = " on a trait: expected `crate = path::to`, `handle = Name`, `default \
                               = Type`, `update = pub(crate)`, `derive(Traits)`, `type Name = \
                               Type` or `const NAME: Type = value`";
        let mut options = Self::default();
        options.errors = each(input, UNKNOWN, |name| {
            match name.to_string().as_str() {
                "handle" => options.handle = Some(value(input)?),
                "default" => options.default = Some(value(input)?),
                "update" => options.update = Some(visibility(input)?),
                "derive" => {
                    let content;
                    parenthesized!(content in input);
                    let paths = content.call(Punctuated::<Path, Token![,]>::parse_terminated)?;
                    options.derives.extend(paths);
                }
                "type" => options.types.push((input.parse()?, value(input)?)),
                "const" => {
                    let name = input.parse()?;
                    input.parse::<Token![:]>()?;
                    options.consts.push((name, input.parse()?, value(input)?));
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(options)
    }
}

/// Reads options, separated by commas. `read` takes the name of an option and reads the rest of it,
/// or returns `false` if it does not know the name. `unknown` is the end of the error message then.
fn each(
    input: ParseStream<'_>,
    unknown: &str,
    mut read: impl FnMut(Ident) -> Result<bool>,
) -> Result<Errors> {
    let mut errors = Errors::default();
    while !input.is_empty() {
        let name = input.call(Ident::parse_any)?;
        if name == "crate" {
            // `forward` has used it.
            input.parse::<Token![=]>()?;
            input.call(Path::parse_mod_style)?;
        } else if !read(name.clone())? {
            let message = format!("unknown option `{name}`{unknown}");
            errors.add(Error::new(name.span(), message));
            while !input.is_empty() && !input.peek(Token![,]) {
                input.parse::<TokenTree>()?;
            }
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(errors)
}

/// Reads `= value`.
fn value<T: Parse>(input: ParseStream<'_>) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// Reads `= visibility`; an empty visibility is an error.
fn visibility(input: ParseStream<'_>) -> Result<Visibility> {
    input.parse::<Token![=]>()?;
    if !input.peek(Token![pub]) {
        return Err(
            input.error("expected a visibility, such as `pub(crate)`, or `pub(self)` for private")
        );
    }
    input.parse()
}
