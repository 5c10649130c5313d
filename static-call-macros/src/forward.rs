//! The attribute as users write it: finds the path of `static_call` and passes everything to a
//! macro there.

use std::ops::Not;
use std::sync::atomic::{AtomicBool, Ordering};

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;

/// `path::__item! { [options] item }`.
pub(crate) fn attribute(options: TokenStream, item: TokenStream) -> TokenStream {
    if let Some(path) = crate_path(&options) {
        return to(&path, &options, &item);
    }
    let Some(name) = other_name(std::env::args()) else {
        return to(&quote!(::static_call), &options, &item);
    };
    // Expand the item as if the fix were made, so that this is the only error.
    let message = format!(
        "this package renames its dependency `static-call`: write `#[static_call(crate = {name})]` \
         here and at every other use"
    );
    let error = error_once(&message);
    let name = Ident::new(&name, Span::call_site());
    let forwarded = to(&quote!(::#name), &options, &item);
    quote!(#error #forwarded)
}

fn to(path: &TokenStream, options: &TokenStream, item: &TokenStream) -> TokenStream {
    quote! {
        #path::__item! { [#options] #item }
    }
}

/// Returns the error once per run of the compiler: repeating it would not help.
pub(crate) fn error_once(message: &str) -> Option<TokenStream> {
    static SAID: AtomicBool = AtomicBool::new(false);
    SAID.swap(true, Ordering::Relaxed).not().then(|| quote!(::core::compile_error!(#message);))
}

/// Returns the name that the package gives to `static-call`, if it is renamed. Cargo passes it to
/// the compiler as `--extern name=path/to/libstatic_call-hash.rmeta`. Only an error message depends
/// on it.
pub(crate) fn other_name(arguments: impl Iterator<Item = String>) -> Option<String> {
    let mut other = None;
    let mut after_extern = false;
    for argument in arguments {
        let is_value = std::mem::replace(&mut after_extern, argument == "--extern");
        let value = argument.strip_prefix("--extern=").or(is_value.then_some(argument.as_str()));
        let Some((name, path)) = value.and_then(|value| value.split_once('=')) else { continue };
        // `priv:name`, `noprelude:name`.
        let name = name.rsplit(':').next().unwrap_or(name);
        if name == "static_call" {
            return None;
        }
        if path.rsplit(['/', '\\']).next().is_some_and(|file| file.starts_with("libstatic_call-")) {
            other = Some(name.to_owned());
        }
    }
    other.filter(|name| syn::parse_str::<Ident>(name).is_ok())
}

/// Returns the path of the option `crate = path`, if it looks like a path. `parse` reports errors
/// in options.
fn crate_path(options: &TokenStream) -> Option<TokenStream> {
    let mut tokens = options.clone().into_iter();
    let is_punct = |token: &TokenTree, wanted: char| match token {
        TokenTree::Punct(punct) => punct.as_char() == wanted,
        _ => false,
    };
    let mut begins = true;
    while let Some(token) = tokens.next() {
        if begins && matches!(&token, TokenTree::Ident(word) if word == "crate") {
            let path = tokens.skip(1).take_while(|token| !is_punct(token, ','));
            let is_path =
                |token: &TokenTree| matches!(token, TokenTree::Ident(_)) || is_punct(token, ':');
            let path: Vec<_> = path.collect();
            return (!path.is_empty() && path.iter().all(is_path))
                .then(|| path.into_iter().collect());
        }
        begins = is_punct(&token, ',');
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{attribute, other_name};

    #[test]
    fn the_macro_is_named_by_the_path_of_the_crate() {
        let forwarded = |options: &str| {
            let tokens = attribute(options.parse().unwrap(), "fn f() {}".parse().unwrap());
            tokens.to_string().replace(' ', "")
        };
        let of = |path: &str, options: &str| format!("{path}::__item!{{[{options}]fnf(){{}}}}");
        for (path, options) in [
            ("::static_call", ""),
            ("::static_call", "keys=F"),
            ("a::b", "crate=a::b"),
            ("::a", "crate=::a"),
            ("crate::a", "keys=F,crate=crate::a,update=pub(crate)"),
            ("::static_call", "update=pub(crate)"),
            // `parse` refuses these.
            ("::static_call", "crate=3"),
            ("::static_call", "crate"),
            ("::static_call", "crate="),
        ] {
            assert_eq!(forwarded(options), of(path, options));
        }
    }

    #[test]
    fn another_name_is_found_in_the_compilers_arguments() {
        let found = |arguments: &str| other_name(arguments.split(' ').map(str::to_owned));
        let real = "--extern static_call=/t/libstatic_call-0f.rmeta";
        let renamed = "--extern switch=/t/libstatic_call-0f.rlib";
        let macros = "--extern m=/t/libstatic_call_macros-0f.so";
        assert_eq!(
            found(&format!("rustc {renamed} {macros} --crate-name a")),
            Some("switch".into())
        );
        assert_eq!(found(&format!("rustc {renamed} {real}")), None);
        assert_eq!(found(&format!("rustc {macros} --extern std --crate-name switch")), None);
        let one = "--extern=priv,noprelude:switch=C:\\t\\libstatic_call-0f.rlib";
        assert_eq!(found(one), Some("switch".into()));
        assert_eq!(found("--extern"), None);
    }
}
