//! Traits and their handles.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{
    Expr, Path, TraitItem, TraitItemConst, TraitItemType, Type, TypePath, Visibility,
    WherePredicate, parse_quote,
};

use super::{Function, Owner};
use crate::attributes::Attributes;
use crate::parse::{self, TraitMember, TraitOptions, Trusted};
use crate::self_type::Uses;

/// A trait and its handle.
pub(crate) struct Handle {
    pub(crate) source: parse::Trait,
    pub(crate) options: TraitOptions,
    pub(crate) krate: Path,
    /// The handle's name.
    pub(crate) name: Ident,
    pub(crate) attrs: Attributes,
    pub(crate) methods: Vec<Method>,
}

/// A method of the trait, or a function without a receiver.
pub(crate) struct Method {
    pub(crate) source: parse::Method,
    pub(crate) function: Function,
    /// Whether it has `where Self: Sized` and so is not a static call.
    pub(crate) left_out: bool,
}

/// What a method calls before the first update.
pub(crate) enum DefaultTarget<'a> {
    /// The method of an implementation.
    Implementation(&'a Type),
    /// The body in the trait.
    Body,
    /// Nothing: the method is optional.
    Nothing,
    /// There is none: the call panics.
    Missing,
}

impl Handle {
    pub(super) fn new(mut options: TraitOptions, source: parse::Trait, trusted: &Trusted) -> Self {
        let krate = trusted.krate.clone();
        let name = options.handle.take().unwrap_or_else(|| {
            let ident = &source.ident;
            format_ident!("Static{}", ident, span = ident.span())
        });
        let attrs = Attributes::new(&source.attrs);
        let owner = Owner {
            ty: parse_quote!(#name),
            lifetimes: Vec::new(),
            cfgs: attrs.cfgs.clone(),
            lints: attrs.lints.clone(),
            name: name.to_string(),
            of_trait: Some(source.ident.clone()),
        };
        let methods = source.items.iter().filter_map(|member| match member {
            TraitMember::Method(method) => {
                let mut function = method.function.clone();
                function.vis = source.vis.clone();
                let options = parse::Options::default();
                let mut function = Function::new(options, function, trusted, Some(owner.clone()));
                function.attrs.deprecated |= attrs.deprecated;
                let left_out = is_for_sized(&function);
                Some(Method { source: (**method).clone(), function, left_out })
            }
            TraitMember::Item(_) => None,
        });
        let methods = methods.collect();
        Self { source, options, krate, name, attrs, methods }
    }

    /// The methods that are static calls.
    pub(crate) fn switched(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter().filter(|method| !method.left_out)
    }

    /// Whether implementations need an instance.
    pub(crate) fn needs_instance(&self) -> bool {
        self.switched().any(|method| method.function.source.sig.receiver().is_some())
    }

    /// The associated types of the trait.
    pub(crate) fn types(&self) -> impl Iterator<Item = &TraitItemType> {
        self.items().filter_map(|item| match item {
            TraitItem::Type(item) => Some(item),
            _ => None,
        })
    }

    /// The associated constants of the trait.
    pub(crate) fn consts(&self) -> impl Iterator<Item = &TraitItemConst> {
        self.items().filter_map(|item| match item {
            TraitItem::Const(item) => Some(item),
            _ => None,
        })
    }

    /// Everything in the trait that is not a method.
    pub(crate) fn items(&self) -> impl Iterator<Item = &TraitItem> {
        self.source.items.iter().filter_map(|member| match member {
            TraitMember::Item(item) => Some(&**item),
            TraitMember::Method(_) => None,
        })
    }

    /// The associated type's value in the attribute.
    pub(crate) fn type_of(&self, name: &Ident) -> Option<&Type> {
        self.options.types.iter().find(|(n, _)| n == name).map(|(_, ty)| ty)
    }

    /// The associated constant's type and value in the attribute.
    pub(crate) fn const_of(&self, name: &Ident) -> Option<(&Type, &Expr)> {
        self.options.consts.iter().find(|(n, ..)| n == name).map(|(_, ty, expr)| (ty, expr))
    }

    /// Who may switch the methods.
    pub(crate) fn update_vis(&self) -> &Visibility {
        self.options.update.as_ref().unwrap_or(&self.source.vis)
    }

    /// The type that names the handle in a batch: the handle, unless `update` has its own
    /// visibility.
    pub(crate) fn switch(&self) -> Ident {
        match &self.options.update {
            Some(_) => format_ident!("{}Keys", self.name),
            None => self.name.clone(),
        }
    }

    /// A name for the type parameter of an implementation that hides no type of the trait.
    pub(crate) fn parameter(&self) -> Ident {
        let signatures = self.methods.iter().map(|m| m.function.source.sig.to_token_stream());
        let types = self.options.types.iter().map(|(_, ty)| ty.to_token_stream());
        let where_clause = self.source.generics.where_clause.to_token_stream();
        let names = [self.name.to_token_stream(), self.source.ident.to_token_stream()];
        super::names::free_name("I", signatures.chain(types).chain([where_clause]).chain(names))
    }

    /// Whether a method does nothing by default.
    pub(crate) fn is_hook(&self, method: &Method) -> bool {
        matches!(self.default_of(method), DefaultTarget::Nothing)
    }

    /// What a method calls before the first update.
    pub(crate) fn default_of(&self, method: &Method) -> DefaultTarget<'_> {
        match &self.options.default {
            Some(ty) => DefaultTarget::Implementation(ty),
            None if method.source.optional.is_some() => DefaultTarget::Nothing,
            None if method.function.source.body.is_some() => DefaultTarget::Body,
            None => DefaultTarget::Missing,
        }
    }

