//! What the syntax means: keys, their arguments and lifetimes, and calls.

mod block;
mod call;
mod handle;
mod names;
mod select;

pub(crate) use block::{Impl, Owner};
pub(crate) use call::{Call, Site};
pub(crate) use handle::{DefaultTarget, Handle, Method};
use names::constant_name;
pub(crate) use names::local;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::visit_mut::VisitMut;
use syn::{
    Attribute, Error, FnArg, GenericParam, Lifetime, Pat, Path, ReceiverKind, ReturnType, Safety,
    Token, Type, Visibility, parse_quote, parse_quote_spanned,
};

use crate::attributes::Attributes;
use crate::parse;
use crate::parse::{Select, Trusted};
use crate::types::{self, Filling, Naming};

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

/// A function that becomes a key.
pub(crate) struct Function {
    pub(crate) source: parse::Function,
    pub(crate) attrs: Attributes,
    pub(crate) krate: Path,
    /// For a block that every key needs.
    pub(crate) trusted: Token![unsafe],
    pub(crate) option_errors: Option<Error>,
    /// The enum of a free function, the constant of an associated one.
    pub(crate) keys: Ident,
    /// Of the functions that update it.
    pub(crate) update_vis: Visibility,
    /// The choice that the default is.
    pub(crate) select: Option<Select>,
    pub(crate) owner: Option<Owner>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: Output,
    /// Lifetimes that the function declares, and those that were given names.
    pub(crate) lifetimes: Vec<Lifetime>,
    /// Whether the `impl` block has a constant of the key's name.
    pub(crate) name_is_taken: bool,
    /// Whether bounds have to name the lifetimes, too: those of a method's return type come from
    /// `self`, which a bound does not know.
    pub(crate) named_bound: bool,
}

/// An argument, the receiver included.
pub(crate) struct Argument {
    /// What stands in the signature that users see.
    pub(crate) parameter: TokenStream,
    /// The value inside that function.
    pub(crate) value: TokenStream,
    pub(crate) types: Writings,
    /// Whether it is passed as `Pass` decides.
    pub(crate) by_size: bool,
    /// The type of the receiver of a trait's method, which does not cross the trampoline: `types`
    /// and `value` are of what stands in its place.
    pub(crate) left_behind: Option<Type>,
}

/// A type, in the ways that generated code needs it.
pub(crate) struct Writings {
    /// Lifetimes as written; `Self` replaced. For bounds.
    pub(crate) written: Type,
    /// Lifetimes named; `Self` as it is. For functions inside the `impl` block.
    pub(crate) inside: Type,
    /// Lifetimes named; `Self` replaced. For functions outside of it.
    pub(crate) outside: Type,
    /// Lifetimes erased; `Self` replaced. For anonymous constants.
    pub(crate) erased: Type,
}

impl Writings {
    fn new(written: &Type, named: Type, owner: Option<&Owner>, lifetimes: &[Lifetime]) -> Self {
        let replaced = |ty: &Type| match owner {
            Some(owner) => {
                types::with_owner(ty, &owner.ty, owner.of_trait.as_ref(), &owner.lifetimes)
            }
            None => ty.clone(),
        };
        let outside = replaced(&named);
        let owners = owner.map_or(&[][..], |o| &o.lifetimes);
        let erased = types::erased(&types::erased(&outside, lifetimes), owners);
        Self { written: replaced(written), inside: named, outside, erased }
    }
}

