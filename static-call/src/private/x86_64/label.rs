//! The assembly text of jump labels: the places of hooks and flags, and the records that describe
//! them.
//!
//! A label answers whether a key is on. It is linked as `jmp cold`, and the cold block tests the
//! key, which works wherever nothing is patched. Once bound, the label is a no-op while the key
//! gives the expected answer.

/// Gives the text of a label. It is a literal of its own, so that no caller can put other text into
/// `asm!`.
///
/// The cold block is named once, as the argument of the assembler's macro: a compiler pass that
/// duplicates blocks may use a different block for each mention in the template. The counter gives
/// each copy that the compiler makes its own symbol for the record to be linked to
/// (`SHF_LINK_ORDER`), so that a record is dropped with its code.
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
            // Pads by at most four bytes, where the five would cross a quadword boundary.
            ".p2align 3,,4\n",
            ".L",
            $crate::__section!("label"),
            "_\\number:\n",
            // Always five bytes: an assembler could choose the form of two bytes.
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

/// Returns whether `$key` is on. It is the whole body of a function.
#[doc(hidden)]
#[macro_export]
macro_rules! __label {
    // For a hook at a site, or a flag, that is expected to be off. The answer *on* always comes
    // from the cold block, which reads memory itself, so `nomem` is right.
    (unlikely $key:ty; site $site:expr) => {{
        // Outside the `unsafe` block, so that the caller's expression is not in it.
        const STATIC_CALL_SITE: $crate::__private::core::primitive::u64 = $site;
        // SAFETY: the assembly jumps to the cold block or does nothing: it touches no register, no
        // stack and no memory (INV-LABEL).
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
    // For a flag that is expected to be on. What was written before it was turned on must be
    // visible after the label, so there is no `nomem`: the compiler must not move reads before it.
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
