//! The record of a key, and the trait that leads from its type to it.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::trusted_block;
use crate::model::{Function, local};

impl Function {
    /// `, deprecated` for `allow(..)`, if the function is deprecated.
    pub(super) fn deprecated(&self) -> Option<TokenStream> {
        self.attrs.deprecated.then(|| quote!(, deprecated))
    }

    /// The record of the key. `shim` is that of its default target, which the statements describe
    /// by the variable `d`.
    pub(super) fn records(
        &self,
        shim: &TokenStream,
        d: &Ident,
        statements: &TokenStream,
        flags: impl IntoIterator<Item = &'static str>,
    ) -> TokenStream {
        let (krate, sc, marker) = (&self.krate, self.private(), self.marker());
        let record = self.record();
        let (name, signature) = (self.full_name(), self.signature());
        let name_length = Literal::usize_unsuffixed(name.len());
        let cfgs: Vec<_> = self.cfgs().collect();
        let flags = self.flags(flags);
        let deprecated = self.deprecated();
        let position = self.position();
        let description = local("description");
        let new = trusted_block(self.trusted, quote!(#sc::KeyRecord::new(#description)));
        quote! {
            #(#cfgs)*
            #krate::__record! {
                key #record = {
                    #[cold]
                    #[allow(improper_ctypes_definitions #deprecated)]
                    fn describe(#d: &mut #sc::TargetDescription) {
                        #statements
                    }
                    let #description = #sc::KeyDescription {
                        describe,
                        shim: #shim,
                        stub: <#marker as #sc::Keyed>::stub as *const (),
                        text: #sc::core::concat!(
                            #sc::core::module_path!(), "::", #name, #sc::core::file!(), #signature,
                        ),
                        module: #sc::core::module_path!().len(),
                        name: #name_length,
                        file: #sc::core::file!().len(),
                        position: #position,
                        flags: #flags,
                    };
                    #new
                };
            }
        }
    }

    /// Line and column of the name: those of the attribute are the same for all methods. With a
    /// user's span there is no `$crate`, and `::core` may be another crate. So these are evaluated
    /// outside `unsafe`, where the worst is a wrong number.
    pub(super) fn position(&self) -> TokenStream {
        let span = self.source.sig.ident.span();
        quote_spanned!(span=> (::core::line!(), ::core::column!()))
    }

    /// Leads from the key's type to its record.
    pub(super) fn keyed(&self) -> TokenStream {
        let (krate, sc, marker, record) =
            (&self.krate, self.private(), self.marker(), self.record());
        let cfgs = self.cfgs();
        quote! {
            #(#cfgs)*
            unsafe impl #sc::Keyed for #marker {
                const RECORD: *const #sc::KeyRecord = &raw const #record;
                #krate::__stub!(#record);
            }
        }
    }

    /// The flags of the record: `flags`, and whether arguments need dropping.
    pub(super) fn flags(&self, flags: impl IntoIterator<Item = &'static str>) -> TokenStream {
        let sc = self.private();
        let flags = flags.into_iter().map(|flag| {
            let flag = Ident::new(flag, Span::call_site());
            quote!(#sc::KeyRecord::#flag)
        });
        let mut flags = flags.peekable();
        let zero = flags.peek().is_none().then(|| quote!(0));
        let types = self.arguments.iter().map(|a| &a.types.erased);
        quote! {
            #zero #(#flags)|*
                | if false #(|| #sc::needs_drop::<#types>())* {
                    0
                } else {
                    #sc::KeyRecord::NOTHING_TO_DROP
                }
        }
    }
}
