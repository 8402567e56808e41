//! The `zantc` binary.
#![forbid(unsafe_code)]

fn main() {}
