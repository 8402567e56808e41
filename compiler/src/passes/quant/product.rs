//! Products of bytes: `Conv` and `MatMul` between conversions become `QConv`.

use crate::ir::{
    Activation, DType, Epilogue, Expr, ExprOp, Node, Op, Origin, Quant, Target, Tensor, Type, ValueId, Window,
};
use crate::passes::rewrite::{Rewriter, merge_origins};

use super::pattern::{self, Factor};

/// Quanta of the result that a bias may lie away from the multiple of the sums' scale that stands for it: so rarely does a
/// result round the other way (biases that were quantized to that scale are off by the rounding of f32 alone).
const BIAS_ERROR: f64 = 1.0 / 32768.0;

/// A product as it is to be built.
struct Product {
    /// The bytes.
    x: ValueId,
    zero: i32,
    /// The weights less their zero points, in the shape of the product's own.
    w: Vec<i8>,
    bias: Vec<i32>,
    multiplier: Vec<f32>,
    target: Target,
}

/// Replaces a Map that quantizes a product of bytes.
pub(super) fn fuse(rw: &mut Rewriter<'_>, map: &Node) -> bool {
    let Op::Map { expr } = &map.op else { return false };
    let found = of_reals(rw, expr, map).or_else(|| of_integers(rw, expr, map));
    let Some((node, product)) = found else { return false };
    if !sums_fit(rw, &product, channel_axis(&node.op)) {
        return false;
    }
    let origin = merge_origins(&node.origin, &map.origin);
    build(rw, &node, product, map.outputs[0], &origin);
    true
}

/// The product that makes a value that nobody else reads.
fn product_of(rw: &Rewriter<'_>, v: ValueId) -> Option<(Node, Epilogue)> {
    let node = rw.producer(v).filter(|_| rw.uses(v) == 1)?;
    match &node.op {
        Op::Conv { epilogue, .. } if !epilogue.residual => Some((node.clone(), *epilogue)),
        Op::MatMul { epilogue } if !epilogue.residual && rw.ty(node.inputs[1]).rank() == 2 => {
            Some((node.clone(), *epilogue))
        }
        _ => None,
    }
}

/// The dimension of the weights that the output channels are.
fn channel_axis(op: &Op) -> usize {
    usize::from(matches!(op, Op::MatMul { .. }))
}

/// `quantize(activation(product(dequantize(x), dequantize(w)) + bias))`.
fn of_reals(rw: &Rewriter<'_>, expr: &Expr, map: &Node) -> Option<(Node, Product)> {
    let (v, sy, mut target) = pattern::quantize(expr)?;
    let (ExprOp::Input(0), &[v]) = (expr.ops()[v], map.inputs.as_slice()) else { return None };
    let (node, epilogue) = product_of(rw, v).filter(|_| rw.ty(v).dtype == DType::F32)?;
    let (x, from) = pattern::dequantized(rw, node.inputs[0])?;
    match epilogue.activation {
        Activation::None => {}
        // Rounding keeps order: bounds of the numbers are bounds of the bytes.
        Activation::Clamp { lo, hi } => (target.lo, target.hi) = (target.of(lo / sy), target.of(hi / sy)),
        Activation::Leaky { .. } => return None,
    }
    let columns = *rw.ty(node.outputs[0]).shape.last()?;
    let stored = rw.graph.stored.get(&node.inputs[1])?;
    let axis = channel_axis(&node.op);
    if stored.axis.is_some_and(|a| a != axis) || !stored.scale.iter().all(|&s| pattern::is_scale(s)) {
        return None;
    }
    let per_channel = |i: usize| if stored.scale.len() == 1 { 0 } else { i };
    let w = centred(&stored.data, axis, |channel| stored.zero[per_channel(channel)])?;
    let scales: Vec<f32> = (0..columns).map(|c| from.scale * stored.scale[per_channel(c)]).collect();
    let multiplier: Vec<f32> = scales.iter().map(|s| s / sy).collect();
    let bias = match epilogue.bias {
        true => rw.data(node.inputs[2])?.to_vec::<f32>()?,
        false => vec![0.0; columns],
    };
    let bias = bias.iter().zip(&scales).map(|(&b, &s)| quantized_bias(b, s, sy)).collect::<Option<_>>()?;
    let sound = multiplier.iter().all(|&m| pattern::is_scale(m)) && is_zero_point(rw, x, from.zero);
    sound.then_some((node, Product { x, zero: from.zero, w, bias, multiplier, target }))
}

/// A bias as a multiple of the sums' scale, where it is one closely enough.
fn quantized_bias(bias: f32, scale: f32, result_scale: f32) -> Option<i32> {
    let quotient = (f64::from(bias) / f64::from(scale)).round_ties_even();
    let error = (quotient * f64::from(scale) - f64::from(bias)).abs() / f64::from(result_scale);
    (error <= BIAS_ERROR && quotient.abs() <= f64::from(i32::MAX)).then_some(quotient as i32)
}

