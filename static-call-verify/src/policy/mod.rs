//! What a finding is called, what a build makes of it, and where that is said.
//!
//! The linker (`linker.rs`) has these modules too, but for `manifest`: it says so in a module of
//! its own, since it has no parser of TOML.

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
