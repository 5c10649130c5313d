//! Attributes beside `#[static_call]`, and the generated items they go to.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Attribute, Meta, Path, Result, Token, parse_quote};

use crate::errors::Errors;

/// The attributes of an item, grouped by the generated items that get them.
#[derive(Default)]
pub(crate) struct Attributes {
    /// `cfg`, for every generated item.
    pub(crate) cfgs: Vec<Attribute>,
    /// For the function that users call: documentation, and attributes about callers.
    pub(crate) wrapper: Vec<Attribute>,
    /// For the function that holds the body.
    pub(crate) original: Vec<Attribute>,
    /// For calls through `call!`.
    pub(crate) site: Vec<Attribute>,
    /// `doc(hidden)`, for the other public items.
    pub(crate) hidden: Vec<Attribute>,
    /// Lint levels, for generated items that repeat the signature.
    pub(crate) lints: Vec<Attribute>,
    /// Whether the item is deprecated, so that generated code must allow that.
    pub(crate) deprecated: bool,
    /// Attributes that cannot be here.
    pub(crate) errors: Errors,
}

impl Attributes {
    pub(crate) fn new(attrs: &[Attribute]) -> Self {
        let mut sorted = Self::default();
        for attr in attrs {
            if is_conditional(attr.path()) {
                sorted.add_conditional(&attr.meta, &[]);
            } else {
                sorted.add(&attr.meta, &|meta| Attribute { meta: meta.clone(), ..attr.clone() });
            }
        }
        sorted
    }

    /// Adds each attribute of `cfg_attr(predicate, a, b)`, nested in others with the predicates
    /// `outer`.
    fn add_conditional(&mut self, meta: &Meta, outer: &[TokenStream]) {
        let parts = match meta.require_list().and_then(|list| list.parse_args_with(conditional)) {
            Ok(parts) => parts,
            Err(error) => return self.errors.add(error),
        };
        let (predicate, metas) = parts;
        let predicates = [outer, &[predicate]].concat();
        for meta in &metas {
            if is_conditional(meta.path()) {
                self.add_conditional(meta, &predicates);
            } else {
                let wrap = |meta: &Meta| match &predicates[..] {
                    [one] => parse_quote!(#[cfg_attr(#one, #meta)]),
                    all => parse_quote!(#[cfg_attr(all(#(#all),*), #meta)]),
                };
                self.add(meta, &wrap);
            }
        }
    }

    fn add(&mut self, meta: &Meta, make: &dyn Fn(&Meta) -> Attribute) {
        let attr = make(meta);
        let is_unsafe = meta.path().is_ident("unsafe");
        let (meta, path) = unwrapped(meta);
        let name = path.segments.last().map(|s| s.ident.unraw().to_string()).unwrap_or_default();
        if name == "link_section" && !is_unsafe {
            // The compiler's lint does not check associated functions, such as `original`.
            let advice = "choosing a section is unsafe: write `#[unsafe(link_section = \"..\")]`";
            self.errors.at(path, advice);
            return;
        }
        if let Some(advice) = refusal(&name) {
            self.errors.at(path, advice);
            return;
        }
        match name.as_str() {
            "cfg" => self.cfgs.push(attr),
            "doc" => {
                match &meta {
                    Meta::List(list) if list.tokens.to_string() == "hidden" => {
                        self.hidden.push(attr.clone());
                    }
                    _ => {}
                }
                self.wrapper.push(attr);
            }
            "must_use" => {
                self.wrapper.push(attr.clone());
                self.original.push(attr.clone());
                self.site.push(attr);
            }
            "deprecated" => {
                self.deprecated = true;
                self.wrapper.push(attr.clone());
                self.site.push(attr);
            }
            "allow" | "warn" | "deny" | "forbid" => {
                self.original.push(attr.clone());
                self.lints.push(attr);
            }
            "expect" => {
                if let Meta::List(list) = &meta {
                    let lints = &list.tokens;
                    let allow: Meta = parse_quote!(allow(#lints));
                    self.lints.push(make(&allow));
                }
                self.original.push(attr);
            }
            _ if path.segments[0].ident == "diagnostic" => self.wrapper.push(attr),
            _ => self.original.push(attr),
        }
    }
}

/// Returns the attribute without `unsafe(..)`, and its path.
fn unwrapped(meta: &Meta) -> (Meta, Path) {
    let inner = match meta {
        Meta::List(list) if list.path.is_ident("unsafe") => list.parse_args::<Meta>().ok(),
        _ => None,
    };
    let meta = inner.unwrap_or_else(|| meta.clone());
    let path = meta.path().clone();
    (meta, path)
}

/// Whether an attribute with this path is `cfg_attr`.
fn is_conditional(path: &Path) -> bool {
    path.get_ident().is_some_and(|ident| ident.unraw() == "cfg_attr")
}

/// Parses the arguments of `cfg_attr(predicate, a, b)`.
fn conditional(input: ParseStream<'_>) -> Result<(TokenStream, Vec<Meta>)> {
    let mut predicate = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        predicate.extend([input.parse::<TokenTree>()?]);
    }
    let mut metas = Vec::new();
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if !input.is_empty() {
            metas.push(input.parse()?);
        }
    }
    Ok((predicate, metas))
}

/// Why an attribute of this name cannot be here, and what to do instead.
fn refusal(name: &str) -> Option<&'static str> {
    Some(match name {
        "track_caller" => {
            "a static call cannot see its caller: take a `&Location<'_>` argument instead"
        }
        "target_feature" => {
            "the default must run on every processor: remove this attribute, and once the feature \
             is detected `update` to a closure that calls a function with it"
        }
        "naked" => "a naked function cannot be the default: rename it and call it from here",
        "no_mangle" | "export_name" => {
            "a static call has no symbol: export another function that calls it"
        }
        "test" | "bench" => {
            "only the test harness calls a test: write a test that calls the static call"
        }
        "panic_handler"
        | "alloc_error_handler"
        | "proc_macro"
        | "proc_macro_attribute"
        | "proc_macro_derive" => {
            "only the compiler calls this function: put `#[static_call]` on a function that it \
             calls"
        }
        "static_call" => "duplicate `#[static_call]`: remove one",
        _ => return None,
    })
}
