//! A crate that offers `static-call` as a part of its own.

pub mod parts {
    pub use static_call as switch;
}

/// Everything, in the root of the module.
pub mod all {
    pub use static_call::*;
}
