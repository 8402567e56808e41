//! The kernels that `zantc` copies into the crates it emits.
#![no_std]
