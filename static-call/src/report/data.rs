//! The parts of a report that are data in a form of their own: words and phrases instead of the
//! names of variants.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::layout::{Grade, Kind};
use crate::path::{Path, Reason};
use crate::target::Target;

/// As the text of a report has it.
macro_rules! as_text {
    ($($ty:ty)*) => {$(
        impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

as_text!(Path Reason);

impl Serialize for Grade {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Quad => "quad",
            Self::Disp => "disp",
            Self::Line => "line",
            Self::Straddle => "straddle",
            Self::None => "none",
        })
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Call => "call",
            Self::Jmp => "jmp",
            Self::Jcc => "jcc",
            Self::CallGot => "call-got",
            Self::JmpGot => "jmp-got",
            Self::Register => "register",
            Self::AddressTaken => "address-taken",
            Self::Label => "label",
        })
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut target = serializer.serialize_struct("Target", 4)?;
        target.serialize_field("name", self.name())?;
        target.serialize_field("address", &self.address())?;
        target.serialize_field("is_default", &self.is_default())?;
        target.serialize_field("features", &self.features())?;
        target.end()
    }
}
