//! Checking a model: data sets, and their comparison with what is computed.

pub mod data;
pub mod distance;
pub mod judge;
pub mod layers;
pub mod literal;
pub mod per_node;
pub mod quanta;
mod same_value;
pub mod seeded;
pub mod spread;
