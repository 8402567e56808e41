//! Pruning: weights that become zero.

mod unstructured;

pub use unstructured::unstructured;
