//! `zantc`: ahead-of-time compiler from ONNX models to standalone Rust crates.
#![forbid(unsafe_code)]
