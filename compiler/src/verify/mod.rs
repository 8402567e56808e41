//! Checking a model: data sets, their comparison with what is computed, the emitted crate built and run.

pub mod certificate;
pub mod crates;
pub mod data;
pub mod device;
pub mod measure;
pub mod per_node;
pub mod seeded;
