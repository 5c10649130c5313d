//! A key that everybody may call and this module alone may update.

use static_call::{UpdateError, static_call};

/// What a number is stored as.
#[static_call(update = pub(self))]
pub fn stored(number: u32) -> u32 {
    number
}

/// Fails if the update does not arrive.
pub fn check() -> Result<(), UpdateError> {
    stored::update(|number| number + 1)?;
    assert_eq!(stored(1), 2);
    Ok(())
}
