//! The command line of `zantc`, above the compiler (`zantc`) and what measures (`zant-measure`).
//!
//! It is a library for this project's own tasks and tests, which build and measure models as its commands do. It promises nothing
//! to others: what they need of the compiler is `zantc`.
#![forbid(unsafe_code)]

pub mod bench;
pub mod built;
mod commands;
pub mod ladder;

pub use commands::main;
