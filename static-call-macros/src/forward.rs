//! The attribute as users write it: finds out where `static_call` is, and hands everything else to
//! a macro there.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

/// `path::__item! { [options] item }`.
pub(crate) fn attribute(options: TokenStream, item: TokenStream) -> TokenStream {
    let path = crate_path(&options).unwrap_or_else(|| quote!(::static_call));
    quote! {
        #path::__item! { [#options] #item }
    }
}

/// What the option `crate = path` says, as far as it looks like one. Whether it is one, and
/// everything else about options, is for `parse` to say.
fn crate_path(options: &TokenStream) -> Option<TokenStream> {
    let mut tokens = options.clone().into_iter();
    let is_punct = |token: &TokenTree, wanted: char| matches!(token, TokenTree::Punct(p) if p.as_char() == wanted);
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
    use super::attribute;

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
            // Refused later, where the whole of it is understood.
            ("::static_call", "crate=3"),
            ("::static_call", "crate"),
            ("::static_call", "crate="),
        ] {
            assert_eq!(forwarded(options), of(path, options));
        }
    }
}
