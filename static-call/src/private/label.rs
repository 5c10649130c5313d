//! The assembly text of jump labels: the places of hooks and flags, and the records that describe
//! them.
//!
//! A label answers whether a key is on. It is linked as `jmp cold`, and the cold block tests the
//! key: right wherever nothing is patched. Bound, it is a no-op while the key gives the expected answer.

/// Whether `$key` is on, expected to be off; the whole body of a function.
///
/// The counter makes the symbol that the record is linked to (`SHF_LINK_ORDER`) another one at each copy
/// that the compiler makes, so that a record is dropped with its code.
#[doc(hidden)]
#[macro_export]
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", target_os = "linux", not(miri)))]
macro_rules! __label {
    // A hook. Who hears *on* has passed the cold block, which reads memory itself.
    (key $key:ty; site $site:path) => {
        $crate::__label! {
            key $key; ".long 1"; ".long {site} - ."; false; site = sym $site, options(nomem),
        }
    };
    // A flag that is likely off, as above.
    (unlikely $key:ty) => {
        $crate::__label! { key $key; ".long 1"; ".long 0"; false; options(nomem), }
    };
    // A flag that is likely on. What was written before it was turned on is visible behind it:
    // memory is not `nomem`, so that the compiler reads nothing earlier than here.
    (likely $key:ty) => {
        $crate::__label! { key $key; ".long 2"; ".long 0"; true; }
    };
    (key $key:ty; $polarity:literal; $site:literal; $answer:literal; $($operands:tt)*) => {{
        // SAFETY: a jump to the cold block or nothing: no register, no stack and no memory is
        // touched (INV-LABEL).
        unsafe {
            $crate::__private::core::arch::asm!(
                // At most four bytes, where the five would cross a quadword.
                ".p2align 3,,4",
                "2:",
                // Five bytes wherever the block is: an assembler could choose two.
                ".byte 0xe9",
                ".long {cold} - . - 4",
                ".ifndef .Lstatic_call_0_1_labels",
                ".set .Lstatic_call_0_1_labels, 0",
                ".macro static_call_0_1_label number",
                ".Lstatic_call_0_1_label_\\number:",
                ".pushsection static_call_0_1_hooks,\"ao\",@progbits,.Lstatic_call_0_1_label_\\number",
                ".endm",
                ".endif",
                ".set .Lstatic_call_0_1_labels, .Lstatic_call_0_1_labels + 1",
                ".altmacro",
                "static_call_0_1_label %.Lstatic_call_0_1_labels",
                ".noaltmacro",
                ".p2align 2",
                ".long 2b - .",
                ".long {cold} - .",
                ".long {stub} - .",
                $site,
                $polarity,
                ".popsection",
                cold = label {
                    // SAFETY: `Keyed::RECORD` is the address of a static (INV-KEY).
                    return unsafe { &*<$key as $crate::__private::Keyed>::RECORD }.is_on();
                },
                stub = sym <$key as $crate::__private::Keyed>::stub,
                $($operands)*
                options(att_syntax, nostack, preserves_flags),
            );
        }
        $answer
    }};
}

/// Whether `$key` is on; the whole body of a function.
#[doc(hidden)]
#[macro_export]
#[cfg(not(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_os = "linux",
    not(miri)
)))]
macro_rules! __label {
    (key $key:ty; site $site:path) => {{
        // The description is named, as it is where code is patched.
        let _ = &$site;
        $crate::__label! { unlikely $key }
    }};
    ($expected:ident $key:ty) => {
        // SAFETY: `Keyed::RECORD` is the address of a static (INV-KEY).
        unsafe { &*<$key as $crate::__private::Keyed>::RECORD }.is_on()
    };
}
