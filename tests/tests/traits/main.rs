//! Traits whose methods are static calls.

mod calls;
mod defaults;
mod instances;
mod items;
