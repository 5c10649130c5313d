//! A key that every module may call and only this module may update.

use static_call::{UpdateError, static_call};

/// Returns the form in which a number is stored.
#[static_call(update = pub(self))]
pub fn stored(number: u32) -> u32 {
    number
}

/// Fails if the update has no effect.
pub fn check() -> Result<(), UpdateError> {
    stored::update(|number| number + 1)?;
    assert_eq!(stored(1), 2);
    Ok(())
}
