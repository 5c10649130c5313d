//! Collects errors, so that the compiler reports everything that is wrong with an item at once.

use quote::ToTokens;
use syn::{Error, Result};

/// Zero or more errors.
#[derive(Clone, Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Adds `message` at the tokens that cause it.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.add(Error::new_spanned(tokens, message));
    }

    pub(crate) fn extend(&mut self, others: &Self) {
        if let Some(error) = &others.0 {
            self.add(error.clone());
        }
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self(Some(error))
    }
}
