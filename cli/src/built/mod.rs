//! Emitted crates that are built and run: on this machine and as firmware, and what is certified of them.

pub mod certificate;
pub mod crates;
pub mod device;
mod kept;
pub mod memory;
