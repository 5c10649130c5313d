//! Torture where code is rewritten.

mod account;
mod callers;
mod keys;
mod options;
mod pages;
mod process;
mod random;
mod registers;
mod run;
mod signals;
mod sites;
mod updaters;

pub(crate) use run::main;
