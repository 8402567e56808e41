//! ONNX operators, one file per family. Each file has a table of its operators and one function for each.

mod conv;
mod matmul;
mod movement;
mod pool;
mod unary;

use super::registry::OpEntry;

/// The tables of all families.
pub(super) const FAMILIES: &[&[OpEntry]] = &[conv::OPS, matmul::OPS, movement::OPS, pool::OPS, unary::OPS];
