//! An `impl` block, and a hidden type for the key of each function.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::signature::Place;
use crate::model::{Function, Impl};
use crate::parse::Member;

/// The block, and the records of its keys.
pub(super) fn expand(block: &Impl) -> TokenStream {
    let source = &block.source;
    let (attrs, impl_token, generics, self_ty) =
        (&source.attrs, &source.impl_token, &source.generics, &source.self_ty);
    let mut functions = block.functions.iter();
    let members = source.items.iter().map(|member| match member {
        Member::Key(..) => functions.next().map(inside).unwrap_or_default(),
        Member::Misplaced(_, item) | Member::Item(item) => item.to_token_stream(),
    });
    let members: TokenStream = members.collect();
    let outside: TokenStream = block.functions.iter().map(outside).collect();
    quote! {
        #(#attrs)*
        #impl_token #generics #self_ty {
            #members
        }

        #outside
    }
}

/// The items inside the block: the function, its key, its body, and the functions for `call!`.
fn inside(f: &Function) -> TokenStream {
    let (krate, vis, keys, marker) = (&f.krate, &f.source.vis, &f.keys, f.marker());
    let update_vis = &f.update_vis;
    let cfgs = &f.attrs.cfgs;
    let hidden = &f.attrs.hidden;
    let caller = f.caller_fn(&f.attrs.wrapper, Some(vis));
    let name = f.full_name();
    let original = f.original_fn();
    let call_at =
        f.call_at(&format!("__call_at_{}", f.name()), Place::Inside, f.source.body.is_none());
    let forces = f.forces();
    let about = format!("The key of the static call `{name}`.");
    quote! {
        #caller

        #(#cfgs)*
        #[doc = #about]
        #(#hidden)*
        #[allow(dead_code)]
        #update_vis const #keys: #krate::Key<#marker> = unsafe { #krate::Key::new() };

        #forces

        #(#cfgs)*
        #original

        #call_at
    }
}

/// The items beside the block.
fn outside(f: &Function) -> TokenStream {
    let Some(owner) = &f.owner else { return TokenStream::new() };
    let (ty, ident, original) = (owner.erased(), &f.source.sig.ident, f.original());
    let marker = f.marker_enum();
    let machinery = f.machinery(&quote!(<#ty>::#ident), &quote!(<#ty>::#original));
    quote! {
        #marker

        #machinery
    }
}
