//! What the syntax means: keys with their arguments and lifetimes, and calls. Nothing here fails.

mod argument;
mod block;
mod call;
mod function;
mod handle;
mod names;
mod select;

pub(crate) use argument::{Argument, Output};
pub(crate) use block::{Impl, Owner};
pub(crate) use call::{Call, Site};
pub(crate) use function::Function;
pub(crate) use handle::{DefaultTarget, Handle, Method};
pub(crate) use names::local;

use syn::GenericParam;

use crate::parse::{self, Trusted};

/// The item under the attribute.
pub(crate) enum Item {
    Function(Box<Function>),
    Impl(Box<Impl>),
    Trait(Box<Handle>),
    Other(parse::Other),
}

impl Item {
    pub(crate) fn new(item: parse::Item, trusted: &Trusted) -> Self {
        match item {
            parse::Item::Function(options, function) => {
                Self::Function(Box::new(Function::new(options, function, trusted, None)))
            }
            parse::Item::Impl(options, block) => {
                Self::Impl(Box::new(Impl::new(options, block, trusted)))
            }
            parse::Item::Trait(options, source) => {
                Self::Trait(Box::new(Handle::new(options, *source, trusted)))
            }
            parse::Item::Other(other) => Self::Other(other),
        }
    }
}

/// The type and const parameters, which no key can have.
pub(crate) fn type_parameters(generics: &syn::Generics) -> impl Iterator<Item = &GenericParam> {
    generics.params.iter().filter(|p| !matches!(p, GenericParam::Lifetime(_)))
}
