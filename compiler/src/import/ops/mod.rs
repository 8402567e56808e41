//! ONNX operators, one file per family. Each file has a table of its operators and one function for each.

mod activation;
mod arg;
mod binary;
mod cast;
mod constant;
mod conv;
mod dropout;
mod gather;
mod local_norm;
mod matmul;
mod movement;
mod norm;
mod pool;
mod quantize;
mod reduce;
mod softmax;
mod unary;
mod variadic;
mod window;

use super::registry::OpEntry;

/// The tables of all families.
pub(super) const FAMILIES: &[&[OpEntry]] = &[
    activation::OPS,
    arg::OPS,
    binary::OPS,
    cast::OPS,
    constant::OPS,
    conv::OPS,
    dropout::OPS,
    gather::OPS,
    local_norm::OPS,
    matmul::OPS,
    movement::OPS,
    norm::OPS,
    pool::OPS,
    quantize::OPS,
    reduce::OPS,
    softmax::OPS,
    unary::OPS,
    variadic::OPS,
];
