//! Rewrites types for the places where generated code names them: replaces `Self`, names elided
//! lifetimes, erases lifetimes.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{BoundLifetimes, parse_quote, parse_quote_spanned};
use syn::{
    Expr, Lifetime, ParenthesizedGenericArguments, ReturnType, Type, TypeFnPtr, TypeReference,
};

/// Whether any identifier in the tokens is `wanted`.
pub(crate) fn any_ident(tokens: &TokenStream, wanted: &dyn Fn(&Ident) -> bool) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => any_ident(&group.stream(), wanted),
        TokenTree::Ident(ident) => wanted(&ident),
        _ => false,
    })
}

/// Whether a `+` after the type would add a bound to its trait object.
pub(crate) fn ends_in_bounds(ty: &Type) -> bool {
    match ty {
        Type::TraitObject(_) | Type::ImplTrait(_) => true,
        Type::Reference(reference) => ends_in_bounds(&reference.elem),
        Type::Ptr(pointer) => ends_in_bounds(&pointer.elem),
        Type::FnPtr(function) => match &function.output {
            ReturnType::Type(_, output) => ends_in_bounds(output),
            ReturnType::Default => false,
        },
        Type::Group(group) => ends_in_bounds(&group.elem),
        _ => false,
    }
}

/// Names the elided lifetimes that are visible: `&T` and `'_`.
///
/// Function pointers and `Fn(&T)` bounds are skipped: they bind their own.
pub(crate) struct Naming {
    /// The new lifetimes.
    pub(crate) fresh: Vec<Lifetime>,
    /// The distinct lifetimes, old and new.
    pub(crate) seen: Vec<Lifetime>,
    prefix: String,
}

impl Naming {
    /// The new names begin with `prefix`, after as many underscores as make them new in `scope`.
    pub(crate) fn new(prefix: &str, scope: impl IntoIterator<Item = TokenStream>) -> Self {
        let scope: TokenStream = scope.into_iter().collect();
        let mut prefix = format!("__{prefix}");
        while any_ident(&scope, &|ident| ident.to_string().starts_with(&prefix)) {
            prefix.insert(0, '_');
        }
        Self { fresh: Vec::new(), seen: Vec::new(), prefix }
    }

    fn make(&mut self) -> Lifetime {
        let name = format!("'{}{}", self.prefix, self.fresh.len());
        let lifetime = Lifetime::new(&name, Span::call_site());
        self.fresh.push(lifetime.clone());
        lifetime
    }

    pub(crate) fn see(&mut self, lifetime: &Lifetime) {
        if !self.seen.contains(lifetime) {
            self.seen.push(lifetime.clone());
        }
    }
}

impl Elided for Naming {
    fn elided(&mut self) -> Option<Lifetime> {
        Some(self.make())
    }

    fn visible(&mut self, lifetime: &Lifetime) {
        self.see(lifetime);
    }
}

/// Replaces every elided lifetime with the same one, for return types.
pub(crate) struct Filling<'a> {
    /// That lifetime, if it is known.
    pub(crate) with: Option<&'a Lifetime>,
    /// Whether any lifetime was elided.
    pub(crate) found: bool,
}

impl Elided for Filling<'_> {
    fn elided(&mut self) -> Option<Lifetime> {
        self.found = true;
        self.with.cloned()
    }
}

/// What to do with the visible lifetimes of a type.
pub(crate) trait Elided: Sized {
    /// What replaces an elided lifetime; `None` leaves it elided.
    fn elided(&mut self) -> Option<Lifetime>;

    /// Called for each visible lifetime, once it has a name.
    fn visible(&mut self, _: &Lifetime) {}

    /// Rewrites the type.
    fn rewrite(&mut self, ty: &mut Type) {
        Visible(self).visit_type_mut(ty);
    }
}

/// Visits the visible lifetimes of a type.
struct Visible<'a, T>(&'a mut T);

impl<T: Elided> VisitMut for Visible<'_, T> {
    fn visit_type_reference_mut(&mut self, ty: &mut TypeReference) {
        if ty.lifetime.is_none() {
            ty.lifetime = self.0.elided();
        }
        visit_mut::visit_type_reference_mut(self, ty);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            if let Some(named) = self.0.elided() {
                *lifetime = named;
            }
        }
        self.0.visible(lifetime);
    }

    fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {
    }
    fn visit_bound_lifetimes_mut(&mut self, _: &mut BoundLifetimes) {}
    fn visit_expr_mut(&mut self, _: &mut Expr) {}
}

