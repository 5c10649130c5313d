//! Doctests of the guide's pages whose examples need crates that the runtime must not depend on.

#[doc = include_str!("../../docs/getting-started.md")]
mod getting_started {}
#[doc = include_str!("../../docs/verifier.md")]
mod verifier {}
#[doc = include_str!("../../docs/library-authors.md")]
mod library_authors {}
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[doc = include_str!("../../docs/alternatives.md")]
mod alternatives {}
