//! Shared support of the tests: where models lie, how cases are read.

pub mod cases;
pub mod code;
pub mod conformance;
pub mod node;