/// `requantize(product(i32(x) - zero, w) + bias)` with weights that are bytes.
fn of_integers(rw: &Rewriter<'_>, expr: &Expr, map: &Node) -> Option<(Node, Product)> {
    let (sums, factor, target) = pattern::requantize(expr)?;
    let (node, epilogue) = product_of(rw, map.inputs[sums])?;
    let (x, zero) = pattern::centred_bytes(rw, node.inputs[0])?;
    let columns = *rw.ty(node.outputs[0]).shape.last()?;
    let multiplier = match factor {
        Factor::Number(m) => vec![m; columns],
        Factor::Operand(n) => {
            let t = rw.data(map.inputs[n]).filter(|t| t.len() == columns && t.shape().last() == Some(&columns))?;
            t.to_vec::<f32>()?
        }
    };
    let w = rw.data(node.inputs[1]).filter(|w| w.dtype() == DType::I32)?;
    let w = w.to_vec::<i32>()?.into_iter().map(|w| i8::try_from(w).ok()).collect::<Option<Vec<i8>>>()?;
    let bias = match epilogue.bias {
        true => rw.data(node.inputs[2])?.to_vec::<i32>()?,
        false => vec![0; columns],
    };
    let sound = multiplier.iter().all(|&m| pattern::is_scale(m)) && is_zero_point(rw, x, zero);
    sound.then_some((node, Product { x, zero, w, bias, multiplier, target }))
}

/// Whether a zero point is one of the bytes.
fn is_zero_point(rw: &Rewriter<'_>, x: ValueId, zero: i32) -> bool {
    let whole = Target::new(rw.ty(x).dtype, 0);
    (whole.lo..=whole.hi).contains(&zero)
}

/// Bytes less the zero points of their channels, where these differences are signed bytes.
fn centred(data: &Tensor, axis: usize, zero: impl Fn(usize) -> i64) -> Option<Vec<i8>> {
    if !pattern::is_byte(data.dtype()) {
        return None;
    }
    let (channels, inner) = (data.shape()[axis], data.shape()[axis + 1..].iter().product::<usize>());
    let centred = |(i, q): (usize, i64)| i8::try_from(q - zero(i / inner % channels)).ok();
    data.to_i64s()?.into_iter().enumerate().map(centred).collect()
}

/// Whether no sum leaves 32 bits, whatever the bytes: channel by channel, by the weights.
fn sums_fit(rw: &Rewriter<'_>, p: &Product, axis: usize) -> bool {
    let whole = Target::new(rw.ty(p.x).dtype, 0);
    let largest = u64::from((p.zero - whole.lo).max(whole.hi - p.zero).unsigned_abs());
    let mut sums: Vec<u64> = p.bias.iter().map(|b| u64::from(b.unsigned_abs())).collect();
    let channels = p.bias.len().max(1);
    let inner = if axis == 0 { p.w.len() / channels } else { 1 };
    for (i, w) in p.w.iter().enumerate() {
        sums[i / inner.max(1) % channels] += u64::from(w.unsigned_abs()) * largest;
    }
    sums.iter().all(|&s| s <= i32::MAX as u64)
}

/// Builds the operator in the place of `out`. A matrix product is a convolution of a map of one row.
fn build(rw: &mut Rewriter<'_>, node: &Node, p: Product, out: ValueId, origin: &[Origin]) {
    let name = rw.graph.value(node.inputs[1]).name.clone();
    let weights_shape = rw.ty(node.inputs[1]).shape.clone();
    let quant = Quant { zero: p.zero, target: p.target, residual: None };
    let columns = p.bias.len();
    let bias = rw.graph.add_constant(format!("{name}_bias"), Tensor::from_elements([columns], &p.bias));
    let multiplier =
        rw.graph.add_constant(format!("{name}_multiplier"), Tensor::from_elements([columns], &p.multiplier));
    match &node.op {
        Op::Conv { window, groups, .. } => {
            let w = rw.graph.add_constant(name, Tensor::from_elements(weights_shape, &p.w));
            let op = Op::QConv { window: window.clone(), groups: *groups, quant };
            let inputs = vec![p.x, w, bias, multiplier];
            rw.put(Node { op, inputs, outputs: vec![out], origin: origin.to_vec() });
        }
        _ => {
            let [k, n] = [weights_shape[0], weights_shape[1]];
            let transposed: Vec<i8> =
                (0..n).flat_map(|c| (0..k).map(move |r| (r, c))).map(|(r, c)| p.w[r * n + c]).collect();
            let w = rw.graph.add_constant(name.as_str(), Tensor::from_elements([n, 1, 1, k], &transposed));
            let rows = rw.ty(p.x).elements().checked_div(k).unwrap_or(0);
            let x = rw.reshape(p.x, &[1, 1, rows, k], origin, &name);
            let window =
                Window { kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pad_begin: [0; 2], pad_end: [0; 2] };
            let Type { shape, .. } = rw.ty(out).clone();
            let name = rw.graph.value(out).name.clone();
            let y = rw.emit(Op::QConv { window, groups: 1, quant }, &[x, w, bias, multiplier], origin, &name);
            let y = rw.reshape(y, &shape, origin, &name);
            rw.alias(out, y);
        }
    }
}
