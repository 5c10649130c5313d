//! The record of a key, and the trait that leads from its type to it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::trusted_block;
use crate::model::Function;

impl Function {
    /// `, deprecated` for `allow(..)`, if the function is deprecated.
    pub(super) fn deprecated(&self) -> Option<TokenStream> {
        self.attrs.deprecated.then(|| quote!(, deprecated))
    }

    /// The record of the key and that of its default `target`, whose shim is `shim`.
    pub(super) fn records(
        &self,
        shim: &TokenStream,
        target: &TokenStream,
        flags: impl IntoIterator<Item = &'static str>,
    ) -> TokenStream {
        let (krate, sc, marker) = (&self.krate, self.private(), self.marker());
        let (record, default_record) = (self.record(), self.default_record());
        let (name, signature) = (self.full_name(), self.signature());
        let cfgs: Vec<_> = self.cfgs().collect();
        let flags = self.flags(flags);
        let deprecated = self.deprecated();
        // With the span of the name: that of the attribute is the same for all methods. With a
        // user's span there is no `$crate`, and `::core` may be another crate. So these are
        // evaluated outside `unsafe`, where the worst is a wrong number.
        let position = |name: &str| {
            let span = self.source.sig.ident.span();
            let name = Ident::new(name, span);
            quote_spanned!(span=> ::core::#name!())
        };
        let (line, column) = (position("line"), position("column"));
        let u32 = quote!(#sc::core::primitive::u32);
        let new = trusted_block(
            self.trusted,
            quote! {
                #sc::KeyRecord::new(#sc::KeyDescription {
                    default: &#default_record,
                    default_shim: #shim,
                    stub: <#marker as #sc::Keyed>::stub as *const (),
                    name: #name,
                    module: #sc::core::module_path!(),
                    file: #sc::core::file!(),
                    signature: #signature,
                    line: __STATIC_CALL_POSITION.0,
                    column: __STATIC_CALL_POSITION.1,
                    flags: #flags,
                    own_type: <#marker as #sc::Keyed>::own_type,
                })
            },
        );
        quote! {
            #(#cfgs)*
            #krate::__record! {
                key #record = {
                    const __STATIC_CALL_POSITION: (#u32, #u32) = (#line, #column);
                    #new
                };
            }

            #(#cfgs)*
            #[allow(non_upper_case_globals #deprecated)]
            static #default_record: #sc::TargetRecord = #target;
        }
    }

    /// Leads from the key's type to its record. `own_type` returns the type of the function that
    /// users call.
    pub(super) fn keyed(&self, own_type: &TokenStream) -> TokenStream {
        let (krate, sc, marker, record) =
            (&self.krate, self.private(), self.marker(), self.record());
        let cfgs = self.cfgs();
        let deprecated = self.deprecated();
        quote! {
            #(#cfgs)*
            #[allow(improper_ctypes_definitions #deprecated)]
            unsafe impl #sc::Keyed for #marker {
                const RECORD: *const #sc::KeyRecord = &raw const #record;
                #krate::__stub!(#record);
                fn own_type() -> #sc::core::any::TypeId {
                    #own_type
                }
            }
        }
    }

    /// The flags of the record: `flags`, and whether arguments need dropping.
    fn flags(&self, flags: impl IntoIterator<Item = &'static str>) -> TokenStream {
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
                | if false #(|| #sc::core::mem::needs_drop::<#types>())* {
                    0
                } else {
                    #sc::KeyRecord::NOTHING_TO_DROP
                }
        }
    }
}
