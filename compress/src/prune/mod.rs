//! Pruning: single weights that become zero, and channels that are removed.

pub(crate) mod cut;
mod flow;
pub mod groups;
pub(crate) mod homogeneous;
mod importance;
mod prefix;
mod regression;
mod repair;
mod sensitivity;
mod shares;
pub mod structured;
pub mod unstructured;

#[cfg(test)]
mod tests;

pub(crate) use unstructured::by_size;
