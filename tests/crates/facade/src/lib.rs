//! A crate that re-exports `static-call`.

pub mod parts {
    pub use static_call as switch;
}

/// Everything, at the root of the module.
pub mod all {
    pub use static_call::*;
}
