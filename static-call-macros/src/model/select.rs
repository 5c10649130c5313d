//! Candidates of a choice, and the names that they get.

use proc_macro2::Ident;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Expr, parse_quote};

use super::Function;
use crate::features::Arch;
use crate::parse::Candidate;
use crate::types;

impl Candidate {
    /// The architectures that have all of its features.
    pub(crate) fn architectures(&self) -> Vec<Arch> {
        let has_all = |arch: &Arch| self.features.iter().all(|feature| arch.has(&feature.name));
        Arch::ALL.into_iter().filter(has_all).collect()
    }

    /// What says where it exists: on its architectures, and where its user wants it.
    pub(crate) fn cfgs(&self) -> Vec<Attribute> {
        let targets = self.architectures().into_iter().flat_map(Arch::targets);
        let targets = targets.map(|target| quote!(target_arch = #target));
        let mut cfgs: Vec<Attribute> = vec![parse_quote!(#[cfg(any(#(#targets),*))])];
        cfgs.extend(self.attrs.iter().cloned());
        cfgs
    }

    /// The last name of its path, without `r#`.
    fn plain_name(&self) -> String {
        self.name().map(|name| name.unraw().to_string()).unwrap_or_default()
    }
}

impl Function {
    /// The candidates of the choice that the default is.
    pub(crate) fn candidates(&self) -> &[Candidate] {
        self.select.as_ref().map_or(&[], |select| &select.candidates)
    }

    /// The static that holds the record of the body, where that is not the default.
    pub(crate) fn body_record(&self) -> Ident {
        format_ident!("{}_BODY", self.record())
    }

    /// The static that holds the record of a candidate.
    pub(crate) fn candidate_record(&self, candidate: &Candidate) -> Ident {
        format_ident!("{}_SELECT_{}", self.record(), candidate.plain_name())
    }

    /// The shim of a candidate.
    pub(crate) fn candidate_shim_name(&self, candidate: &Candidate) -> Ident {
        format_ident!("__select_{}", candidate.plain_name())
    }

    /// The function that forces a candidate.
    pub(crate) fn force(&self, candidate: &Candidate) -> Ident {
        let name = candidate.plain_name();
        let span = candidate.name().map_or_else(proc_macro2::Span::call_site, Ident::span);
        match &self.owner {
            None => format_ident!("force_{name}", span = span),
            Some(_) => format_ident!("force_{}_{name}", self.name(), span = span),
        }
    }

    /// The candidate's path, from outside of the `impl` block.
    pub(crate) fn candidate_path(&self, candidate: &Candidate) -> Expr {
        let path = Expr::Path(candidate.path.clone());
        match &self.owner {
            Some(owner) => types::expression_with_owner(path, &owner.erased()),
            None => path,
        }
    }
}
