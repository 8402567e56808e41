//! Shared support of the tests: where models lie, how cases are read.

pub mod attack;
pub mod cases;
pub mod code;
pub mod conformance;
pub mod meter;
pub mod node;
pub mod random;
pub mod scale;
