//! What stands in the place of an item that was refused: the errors, and enough that nothing
//! after them fails.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Error;

use crate::model::Item;

/// The errors and the item as it was.
pub(crate) fn unparsed(error: &Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#item #error)
}

/// The errors and a stub.
pub(crate) fn recover(item: &Item, error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    let _ = item;
    quote!(#error)
}
