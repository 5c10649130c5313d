//! Serialisation of the parts of a report that appear as words and phrases instead of the names of
//! variants.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::layout::{Grade, Kind};
use crate::path::{Path, Reason};
use crate::target::Target;

/// Serialises the phrase of the report's text.
impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Serialises as one word.
macro_rules! as_word {
    ($($ty:ty)*) => {$(
        impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )*};
}

as_word!(Grade Kind Path);

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
