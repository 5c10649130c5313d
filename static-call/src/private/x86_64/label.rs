//! The assembly text of jump labels: the places of hooks and flags, and the records that describe
//! them.
//!
//! A label answers whether a key is on. It is linked as a jump to its *test*, which works wherever
//! nothing is patched: three instructions that call `Keyed::test` and jump to the block of either
//! answer. Once bound, the label is a no-op while the key gives the expected answer, and a jump to
//! the block of the other one while it gives that. Tests have a section of their own, because code
//! that is not executed would take room in the caches between functions that are.

/// Gives the text of a label. It is a literal of its own, so that no caller can put other text into
/// `asm!`.
///
/// The block of the unexpected answer is named once, in the test: a compiler pass that duplicates
/// blocks may use a different block for each mention in the template. The counter gives each copy
/// that the compiler makes its own symbol for the record to be linked to (`SHF_LINK_ORDER`), so
/// that a record is dropped with its code; and its own section for the test, which the linker keeps
/// while something leads to it.
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
            " number\n",
            // Pads by at most four bytes, where the five would cross a quadword boundary.
            ".p2align 3,,4\n",
            ".L",
            $crate::__section!("label"),
            "_\\number:\n",
            // Always five bytes: an assembler could choose the form of two bytes.
            ".byte 0xe9\n",
            ".long .L",
            $crate::__section!("test"),
            "_\\number - . - 4\n",
            ".L",
            $crate::__section!("after"),
            "_\\number:\n",
            ".pushsection ",
            $crate::__section!("tests"),
            ",\"ax\",@progbits,unique,\\number\n",
            ".L",
            $crate::__section!("test"),
            "_\\number:\n",
            ".endm\n",
            ".macro ",
            $crate::__section!("label_record"),
            " number\n",
            ".long .L",
            $crate::__section!("after"),
            "_\\number - . - 4\n",
            ".popsection\n",
            ".pushsection ",
            $crate::__section!("labels"),
            ",\"ao\",@progbits,.L",
            $crate::__section!("label"),
            "_\\number\n",
            ".p2align 2\n",
            ".long .L",
            $crate::__section!("label"),
            "_\\number - .\n",
            ".long .L",
            $crate::__section!("test"),
            "_\\number - .\n",
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
            "\n",
            // The linker makes it a direct call where it may (psABI, "Optimize GOTPCRELX
            // Relocations").
            "call *{test}@GOTPCREL(%rip)\n",
            // `jne` or `je`.
            ".byte 0x0f, {condition}\n",
            ".long {other} - . - 4\n",
            ".byte 0xe9\n",
            $crate::__section!("label_record"),
            " %.L",
            $crate::__section!("label_count"),
            "\n",
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
    // For a hook at a site, or a flag, that is expected to be off. The assembly only reads memory,
    // so the compiler may keep what it has loaded. The fence keeps what follows the answer *on*
    // after it.
    (unlikely $key:ty; site $site:expr) => {{
        // Outside the `unsafe` block, so that the caller's expression is not in it.
        const STATIC_CALL_SITE: $crate::__private::core::primitive::u64 = $site;
        // SAFETY: the assembly goes on at one block or at the other, and changes only flags of the
        // processor and the stack below its pointer (INV-LABEL).
        unsafe {
            $crate::__private::core::arch::asm!(
                $crate::__label_text!(),
                other = label {
                    $crate::__private::core::sync::atomic::fence(
                        $crate::__private::core::sync::atomic::Ordering::Acquire,
                    );
                    return true;
                },
                test = sym <$key as $crate::__private::Keyed>::test,
                condition = const 0x85,
                stub = sym <$key as $crate::__private::Keyed>::stub,
                polarity = const 1,
                site = const STATIC_CALL_SITE,
                options(att_syntax, readonly),
            );
        }
        false
    }};
    // For a flag that is expected to be on. What was written before it was turned on must be
    // visible after the label, so it is not `readonly`: the compiler must not move reads before it.
    (likely $key:ty) => {{
        // SAFETY: as above (INV-LABEL).
        unsafe {
            $crate::__private::core::arch::asm!(
                $crate::__label_text!(),
                other = label { return false },
                test = sym <$key as $crate::__private::Keyed>::test,
                condition = const 0x84,
                stub = sym <$key as $crate::__private::Keyed>::stub,
                polarity = const 2,
                site = const 0,
                options(att_syntax),
            );
        }
        true
    }};
}
