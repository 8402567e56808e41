//! `zantc`: ahead-of-time compiler from ONNX models to standalone Rust crates.
#![forbid(unsafe_code)]

pub mod diag;
pub mod exec;
pub mod import;
pub mod ir;
pub mod lower;
pub mod onnx;
pub mod passes;
pub mod plan;
pub mod program;
