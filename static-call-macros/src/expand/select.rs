//! A default chosen by the processor's features: a record and a shim for each candidate, the
//! function that chooses, and the resolver that runs it at the first call.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use super::signature::Place;
use super::{describe_path, target_record, update_result};
use crate::model::{Function, local};
use crate::parse::Candidate;
use crate::signature_text;

impl Function {
    /// The name of the shim that the slot initially points to, and how the description of the
    /// default continues.
    pub(super) fn first(&self) -> (TokenStream, Option<TokenStream>) {
        let marker = self.marker();
        match self.select {
            Some(_) => (quote!(__resolve), Some(quote!(.with_choice(#marker::__choose)))),
            None => (quote!(__default), None),
        }
    }

    /// The candidates, the function that chooses, and the resolver.
    pub(super) fn selection(&self) -> Option<TokenStream> {
        self.select.as_ref()?;
        let (sc, krate, marker) = (self.private(), &self.krate, self.marker());
        let body_record = self.body_record();
        let d = local("description");
        let body = target_record(&sc, &d, &quote!(#d.at(#marker::__default as *const ());));
        let cfgs: Vec<_> = self.cfgs().collect();
        let lints = self.lints();
        let deprecated = self.deprecated();
        let records: TokenStream = self.candidates().iter().map(|c| self.candidate(c)).collect();
        let shims = self.candidates().iter().map(|c| self.candidate_shim(c));
        let tests = self.candidates().iter().map(|candidate| {
            let cfgs = candidate.cfgs();
            let features = candidate.features.iter().map(|feature| &feature.name);
            let record = self.candidate_record(candidate);
            quote! {
                #(#cfgs)*
                if #krate::__has_features!(#(#features),*) {
                    return #record;
                }
            }
        });
        let resolve = self.resolver();
        Some(quote! {
            #(#cfgs)*
            #[allow(non_upper_case_globals)]
            static #body_record: #sc::TargetRecord = #body;

            #records

            #(#cfgs)*
            #(#lints)*
            #[allow(improper_ctypes_definitions #deprecated)]
            impl #marker {
                fn __choose() -> #sc::TargetRecord {
                    #(#tests)*
                    #body_record
                }

                #resolve

                #(#shims)*
            }
        })
    }

    /// The function that chooses at the first call, and calls the chosen target.
    fn resolver(&self) -> TokenStream {
        let (sc, record) = (self.private(), self.record());
        let names = self.argument_names();
        let types = self.abi_types(Place::Outside);
        let output = self.output_at(Place::Outside);
        let target = local("target");
        self.abi_fn(
            &quote!(unsafe extern "C-unwind" fn __resolve),
            None,
            &quote!({
                #sc::KeyRecord::choose(&#record);
                let #target = #sc::KeyRecord::entry(&#record);
                let #target = unsafe {
                    #sc::transmute::<
                        *mut (),
                        unsafe extern "C-unwind" fn(#(#types),*) -> #output,
                    >(#target)
                };
                unsafe { #target(#(#names),*) }
            }),
        )
    }

    /// The record of a candidate.
    fn candidate(&self, candidate: &Candidate) -> TokenStream {
        let (sc, marker) = (self.private(), self.marker());
        let (record, shim) =
            (self.candidate_record(candidate), self.candidate_shim_name(candidate));
        let (path, because) = (self.candidate_path(candidate), candidate.because());
        let cfgs: Vec<_> = self.cfgs().collect();
        let own_cfgs = candidate.cfgs();
        let d = local("description");
        let more = quote!(.with_features(#because));
        let (shim, path) = (quote!(#marker::#shim), path.to_token_stream());
        let target = target_record(&sc, &d, &describe_path(&sc, &d, &shim, &path, &more));
        quote! {
            #(#cfgs)*
            #(#own_cfgs)*
            #[allow(non_upper_case_globals, deprecated)]
            static #record: #sc::TargetRecord = #target;
        }
    }

    /// The shim of a candidate, with the same features. It is not `unsafe`, so that the compiler
    /// checks that the candidate needs no others.
    fn candidate_shim(&self, candidate: &Candidate) -> TokenStream {
        let shim = self.candidate_shim_name(candidate);
        let path = self.candidate_path(candidate);
        let cfgs = candidate.cfgs();
        let features: Vec<_> = candidate.features.iter().map(|f| f.name.as_str()).collect();
        let features = features.join(",");
        let names = self.argument_names();
        let receiving = self.receiving();
        // With the span of the candidate, so that type errors show it.
        let at = candidate.path.path.segments.last().map(|s| s.ident.span());
        let at = at.unwrap_or_else(Span::call_site).resolved_at(Span::mixed_site());
        let chosen = local("chosen");
        let arguments = names.iter().map(|name| Ident::new(&name.to_string(), at));
        let chosen_at = Ident::new(&chosen.to_string(), at);
        let call = quote_spanned!(at=> #chosen_at(#(#arguments),*));
        let call = match candidate.unsafety {
            // The user's own block, so that lints about it apply.
            Some(token) => quote_spanned!(token.span=> #token { #call }),
            None => call,
        };
        let head = quote! {
            #(#cfgs)*
            #[target_feature(enable = #features)]
            extern "C-unwind" fn #shim
        };
        self.abi_fn(&head, None, &quote!({ let #chosen = #path; #receiving #call }))
    }

    /// The functions that force a candidate, for the enum or the `impl` block.
    pub(super) fn forces(&self) -> TokenStream {
        let (sc, result, record) = (self.private(), update_result(&self.krate), self.record());
        let update_vis = &self.update_vis;
        let name = self.full_name();
        let forces = self.candidates().iter().map(|candidate| {
            let (force, target) = (self.force(candidate), self.candidate_record(candidate));
            let cfgs = candidate.cfgs();
            let path = signature_text::readable(candidate.path.to_token_stream());
            let about = format!(
                "Makes all calls to `{name}` go to `{path}`, regardless of the detected features."
            );
            let features: Vec<_> =
                candidate.features.iter().map(|f| format!("`{}`", f.name)).collect();
            let promise = format!("1. The processor supports {}.", features.join(" and "));
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
                /// The same as for `update`.
                #update_vis unsafe fn #force() -> #result {
                    unsafe { #sc::force(&#record, #target) }
                }
            }
        });
        forces.collect()
    }
}
