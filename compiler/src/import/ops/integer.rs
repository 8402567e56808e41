//! Products of quantised operands, as exact integer arithmetic: zero points are subtracted, sums are i32.
//!
//! Results are requantised as `saturate(round_half_even(f32(sum) * (scale_a * scale_b / scale_y)) + zero_point)`.

use super::conv::{channels_first, convolve, from_channels_last, is_channels_last, to_channels_last};
use super::matmul::broadcast_product;
use super::quantize::check_scale;
use crate::diag::codes;
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, contributed, limited, op};
use crate::ir::formula::x;
use crate::ir::{DType, Tensor, UnaryOp, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    limited("ConvInteger", conv_integer, "one and two spatial dimensions"),
    op("MatMulInteger", matmul_integer),
    limited("QLinearConv", qlinear_conv, "one and two spatial dimensions"),
    contributed("QLinearConv", qlinear_conv, "one and two spatial dimensions"),
    op("QLinearMatMul", qlinear_matmul),
];

/// Where the values of a scale or zero point that is not a scalar lie.
#[derive(Clone, Copy)]
pub(super) enum Along {
    /// One for each row: `[m]` stands for `[m, 1]`.
    Rows,
    /// One for each column (or output channel of a map that ends in channels).
    Columns,
    /// One for each output channel, of weights of the given rank.
    Weights(usize),
}

/// A scale or zero point in a shape that broadcasts to what it belongs to.
fn spread(cx: &mut NodeCx<'_>, v: ValueId, along: Along) -> Imported {
    let shape = cx.shape(v);
    match (shape.as_slice(), along) {
        ([1], _) => cx.reshape(v, []),
        ([m], Along::Rows) => cx.reshape(v, [*m, 1]),
        ([o], Along::Weights(rank)) => {
            let shape: Vec<usize> = [*o].into_iter().chain(std::iter::repeat_n(1, rank.saturating_sub(1))).collect();
            cx.reshape(v, shape)
        }
        ([] | [_, ..], Along::Rows | Along::Columns | Along::Weights(_)) => Ok(v),
    }
}

/// An 8-bit operand as i32, less its zero point.
pub(super) fn centred(cx: &mut NodeCx<'_>, v: ValueId, zero_point: Option<ValueId>, along: Along) -> Imported {
    if !matches!(cx.dtype(v), DType::I8 | DType::U8) {
        return Err(Fault::shape(format!("an operand is {}, should be of i8 or u8", cx.ty(v))));
    }
    let shape = cx.shape(v);
    let Some(zero_point) = zero_point else { return cx.cast(v, DType::I32) };
    if cx.dtype(zero_point) != cx.dtype(v) {
        return Err(Fault::shape(format!("the zero point {} does not fit {}", cx.ty(zero_point), cx.ty(v))));
    }
    let zero_point = cx.cast(zero_point, DType::I32)?;
    let zero_point = spread(cx, zero_point, along)?;
    let y = cx.map((x(0).cast(DType::I32) - x(1)).expr(DType::I32), &[v, zero_point])?;
    if cx.shape(y) != shape {
        return Err(Fault::shape(format!("a zero point {} does not fit {shape:?}", cx.ty(zero_point))));
    }
    Ok(y)
}

fn matmul_integer(cx: &mut NodeCx<'_>) -> Imported {
    let (a, b) = (cx.input(0)?, cx.input(1)?);
    let a = centred(cx, a, cx.opt(2), Along::Rows)?;
    let b = centred(cx, b, cx.opt(3), Along::Columns)?;
    broadcast_product(cx, a, b)
}

/// Padding holds zero points, which contribute nothing: just what padding is to the core operator.
fn conv_integer(cx: &mut NodeCx<'_>) -> Imported {
    let (x, w) = (cx.input(0)?, cx.input(1)?);
    let spatial = cx.rank(x).saturating_sub(2);
    let x = centred(cx, x, cx.opt(2), Along::Columns)?;
    let along = Along::Weights(cx.rank(w));
    let w = centred(cx, w, cx.opt(3), along)?;
    let y = convolve(cx, x, w, None)?;
    channels_first(cx, y, spatial)
}

