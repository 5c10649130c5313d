//! The assembly text of jump labels: the places of hooks and flags, and the records that describe
//! them.
//!
//! A label answers whether a key is on. It is linked as `jmp cold`, and the cold block tests the
//! key: right wherever nothing is patched. Bound, it is a no-op while the key gives the expected
//! answer.

/// The text of a label. A literal of its own, so that nobody can put another one into `asm!`.
///
/// The cold block is named once, as the argument of the assembler's macro: a compiler pass that
/// duplicates blocks may give each mention in the template another one. The counter makes the
/// symbol that the record is linked to (`SHF_LINK_ORDER`) another one at each copy that the
/// compiler makes, so that a record is dropped with its code.
#[doc(hidden)]
#[macro_export]
macro_rules! __label_text {
    () => {
        $crate::__private::core::concat!(
            ".ifndef .L",
            $crate::__section!("label_count"),
            "\n",
            ".set .L",
            $crate::__section!("label_count"),
            ", 0\n",
            ".macro ",
            $crate::__section!("label"),
            " number cold\n",
            // At most four bytes, where the five would cross a quadword.
            ".p2align 3,,4\n",
            ".L",
            $crate::__section!("label"),
            "_\\number:\n",
            // Five bytes wherever the block is: an assembler could choose two.
            ".byte 0xe9\n",
            ".long \\cold - . - 4\n",
            ".pushsection ",
            $crate::__section!("labels"),
            ",\"ao\",@progbits,.L",
            $crate::__section!("label"),
            "_\\number\n",
            ".p2align 2\n",
            ".long .L",
            $crate::__section!("label"),
            "_\\number - .\n",
            ".long \\cold - .\n",
            ".endm\n",
            ".endif\n",
            ".set .L",
            $crate::__section!("label_count"),
            ", .L",
            $crate::__section!("label_count"),
            " + 1\n",
            ".altmacro\n",
            $crate::__section!("label"),
            " %.L",
            $crate::__section!("label_count"),
            ", {cold}\n",
            ".noaltmacro\n",
            ".long {stub}@PLT - .\n",
            ".long {polarity}\n",
            ".quad {site}\n",
            ".popsection",
        )
    };
}

/// Whether `$key` is on; the whole body of a function.
#[doc(hidden)]
#[macro_export]
macro_rules! __label {
    // Expected to be off: of a hook at a site, or of a flag. Who hears *on* has passed the cold
    // block, which reads memory itself.
    (unlikely $key:ty; site $site:expr) => {{
        // Outside of `unsafe`, where the caller's expression has no business.
        const STATIC_CALL_SITE: $crate::__private::core::primitive::u64 = $site;
        // SAFETY: a jump to the cold block or nothing: no register, no stack and no memory is
        // touched (INV-LABEL).
        unsafe {
            $crate::__private::core::arch::asm!(
                $crate::__label_text!(),
                cold = label {
                    // SAFETY: `Keyed::RECORD` is the address of a static (INV-KEY).
                    return unsafe { &*<$key as $crate::__private::Keyed>::RECORD }.is_on();
                },
                stub = sym <$key as $crate::__private::Keyed>::stub,
                polarity = const 1,
                site = const STATIC_CALL_SITE,
                options(att_syntax, nostack, preserves_flags, nomem),
            );
        }
        false
    }};
    // A flag that is expected to be on. What was written before it was turned on is visible after
    // it: memory is not `nomem`, so that the compiler reads nothing earlier than here.
    (likely $key:ty) => {{
        // SAFETY: as above (INV-LABEL).
        unsafe {
            $crate::__private::core::arch::asm!(
                $crate::__label_text!(),
                cold = label {
                    // SAFETY: `Keyed::RECORD` is the address of a static (INV-KEY).
                    return unsafe { &*<$key as $crate::__private::Keyed>::RECORD }.is_on();
                },
                stub = sym <$key as $crate::__private::Keyed>::stub,
                polarity = const 2,
                site = const 0,
                options(att_syntax, nostack, preserves_flags),
            );
        }
        true
    }};
}
