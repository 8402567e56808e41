//! ONNX operators, one file per family. Each file has a table of its operators and one function for each.

mod activation;
mod arg;
mod attention;
mod binary;
mod blocks;
mod cast;
mod classical;
mod col2im;
mod constant;
mod contributed;
mod conv;
mod determinant;
mod dropout;
mod einsum;
mod fourier;
mod gather;
mod generate;
mod grid;
mod integer;
mod local_norm;
mod loss;
mod low_bits;
mod matmul;
mod movement;
mod ngrams;
mod norm;
mod pad;
mod pieces;
mod pool;
mod quantize;
mod quantized;
mod recurrent;
mod reduce;
mod regions;
mod resize;
mod rnn;
mod scatter;
mod select;
mod softmax;
mod unary;
mod unique;
mod unpool;
mod variadic;
mod window;

use super::registry::OpEntry;

/// The tables of all families.
pub(super) const FAMILIES: &[&[OpEntry]] = &[
    activation::OPS,
    arg::OPS,
    attention::OPS,
    binary::OPS,
    blocks::OPS,
    cast::OPS,
    col2im::OPS,
    classical::encode::OPS,
    classical::linear::OPS,
    classical::scale::OPS,
    classical::trees::OPS,
    constant::OPS,
    contributed::OPS,
    conv::OPS,
    determinant::OPS,
    dropout::OPS,
    einsum::OPS,
    fourier::OPS,
    gather::OPS,
    generate::OPS,
    grid::OPS,
    integer::OPS,
    loss::OPS,
    local_norm::OPS,
    low_bits::OPS,
    matmul::OPS,
    movement::OPS,
    ngrams::OPS,
    norm::OPS,
    pad::OPS,
    pool::OPS,
    quantize::OPS,
    quantized::OPS,
    recurrent::OPS,
    reduce::OPS,
    regions::OPS,
    resize::OPS,
    rnn::OPS,
    scatter::OPS,
    select::OPS,
    softmax::OPS,
    unary::OPS,
    unique::OPS,
    unpool::OPS,
    variadic::OPS,
];
