//! No-ops in place of a flag's label, to find out what its form costs. Nothing can turn them on.

/// Returns whether it is on: always false, which the compiler does not know. `$align` comes before
/// `$no_op`.
macro_rules! form {
    ($align:literal, $no_op:literal) => {{
        #[inline(always)]
        fn is_on() -> bool {
            // SAFETY: it does nothing. The section is not part of the program: it only names the
            // block, so that the compiler keeps it.
            unsafe {
                std::arch::asm!(
                    $align,
                    $no_op,
                    ".pushsection .off_forms,\"\",@progbits",
                    ".quad {on}",
                    ".popsection",
                    on = label { return true },
                    options(att_syntax, nostack, preserves_flags, nomem),
                );
            }
            false
        }
        is_on()
    }};
}

pub(crate) use form;
