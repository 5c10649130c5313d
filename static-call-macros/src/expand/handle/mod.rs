//! A trait, its handle, and a hidden type for the key of each method.

mod method;
pub(super) mod switch;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::private;
use super::signature::Place;
use crate::model::{Handle, Method};
use crate::parse::TraitMember;

/// The trait, its handle and its records.
pub(super) fn expand(h: &Handle) -> TokenStream {
    let of_trait = of_trait(h, Method::in_trait);
    let structure = structure(h);
    let implementation = implementation(h);
    let inherent = inherent(h);
    let switch = switch::expand(h);
    let originals = method::originals(h);
    let methods = h.switched().map(|method| method::expand(h, method));
    quote! {
        #of_trait
        #structure
        #implementation
        #inherent
        #switch
        #originals
        #(#methods)*
    }
}

/// The trait, with its functions written by `method`.
pub(super) fn of_trait(h: &Handle, method: impl Fn(&Method) -> TokenStream) -> TokenStream {
    let mut methods = h.methods.iter();
    let members = h.source.items.iter().map(|member| match member {
        TraitMember::Method(_) => methods.next().map(&method).unwrap_or_default(),
        TraitMember::Item(item) => item.to_token_stream(),
    });
    h.source.with(&members.collect())
}

/// The type of the handle.
pub(super) fn structure(h: &Handle) -> TokenStream {
    let sc = h.private();
    let (vis, name, of_trait) = (&h.source.vis, &h.name, &h.source.ident);
    let (cfgs, hidden, derives) = (&h.attrs.cfgs, &h.attrs.hidden, &h.options.derives);
    let about = format!(
        "The handle of [`{of_trait}`]: its methods are static calls to the current implementation."
    );
    quote! {
        #(#cfgs)*
        #[doc = #about]
        #(#hidden)*
        #[derive(
            #sc::core::clone::Clone,
            #sc::Copy,
            #sc::core::fmt::Debug,
            #sc::core::default::Default,
            #(#derives),*
        )]
        #vis struct #name;
    }
}

/// The impl of the trait for the handle.
fn implementation(h: &Handle) -> TokenStream {
    let (unsafety, of_trait, name) = (&h.source.unsafety, &h.source.ident, &h.name);
    let (cfgs, lints) = (&h.attrs.cfgs, &h.attrs.lints);
    let allowed = h.allowed();
    let items = items(h);
    let methods = h.switched().map(|method| method.function.caller_fn(&[], None));
    quote! {
        #(#cfgs)*
        #(#lints)*
        #allowed
        #unsafety impl #of_trait for #name {
            #items
            #(#methods)*
        }
    }
}

/// The associated types and constants, from the attribute.
fn items(h: &Handle) -> TokenStream {
    let types = h.types().filter_map(|item| {
        let (ident, ty) = (&item.ident, h.type_of(&item.ident)?);
        let cfgs = cfgs_of(&item.attrs);
        Some(quote!(#(#cfgs)* type #ident = #ty;))
    });
    let consts = h.consts().filter_map(|item| {
        let (ident, (ty, expr)) = (&item.ident, h.const_of(&item.ident)?);
        let cfgs = cfgs_of(&item.attrs);
        Some(quote!(#(#cfgs)* const #ident: #ty = #expr;))
    });
    quote!(#(#types)* #(#consts)*)
}

/// The `cfg` attributes of an associated type or constant.
pub(super) fn cfgs_of(attrs: &[syn::Attribute]) -> Vec<syn::Attribute> {
    crate::attributes::Attributes::new(attrs).cfgs
}

/// The inherent functions of the handle: those that switch it, and those for `call!`.
fn inherent(h: &Handle) -> TokenStream {
    let (cfgs, lints, name) = (&h.attrs.cfgs, &h.attrs.lints, &h.name);
    let allowed = h.allowed();
    let switching = switch::inherent(h);
    let methods = h.switched().map(|method| {
        let f = &method.function;
        f.call_at(&format!("__call_at_{}", f.name()), Place::Outside, h.is_hook(method))
    });
    quote! {
        #(#cfgs)*
        #(#lints)*
        #allowed
        impl #name {
            #switching
            #(#methods)*
        }
    }
}

impl Handle {
    /// The path of `static_call::__private`.
    pub(super) fn private(&self) -> TokenStream {
        private(&self.krate)
    }

    /// Allows generated code to use what is deprecated for users.
    pub(super) fn allowed(&self) -> Option<TokenStream> {
        let deprecated =
            self.attrs.deprecated || self.methods.iter().any(|m| m.function.attrs.deprecated);
        deprecated.then(|| quote!(#[allow(deprecated)]))
    }
}
