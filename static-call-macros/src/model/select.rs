//! The candidates of `select` and their names.

use proc_macro2::Ident;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Expr, parse_quote};

use super::Function;
use crate::cpu_features::Arch;
use crate::parse::Candidate;
use crate::types;

impl Candidate {
    /// The architectures that have all its features.
    pub(crate) fn architectures(&self) -> Vec<Arch> {
        let has_all = |arch: &Arch| self.features.iter().all(|feature| arch.has(&feature.name));
        Arch::ALL.into_iter().filter(has_all).collect()
    }

    /// Its `cfg` attributes: its architectures, and those that the user wrote.
    pub(crate) fn cfgs(&self) -> Vec<Attribute> {
        let targets = self.architectures().into_iter().flat_map(Arch::targets);
        let targets = targets.map(|target| quote!(target_arch = #target));
        let mut cfgs: Vec<Attribute> = vec![parse_quote!(#[cfg(any(#(#targets),*))])];
        cfgs.extend(self.attrs.iter().cloned());
        cfgs
    }

    /// Whether one program can have both. Attributes may exclude one where the other exists.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let architectures = self.architectures();
        self.attrs.is_empty()
            && other.attrs.is_empty()
            && other.architectures().iter().any(|arch| architectures.contains(arch))
    }

    /// The last name of its path, without `r#`.
    fn plain_name(&self) -> String {
        self.name().map(|name| name.unraw().to_string()).unwrap_or_default()
    }

    /// The last two names of its path, or only the last after a keyword.
    fn long_name(&self) -> String {
        let parent = self.path.path.segments.iter().rev().nth(1).map(|s| s.ident.unraw());
        let parent = parent.map(|name| name.to_string()).unwrap_or_default();
        match parent.as_str() {
            "" | "crate" | "self" | "super" | "Self" => self.plain_name(),
            _ => format!("{parent}_{}", self.plain_name()),
        }
    }
}

impl Function {
    /// The candidates of `select`.
    pub(crate) fn candidates(&self) -> &[Candidate] {
        self.select.as_ref().map_or(&[], |select| &select.candidates)
    }

    /// The part of generated names that comes from a candidate: the last name of its path, after
    /// that of the module if two are the same (`avx2::find`, `sse2::find`).
    pub(crate) fn candidate_name(&self, candidate: &Candidate) -> String {
        let name = candidate.plain_name();
        let mut others = self.candidates().iter().filter(|other| !std::ptr::eq(*other, candidate));
        if others.any(|other| other.meets(candidate) && other.plain_name() == name) {
            candidate.long_name()
        } else {
            name
        }
    }

    /// The static that holds the record of the body, if that is not the default.
    pub(crate) fn body_record(&self) -> Ident {
        format_ident!("{}_BODY", self.record())
    }

    /// The static that holds the record of a candidate.
    pub(crate) fn candidate_record(&self, candidate: &Candidate) -> Ident {
        format_ident!("{}_SELECT_{}", self.record(), self.candidate_name(candidate))
    }

    /// The name of a candidate's shim.
    pub(crate) fn candidate_shim_name(&self, candidate: &Candidate) -> Ident {
        format_ident!("__select_{}", self.candidate_name(candidate))
    }

    /// The function that forces a candidate.
    pub(crate) fn force(&self, candidate: &Candidate) -> Ident {
        let name = self.candidate_name(candidate);
        let span = candidate.name().map_or_else(proc_macro2::Span::call_site, Ident::span);
        match &self.owner {
            None => format_ident!("force_{name}", span = span),
            Some(_) => format_ident!("force_{}_{name}", self.name(), span = span),
        }
    }

    /// The candidate's path, from outside the `impl` block.
    pub(crate) fn candidate_path(&self, candidate: &Candidate) -> Expr {
        let path = Expr::Path(candidate.path.clone());
        match &self.owner {
            Some(owner) => types::expression_with_owner(path, &owner.erased()),
            None => path,
        }
    }
}
