//! `zantc`: ahead-of-time compiler from ONNX models to standalone Rust crates.
//!
//! ```text
//! bytes -> ModelProto -> Graph (core IR) -> passes -> Graph -> layout, lower -> Program -> order, place -> Program
//!       -> emit -> Package { path -> bytes } -> crate on disk
//!                                            \-> exec (the same Program, in this process)
//! ```
//!
//! # In a build script
//!
//! ```no_run
//! // build.rs; `src/main.rs` has include!(concat!(env!("OUT_DIR"), "/mnist_8.rs"));
//! fn main() -> Result<(), zantc::BuildError> {
//!     zantc::Config::new().dim("batch", 1).compile("models/mnist-8.onnx")?;
//!     Ok(())
//! }
//! ```
//!
//! # As a library
//!
//! ```no_run
//! use std::path::Path;
//! use zantc::diag::{Style, render_all};
//!
//! let config = zantc::Config::new().max_ram(64 << 10);
//! match zantc::read(Path::new("mnist-8.onnx")).and_then(|model| zantc::compile(&model, &config)) {
//!     Ok(compiled) => std::fs::write("arena.svg", compiled.picture()).unwrap(),
//!     Err(diagnostics) => eprint!("{}", render_all(&diagnostics, Style::default())),
//! }
//! ```
//!
//! # What is promised
//!
//! Versions follow Semantic Versioning for what is shown here: [`Config`], [`BuildError`], [`compile`], [`Compiled`] and what they
//! need. All that is hidden may change with any version.
#![forbid(unsafe_code)]

pub mod budget;
mod build_script;
mod cache;
pub mod diag;
pub mod targets;

// Public for the workspace's own packages alone (command line, tests, tasks), which look at every stage on the way.
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
#[deny(clippy::wildcard_enum_match_arm)]
pub mod emit;
#[doc(hidden)]
pub mod exec;
#[doc(hidden)]
pub mod footprint;
#[doc(hidden)]
pub mod group;
#[doc(hidden)]
pub mod harness;
#[doc(hidden)]
pub mod import;
#[doc(hidden)]
pub mod install;
#[doc(hidden)]
#[deny(clippy::wildcard_enum_match_arm)]
pub mod ir;
mod labels;
#[deny(clippy::wildcard_enum_match_arm)]
mod layout;
#[doc(hidden)]
#[deny(clippy::wildcard_enum_match_arm)]
pub mod lower;
#[doc(hidden)]
pub mod onnx;
#[doc(hidden)]
#[deny(clippy::wildcard_enum_match_arm)]
pub mod passes;
#[doc(hidden)]
pub mod pipeline;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod program;
#[doc(hidden)]
pub mod project;
#[doc(hidden)]
pub mod sharing;
#[doc(hidden)]
pub mod verify;

pub use build_script::BuildError;
#[doc(inline)]
pub use config::{Alloc, Config, Inputs, Optimize};
#[doc(inline)]
pub use ir::{Cache, LowBit, Numerics};
#[doc(inline)]
pub use onnx::Model;
// For the same packages: a graph is none of what is promised.
#[doc(hidden)]
pub use pipeline::compile_graph;
#[doc(inline)]
pub use pipeline::{Compiled, compile};
#[doc(inline)]
pub use project::read;