/// Refuses constant weights, less their zero points, with which a sum of bytes could leave 32 bits; output channels are the
/// dimension `axis`.
fn check_sums(cx: &NodeCx<'_>, w: ValueId, bias: Option<ValueId>, axis: usize) -> Imported<()> {
    let Some(weights) = cx.b.graph.data(w).and_then(Tensor::to_i64s) else { return Ok(()) };
    let shape = cx.shape(w);
    let (channels, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    // A byte less a zero point is at most 255.
    let mut sums = vec![0u64; channels];
    for (i, w) in weights.iter().enumerate() {
        sums[i / inner % channels] += w.unsigned_abs() * 255;
    }
    let biases = bias.and_then(|b| cx.b.graph.data(b)).and_then(Tensor::to_i64s).unwrap_or_default();
    sums.iter_mut().zip(&biases).for_each(|(sum, bias)| *sum += bias.unsigned_abs());
    match sums.iter().position(|&s| s > i32::MAX as u64) {
        Some(c) => Err(Fault::new(
            codes::BAD_QUANTIZATION,
            format!("the sum of output channel {c} can reach {}, which 32 bits do not hold", sums[c]),
        )
        .help("split the product along its inner dimension, or quantize the weights to a smaller range")),
        None => Ok(()),
    }
}

/// The factor of the sums: `scale_a * scale_b / scale_y` in f32.
pub(super) fn factor(cx: &mut NodeCx<'_>, [a, b, y]: [ValueId; 3], along: [Along; 2]) -> Imported {
    let mut scales = [a, b, y];
    for (scale, along) in scales.iter_mut().zip([along[0], along[1], Along::Columns]) {
        if !cx.dtype(*scale).is_float() {
            return Err(Fault::shape(format!("a scale is {}, should be of floats", cx.ty(*scale))));
        }
        check_scale(cx, *scale)?;
        *scale = cx.cast(*scale, DType::F32)?;
        *scale = spread(cx, *scale, along)?;
    }
    cx.map((x(0) * x(1) / x(2)).expr(DType::F32), &scales)
}

/// Sums times a factor as the type of the zero point; the conversion to an integer saturates.
pub(super) fn requantise(cx: &mut NodeCx<'_>, sums: ValueId, factor: ValueId, zero_point: ValueId) -> Imported {
    let dtype = cx.dtype(zero_point);
    if !matches!(dtype, DType::I8 | DType::U8) {
        return Err(Fault::shape(format!("the result's zero point is {}, should be i8 or u8", cx.ty(zero_point))));
    }
    let shape = cx.shape(sums);
    let zero_point = spread(cx, zero_point, Along::Columns)?;
    let scaled = (x(0).cast(DType::F32) * x(1)).then(UnaryOp::Round);
    let y = (scaled + x(2).cast(DType::F32)).cast(dtype);
    let y = cx.map(y.expr(DType::F32), &[sums, factor, zero_point])?;
    if cx.shape(y) != shape {
        return Err(Fault::shape("scales or zero points do not fit the result"));
    }
    Ok(y)
}

fn qlinear_matmul(cx: &mut NodeCx<'_>) -> Imported {
    let operands = (0..8).map(|i| cx.input(i)).collect::<Imported<Vec<ValueId>>>()?;
    let a = centred(cx, operands[0], Some(operands[2]), Along::Rows)?;
    let b = centred(cx, operands[3], Some(operands[5]), Along::Columns)?;
    if cx.rank(b) == 2 {
        check_sums(cx, b, None, 1)?;
    }
    let sums = broadcast_product(cx, a, b)?;
    let factor = factor(cx, [operands[1], operands[4], operands[6]], [Along::Rows, Along::Columns])?;
    requantise(cx, sums, factor, operands[7])
}

/// That of `com.microsoft` may have maps in the order of channels last, as ONNX Runtime's own passes order them.
fn qlinear_conv(cx: &mut NodeCx<'_>) -> Imported {
    let operands = (0..8).map(|i| cx.input(i)).collect::<Imported<Vec<ValueId>>>()?;
    let spatial = cx.rank(operands[0]).saturating_sub(2);
    let is_last = is_channels_last(cx)?;
    let x = if is_last { from_channels_last(cx, operands[0])? } else { operands[0] };
    let x = centred(cx, x, Some(operands[2]), Along::Columns)?;
    let along = Along::Weights(cx.rank(operands[3]));
    let w = centred(cx, operands[3], Some(operands[5]), along)?;
    check_sums(cx, w, cx.opt(8), 0)?;
    let sums = convolve(cx, x, w, cx.opt(8))?;
    // The map ends in channels here, so that the weights' scales lie along its last dimension.
    let factor = factor(cx, [operands[1], operands[4], operands[6]], [Along::Columns, Along::Columns])?;
    let y = requantise(cx, sums, factor, operands[7])?;
    let y = channels_first(cx, y, spatial)?;
    if is_last { to_channels_last(cx, y) } else { Ok(y) }
}
