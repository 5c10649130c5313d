//! Jump labels as assembly text.

use std::fmt::{self, Display, Formatter};

/// A jump label with its record and its test, with parts that a test may change.
#[derive(Clone, Copy)]
pub(crate) struct Label {
    pub(crate) align: &'static str,
    /// The label itself: a jump to its test.
    pub(crate) code: &'static str,
    /// The record: where label, test and stub are, the site, and the polarity.
    pub(crate) words: [&'static str; 5],
    /// The test: a call, the opcode of a conditional jump, where that leads, and where the jump
    /// after it leads.
    pub(crate) test: [&'static str; 4],
}

/// The name of the site.
pub(crate) const SITE: &str = "0x5173";

/// A label of the key in a function `f`, as the macros emit it. By the unexpected answer it leads
/// to the next `8`.
pub(crate) const LABEL: Label = Label {
    align: ".p2align 3,,4",
    code: ".byte 0xe9\n.long 9f - . - 4",
    words: ["2b - .", "9f - .", "stub - .", SITE, "1"],
    test: ["call *f@GOTPCREL(%rip)", ".byte 0x0f, 0x86 - .Lpolarity", "8f", "3b"],
};

impl Label {
    pub(crate) fn with_polarity(self, polarity: &'static str) -> Self {
        let [label, test, stub, site, _] = self.words;
        Self { words: [label, test, stub, site, polarity], ..self }
    }
}

impl Display for Label {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { align, code, words, test } = self;
        let [label, to, stub, site, polarity] = words;
        let [call, condition, block, after] = test;
        write!(
            f,
            "{align}\n2:\n{code}\n3:\n.set .Lpolarity, {polarity}\n\
             .pushsection static_call_0_1_labels,\"ao\",@progbits,f\n.p2align 2\n\
             .long {label}, {to}, {stub}, .Lpolarity\n.quad {site}\n.popsection\n\
             .pushsection static_call_0_1_tests,\"ax\",@progbits\n9: {call}\n{condition}\n\
             .long {block} - . - 4\n.byte 0xe9\n.long {after} - . - 4\n.popsection\n"
        )
    }
}
