//! The quantized operators of `com.microsoft`: each is its float operator between dequantization and quantization, which the
//! passes compute on bytes. `QGemm` is a product of integers, as its definition has it.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, contributed};
use crate::ir::formula::{Term, binary, num, select, x};
use crate::ir::{BinaryOp, DType, Op, ReduceKind, Scalar, UnaryOp, ValueId};

use super::conv::{from_channels_last, is_channels_last, to_channels_last};
use super::integer::{Along, centred, factor, requantise};
use super::matmul::product_and;
use super::pool::{average, global_average, maxima};
use super::quantize::check_scale;
use super::softmax::along_of_opset;

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    contributed("NhwcMaxPool", nhwc_max_pool, ""),
    contributed("QGemm", gemm, ""),
    contributed("QLinearAdd", |cx| elementwise(cx, BinaryOp::Add), ""),
    contributed("QLinearAveragePool", average_pool, ""),
    contributed("QLinearConcat", concat, ""),
    contributed("QLinearGlobalAveragePool", global_average_pool, ""),
    contributed("QLinearLeakyRelu", leaky_relu, ""),
    contributed("QLinearMul", |cx| elementwise(cx, BinaryOp::Mul), ""),
    contributed("QLinearReduceMean", reduce_mean, ""),
    contributed("QLinearSigmoid", sigmoid, ""),
    contributed("QLinearSoftmax", softmax, ""),
    contributed("QLinearWhere", choose, ""),
];

/// A scale or a zero point that is one value, in the shape of a scalar.
fn single(cx: &mut NodeCx<'_>, v: ValueId) -> Imported {
    match cx.ty(v).elements() {
        1 => cx.reshape(v, []),
        _ => Err(Fault::shape(format!("{} should be one value", cx.ty(v)))),
    }
}

fn bytes(cx: &NodeCx<'_>, v: ValueId) -> Imported<DType> {
    match cx.dtype(v) {
        dtype @ (DType::I8 | DType::U8) => Ok(dtype),
        _ => Err(Fault::shape(format!("{} should be of i8 or u8", cx.ty(v)))),
    }
}

/// Operand `i` as numbers; scale and zero point are the two operands behind it.
fn dequantized(cx: &mut NodeCx<'_>, i: usize) -> Imported {
    let (value, scale) = (cx.input(i)?, cx.input(i + 1)?);
    let dtype = bytes(cx, value)?;
    check_scale(cx, scale)?;
    let mut inputs = vec![value, single(cx, scale)?];
    let mut difference = x(0).cast(DType::I32);
    if let Some(zero) = cx.opt(i + 2) {
        if cx.dtype(zero) != dtype {
            return Err(Fault::shape(format!("the zero point {} does not fit {}", cx.ty(zero), cx.ty(value))));
        }
        inputs.push(single(cx, zero)?);
        difference = difference - x(2).cast(DType::I32);
    }
    cx.map((difference.cast(DType::F32) * x(1)).expr(DType::F32), &inputs)
}

/// Numbers as bytes, with scale and zero point at operands `i` and `i + 1`; where that is left out the type is that of `like`.
fn quantized(cx: &mut NodeCx<'_>, v: ValueId, i: usize, like: ValueId) -> Imported {
    let scale = cx.input(i)?;
    check_scale(cx, scale)?;
    let mut inputs = vec![v, single(cx, scale)?];
    let mut y = (x(0) / x(1)).then(UnaryOp::Round);
    let dtype = match cx.opt(i + 1) {
        Some(zero) => {
            inputs.push(single(cx, zero)?);
            y = y + x(2).cast(DType::F32);
            bytes(cx, zero)?
        }
        None => bytes(cx, like)?,
    };
    // The conversion to an integer saturates.
    cx.map(y.cast(dtype).expr(DType::F32), &inputs)
}

/// A function of a, scale, zero point, b, scale, zero point; scale and zero point of the result follow.
fn elementwise(cx: &mut NodeCx<'_>, op: BinaryOp) -> Imported {
    let (a, b) = (dequantized(cx, 0)?, dequantized(cx, 3)?);
    let y = cx.map(binary(op, x(0), x(1)).expr(DType::F32), &[a, b])?;
    let like = cx.input(0)?;
    quantized(cx, y, 6, like)
}

/// A function of x, scale, zero point; scale and zero point of the result follow.
fn unary(cx: &mut NodeCx<'_>, f: &dyn Fn(&mut NodeCx<'_>, ValueId) -> Imported) -> Imported {
    let x = dequantized(cx, 0)?;
    let y = f(cx, x)?;
    let like = cx.input(0)?;
    quantized(cx, y, 3, like)
}

fn formula(cx: &mut NodeCx<'_>, y: Term) -> Imported {
    unary(cx, &|cx, v| cx.map(y.expr(DType::F32), &[v]))
}

fn sigmoid(cx: &mut NodeCx<'_>) -> Imported {
    formula(cx, x(0).then(UnaryOp::Sigmoid))
}

fn leaky_relu(cx: &mut NodeCx<'_>) -> Imported {
    let alpha = cx.float("alpha", 0.01)?;
    formula(cx, select(x(0).lt(num(0.0)), x(0) * num(alpha), x(0)))
}

/// The attribute `opset` says which Softmax of ONNX's own is meant.
fn softmax(cx: &mut NodeCx<'_>) -> Imported {
    let opset = cx.int("opset", 13)?;
    unary(cx, &|cx, v| along_of_opset(cx, v, opset, |cx, v, axis| cx.emit(Op::Softmax { axis, log: false }, &[v])))
}

