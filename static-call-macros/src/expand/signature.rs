//! The signature, in the forms that generated functions need.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Lifetime, Type};

use crate::model::{Argument, Function, Output, local};
use crate::types::ends_in_bounds;

/// Where a generated function is, which decides how it writes its types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the `impl` block of the owner.
    Inside,
    /// Anywhere else.
    Outside,
}

impl Function {
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

    /// The output in a bound: without `!`, and so that more bounds can follow.
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
    pub(super) fn pass(&self, argument: &Argument) -> TokenStream {
        let sc = self.private();
        let ty = &argument.types.erased;
        quote!(#sc::Pass<{ #sc::size_of::<#ty>() > 16 }>)
    }

    /// The type of each argument as it crosses the trampoline.
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

    /// The statements that prepare the arguments, and the values to pass to the trampoline.
    pub(super) fn passing(&self, values: &[TokenStream]) -> (TokenStream, Vec<TokenStream>) {
        let sc = self.private();
        let mut statements = TokenStream::new();
        let mut passed = Vec::new();
        for (i, (argument, value)) in self.arguments.iter().zip(values).enumerate() {
            let name = local(&format!("passed{i}"));
            if argument.by_size {
                let pass = self.pass(argument);
                statements.extend(quote! {
                    let mut #name = #sc::ManuallyDrop::new(#value);
                    let #name = unsafe { <#pass as #sc::Passing<_>>::pass(&mut #name) };
                });
            } else {
                statements.extend(quote!(let #name = #value;));
            }
            passed.push(name.to_token_stream());
        }
        (statements, passed)
    }

    /// The statements that receive large arguments on the other side.
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

    /// A function entered through a trampoline or a slot: its `head` up to the name, a generic
    /// `parameter` besides the lifetimes, and the `rest` after the return type.
    pub(super) fn abi_fn(
        &self,
        head: &TokenStream,
        parameter: Option<&Ident>,
        rest: &TokenStream,
    ) -> TokenStream {
        let lifetimes = self.lifetimes_at(Place::Outside);
        let (names, types) = (self.argument_names(), self.abi_types(Place::Outside));
        let output = self.output_at(Place::Outside);
        quote!(#head<#(#lifetimes,)* #parameter>(#(#names: #types),*) -> #output #rest)
    }

    /// The call, in an `unsafe` block if the function is `unsafe`.
    pub(super) fn unsafe_if_declared(&self, call: TokenStream) -> TokenStream {
        match self.unsafety() {
            Some(_) => quote!(unsafe { #call }),
            None => call,
        }
    }

    /// The bound on targets. Its span is that of the signature, so that type errors show it.
    fn bound(&self) -> TokenStream {
        let (lifetimes, types, output) = self.in_bound();
        let span = self.signature_span();
        let sc = respanned(self.private(), span);
        let binder = (!lifetimes.is_empty()).then(|| quote_spanned!(span=> for<#(#lifetimes),*>));
        let mut arguments = Group::new(Delimiter::Parenthesis, quote!(#(#types),*));
        arguments.set_span(self.source.sig.paren_token.span.join());
        quote_spanned!(span=> #binder #sc::Fn #arguments #output)
    }

    /// The type of function pointers that the key can call.
    pub(super) fn pointer(&self) -> TokenStream {
        let (lifetimes, types, output) = self.in_bound();
        let binder = (!lifetimes.is_empty()).then(|| quote!(for<#(#lifetimes),*>));
        quote!(#binder fn(#(#types),*) #output)
    }

    /// The signature for a bound or a pointer: the lifetimes it declares, the types of the
    /// arguments, and the return type with its arrow.
    fn in_bound(&self) -> (Vec<&Lifetime>, Vec<&Type>, Option<TokenStream>) {
        let place = self.named_bound.then_some(Place::Outside);
        let types = self.arguments.iter().map(|a| match place {
            Some(place) => a.type_at(place),
            None => &a.types.written,
        });
        let output = match &self.output {
            Output::Unit => None,
            _ => {
                let output = self.output_in_bound(place);
                Some(quote!(-> #output))
            }
        };
        (self.bound_lifetimes(), types.collect(), output)
    }

    /// All bounds on targets.
    pub(super) fn bounds(&self) -> TokenStream {
        let (sc, bound) = (self.private(), self.bound());
        quote! {
            #bound + #sc::Copy + #sc::Send + #sc::Sync
                + 'static
        }
    }

    /// The location of the signature, with the hygiene of generated code.
    pub(super) fn signature_span(&self) -> Span {
        self.source.sig.fn_token.span.resolved_at(Span::call_site())
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

/// The tokens at the location of `span`. They keep their hygiene, by which `$crate` is resolved.
pub(super) fn respanned(tokens: TokenStream, span: Span) -> TokenStream {
    let at_span = |mut token: TokenTree| {
        token.set_span(span.resolved_at(token.span()));
        token
    };
    tokens.into_iter().map(at_span).collect()
}
