//! Only rejects: every error that there is, each at the token that causes it.

use syn::{Error, Result};

use crate::model::Item;
use crate::parse;

/// Errors, collected.
#[derive(Default)]
struct Errors(Option<Error>);

impl Errors {
    fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    fn finish(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Rejects an item that cannot be made switchable.
pub(crate) fn item(item: &Item) -> Result<()> {
    let errors = Errors::default();
    let _ = item;
    errors.finish()
}

/// Rejects what is not a call of a path.
pub(crate) fn call(call: &parse::Call) -> Result<()> {
    let _ = call;
    Ok(())
}
