//! Errors of reading an image.

/// Why an image cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImageError {
    #[error("{0}")]
    Unsupported(&'static str),
    #[error("the image is damaged: {0}")]
    Corrupt(String),
}

impl ImageError {
    pub(super) fn corrupt(what: &str) -> Self {
        Self::Corrupt(what.to_owned())
    }
}
