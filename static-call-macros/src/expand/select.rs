//! A default that is a choice by the features of the processor: a record and a shim for each
//! candidate, the choice, and the resolver that makes it at the first call.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use super::key::Place;
use crate::model::{Function, local};
use crate::parse::Candidate;
use crate::text;

impl Function {
    /// Name of the shim that the slot leads to at first, and what the record of the default says
    /// besides.
    pub(super) fn first(&self) -> (TokenStream, Option<TokenStream>) {
        let marker = self.marker();
        match self.select {
            Some(_) => (quote!(__resolve), Some(quote!(.with_choice(#marker::__choose)))),
            None => (quote!(__default), None),
        }
    }

    /// The candidates, the choice and the resolver.
    pub(super) fn selection(&self) -> Option<TokenStream> {
        self.select.as_ref()?;
        let (sc, krate, marker) = (self.private(), &self.krate, self.marker());
        let (record, body_record) = (self.record(), self.body_record());
        let name = self.full_name();
        let cfgs: Vec<_> = self.cfgs().collect();
        let lints: Vec<_> = self.lints().collect();
        let deprecated = self.deprecated();
        let lifetimes = self.lifetimes_at(Place::Outside);
        let names = self.argument_names();
        let types = self.abi_types(Place::Outside);
        let output = self.output_at(Place::Outside);
        let target = local("target");
        let records: TokenStream = self.candidates().iter().map(|c| self.candidate(c)).collect();
        let shims = self.candidates().iter().map(|c| self.candidate_shim(c));
        let tests = self.candidates().iter().map(|candidate| {
            let cfgs = candidate.cfgs();
            let features = candidate.features.iter().map(|feature| &feature.name);
            let record = self.candidate_record(candidate);
            quote! {
                #(#cfgs)*
                if #krate::__has_features!(#(#features),*) {
                    return &#record;
                }
            }
        });
        Some(quote! {
            #(#cfgs)*
            #[allow(non_upper_case_globals)]
            static #body_record: #sc::TargetRecord = #sc::TargetRecord::new(
                #marker::__default as *const (),
                || #sc::core::concat!(#sc::core::module_path!(), "::", #name),
            );

            #records

            #(#cfgs)*
            #(#lints)*
            #[allow(improper_ctypes_definitions #deprecated)]
            impl #marker {
                fn __choose() -> &'static #sc::TargetRecord {
                    #(#tests)*
                    &#body_record
                }

                unsafe extern "C-unwind" fn __resolve<#(#lifetimes),*>(
                    #(#names: #types),*
                ) -> #output {
                    #sc::KeyRecord::choose(&#record);
                    let #target = #sc::KeyRecord::entry(&#record);
                    let #target = unsafe {
                        #sc::core::mem::transmute::<
                            *mut (),
                            unsafe extern "C-unwind" fn(#(#types),*) -> #output,
                        >(#target)
                    };
                    unsafe { #target(#(#names),*) }
                }

                #(#shims)*
            }
        })
    }

    /// The record of a candidate.
    fn candidate(&self, candidate: &Candidate) -> TokenStream {
        let (sc, marker) = (self.private(), self.marker());
        let (record, shim) =
            (self.candidate_record(candidate), self.candidate_shim_name(candidate));
        let (path, because) = (self.candidate_path(candidate), candidate.because());
        let cfgs: Vec<_> = self.cfgs().collect();
        let own_cfgs = candidate.cfgs();
        quote! {
            #(#cfgs)*
            #(#own_cfgs)*
            #[allow(non_upper_case_globals, deprecated)]
            static #record: #sc::TargetRecord = #sc::TargetRecord::new(
                #marker::#shim as *const (),
                || #sc::type_name_of(|| #path),
            )
            .with_type(|| #sc::type_of(|| #path))
            .with_features(#because);
        }
    }

    /// Calls a candidate, with its features. Not `unsafe`, so that the compiler sees to it that they
    /// are all that the candidate needs.
    fn candidate_shim(&self, candidate: &Candidate) -> TokenStream {
        let shim = self.candidate_shim_name(candidate);
        let path = self.candidate_path(candidate);
        let cfgs = candidate.cfgs();
        let features: Vec<_> = candidate.features.iter().map(|f| f.name.as_str()).collect();
        let features = features.join(",");
        let lifetimes = self.lifetimes_at(Place::Outside);
        let names = self.argument_names();
        let types = self.abi_types(Place::Outside);
        let output = self.output_at(Place::Outside);
        let receiving = self.receiving();
        // Where the candidate stands, so that type errors show it.
        let at = candidate.path.path.segments.last().map(|s| s.ident.span());
        let at = at.unwrap_or_else(Span::call_site).resolved_at(Span::mixed_site());
        let chosen = local("chosen");
        let arguments = names.iter().map(|name| Ident::new(&name.to_string(), at));
        let chosen_at = Ident::new(&chosen.to_string(), at);
        let call = quote_spanned!(at=> #chosen_at(#(#arguments),*));
        let call = match candidate.unsafety {
            // The user's own block, and so are the lints about it.
            Some(token) => quote_spanned!(token.span=> #token { #call }),
            None => call,
        };
        quote! {
            #(#cfgs)*
            #[target_feature(enable = #features)]
            extern "C-unwind" fn #shim<#(#lifetimes),*>(#(#names: #types),*) -> #output {
                let #chosen = #path;
                #receiving
                #call
            }
        }
    }

    /// The functions that force a candidate, for the enum or the `impl` block.
    pub(super) fn forces(&self) -> TokenStream {
        let (sc, krate, record) = (self.private(), &self.krate, self.record());
        let update_vis = &self.update_vis;
        let name = self.full_name();
        let forces = self.candidates().iter().map(|candidate| {
            let (force, target) = (self.force(candidate), self.candidate_record(candidate));
            let cfgs = candidate.cfgs();
            let path = text::readable(candidate.path.to_token_stream());
            let about = format!("Makes `{name}` call `{path}`, whatever the processor has.");
            let features: Vec<_> =
                candidate.features.iter().map(|f| format!("`{}`", f.name)).collect();
            let promise = format!("1. The processor has {}.", features.join(" and "));
            let of_method = self.owner.iter().flat_map(|_| &self.attrs.cfgs);
            quote! {
                #(#of_method)*
                #(#cfgs)*
                #[allow(dead_code)]
                #[doc = #about]
                ///
                /// # Safety
                ///
                #[doc = #promise]
                ///
                /// # Errors
                ///
                /// As for `update`.
                #update_vis unsafe fn #force()
                    -> #sc::core::result::Result<#krate::Update, #krate::UpdateError>
                {
                    unsafe { #sc::force(&#record, &#target) }
                }
            }
        });
        forces.collect()
    }
}
