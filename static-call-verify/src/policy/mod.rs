//! The names of findings, their levels, and where these are set.

mod document;
mod keys;
mod level;
pub(crate) mod manifest;
mod names;
mod rules;
pub(crate) mod settings;

pub use keys::FindingKey;
pub use level::Level;
pub use names::UnknownName;
pub use rules::Policy;
