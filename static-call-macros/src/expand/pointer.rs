//! Function pointers known only at run time: a key calls them through its own cell.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::model::{Function, local};

/// How many arguments the runtime's shims have at most.
const MOST_ARGUMENTS: usize = 8;

impl Function {
    /// The shim that calls the pointer in the key's cell: one of the runtime's, unless there are
    /// more arguments than those have.
    pub(super) fn through(&self) -> TokenStream {
        let sc = self.private();
        let count = self.arguments.len();
        if count <= MOST_ARGUMENTS {
            let name = format_ident!("through{count}");
            let arguments = self.arguments.iter().map(|argument| {
                let pass = match argument.by_size {
                    true => self.pass(argument),
                    false => quote!(#sc::Pass<false>),
                };
                quote!(#pass, _,)
            });
            return quote!(#sc::#name::<Self, #(#arguments)* _>);
        }
        let names = self.argument_names();
        let receiving = self.receiving();
        let called = local("called");
        let marker = self.marker();
        let through = self.abi_fn(
            &quote!(unsafe extern "C-unwind" fn __static_call_through),
            None,
            &quote!({
                let #called = #sc::PointerCell::load(<#marker as #sc::Pointed>::cell());
                let #called = unsafe {
                    #sc::transmute::<*const (), <#marker as #sc::Pointed>::Pointer>(#called)
                };
                #receiving
                #called(#(#names),*)
            }),
        );
        quote!({ #through __static_call_through })
    }
}
