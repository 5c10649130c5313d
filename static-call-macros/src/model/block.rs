//! `impl` blocks and their types.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Attribute, Lifetime, Type};

use super::Function;
use crate::attributes::Attributes;
use crate::errors::Errors;
use crate::parse::{self, Member, Trusted};
use crate::signature_text;
use crate::types::{self, Elided, Naming};

/// An `impl` block.
pub(crate) struct Impl {
    pub(crate) keys: Option<Ident>,
    pub(crate) select: Option<parse::Select>,
    pub(crate) option_errors: Errors,
    pub(crate) source: parse::Impl,
    pub(crate) functions: Vec<Function>,
}

impl Impl {
    pub(super) fn new(options: parse::Options, source: parse::Impl, trusted: &Trusted) -> Self {
        let update = options.update;
        let owner = Owner::new(&source);
        let mut functions = Vec::new();
        for member in &source.items {
            if let Member::Key(key) = member {
                let (mut options, function) = (**key).clone();
                options.update = options.update.or_else(|| update.clone());
                functions.push(Function::new(options, function, trusted, Some(owner.clone())));
            }
        }
        for f in &mut functions {
            f.name_is_taken = source.items.iter().any(|member| match member {
                Member::Item(item) | Member::Misplaced(_, item) => {
                    matches!(&**item, syn::ImplItem::Const(item) if item.ident == f.keys)
                }
                Member::Key(_) => false,
            });
        }
        Self {
            keys: options.keys,
            select: options.select,
            option_errors: options.errors,
            source,
            functions,
        }
    }
}

/// The type whose `impl` block has the function.
#[derive(Clone)]
pub(crate) struct Owner {
    /// The type, with all visible lifetimes named.
    pub(crate) ty: Type,
    /// Those lifetimes.
    pub(crate) lifetimes: Vec<Lifetime>,
    /// The `cfg` attributes of the block.
    pub(crate) cfgs: Vec<Attribute>,
    /// Lint levels of the block.
    pub(crate) lints: Vec<Attribute>,
    /// The name in messages and reports: `Filter`.
    pub(crate) name: String,
    /// The trait, if the type is its handle.
    pub(crate) of_trait: Option<Ident>,
}

impl Owner {
    fn new(source: &parse::Impl) -> Self {
        let signatures = source.items.iter().filter_map(|member| match member {
            Member::Key(key) => Some(key.1.sig.to_token_stream()),
            Member::Misplaced(..) | Member::Item(_) => None,
        });
        let generics = source.generics.params.to_token_stream();
        let own = [generics, source.self_ty.to_token_stream()];
        let mut naming = Naming::new("self", signatures.chain(own));
        let mut ty = source.self_ty.clone();
        naming.rewrite(&mut ty);
        let declared = source.generics.lifetimes().map(|p| p.lifetime.clone());
        let lifetimes = declared.chain(naming.fresh).collect();
        let attrs = Attributes::new(&source.attrs);
        let mut plain = source.self_ty.clone();
        let last = match &mut plain {
            Type::Path(path) => path.path.segments.last_mut(),
            _ => None,
        };
        let only_lifetimes = |arguments: &syn::PathArguments| match arguments {
            syn::PathArguments::AngleBracketed(list) => {
                list.args.iter().all(|a| matches!(a, syn::GenericArgument::Lifetime(_)))
            }
            _ => false,
        };
        if let Some(last) = last.filter(|last| only_lifetimes(&last.arguments)) {
            last.arguments = syn::PathArguments::None;
        }
        let name = signature_text::readable(plain.to_token_stream());
        Self { ty, lifetimes, cfgs: attrs.cfgs, lints: attrs.lints, name, of_trait: None }
    }

    /// The type without named lifetimes.
    pub(crate) fn erased(&self) -> Type {
        types::erased(&self.ty, &self.lifetimes)
    }
}