/// A function of maps in the order of channels first, of maps in the order that the node has.
fn of_maps(
    cx: &mut NodeCx<'_>,
    x: ValueId,
    is_last: bool,
    f: &dyn Fn(&mut NodeCx<'_>, ValueId) -> Imported,
) -> Imported {
    if !is_last {
        return f(cx, x);
    }
    let x = from_channels_last(cx, x)?;
    let y = f(cx, x)?;
    to_channels_last(cx, y)
}

fn average_pool(cx: &mut NodeCx<'_>) -> Imported {
    let is_last = is_channels_last(cx)?;
    unary(cx, &|cx, v| of_maps(cx, v, is_last, &average))
}

fn global_average_pool(cx: &mut NodeCx<'_>) -> Imported {
    let is_last = is_channels_last(cx)?;
    unary(cx, &|cx, v| of_maps(cx, v, is_last, &global_average))
}

fn nhwc_max_pool(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    bytes(cx, x)?;
    of_maps(cx, x, true, &maxima)
}

/// The mean over the dimensions `axes`, all where there are none.
fn reduce_mean(cx: &mut NodeCx<'_>) -> Imported {
    let rank = cx.rank(cx.input(0)?);
    let axes = match cx.ints_opt("axes")? {
        Some(axes) if !axes.is_empty() => cx.axes(&axes, rank)?,
        _ => (0..rank).collect(),
    };
    let keep = cx.flag("keepdims", true)?;
    unary(cx, &|cx, v| {
        let mut shape = cx.shape(v);
        let n: usize = axes.iter().map(|&a| shape[a]).product();
        let sum = cx.emit(Op::Reduce { kind: ReduceKind::Sum, axes: axes.clone() }, &[v])?;
        let mean = cx.map((x(0) / num(n as f64)).expr(DType::F32), &[sum])?;
        if !keep {
            return Ok(mean);
        }
        axes.iter().for_each(|&a| shape[a] = 1);
        cx.reshape(mean, shape)
    })
}

/// Condition, then two operands and the result, each with scale and zero point.
fn choose(cx: &mut NodeCx<'_>) -> Imported {
    let condition = cx.input(0)?;
    if cx.dtype(condition) != DType::Bool {
        return Err(Fault::ty(format!("the condition is {}, should be of bools", cx.ty(condition))));
    }
    let (a, b) = (dequantized(cx, 1)?, dequantized(cx, 4)?);
    let y = cx.map(select(x(0), x(1), x(2)).expr(DType::F32), &[condition, a, b])?;
    let like = cx.input(1)?;
    quantized(cx, y, 7, like)
}

/// Scale and zero point of the result, then value, scale and zero point of each part.
fn concat(cx: &mut NodeCx<'_>) -> Imported {
    let count = cx.inputs.len();
    if count < 5 || count % 3 != 2 {
        return Err(Fault::shape(format!("{count} inputs are not two and three for each part")));
    }
    let parts = (2..count).step_by(3).map(|i| dequantized(cx, i)).collect::<Imported<Vec<ValueId>>>()?;
    let raw = cx.int_opt("axis")?.ok_or_else(|| Fault::missing("axis"))?;
    let axis = cx.axis(raw, cx.rank(parts[0]))?;
    let y = cx.emit(Op::Concat { axis }, &parts)?;
    let like = cx.input(2)?;
    quantized(cx, y, 0, like)
}

/// `a, a_scale, a_zero_point, b, b_scale, b_zero_point, C, y_scale, y_zero_point`; C is of i32 in units of the sums. Without a scale
/// of the result it is of floats: `alpha * a_scale * b_scale * sum`.
fn gemm(cx: &mut NodeCx<'_>) -> Imported {
    let (a, b) = (cx.input(0)?, cx.input(3)?);
    if cx.rank(a) != 2 || cx.rank(b) != 2 {
        return Err(Fault::shape(format!("{} and {} must be matrices", cx.ty(a), cx.ty(b))));
    }
    let (transpose_a, transpose_b) = (cx.flag("transA", false)?, cx.flag("transB", false)?);
    let column_zeros = if transpose_b { Along::Weights(2) } else { Along::Columns };
    let mut a = centred(cx, a, cx.opt(2), Along::Rows)?;
    let mut b = centred(cx, b, cx.opt(5), column_zeros)?;
    if transpose_a {
        a = cx.transpose(a, [1, 0])?;
    }
    if transpose_b {
        b = cx.transpose(b, [1, 0])?;
    }
    let sums = product_and(cx, [a, b], 1.0, cx.opt(6))?;
    let (scale_a, scale_b) = (cx.input(1)?, cx.input(4)?);
    let alpha = f64::from(cx.float("alpha", 1.0)?);
    let alpha = cx.b.scalar(Scalar::from_f64(alpha, DType::F32));
    let scale_a = cx.binary(BinaryOp::Mul, scale_a, alpha)?;
    match (cx.opt(7), cx.opt(8)) {
        (Some(scale_y), Some(zero)) => {
            let factor = factor(cx, [scale_a, scale_b, scale_y], [Along::Rows, Along::Columns])?;
            requantise(cx, sums, factor, zero)
        }
        _ => {
            let scale_a = single(cx, scale_a)?;
            cx.map((x(0).cast(DType::F32) * (x(1) * x(2))).expr(DType::F32), &[sums, scale_a, scale_b])
        }
    }
}
