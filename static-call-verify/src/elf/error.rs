//! Errors of reading an image.

use std::fmt;

/// Why an image cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ImageError {
    Unsupported(&'static str),
    Corrupt(String),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(what) => f.write_str(what),
            Self::Corrupt(what) => write!(f, "the image is damaged: {what}"),
        }
    }
}

impl ImageError {
    pub(super) fn corrupt(what: &str) -> Self {
        Self::Corrupt(what.to_owned())
    }
}
