//! Only rejects: reports every error at the token that causes it, with the fix.

mod call;
mod handle;
mod select;

pub(crate) use call::call;

use proc_macro2::Span;
use quote::ToTokens;
use syn::visit_mut::VisitMut;
use syn::{Error, FnArg, Generics, Result, ReturnType, Type, TypeImplTrait};

use crate::errors::Errors;
use crate::model::{self, Function, Impl, Item, Output};
use crate::parse::Member;
use crate::types;

/// Rejects an item that cannot be made switchable.
pub(crate) fn item(item: &Item) -> Result<()> {
    let mut errors = Errors::default();
    match item {
        Item::Function(f) if f.is_in_plain_impl() => errors.at(
            f.source
                .sig
                .receiver()
                .map_or(f.source.sig.ident.to_token_stream(), |r| r.self_token.to_token_stream()),
            "`#[static_call]` on a method needs `#[static_call]` on its `impl` block too",
        ),
        Item::Function(f) => function(f, &mut errors),
        Item::Impl(block) => implementation(block, &mut errors),
        Item::Trait(handle) => handle::handle(handle, &mut errors),
        Item::Other(other) => errors.at(
            &other.keyword,
            format!(
                "`#[static_call]` applies to functions, traits, and `impl` blocks and their \
                 functions, not to a `{}`",
                other.keyword
            ),
        ),
    }
    errors.finish()
}

fn implementation(block: &Impl, errors: &mut Errors) {
    let source = &block.source;
    errors.extend(&block.option_errors);
    if let Some(keys) = &block.keys {
        errors.at(keys, "`keys` names the constant of one function: put it on that function");
    }
    if let Some(select) = &block.select {
        errors.at(
            &select.keyword,
            "`select` chooses the default of one function: put it on that function",
        );
    }
    if let Some((path, _)) = &source.of_trait {
        errors.at(
            path,
            "put `#[static_call]` on the trait instead: its handle switches to this type with \
             `update::<Type>()`",
        );
        return;
    }
    if !matches!(types::bare(&source.self_ty), Type::Path(_)) {
        errors.at(
            &source.self_ty,
            "a static call needs an `impl` block of a named type: write a free function instead",
        );
    }
    type_macro(&source.self_ty, errors);
    generics(
        &source.generics,
        "a method of a generic type has no single signature: write the `impl` block for one type, \
         as in `impl Type<u32>`",
        errors,
    );
    members(&source.items, errors);
    for f in &block.functions {
        function(f, errors);
        if f.name_is_taken {
            errors.at(
                &f.source.sig.ident,
                format!(
                    "the name `{}` of the key is taken: choose another with `#[static_call(keys = \
                     NAME)]`",
                    f.keys
                ),
            );
        }
    }
}

/// Rejects `#[static_call]` on anything but functions, and a block without any.
fn members(members: &[Member], errors: &mut Errors) {
    let mut found = false;
    for member in members {
        match member {
            Member::Key(..) => found = true,
            Member::Misplaced(attr, _) => {
                found = true;
                errors.at(
                    attr,
                    "in an `impl` block, `#[static_call]` applies only to functions: remove it \
                     here",
                );
            }
            Member::Item(_) => {}
        }
    }
    if !found {
        errors.add(Error::new(
            Span::call_site(),
            "no function in this block has `#[static_call]`: put it on each function that should \
             be switchable",
        ));
    }
}

/// Rejects type and const parameters, else bounds. Reports one error, as one fix covers all.
fn generics(generics: &Generics, advice: &str, errors: &mut Errors) {
    if let Some(parameter) = model::type_parameters(generics).next() {
        errors.at(parameter, advice);
        return;
    }
    let bound = "the lifetimes of a static call cannot have bounds: remove the bound, or use one \
                 lifetime for both";
    if let Some(parameter) = generics.lifetimes().find(|p| !p.bounds.is_empty()) {
        errors.at(parameter, bound);
        return;
    }
    let predicates = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    if let Some(predicate) = predicates.into_iter().next() {
        let message = match predicate {
            syn::WherePredicate::Lifetime(_) => bound,
            _ => "a static call has no generic parameters to bound: remove the `where` clause",
        };
        errors.at(predicate, message);
    }
}

fn function(f: &Function, errors: &mut Errors) {
    qualifiers(f, errors);
    generics(
        &f.source.sig.generics,
        "a static call has one signature: write a function for each type, or take `&dyn Trait`",
        errors,
    );
    arguments(f, errors);
    select::select(f, errors);
    match &f.source.sig.output {
        ReturnType::Type(_, written)
            if f.source.body.is_none() && !f.returns_unit() && !f.returns_option() =>
        {
            errors.at(
                written,
                "a function without a body does nothing, so it can return only `()` or an `Option` \
                 (`None`): return one of these, or write a body",
            );
        }
        _ => output(f, errors),
    }
}