    /// The trait that holds copies of the default bodies.
    pub(crate) fn originals(&self) -> Ident {
        format_ident!("__static_call_{}_originals", self.name)
    }

    /// Types of other traits in signatures: `<Self as Trait>::Name`.
    pub(crate) fn foreign_types(&self) -> Vec<TypePath> {
        let mut found: Vec<TypePath> = Vec::new();
        for ty in self.switched().flat_map(|method| method.function.written_types()) {
            for path in Uses::of(&ty).long {
                let is_known =
                    path.path.segments.first().is_some_and(|s| s.ident == self.source.ident)
                        || found.iter().any(|p| {
                            p.to_token_stream().to_string() == path.to_token_stream().to_string()
                        });
                if !is_known {
                    found.push(path);
                }
            }
        }
        found
    }

    /// The bounds on an implementation called `parameter`.
    pub(crate) fn bounds(&self, parameter: &TokenStream) -> TokenStream {
        let krate = &self.krate;
        let instance = self.needs_instance().then(|| quote!(, #parameter: #krate::Instance));
        let own = self.bounds_without_instance(parameter);
        quote!(#own #instance)
    }

    /// The bounds without that on the instance.
    pub(crate) fn bounds_without_instance(&self, parameter: &TokenStream) -> TokenStream {
        let (of_trait, name) = (&self.source.ident, &self.name);
        let types = self.options.types.iter().map(|(name, ty)| quote!(#name = #ty));
        let mut types = types.peekable();
        let arguments = types.peek().is_some().then(|| quote!(<#(#types),*>));
        let foreign = self.foreign_types().into_iter().map(|path| {
            let position = path.qself.as_ref().map_or(0, |qself| qself.position);
            let of_trait = path.path.segments.iter().take(position);
            let leading = path.path.leading_colon;
            let rest: Vec<_> = path.path.segments.iter().skip(position).collect();
            let of_trait = quote!(#leading #(#of_trait)::*);
            // `Trait<Name = Type>`; the trait may already have arguments.
            bound_with(&of_trait, &quote!(#(#rest)::* = <#name as #of_trait>::#(#rest)::*))
        });
        quote!(#parameter: #of_trait #arguments + 'static #(, #parameter: #foreign)*)
    }
}

/// Adds an argument to the trait's angle brackets.
fn bound_with(of_trait: &TokenStream, argument: &TokenStream) -> TokenStream {
    let Ok(mut path) = syn::parse2::<Path>(of_trait.clone()) else { return of_trait.clone() };
    let Some(last) = path.segments.last_mut() else { return of_trait.clone() };
    let ident = &last.ident;
    *last = match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => {
            let arguments = arguments.args.iter();
            parse_quote!(#ident<#(#arguments,)* #argument>)
        }
        _ => parse_quote!(#ident<#argument>),
    };
    path.to_token_stream()
}

/// Whether a method has `where Self: Sized`.
fn is_for_sized(f: &Function) -> bool {
    let Some(clause) = &f.source.sig.generics.where_clause else { return false };
    clause.predicates.iter().any(|predicate| {
        let WherePredicate::Type(predicate) = predicate else { return false };
        let is_sized = |bound: &syn::TypeParamBound| match bound {
            syn::TypeParamBound::Trait(bound) => {
                bound.path.segments.last().is_some_and(|last| last.ident == "Sized")
            }
            _ => false,
        };
        matches!(&predicate.bounded_ty, Type::Path(path) if path.path.is_ident("Self"))
            && predicate.bounds.iter().any(is_sized)
    })
}

impl Function {
    /// The types of the arguments without the receiver, and of the result, as written.
    pub(crate) fn written_types(&self) -> Vec<Type> {
        let sig = &self.source.sig;
        let inputs = sig.inputs.iter().filter_map(|input| match input {
            syn::FnArg::Typed(typed) => Some((*typed.ty).clone()),
            syn::FnArg::Receiver(_) => None,
        });
        let output = match &sig.output {
            syn::ReturnType::Type(_, ty) => Some((**ty).clone()),
            syn::ReturnType::Default => None,
        };
        inputs.chain(output).collect()
    }

    /// Whether the function returns nothing.
    pub(crate) fn returns_unit(&self) -> bool {
        match &self.source.sig.output {
            syn::ReturnType::Default => true,
            syn::ReturnType::Type(_, ty) => {
                matches!(crate::types::bare(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
            }
        }
    }

    /// Whether the function returns an `Option`.
    pub(crate) fn returns_option(&self) -> bool {
        let syn::ReturnType::Type(_, ty) = &self.source.sig.output else { return false };
        let Type::Path(path) = crate::types::bare(ty) else { return false };
        let has_one_argument = |arguments: &syn::PathArguments| match arguments {
            syn::PathArguments::AngleBracketed(arguments) => arguments.args.len() == 1,
            _ => false,
        };
        path.qself.is_none()
            && path
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == "Option" && has_one_argument(&last.arguments))
    }
}
