//! `Self` in the signatures of a trait.

use syn::visit_mut::{self, VisitMut};
use syn::{Type, TypePath};

/// The places where a type names `Self`.
#[derive(Default)]
pub(crate) struct Uses {
    /// `Self` itself.
    pub(crate) bare: Option<TypePath>,
    /// `Self::Name`.
    pub(crate) short: Vec<TypePath>,
    /// `<Self as Trait>::Name`.
    pub(crate) long: Vec<TypePath>,
}

impl Uses {
    pub(crate) fn of(ty: &Type) -> Self {
        let mut uses = Self::default();
        uses.visit_type_mut(&mut ty.clone());
        uses
    }
}

fn begins_with_self(path: &TypePath) -> bool {
    path.qself.is_none() && path.path.segments.first().is_some_and(|s| s.ident == "Self")
}

impl VisitMut for Uses {
    fn visit_type_path_mut(&mut self, ty: &mut TypePath) {
        if begins_with_self(ty) {
            if ty.path.segments.len() == 1 {
                self.bare.get_or_insert_with(|| ty.clone());
            } else {
                self.short.push(ty.clone());
            }
            return;
        }
        let is_bare_self = |of: &Type| match of {
            Type::Path(path) => begins_with_self(path) && path.path.segments.len() == 1,
            _ => false,
        };
        if ty.qself.as_ref().is_some_and(|qself| qself.position > 0 && is_bare_self(&qself.ty)) {
            self.long.push(ty.clone());
            visit_mut::visit_path_mut(self, &mut ty.path);
            return;
        }
        visit_mut::visit_type_path_mut(self, ty);
    }
}
