//! What replaces a refused trait and its handle.

use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::visit_mut::VisitMut;
use syn::{ReturnType, Type, TypeImplTrait};

use super::{alias_of, items, site};
use crate::expand::handle::switch::impls;
use crate::expand::handle::{cfgs_of, of_trait, structure};
use crate::expand::{scoped_result, update_result};
use crate::model::{Handle, Method};

/// The trait, and a handle whose uses are all accepted; `first` is the error.
pub(super) fn stub(h: &Handle, first: &TokenStream) -> TokenStream {
    let error = format_ident!("__STATIC_CALL_{}_ERROR", h.name);
    let source = of_trait(h, in_trait);
    let alias = alias_of(&h.private(), h.attrs.cfgs.iter(), &error, first);
    let structure = structure(h);
    let implementation = implementation(h, &error);
    let inherent = inherent(h, &error);
    let markers = h.switched().map(|method| {
        let f = &method.function;
        let (enumeration, items) = (f.marker_enum(), items(f, &error));
        quote!(#enumeration #items)
    });
    let switch = switch(h);
    quote!(#source #alias #structure #implementation #inherent #switch #(#markers)*)
}

/// The method, without what the compiler would also refuse.
fn in_trait(method: &Method) -> TokenStream {
    let mut source = method.source.clone();
    let needs_body = method.source.optional.is_some() || method.left_out;
    source.function.sig.constness = None;
    source.function.sig.variadic = None;
    if needs_body && source.function.body.is_none() {
        source.function.semi_token = None;
        source.function.body = Some(Group::new(Delimiter::Brace, quote!(loop {})));
        let tokens = source.tokens();
        return quote!(#[allow(unused_variables)] #tokens);
    }
    let tokens = source.tokens();
    quote!(#[allow(async_fn_in_trait)] #tokens)
}

fn implementation(h: &Handle, error: &Ident) -> TokenStream {
    let (unsafety, of_trait, name) = (&h.source.unsafety, &h.source.ident, &h.name);
    let (cfgs, allowed) = (&h.attrs.cfgs, h.allowed());
    let (generics, arguments, where_clause) = h.source.generics.split_for_impl();
    let types = h.types().map(|item| {
        let (ident, generics) = (&item.ident, &item.generics);
        let cfgs = cfgs_of(&item.attrs);
        let ty = h.type_of(ident).map_or(error.to_token_stream(), ToTokens::to_token_stream);
        let where_clause = &generics.where_clause;
        quote!(#(#cfgs)* type #ident #generics = #ty #where_clause;)
    });
    let consts = h.consts().filter(|item| item.default.is_none()).map(|item| {
        let ident = &item.ident;
        let cfgs = cfgs_of(&item.attrs);
        match h.const_of(ident) {
            Some((ty, expr)) => quote!(#(#cfgs)* const #ident: #ty = #expr;),
            None => quote!(#(#cfgs)* const #ident: #error = ();),
        }
    });
    let missing = h.methods.iter().filter(|method| {
        let has_body = method.function.source.body.is_some();
        !(has_body || method.source.optional.is_some() || method.left_out)
    });
    let methods = missing.map(|method| {
        let f = &method.function;
        let cfgs = &f.attrs.cfgs;
        let mut sig = f.source.sig.clone();
        sig.constness = None;
        sig.variadic = None;
        let value = match &sig.output {
            // A type with an error satisfies every `impl Trait`.
            ReturnType::Type(_, ty) if is_opaque(ty) => quote!({ let e: #error = loop {}; e }),
            _ => quote!({ loop {} }),
        };
        quote!(#(#cfgs)* #[allow(unused_variables, unreachable_code)] #sig #value)
    });
    quote! {
        #(#cfgs)*
        #allowed
        #unsafety impl #generics #of_trait #arguments for #name #where_clause {
            #(#types)*
            #(#consts)*
            #(#methods)*
        }
    }
}

fn is_opaque(ty: &Type) -> bool {
    struct Finding(bool);
    impl VisitMut for Finding {
        fn visit_type_impl_trait_mut(&mut self, _: &mut TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut finding = Finding(false);
    finding.visit_type_mut(&mut ty.clone());
    finding.0
}

fn inherent(h: &Handle, error: &Ident) -> TokenStream {
    let name = &h.name;
    let (vis, update_vis, unsafety) = (&h.source.vis, h.update_vis(), &h.source.unsafety);
    let cfgs = &h.attrs.cfgs;
    let (krate, result, scoped) = (&h.krate, update_result(&h.krate), scoped_result(&h.krate));
    let sites = h.switched().map(|method| {
        let f = &method.function;
        let cfgs = &f.attrs.cfgs;
        let site = site(f, &format_ident!("__call_at_{}", f.name()), error);
        quote!(#(#cfgs)* #site)
    });
    quote! {
        #(#cfgs)*
        #[allow(dead_code)]
        impl #name {
            #[doc(hidden)]
            #update_vis #unsafety fn update<I>() -> #result { loop {} }
            #krate::__with_std! {
                #[doc(hidden)]
                #update_vis #unsafety fn scoped<I>()
                    -> #scoped
                {
                    loop {}
                }
            }
            #[doc(hidden)]
            #update_vis #unsafety fn reset() -> #result { loop {} }
            #[doc(hidden)]
            #update_vis fn seal() { loop {} }
            #[doc(hidden)]
            #vis fn query() -> #error { loop {} }
            #(#sites)*
        }
    }
}

/// The traits for batches.
fn switch(h: &Handle) -> TokenStream {
    let (sc, cfgs, switch) = (h.private(), &h.attrs.cfgs, h.switch());
    let any = quote! {
        #(#cfgs)*
        unsafe impl<I> #sc::Switch<I> for #switch {
            fn requests() -> Self::Requests { [] }
        }
    };
    impls(h, &quote!(0), &quote!([]), &any)
}