impl Argument {
    /// The receiver of a trait's method, with something in its place that takes no room.
    fn left_behind(self, is_named: bool, krate: &Path) -> Self {
        let receiver: Type = parse_quote!(#krate::__private::Receiver);
        let types = self.types;
        Self {
            value: receiver.to_token_stream(),
            left_behind: Some(if is_named { types.outside } else { types.erased }),
            types: Writings {
                written: receiver.clone(),
                inside: receiver.clone(),
                outside: receiver.clone(),
                erased: receiver,
            },
            by_size: false,
            ..self
        }
    }
}

/// What a function returns.
pub(crate) enum Output {
    /// Nothing is written.
    Unit,
    /// `!`.
    Never,
    /// A type.
    Type(Box<Writings>),
}

impl Function {
    pub(super) fn new(
        options: parse::Options,
        source: parse::Function,
        trusted: &Trusted,
        owner: Option<Owner>,
    ) -> Self {
        let krate = trusted.krate.clone();
        let attrs = Attributes::new(&source.attrs);
        let keys = options.keys.unwrap_or_else(|| match owner {
            None => source.sig.ident.clone(),
            Some(_) => constant_name(&source.sig.ident),
        });
        let mut lifetimes: Vec<_> =
            source.sig.generics.lifetimes().map(|p| p.lifetime.clone()).collect();
        let owners = owner.as_ref().map(|o| o.ty.to_token_stream()).unwrap_or_default();
        let mut naming = Naming::new("", [source.sig.to_token_stream(), owners]);
        let mut receiver_lifetime = None;
        let mut named = Vec::new();
        for input in &source.sig.inputs {
            let ty = argument_type(input);
            let mut ty_named = ty.clone();
            if matches!(input, FnArg::Receiver(_)) {
                let before = std::mem::take(&mut naming.seen);
                naming.visit_type_mut(&mut ty_named);
                if let [one] = &naming.seen[..] {
                    receiver_lifetime = Some(one.clone());
                }
                naming.seen.extend(before);
            } else {
                naming.visit_type_mut(&mut ty_named);
            }
            named.push((input, ty, ty_named));
        }
        lifetimes.extend(naming.fresh.iter().cloned());
        let elided = receiver_lifetime.as_ref().or(match &naming.seen[..] {
            [one] => Some(one),
            _ => None,
        });
        let (output, found) = match &source.sig.output {
            ReturnType::Default => (Output::Unit, false),
            ReturnType::Type(_, ty) if matches!(types::bare(ty), Type::Never(_)) => {
                (Output::Never, false)
            }
            ReturnType::Type(_, ty) => {
                let mut filled = (**ty).clone();
                let mut filling = Filling { with: elided, found: false };
                filling.visit_type_mut(&mut filled);
                let found = filling.found;
                let writings = Writings::new(ty, filled, owner.as_ref(), &lifetimes);
                (Output::Type(Box::new(writings)), found)
            }
        };
        let of_trait = owner.as_ref().is_some_and(|o| o.of_trait.is_some());
        let arguments = named
            .into_iter()
            .enumerate()
            .map(|(i, (input, ty, named))| {
                let by_size = types::may_be_large(&ty);
                let (parameter, value) = parameter(i, input);
                let types = Writings::new(&ty, named, owner.as_ref(), &lifetimes);
                let argument = Argument { parameter, value, types, by_size, left_behind: None };
                match input {
                    FnArg::Receiver(_) if of_trait => argument.left_behind(found, &krate),
                    _ => argument,
                }
            })
            .collect();
        if of_trait && !found {
            // Nothing but the receiver has it.
            let own = receiver_lifetime.as_ref().filter(|own| naming.fresh.contains(own));
            lifetimes.retain(|lifetime| Some(lifetime) != own);
        }
        Self {
            attrs,
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
            named_bound: found && receiver_lifetime.is_some(),
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
                // A type that the body defines has a `Self` of its own.
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

fn argument_type(input: &FnArg) -> Type {
    match input {
        FnArg::Typed(typed) => (*typed.ty).clone(),
        FnArg::Receiver(receiver) => {
            let own: Type = parse_quote_spanned!(receiver.self_token.span=> Self);
            match &receiver.kind {
                ReceiverKind::Reference(and, lifetime, mutability) => {
                    parse_quote!(#and #lifetime #mutability #own)
                }
                ReceiverKind::Typed(_, ty) => (**ty).clone(),
                _ => own,
            }
        }
    }
}

/// The parameter of the function that users call, and its value there.
fn parameter(index: usize, input: &FnArg) -> (TokenStream, TokenStream) {
    match input {
        FnArg::Receiver(receiver) => {
            let receiver =
                syn::Receiver { attrs: Vec::new(), mutability: None, ..receiver.clone() };
            let value = receiver.self_token.to_token_stream();
            (receiver.to_token_stream(), value)
        }
        FnArg::Typed(typed) => {
            let ident = match &*typed.pat {
                Pat::Ident(pat) if pat.subpat.is_none() => pat.ident.clone(),
                _ => local(&format!("arg{index}")),
            };
            let (colon, ty) = (&typed.colon_token, &typed.ty);
            (quote!(#ident #colon #ty), ident.to_token_stream())
        }
    }
}

/// The generic parameters that no key can have.
pub(crate) fn type_parameters(generics: &syn::Generics) -> impl Iterator<Item = &GenericParam> {
    generics.params.iter().filter(|p| !matches!(p, GenericParam::Lifetime(_)))
}
