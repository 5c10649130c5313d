//! Placeholder.
use proc_macro::TokenStream;
/// Placeholder.
#[proc_macro_attribute]
pub fn static_call(_a: TokenStream, i: TokenStream) -> TokenStream { i }
/// Placeholder.
#[proc_macro]
pub fn call(i: TokenStream) -> TokenStream { i }
