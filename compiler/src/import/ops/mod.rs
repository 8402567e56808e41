//! ONNX operators, one file per family. Each file has a table of its operators and one function for each.

mod activation;
mod arg;
mod binary;
mod blocks;
mod cast;
mod constant;
mod conv;
mod dropout;
mod einsum;
mod gather;
mod generate;
mod integer;
mod local_norm;
mod matmul;
mod movement;
mod norm;
mod pad;
mod pieces;
mod pool;
mod quantize;
mod reduce;
mod resize;
mod scatter;
mod select;
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
    blocks::OPS,
    cast::OPS,
    constant::OPS,
    conv::OPS,
    dropout::OPS,
    einsum::OPS,
    gather::OPS,
    generate::OPS,
    integer::OPS,
    local_norm::OPS,
    loss::OPS,
    matmul::OPS,
    movement::OPS,
    norm::OPS,
    pad::OPS,
    pool::OPS,
    quantize::OPS,
    reduce::OPS,
    resize::OPS,
    scatter::OPS,
    select::OPS,
    softmax::OPS,
    unary::OPS,
    variadic::OPS,
];
