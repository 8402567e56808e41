//! `zantc`: ahead-of-time compiler from ONNX models to standalone Rust crates.
//!
//! ```text
//! bytes -> ModelProto -> Graph (core IR) -> passes -> Graph -> lower -> Program -> order, place -> Program
//!       -> emit -> Package { path -> bytes } -> crate on disk
//!                                            \-> exec (the same Program, in this process)
//! ```
#![forbid(unsafe_code)]

pub mod config;
pub mod diag;
pub mod emit;
pub mod exec;
pub mod import;
pub mod ir;
pub mod lower;
pub mod onnx;
pub mod passes;
pub mod pipeline;
pub mod plan;
pub mod program;
pub mod target;
pub mod verify;

pub use config::{Alloc, Config, Optimize};
pub use ir::Numerics;
pub use pipeline::{Compiled, compile, compile_graph, read};
