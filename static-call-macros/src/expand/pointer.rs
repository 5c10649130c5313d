//! Function pointers known only at run time: a key calls them through its own cell.

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{Function, local};

impl Function {
    /// The trait that accepts function pointers, with the shim that calls them.
    pub(super) fn pointed(&self) -> TokenStream {
        let (sc, marker) = (self.private(), self.marker());
        let cfgs = self.cfgs();
        let lints = self.lints();
        let deprecated = self.deprecated();
        let pointer = self.pointer();
        let names = self.argument_names();
        let receiving = self.receiving();
        let called = local("called");
        let through = self.abi_fn(
            &quote!(unsafe extern "C-unwind" fn __static_call_through),
            None,
            &quote!({
                let #called = #sc::core::sync::atomic::AtomicPtr::load(
                    &__STATIC_CALL_CELL,
                    #sc::core::sync::atomic::Ordering::Acquire,
                );
                let #called = unsafe {
                    #sc::core::mem::transmute::<
                        *mut (),
                        <#marker as #sc::Pointed>::Pointer,
                    >(#called)
                };
                #receiving
                #called(#(#names),*)
            }),
        );
        quote! {
            #(#cfgs)*
            #(#lints)*
            #[allow(improper_ctypes_definitions #deprecated)]
            unsafe impl #sc::Pointed for #marker {
                type Pointer = #pointer;
                const THROUGH: &'static #sc::TargetRecord = {
                    static __STATIC_CALL_CELL: #sc::core::sync::atomic::AtomicPtr<()> =
                        #sc::core::sync::atomic::AtomicPtr::new(#sc::core::ptr::null_mut());
                    #through
                    &#sc::TargetRecord::new(
                        __static_call_through as *const (),
                        || "a function pointer",
                    )
                    .with_cell(&__STATIC_CALL_CELL)
                };
                fn address(pointer: Self::Pointer) -> *const () {
                    pointer as *const ()
                }
            }
        }
    }
}