/// Rejects options, attributes and qualifiers that a static call cannot have.
fn qualifiers(f: &Function, errors: &mut Errors) {
    let sig = &f.source.sig;
    errors.extend(&f.option_errors);
    errors.extend(&f.attrs.errors);
    if let Some(token) = &sig.constness {
        errors.at(
            token,
            "a static call cannot run at compile time: remove `const`, or call a separate `const \
             fn` from here",
        );
    }
    if let Some(token) = &sig.asyncness {
        errors.at(
            token,
            "each `async fn` returns a type of its own, so no other can replace it: write `fn .. \
             -> Pin<Box<dyn Future<Output = ..>>>`",
        );
    }
    if let Some(abi) = &sig.abi {
        errors.at(
            abi,
            "a static call uses the Rust ABI: remove `extern`, and call this from an `extern` \
             function",
        );
    }
    if let Some(variadic) = &sig.variadic {
        errors.at(variadic, "a static call has a fixed number of arguments: take a slice instead");
    }
}

fn arguments(f: &Function, errors: &mut Errors) {
    for (input, argument) in f.source.sig.inputs.iter().zip(&f.arguments) {
        let attrs = match input {
            FnArg::Receiver(receiver) => &receiver.attrs,
            FnArg::Typed(typed) => &typed.attrs,
        };
        for attr in attrs {
            if attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr") {
                errors.at(
                    attr,
                    "an argument of a static call cannot have a `cfg`: write the function twice, \
                     each with its own `cfg`",
                );
            }
        }
        type_macro(&argument.types.inside, errors);
        if let Some(token) = impl_trait(&argument.types.inside) {
            errors.at(
                token,
                "a static call has one signature: name the type, or take `&dyn Trait` or `Box<dyn \
                 Trait>`",
            );
        }
        if is_wide_vector(&argument.types.inside) {
            errors.at(
                &argument.types.inside,
                "a wide vector cannot be passed to a static call by value: take a reference",
            );
        }
    }
}

fn output(f: &Function, errors: &mut Errors) {
    let ReturnType::Type(_, written) = &f.source.sig.output else { return };
    let Output::Type(types) = &f.output else { return };
    type_macro(written, errors);
    if let Some(token) = impl_trait(written) {
        errors.at(token, "a static call has one return type: name it, or return `Box<dyn Trait>`");
        return;
    }
    if is_wide_vector(written) {
        errors.at(
            written,
            "a static call cannot return a wide vector by value: return an array, or write to a \
             `&mut` argument",
        );
    }
    if f.owner.as_ref().is_some_and(|owner| owner.of_trait.is_some()) {
        // Targets have no bound that would have to name it.
        return;
    }
    let lifetimes: Vec<_> = f.all_lifetimes().cloned().collect();
    for lifetime in types::named(&types.outside, &lifetimes) {
        let is_constrained =
            |a: &model::Argument| types::named(&a.types.outside, &lifetimes).contains(&lifetime);
        if !f.arguments.iter().any(is_constrained) {
            let message = "a lifetime in the return type must also appear in an argument: use it \
                           there, or return `'static`";
            match types::named(written, &lifetimes).into_iter().find(|l| *l == lifetime) {
                Some(own) => errors.at(own, message),
                None => errors.at(written, message),
            }
            return;
        }
    }
}

/// Rejects macros in a type. The type is written in several places that must agree, and the
/// compiler does not check the caller of a trampoline against its target.
fn type_macro(ty: &Type, errors: &mut Errors) {
    struct Finding(Option<syn::Path>);
    impl VisitMut for Finding {
        fn visit_macro_mut(&mut self, found: &mut syn::Macro) {
            self.0.get_or_insert_with(|| found.path.clone());
        }
    }
    let mut finding = Finding(None);
    finding.visit_type_mut(&mut ty.clone());
    if let Some(path) = finding.0 {
        errors.at(
            path,
            "a macro in the signature is expanded several times, perhaps to different types: \
             define `type Name = ..;` and use that",
        );
    }
}

/// The first `impl Trait` in a type.
fn impl_trait(ty: &Type) -> Option<TypeImplTrait> {
    struct Finding(Option<TypeImplTrait>);
    impl VisitMut for Finding {
        fn visit_type_impl_trait_mut(&mut self, ty: &mut TypeImplTrait) {
            self.0.get_or_insert_with(|| ty.clone());
        }
    }
    let mut finding = Finding(None);
    finding.visit_type_mut(&mut ty.clone());
    finding.0
}

/// Whether the type is a vector of more than 16 bytes.
fn is_wide_vector(ty: &Type) -> bool {
    match types::bare(ty) {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            name.starts_with("__m256") || name.starts_with("__m512")
        }),
        _ => false,
    }
}
