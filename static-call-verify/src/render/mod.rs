//! The report in its forms: text ([`Report`](crate::Report)'s `Display`), an HTML page and, with
//! the feature `cli`, JSON and SARIF.

mod html;
#[cfg(feature = "cli")]
mod json;
#[cfg(feature = "cli")]
mod sarif;
pub(crate) mod text;

pub use html::html;
#[cfg(feature = "cli")]
pub use json::{JSON_SCHEMA, json};
#[cfg(feature = "cli")]
pub use sarif::sarif;
