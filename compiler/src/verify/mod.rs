//! Checking a model: data sets, their comparison with what is computed, the emitted crate built and run.

#[cfg(feature = "cli")]
pub mod certificate;
#[cfg(feature = "cli")]
pub mod crates;
pub mod data;
#[cfg(feature = "cli")]
pub mod device;
pub mod measure;
#[cfg(feature = "cli")]
pub mod memory;
pub mod per_node;
pub mod seeded;
