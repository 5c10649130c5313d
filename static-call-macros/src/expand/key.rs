//! What every key has, free function or associated: records, shims, and the ways to call it.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{FnArg, Lifetime, Pat, Type};

use crate::model::{Argument, Function, Output, local};
use crate::types::ends_in_bounds;

/// How a generated function writes its types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the `impl` block of the owner.
    Inside,
    /// Anywhere else.
    Outside,
}

impl Function {
    /// The path of `static_call::__private`.
    pub(super) fn private(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::__private)
    }

    pub(super) fn lifetimes_at(&self, place: Place) -> Vec<&Lifetime> {
        match place {
            Place::Inside => self.lifetimes.iter().collect(),
            Place::Outside => self.all_lifetimes().collect(),
        }
    }

    pub(super) fn output_at(&self, place: Place) -> TokenStream {
        match &self.output {
            Output::Unit => quote!(()),
            Output::Never => quote!(!),
            Output::Type(types) => match place {
                Place::Inside => types.inside.to_token_stream(),
                Place::Outside => types.outside.to_token_stream(),
            },
        }
    }

    /// The output where `!` cannot be written, and where more bounds may follow.
    pub(super) fn output_in_bound(&self, named: Option<Place>) -> TokenStream {
        let sc = self.private();
        let output = match (&self.output, named) {
            (Output::Never, _) => quote!(#sc::Never),
            (Output::Type(types), None) => types.written.to_token_stream(),
            (_, place) => self.output_at(place.unwrap_or(Place::Outside)),
        };
        match &self.output {
            Output::Type(types) if ends_in_bounds(&types.written) => quote!((#output)),
            _ => output,
        }
    }

    /// `Pass<..>` for the argument.
    fn pass(&self, argument: &Argument) -> TokenStream {
        let sc = self.private();
        let ty = &argument.types.erased;
        quote!(#sc::Pass<{ #sc::core::mem::size_of::<#ty>() > 16 }>)
    }

    /// What crosses the trampoline, per argument.
    pub(super) fn abi_types(&self, place: Place) -> Vec<TokenStream> {
        let sc = self.private();
        let arguments = self.arguments.iter();
        arguments
            .map(|argument| {
                let ty = argument.type_at(place);
                if argument.by_size {
                    let pass = self.pass(argument);
                    quote!(<#pass as #sc::Passing<#ty>>::Abi)
                } else {
                    ty.to_token_stream()
                }
            })
            .collect()
    }

    pub(super) fn argument_names(&self) -> Vec<Ident> {
        (0..self.arguments.len()).map(|i| local(&format!("arg{i}"))).collect()
    }

    /// Statements that prepare the arguments, and the values for the trampoline.
    pub(super) fn passing(&self, values: &[TokenStream]) -> (TokenStream, Vec<TokenStream>) {
        let sc = self.private();
        let mut statements = TokenStream::new();
        let mut passed = Vec::new();
        for (i, (argument, value)) in self.arguments.iter().zip(values).enumerate() {
            let name = local(&format!("passed{i}"));
            if argument.by_size {
                let pass = self.pass(argument);
                statements.extend(quote! {
                    let mut #name = #sc::core::mem::ManuallyDrop::new(#value);
                    let #name = unsafe { <#pass as #sc::Passing<_>>::pass(&mut #name) };
                });
            } else {
                statements.extend(quote!(let #name = #value;));
            }
            passed.push(name.to_token_stream());
        }
        (statements, passed)
    }

    /// Statements that take large arguments on the other side.
    pub(super) fn receiving(&self) -> TokenStream {
        let sc = self.private();
        self.arguments
            .iter()
            .zip(self.argument_names())
            .filter(|(argument, _)| argument.by_size)
            .map(|(argument, name)| {
                let pass = self.pass(argument);
                let ty = &argument.types.outside;
                quote! {
                    let #name = unsafe { <#pass as #sc::Passing<#ty>>::receive(#name) };
                }
            })
            .collect()
    }

    /// The body of the function that users call.
    pub(super) fn wrapper_body(&self) -> TokenStream {
        let (krate, sc, marker) = (&self.krate, self.private(), self.marker());
        let (trampoline, n) = (local("trampoline"), self.instance_parameter());
        let names = self.argument_names();
        let types = self.abi_types(Place::Outside);
        let lifetimes = self.lifetimes_at(Place::Outside);
        let output = self.output_at(Place::Outside);
        let values: Vec<_> = self.arguments.iter().map(|a| a.value.clone()).collect();
        let (statements, values) = self.passing(&values);
        // The trampoline is in a block of its own: an item hides a parameter of its name.
        quote! {
            #statements
            {
                #krate::__trampoline! {
                    unsafe #trampoline[#(#lifetimes,)* const #n: #sc::core::primitive::u32](
                        #(#names: #types),*
                    ) -> #output;
                    me #trampoline::<{ #n }>;
                    key #marker;
                    site 0
                }
                unsafe { #trampoline::<0>(#(#values),*) }
            }
        }
    }

    /// The function that holds the body.
    pub(super) fn original_fn(&self, docs: &TokenStream) -> TokenStream {
        let (vis, attrs) = (&self.source.vis, &self.attrs.original);
        let mut sig = self.source.sig.clone();
        sig.ident = self.original();
        let body = match &self.source.body {
            Some(body) => body.to_token_stream(),
            None => {
                for input in &mut sig.inputs {
                    if let FnArg::Typed(typed) = input {
                        *typed.pat = Pat::Wild(syn::PatWild {
                            attrs: Vec::new(),
                            underscore_token: syn::Token![_](Span::call_site()),
                        });
                    }
                }
                let sc = self.private();
                let none = self.returns_option().then(|| quote!(#sc::core::option::Option::None));
                quote!({ #none })
            }
        };
        // A static call cannot be `const`, so advice to make it so would be wrong.
        quote! {
            #docs
            #[allow(clippy::missing_const_for_fn)]
            #(#attrs)*
            #vis #sig #body
        }
    }

    /// The bound on targets. It begins and ends where the signature does, so that type errors show
    /// that.
    fn bound(&self) -> TokenStream {
        let place = self.named_bound.then_some(Place::Outside);
        let types = self.arguments.iter().map(|a| match place {
            Some(place) => a.type_at(place),
            None => &a.types.written,
        });
        let lifetimes = self.bound_lifetimes();
        let span = self.signature_span();
        let sc = respanned(self.private(), span);
        let binder = (!lifetimes.is_empty()).then(|| quote_spanned!(span=> for<#(#lifetimes),*>));
        let mut arguments = Group::new(Delimiter::Parenthesis, quote!(#(#types),*));
        arguments.set_span(self.source.sig.paren_token.span.join());
        let output = match &self.output {
            Output::Unit => None,
            _ => {
                let output = self.output_in_bound(place);
                Some(quote!(-> #output))
            }
        };
        quote_spanned!(span=> #binder #sc::core::ops::Fn #arguments #output)
    }

    /// The bounds on targets.
    pub(super) fn bounds(&self) -> TokenStream {
        let (sc, bound) = (self.private(), self.bound());
        quote! {
            #bound + #sc::core::marker::Copy + #sc::core::marker::Send + #sc::core::marker::Sync
                + 'static
        }
    }

    /// The place of the signature, resolved as generated code.
    pub(super) fn signature_span(&self) -> Span {
        self.source.sig.fn_token.span.resolved_at(Span::call_site())
    }

    /// Records, shims, and the traits that lead to them.
    pub(super) fn machinery(&self, wrapper: &TokenStream, original: &TokenStream) -> TokenStream {
        let (sc, marker) = (self.private(), self.marker());
        let name = self.full_name();
        let cfgs: Vec<_> = self.cfgs().collect();
        let lints: Vec<_> = self.lints().collect();
        let deprecated = self.deprecated();
        let f = self.target_parameter();
        let bounds = self.bounds();
        let lifetimes = self.lifetimes_at(Place::Outside);
        let names = self.argument_names();
        let types = self.abi_types(Place::Outside);
        let output = self.output_at(Place::Outside);
        // The shim has the lifetimes itself, so its bound need not, and cannot, bind them again.
        let shim_types = self.arguments.iter().map(|a| a.type_at(Place::Outside));
        let shim_output = self.output_in_bound(Some(Place::Outside));
        let receiving = self.receiving();
        let call = quote!(#original(#(#names),*));
        let call = match self.unsafety() {
            Some(_) => quote!(unsafe { #call }),
            None => call,
        };
        let span = self.signature_span();
        let accept = respanned(quote!(#sc::Accept<#f> for #marker), span);
        let (pointed, selection) = (self.pointed(), self.selection());
        let (first, chosen_by) = self.first();
        let shim = quote!(#marker::#first as *const ());
        let record = quote! {
            #sc::TargetRecord::new(
                #shim,
                || #sc::core::concat!(#sc::core::module_path!(), "::", #name),
            )
            #chosen_by
        };
        let target = local("target");
        let records = self.records(&shim, &record, self.hook_flags(self.source.body.is_none()));
        let keyed = self.keyed(&quote!(#sc::type_of(|| #wrapper)));
        quote! {
            #records

            #(#cfgs)*
            #(#lints)*
            #[allow(improper_ctypes_definitions #deprecated)]
            impl #marker {
                unsafe extern "C-unwind" fn __default<#(#lifetimes),*>(#(#names: #types),*) -> #output {
                    #receiving
                    #call
                }

                unsafe extern "C-unwind" fn __shim<#(#lifetimes,)* #f>(#(#names: #types),*) -> #output
                where
                    #f: #sc::core::ops::Fn(#(#shim_types),*) -> #shim_output
                        + #sc::core::marker::Copy,
                {
                    let #target = unsafe { #sc::conjure::<#f>() };
                    #receiving
                    #target(#(#names),*)
                }
            }

            #keyed

            #(#cfgs)*
            #(#lints)*
            unsafe impl<#f> #accept
            where
                #f: #bounds,
            {
                const TARGET: &'static #sc::TargetRecord = &#sc::TargetRecord::new(
                    #marker::__shim::<#f> as *const (),
                    #sc::core::any::type_name::<#f>,
                )
                .with_type(#sc::core::any::TypeId::of::<#f>);
            }

            #pointed

            #selection
        }
    }
}

impl Argument {
    pub(super) fn type_at(&self, place: Place) -> &Type {
        match place {
            Place::Inside => &self.types.inside,
            Place::Outside => &self.types.outside,
        }
    }
}

/// The same tokens, all at the place of `span`. They mean what they meant: `$crate` is what it is by
/// its span.
pub(super) fn respanned(tokens: TokenStream, span: Span) -> TokenStream {
    let at_span = |mut token: TokenTree| {
        token.set_span(span.resolved_at(token.span()));
        token
    };
    tokens.into_iter().map(at_span).collect()
}
