//! Arguments and results: their types, in each way that generated code writes them.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    FnArg, Lifetime, Pat, Path, ReceiverKind, ReturnType, Signature, Type, parse_quote,
    parse_quote_spanned,
};

use super::block::Owner;
use super::names::local;
use crate::types::{self, Elided, Filling, Naming};

/// An argument, the receiver included.
pub(crate) struct Argument {
    /// The parameter in the signature that users see.
    pub(crate) parameter: TokenStream,
    /// The value inside that function.
    pub(crate) value: TokenStream,
    pub(crate) types: Writings,
    /// Whether `Pass` decides how it is passed.
    pub(crate) by_size: bool,
    /// For the receiver of a trait's method, its type. It does not go through the trampoline:
    /// `types` and `value` are those of its replacement.
    pub(crate) left_behind: Option<Type>,
}

/// A type, in each way that generated code writes it.
pub(crate) struct Writings {
    /// For bounds: lifetimes as written, `Self` replaced.
    pub(crate) written: Type,
    /// For functions inside the `impl` block: lifetimes named, `Self` as written.
    pub(crate) inside: Type,
    /// For functions outside it: lifetimes named, `Self` replaced.
    pub(crate) outside: Type,
    /// For anonymous constants: lifetimes erased, `Self` replaced.
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
    pub(super) fn new(
        index: usize,
        input: &FnArg,
        ty: &NamedType,
        owner: Option<&Owner>,
        lifetimes: &[Lifetime],
    ) -> Self {
        let (parameter, value) = parameter(index, input);
        let by_size = types::may_be_large(&ty.written);
        let types = Writings::new(&ty.written, ty.named.clone(), owner, lifetimes);
        Self { parameter, value, types, by_size, left_behind: None }
    }

    /// Replaces the receiver of a trait's method with a zero-sized value.
    pub(super) fn left_behind(self, is_named: bool, krate: &Path) -> Self {
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
    /// No return type.
    Unit,
    /// `!`.
    Never,
    /// A type.
    Type(Box<Writings>),
}

impl Output {
    /// Returns the output, and whether it elides a lifetime.
    pub(super) fn new(
        output: &ReturnType,
        inputs: &Inputs,
        owner: Option<&Owner>,
        lifetimes: &[Lifetime],
    ) -> (Self, bool) {
        match output {
            ReturnType::Default => (Self::Unit, false),
            ReturnType::Type(_, ty) if matches!(types::bare(ty), Type::Never(_)) => {
                (Self::Never, false)
            }
            ReturnType::Type(_, ty) => {
                let mut filled = (**ty).clone();
                let mut filling = Filling { with: inputs.elided(), found: false };
                filling.rewrite(&mut filled);
                let found = filling.found;
                let writings = Writings::new(ty, filled, owner, lifetimes);
                (Self::Type(Box::new(writings)), found)
            }
        }
    }
}

/// The types of all inputs of a signature.
pub(super) struct Inputs {
    pub(super) types: Vec<NamedType>,
    /// The lifetimes that were given names.
    pub(super) fresh: Vec<Lifetime>,
    /// The lifetime of the receiver, if it has exactly one.
    pub(super) receiver: Option<Lifetime>,
    /// The distinct lifetimes of all inputs.
    seen: Vec<Lifetime>,
}

/// The type of an input.
pub(super) struct NamedType {
    written: Type,
    /// With names for its elided lifetimes.
    named: Type,
}

impl Inputs {
    pub(super) fn new(sig: &Signature, owner: Option<&Owner>) -> Self {
        let owner = owner.map(|o| o.ty.to_token_stream()).unwrap_or_default();
        let mut naming = Naming::new("", [sig.to_token_stream(), owner]);
        let mut receiver = None;
        let mut types = Vec::new();
        for input in &sig.inputs {
            let written = argument_type(input);
            let mut named = written.clone();
            let before = std::mem::take(&mut naming.seen);
            naming.rewrite(&mut named);
            if let (FnArg::Receiver(_), [one]) = (input, &naming.seen[..]) {
                receiver = Some(one.clone());
            }
            for lifetime in before {
                naming.see(&lifetime);
            }
            types.push(NamedType { written, named });
        }
        Self { types, fresh: naming.fresh, receiver, seen: naming.seen }
    }

    /// What an elided lifetime of the return type means: the receiver's lifetime, else the only
    /// one.
    fn elided(&self) -> Option<&Lifetime> {
        self.receiver.as_ref().or(match &self.seen[..] {
            [one] => Some(one),
            _ => None,
        })
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

/// The parameter of the function that users call, and its value in the body.
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
