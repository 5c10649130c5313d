//! The macros on functions, methods and calls of every shape.

mod attributes;
mod call;
mod crates;
mod drop;
mod fragments;
mod functions;
mod impls;
mod methods;
mod places;
