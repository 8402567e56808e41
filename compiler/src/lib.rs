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
//! use zantc::exec::{Executor, Hygiene};
//!
//! let config = zantc::Config::new();
//! let compiled = match zantc::read(Path::new("mnist-8.onnx")).and_then(|model| zantc::compile(&model, &config)) {
//!     Ok(compiled) => compiled,
//!     Err(diagnostics) => panic!("{}", render_all(&diagnostics, Style::default())),
//! };
//! let layout = compiled.program.layout.as_ref().unwrap();
//! println!("{} bytes of RAM, {} bytes of flash", layout.arena_bytes, compiled.program.weights_bytes());
//! // The program that would be emitted, run in this process.
//! let inputs = zantc::verify::seeded::inputs(compiled.program.inputs.iter().map(|p| &p.ty));
//! let outputs = Executor::new(&compiled.program, Hygiene::AsEmitted).unwrap().run(&inputs).unwrap();
//! println!("{} outputs", outputs.len());
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "cli")]
pub mod bench;
mod budget;
mod build_script;
pub mod config;
pub mod diag;
#[deny(clippy::wildcard_enum_match_arm)]
pub mod emit;
pub mod exec;
pub mod footprint;
pub mod import;
pub mod install;
#[deny(clippy::wildcard_enum_match_arm)]
pub mod ir;
#[deny(clippy::wildcard_enum_match_arm)]
mod layout;
#[deny(clippy::wildcard_enum_match_arm)]
pub mod lower;
pub mod onnx;
#[deny(clippy::wildcard_enum_match_arm)]
pub mod passes;
pub mod pipeline;
pub mod plan;
pub mod program;
pub mod target;
pub mod verify;

pub use build_script::BuildError;
pub use config::{Alloc, Config, Optimize};
pub use ir::Numerics;
pub use pipeline::{Compiled, compile, compile_graph, read};
