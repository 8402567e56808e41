//! The kernels that `zantc` copies into the crates it emits.
//!
//! Files name each other only by relative paths, and every `mod.rs` holds nothing but `pub mod` lines, so that any
//! subset of the files that is closed under [`sources`](../sources/index.html) `needs` builds inside another crate.
#![no_std]

pub mod arch;
