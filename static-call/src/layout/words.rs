//! Kinds and grades as words, the same in every report.

use super::{Grade, Kind};

impl Kind {
    /// Returns the kind as one word.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(static_call::Kind::CallGot.as_str(), "call-got");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Jmp => "jmp",
            Self::Jcc => "jcc",
            Self::CallGot => "call-got",
            Self::JmpGot => "jmp-got",
            Self::Register => "register",
            Self::AddressTaken => "address-taken",
            Self::Label => "label",
        }
    }
}

impl Grade {
    /// Returns the grade as one word.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(static_call::Grade::Quad.as_str(), "quad");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quad => "quad",
            Self::Disp => "disp",
            Self::Line => "line",
            Self::Straddle => "straddle",
            Self::None => "none",
        }
    }
}
