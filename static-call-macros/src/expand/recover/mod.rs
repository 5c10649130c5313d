//! What replaces a refused item: the errors, the item, and stubs of what it would have become, so
//! that nothing else fails to compile.
//!
//! The first error lies inside a type. The compiler does not check values of a type with an error
//! in it, so it accepts all targets and calls of the stub. (`compile_error!` in place of a whole
//! type means `()`, which it does check.)

mod handle;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Error, FnArg, Pat, parse_quote};

use super::{scoped_result, update_result};
use crate::model::{Function, Impl, Item};
use crate::parse::{self, Member};

/// The error, and the item without changes.
pub(crate) fn unparsed(error: &Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#item #error)
}

/// The errors and the stubs.
pub(crate) fn recover(item: &Item, error: &Error) -> TokenStream {
    let mut errors = error.clone().into_iter().map(|e| e.to_compile_error());
    let first = errors.next().unwrap_or_default();
    let others: TokenStream = errors.collect();
    let stub = match item {
        Item::Function(f) if f.is_in_plain_impl() => {
            let source = as_it_was(f);
            quote!(#source #first)
        }
        Item::Function(f) => {
            let error = error_type(f);
            let (source, items) = (as_it_was(f), items(f, &error));
            let (alias, enumeration) = (alias(f, &error, &first), f.marker_enum());
            let (keys, own) = (&f.keys, inherent(f, &error));
            let cfgs = f.cfgs();
            quote!(#source #alias #enumeration #(#cfgs)* impl #keys { #own } #items)
        }
        Item::Impl(block) if block.source.of_trait.is_none() && !block.functions.is_empty() => {
            implementation(block, &first)
        }
        Item::Impl(block) => {
            let block = block_with(block, as_it_was);
            quote!(#block #first)
        }
        Item::Trait(h) => handle::stub(h, &first),
        Item::Other(other) => {
            let tokens = &other.tokens;
            quote!(#tokens #first)
        }
    };
    quote!(#stub #others)
}

fn implementation(block: &Impl, first: &TokenStream) -> TokenStream {
    let error = error_type(&block.functions[0]);
    let alias = alias(&block.functions[0], &error, first);
    let with_stubs = block_with(block, |f| {
        let (source, own) = (as_it_was(f), associated(f, &error));
        quote!(#source #own)
    });
    let beside: TokenStream = block
        .functions
        .iter()
        .map(|f| {
            let (enumeration, items) = (f.marker_enum(), items(f, &error));
            quote!(#enumeration #items)
        })
        .collect();
    quote!(#with_stubs #alias #beside)
}

/// The block, with its keys written by `member`.
fn block_with(block: &Impl, member: impl Fn(&Function) -> TokenStream) -> TokenStream {
    let source = &block.source;
    let (attrs, unsafety, impl_token, generics, self_ty) =
        (&source.attrs, &source.unsafety, &source.impl_token, &source.generics, &source.self_ty);
    let where_clause = &generics.where_clause;
    let of_trait = source.of_trait.as_ref().map(|(path, for_token)| quote!(#path #for_token));
    let mut functions = block.functions.iter();
    let members = source.items.iter().map(|item| match item {
        Member::Key(..) => functions.next().map(&member).unwrap_or_default(),
        Member::Misplaced(_, item) | Member::Item(item) => item.to_token_stream(),
    });
    quote! {
        #(#attrs)*
        #unsafety #impl_token #generics #of_trait #self_ty #where_clause {
            #(#members)*
        }
    }
}

/// The function without our attribute, given a body and a fixed number of arguments.
fn as_it_was(f: &Function) -> TokenStream {
    let mut source = f.source.clone();
    source.attrs.retain(|attr| !parse::is_static_call(attr));
    source.sig.variadic = None;
    if source.body.is_none() {
        for (input, argument) in source.sig.inputs.iter_mut().zip(&f.arguments) {
            if let FnArg::Typed(typed) = input {
                *typed.pat = Pat::Verbatim(argument.value.clone());
            }
        }
        source.body = Some(Group::new(Delimiter::Brace, quote!(loop {})));
        source.attrs.push(parse_quote!(#[allow(unused_variables)]));
    }
    source.to_token_stream()
}

/// The name of the type with the error.
fn error_type(f: &Function) -> Ident {
    format_ident!("{}_ERROR", f.record())
}

fn alias(f: &Function, name: &Ident, error: &TokenStream) -> TokenStream {
    alias_of(&f.private(), f.cfgs(), name, error)
}

fn alias_of<'a>(
    sc: &TokenStream,
    cfgs: impl Iterator<Item = &'a Attribute>,
    name: &Ident,
    error: &TokenStream,
) -> TokenStream {
    quote! {
        #(#cfgs)*
        #[allow(non_camel_case_types, dead_code)]
        type #name = <[(); #error] as #sc::Passing<()>>::Abi;
    }
}

/// The functions of the enum.
fn inherent(f: &Function, error: &Ident) -> TokenStream {
    let (sc, krate, vis, keys) = (f.private(), &f.krate, &f.source.vis, &f.keys);
    let errors: Vec<_> = f.arguments.iter().map(|_| error).collect();
    let (result, scoped) = (update_result(krate), scoped_result(krate));
    let site = site(f, &Ident::new("__call_at", Span::call_site()), error);
    let forces = forces(f);
    quote! {
        #[doc(hidden)]
        #vis const KEY: #krate::Key<#keys> = unsafe { #krate::Key::new() };
        #[doc(hidden)]
        #vis fn original(#(_: #errors),*) -> #error { loop {} }
        #[doc(hidden)]
        #vis fn update<__F: #sc::Fn(#(#errors),*) -> #error>(_: __F) -> #result {
            loop {}
        }
        #[doc(hidden)]
        #vis fn update_fn(_: #error) -> #result { loop {} }
        #krate::__with_std! {
            #[doc(hidden)]
            #vis fn scoped<__F: #sc::Fn(#(#errors),*) -> #error>(
                _: __F,
            ) -> #scoped {
                loop {}
            }
        }
        #[doc(hidden)]
        #vis fn query() -> #krate::Target { loop {} }
        #[doc(hidden)]
        #vis fn reset() -> #result { loop {} }
        #[doc(hidden)]
        #vis fn disable() -> #result { loop {} }
        #forces
        #site
    }
}

/// The stubs of the functions that force a candidate.
fn forces(f: &Function) -> TokenStream {
    let (vis, result) = (&f.source.vis, update_result(&f.krate));
    let cfgs = f.owner.as_ref().map(|_| &f.attrs.cfgs[..]).unwrap_or_default();
    let mut names: Vec<_> = f.candidates().iter().map(|candidate| f.force(candidate)).collect();
    names.sort();
    names.dedup();
    let force = |name| {
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #vis unsafe fn #name() -> #result { loop {} }
        }
    };
    names.iter().map(force).collect()
}

/// The stubs in the owner's `impl` block.
fn associated(f: &Function, error: &Ident) -> TokenStream {
    let (krate, vis, keys, marker) = (&f.krate, &f.source.vis, &f.keys, f.marker());
    let original = f.original();
    let errors = f.arguments.iter().map(|_| error);
    let cfgs = &f.attrs.cfgs;
    let site = site(f, &format_ident!("__call_at_{}", f.name()), error);
    let forces = forces(f);
    let key = (!f.name_is_taken).then(|| {
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #vis const #keys: #krate::Key<#marker> = unsafe { #krate::Key::new() };
        }
    });
    quote! {
        #key
        #(#cfgs)*
        #[doc(hidden)]
        #vis fn #original(#(_: #errors),*) -> #error { loop {} }
        #forces
        #(#cfgs)*
        #site
    }
}

fn site(f: &Function, name: &Ident, error: &Ident) -> TokenStream {
    let (sc, vis, marker, unsafety) = (f.private(), &f.source.vis, f.marker(), f.unsafety());
    let errors: Vec<_> = f.arguments.iter().map(|_| error).collect();
    let off = Ident::new(&name.to_string().replacen("__call_at", "__off", 1), Span::call_site());
    let cfgs = &f.attrs.cfgs;
    quote! {
        #[doc(hidden)]
        #vis fn #off<__S>(_: __S) -> #sc::Option<#error>
        where
            __S: #sc::FnOnce(#sc::PhantomData<#marker>)
                -> #sc::bool,
        {
            loop {}
        }
        #(#cfgs)*
        #[doc(hidden)]
        #vis #unsafety fn #name<__S: #sc::Copy>(
            _: #sc::Site<__S>,
            #(_: #errors),*
        ) -> #error {
            loop {}
        }
    }
}

/// The traits of the key.
fn items(f: &Function, error: &Ident) -> TokenStream {
    let (sc, marker) = (f.private(), f.marker());
    let cfgs: Vec<_> = f.cfgs().collect();
    let errors = f.arguments.iter().map(|_| error);
    quote! {
        #(#cfgs)*
        unsafe impl #sc::Keyed for #marker {
            const RECORD: *const #sc::KeyRecord = #sc::core::ptr::null();
            unsafe extern "C" fn stub() {}
            unsafe extern "C" fn test() {}
        }

        #(#cfgs)*
        unsafe impl<__F: #sc::Fn(#(#errors),*) -> #error> #sc::Accept<__F> for #marker {
            const SHIM: *const () = loop {};
        }

        #(#cfgs)*
        unsafe impl #sc::Pointed for #marker {
            type Pointer = #error;
            const THROUGH: *const () = loop {};
            fn cell() -> &'static #sc::PointerCell { loop {} }
        }
    }
}
