//! Function pointers that are known only at run time: a key calls them through a cell of its own.

use proc_macro2::TokenStream;
use quote::quote;

use super::key::Place;
use crate::model::{Function, Output, local};

impl Function {
    /// The way to function pointers that are known only at run time.
    pub(super) fn pointed(&self) -> TokenStream {
        let (sc, marker) = (self.private(), self.marker());
        let cfgs: Vec<_> = self.cfgs().collect();
        let lints: Vec<_> = self.lints().collect();
        let deprecated = self.attrs.deprecated.then(|| quote!(, deprecated));
        let pointer = self.pointer();
        let lifetimes = self.lifetimes_at(Place::Outside);
        let names = self.argument_names();
        let types = self.abi_types(Place::Outside);
        let output = self.output_at(Place::Outside);
        let receiving = self.receiving();
        let called = local("called");
        quote! {
            #(#cfgs)*
            #(#lints)*
            #[allow(improper_ctypes_definitions #deprecated)]
            unsafe impl #sc::Pointed for #marker {
                type Pointer = #pointer;
                const THROUGH: &'static #sc::TargetRecord = {
                    static __STATIC_CALL_CELL: #sc::core::sync::atomic::AtomicPtr<()> =
                        #sc::core::sync::atomic::AtomicPtr::new(#sc::core::ptr::null_mut());
                    unsafe extern "C-unwind" fn __static_call_through<#(#lifetimes),*>(
                        #(#names: #types),*
                    ) -> #output {
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
                    }
                    &#sc::TargetRecord::new(__static_call_through as *const (), || "a function pointer")
                        .with_cell(&__STATIC_CALL_CELL)
                };
                fn address(pointer: Self::Pointer) -> *const () {
                    pointer as *const ()
                }
            }
        }
    }

    /// The type of function pointers that the key can call.
    pub(super) fn pointer(&self) -> TokenStream {
        let place = self.named_bound.then_some(Place::Outside);
        let types = self.arguments.iter().map(|a| match place {
            Some(place) => a.type_at(place),
            None => &a.types.written,
        });
        let lifetimes = self.bound_lifetimes();
        let binder = (!lifetimes.is_empty()).then(|| quote!(for<#(#lifetimes),*>));
        let output = match &self.output {
            Output::Unit => None,
            _ => {
                let output = self.output_in_bound(place);
                Some(quote!(-> #output))
            }
        };
        quote!(#binder fn(#(#types),*) #output)
    }
}