/// Replaces lifetimes with `'_`, for expressions in anonymous constants.
struct Erasing<'a>(&'a [Lifetime]);

impl VisitMut for Erasing<'_> {
    fn visit_type_reference_mut(&mut self, ty: &mut TypeReference) {
        if ty.lifetime.as_ref().is_some_and(|l| self.0.contains(l)) {
            ty.lifetime = None;
        }
        visit_mut::visit_type_reference_mut(self, ty);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if self.0.contains(lifetime) {
            *lifetime = Lifetime::new("'_", lifetime.span());
        }
    }
}

/// The type with `'_` in place of `lifetimes`.
pub(crate) fn erased(ty: &Type, lifetimes: &[Lifetime]) -> Type {
    let mut ty = ty.clone();
    Erasing(lifetimes).visit_type_mut(&mut ty);
    ty
}

/// Replaces `Self`, which nested items cannot name.
struct Replacing<'a> {
    owner: &'a Type,
    /// The trait that has `Self::Name`.
    of_trait: Option<&'a Ident>,
    /// The owner without named lifetimes, for constants.
    erased: Type,
}

impl VisitMut for Replacing<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::Path(path) if path.qself.is_none() && begins_with_self(&path.path) => {
                let owner = self.owner;
                let of_trait = self.of_trait.map(|name| quote!(as #name));
                let rest = path.path.segments.iter().skip(1);
                *ty = if path.path.segments.len() == 1 {
                    owner.clone()
                } else {
                    parse_quote!(<#owner #of_trait> #(::#rest)*)
                };
            }
            ty => visit_mut::visit_type_mut(self, ty),
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Path(path)
                if path.qself.is_none()
                    && path.path.segments.len() > 1
                    && begins_with_self(&path.path) =>
            {
                let owner = &self.erased;
                let of_trait = self.of_trait.map(|name| quote!(as #name));
                let rest = path.path.segments.iter().skip(1);
                // With the span of `Self`: a constant function can see the location of its call,
                // which must be the same everywhere.
                let at = path.path.segments[0].ident.span();
                *expr = parse_quote_spanned!(at=> <#owner #of_trait> #(::#rest)*);
            }
            expr => visit_mut::visit_expr_mut(self, expr),
        }
    }
}

fn begins_with_self(path: &syn::Path) -> bool {
    path.leading_colon.is_none() && path.segments[0].ident == "Self"
}

/// The type with `owner` in place of `Self`.
pub(crate) fn with_owner(
    ty: &Type,
    owner: &Type,
    of_trait: Option<&Ident>,
    lifetimes: &[Lifetime],
) -> Type {
    let mut ty = ty.clone();
    Replacing { owner, of_trait, erased: erased(owner, lifetimes) }.visit_type_mut(&mut ty);
    ty
}

/// The expression with `owner`, which names no lifetimes, in place of `Self`.
pub(crate) fn expression_with_owner(mut expr: Expr, owner: &Type) -> Expr {
    Replacing { owner, erased: owner.clone(), of_trait: None }.visit_expr_mut(&mut expr);
    expr
}

/// The type without the invisible groups and parentheses around it.
pub(crate) fn bare(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return ty,
        }
    }
}

const SCALARS: [&str; 16] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32",
    "u64", "u128", "usize",
];

/// Whether a value of the type may be larger than two registers.
pub(crate) fn may_be_large(ty: &Type) -> bool {
    match bare(ty) {
        Type::Reference(_) | Type::Ptr(_) | Type::FnPtr(_) | Type::Never(_) => false,
        Type::Tuple(tuple) => !tuple.elems.is_empty(),
        Type::Path(ty) => {
            let scalar = |ident: &syn::Ident| SCALARS.iter().any(|s| ident == s);
            ty.qself.is_some() || !ty.path.get_ident().is_some_and(scalar)
        }
        _ => true,
    }
}

/// Those of `lifetimes` that the type names.
pub(crate) fn named(ty: &Type, lifetimes: &[Lifetime]) -> Vec<Lifetime> {
    struct Collecting<'a>(&'a [Lifetime], Vec<Lifetime>);
    impl VisitMut for Collecting<'_> {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            if self.0.contains(lifetime) {
                self.1.push(lifetime.clone());
            }
        }
    }
    let mut collecting = Collecting(lifetimes, Vec::new());
    collecting.visit_type_mut(&mut ty.clone());
    collecting.1
}
