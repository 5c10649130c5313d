//! A function that becomes a key.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Attribute, FnArg, Lifetime, Path, Safety, Token, Visibility};

use super::argument::{Argument, Inputs, Output};
use super::block::Owner;
use super::names::constant_name;
use crate::attributes::Attributes;
use crate::errors::Errors;
use crate::parse::{self, Select, Trusted};
use crate::types;

/// A function that becomes a key.
pub(crate) struct Function {
    pub(crate) source: parse::Function,
    pub(crate) attrs: Attributes,
    pub(crate) krate: Path,
    /// The `unsafe` of a block that every key has.
    pub(crate) trusted: Token![unsafe],
    pub(crate) option_errors: Errors,
    /// The name of the enum of a free function, or of the constant of an associated one.
    pub(crate) keys: Ident,
    /// The visibility of functions that update it.
    pub(crate) update_vis: Visibility,
    /// The option `select`.
    pub(crate) select: Option<Select>,
    pub(crate) owner: Option<Owner>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: Output,
    /// The lifetimes that the function declares, and its elided ones with their new names.
    pub(crate) lifetimes: Vec<Lifetime>,
    /// Whether the `impl` block has a constant of the key's name.
    pub(crate) name_is_taken: bool,
    /// Whether bounds must name all lifetimes: an elided lifetime of the return type is that of
    /// `self`, and bounds have no `self`.
    pub(crate) named_bound: bool,
}

impl Function {
    pub(super) fn new(
        options: parse::Options,
        source: parse::Function,
        trusted: &Trusted,
        owner: Option<Owner>,
    ) -> Self {
        let krate = trusted.krate.clone();
        let sig = &source.sig;
        let keys = options.keys.unwrap_or_else(|| match owner {
            None => sig.ident.clone(),
            Some(_) => constant_name(&sig.ident),
        });
        let inputs = Inputs::new(sig, owner.as_ref());
        let declared = sig.generics.lifetimes().map(|p| p.lifetime.clone());
        let mut lifetimes: Vec<_> = declared.chain(inputs.fresh.iter().cloned()).collect();
        let (output, elides) = Output::new(&sig.output, &inputs, owner.as_ref(), &lifetimes);
        let of_trait = owner.as_ref().is_some_and(|o| o.of_trait.is_some());
        let arguments = sig.inputs.iter().zip(&inputs.types).enumerate().map(|(i, (input, ty))| {
            let argument = Argument::new(i, input, ty, owner.as_ref(), &lifetimes);
            match input {
                FnArg::Receiver(_) if of_trait => argument.left_behind(elides, &krate),
                _ => argument,
            }
        });
        let arguments = arguments.collect();
        if of_trait && !elides {
            // Only the receiver has this lifetime.
            let receiver = inputs.receiver.as_ref().filter(|own| inputs.fresh.contains(own));
            lifetimes.retain(|lifetime| Some(lifetime) != receiver);
        }
        Self {
            attrs: Attributes::new(&source.attrs),
            krate,
            trusted: trusted.token,
            option_errors: options.errors,
            keys,
            update_vis: options.update.unwrap_or_else(|| source.vis.clone()),
            select: options.select,
            owner,
            arguments,
            output,
            lifetimes,
            name_is_taken: false,
            named_bound: elides && inputs.receiver.is_some(),
            source,
        }
    }

    /// Whether this is an associated function whose `impl` block has no attribute.
    pub(crate) fn is_in_plain_impl(&self) -> bool {
        let names = |tokens: &TokenStream, words: &[&str]| {
            types::any_ident(tokens, &|ident| words.iter().any(|word| ident == word))
        };
        let sig = &self.source.sig;
        let body = self.source.body.to_token_stream();
        self.owner.is_none()
            && (sig.receiver().is_some()
                || names(&sig.to_token_stream(), &["Self"])
                // A type defined in the body has its own `Self`.
                || names(&body, &["Self"])
                    && !names(&body, &["impl", "trait", "struct", "enum", "union"]))
    }

    /// `unsafe`, if the function is.
    pub(crate) fn unsafety(&self) -> Option<Token![unsafe]> {
        match &self.source.sig.safety {
            Safety::Unsafe(token) => Some(*token),
            _ => None,
        }
    }

    /// The lifetimes of the owner and of the function.
    pub(crate) fn all_lifetimes(&self) -> impl Iterator<Item = &Lifetime> {
        self.owner.iter().flat_map(|o| &o.lifetimes).chain(&self.lifetimes)
    }

    /// The lifetimes that a bound declares.
    pub(crate) fn bound_lifetimes(&self) -> Vec<&Lifetime> {
        let declared = self.source.sig.generics.lifetimes().count();
        let own = if self.named_bound { self.lifetimes.len() } else { declared };
        self.owner.iter().flat_map(|o| &o.lifetimes).chain(&self.lifetimes[..own]).collect()
    }

    /// The `cfg` attributes of everything that is generated.
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        self.owner.iter().flat_map(|o| &o.cfgs).chain(&self.attrs.cfgs)
    }

    /// The lint levels of everything that repeats the signature.
    pub(crate) fn lints(&self) -> impl Iterator<Item = &Attribute> {
        self.owner.iter().flat_map(|o| &o.lints).chain(&self.attrs.lints)
    }
}
