//! Checking a model: data sets, their comparison with what is computed, the emitted crate built and run.

#[cfg(feature = "cli")]
pub mod certificate;
#[cfg(feature = "cli")]
pub mod crates;
pub mod data;
#[cfg(feature = "cli")]
pub mod device;
pub mod judge;
pub mod layers;
pub mod literal;
pub mod measure;
#[cfg(feature = "cli")]
pub mod memory;
pub mod per_node;
pub mod quanta;
mod same_value;
pub mod seeded;
pub mod spread;
