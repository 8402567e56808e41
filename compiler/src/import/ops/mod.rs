//! ONNX operators, one file per family. Each file has a table of its operators and one function for each.

mod constant;
mod conv;
mod gather;
mod matmul;
mod movement;
mod pool;
mod unary;
mod window;

use super::registry::OpEntry;

/// The tables of all families.
pub(super) const FAMILIES: &[&[OpEntry]] =
    &[constant::OPS, conv::OPS, gather::OPS, matmul::OPS, movement::OPS, pool::OPS, unary::OPS];
