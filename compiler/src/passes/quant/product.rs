//! Products of quantized numbers: `Conv` and `MatMul` between conversions become `QConv` where all are bytes, else `WideConv`.

use crate::ir::{
    Activation, Affine, DType, Epilogue, Expr, ExprOp, Node, Op, Origin, Quant, Target, Tensor, Type, ValueId, Wide,
    Window,
};
use crate::passes::rewrite::{Rewriter, merge_origins};

use super::pattern::{self, Factor};
use super::unfused::Reasons;
use super::wide;

/// Quanta of the result that a bias may lie away from the multiple of the sums' scale that stands for it: so rarely does a
/// result round the other way (biases that were quantized to that scale are off by the rounding of f32 alone).
const BIAS_ERROR: f64 = 1.0 / 32768.0;

/// A product as it is to be built.
struct Product {
    /// The quantized numbers.
    x: ValueId,
    zero: i32,
    /// The weights less their zero points, in the shape of the product's own.
    w: Vec<i8>,
    ends: Ends,
    target: Target,
}

/// What sums are finished with, channel by channel.
enum Ends {
    /// Of bytes, to bytes.
    Bytes { bias: Vec<i32>, multiplier: Vec<f32> },
    /// Where there are numbers of 16 bits.
    Wide(wide::Ends),
}

impl Ends {
    /// Operands of the operator: all have a value for each channel.
    fn constants(&self) -> Vec<(&'static str, Tensor)> {
        match self {
            Ends::Bytes { bias, multiplier } => {
                let columns = [bias.len()];
                let bias = Tensor::from_elements(columns, bias);
                vec![("bias", bias), ("multiplier", Tensor::from_elements(columns, multiplier))]
            }
            Ends::Wide(ends) => ends.constants(),
        }
    }
}

/// Replaces a Map that quantizes a product of quantized numbers. Of one that cannot be proved, the reason is noted.
pub(super) fn fuse(rw: &mut Rewriter<'_>, map: &Node, reasons: &mut Reasons) -> bool {
    let Op::Map { expr } = &map.op else { return false };
    let found = match of_reals(rw, expr, map) {
        Ok(found) => found.or_else(|| of_integers(rw, expr, map)),
        Err((value, reason)) => {
            reasons.insert(value, reason);
            None
        }
    };
    let Some((node, product)) = found else { return false };
    if let Err(reason) = sums_fit(rw, &product, channel_axis(&node.op)) {
        reasons.insert(node.outputs[0], reason);
        return false;
    }
    let origin = merge_origins(&node.origin, &map.origin);
    build(rw, &node, product, map.outputs[0], &origin);
    true
}

/// The product that makes a value that nobody else reads.
fn product_of(rw: &Rewriter<'_>, v: ValueId) -> Option<(Node, Epilogue)> {
    let node = rw.producer(v).filter(|_| rw.uses(v) == 1)?;
    // There is nothing to compute without elements, and no window fits a map without rows.
    if node.inputs.iter().chain(&node.outputs).any(|&v| rw.ty(v).elements() == 0) {
        return None;
    }
    let (Op::Conv { epilogue, .. } | Op::MatMul { epilogue }) = &node.op else { return None };
    let fits = matches!(node.op, Op::Conv { .. }) || rw.ty(node.inputs[1]).rank() == 2;
    (fits && !epilogue.residual).then(|| (node.clone(), *epilogue))
}

/// The dimension of the weights that the output channels are.
fn channel_axis(op: &Op) -> usize {
    usize::from(matches!(op, Op::MatMul { .. }))
}

/// `quantize(activation(product(dequantize(x), dequantize(w)) + bias))`; or the product's result, and why it is not proved.
fn of_reals(rw: &Rewriter<'_>, expr: &Expr, map: &Node) -> Result<Option<(Node, Product)>, (ValueId, String)> {
    let Some((v, sy, target)) = pattern::quantize(expr) else { return Ok(None) };
    let (ExprOp::Input(0), &[v]) = (expr.ops()[v], map.inputs.as_slice()) else { return Ok(None) };
    let Some((node, epilogue)) = product_of(rw, v).filter(|_| rw.ty(v).dtype == DType::F32) else { return Ok(None) };
    let Some((x, from)) = pattern::dequantized(rw, node.inputs[0]) else { return Ok(None) };
    match proved(rw, &node, &epilogue, (x, from), (sy, target)) {
        Ok(product) => Ok(Some((node, product))),
        Err(reason) => Err((v, reason)),
    }
}

/// The product on quantized numbers, or why it is not proved to be the same.
fn proved(
    rw: &Rewriter<'_>,
    node: &Node,
    epilogue: &Epilogue,
    (x, from): (ValueId, Affine),
    (sy, mut target): (f32, Target),
) -> Result<Product, String> {
    match epilogue.activation {
        Activation::None => {}
        // Rounding keeps order: bounds of the numbers are bounds of the bytes.
        Activation::Clamp { lo, hi } => (target.lo, target.hi) = (target.of(lo / sy), target.of(hi / sy)),
        Activation::Leaky { .. } => return Err("its LeakyRelu is no bound of bytes".into()),
    }
    let columns = rw.ty(node.outputs[0]).shape.last().copied().unwrap_or(1);
    let stored = rw.graph.stored.get(&node.inputs[1]).ok_or("its weights are not dequantized constants")?;
    let axis = channel_axis(&node.op);
    if !stored.is_scaled() {
        return Err("its weights are floats of 16 bits".into());
    }
    match stored.axis() {
        Some(a) if a.is_none_or(|a| a == axis) => {}
        Some(_) => return Err("the scales of its weights are not along its output channels".into()),
        None => return Err("its weights have a scale for each block".into()),
    }
    if !stored.scale.iter().all(|&s| pattern::is_scale(s)) {
        return Err("a scale of its weights is not positive and finite".into());
    }
    let per_channel = |i: usize| if stored.scale.len() == 1 { 0 } else { i };
    let w = centred(&stored.data, axis, |channel| stored.zero[per_channel(channel)])
        .ok_or("its weights less their zero points leave 8 bits")?;
    let scales: Vec<f32> = (0..columns).map(|c| stored.scale[per_channel(c)]).collect();
    let is_bytes = pattern::is_byte(rw.ty(x).dtype) && pattern::is_byte(target.dtype);
    let ends = match is_bytes {
        true => bytes(rw, node, epilogue, (from.scale, &scales, sy))?,
        false => Ends::Wide(wide::ends(rw, node, epilogue, &wide::Sums { x, from, w: &w, axis, scales: &scales, sy })?),
    };
    if !is_zero_point(rw, x, from.zero) {
        return Err(format!("the zero point {} of its operand is none of its numbers", from.zero));
    }
    Ok(Product { x, zero: from.zero, w, ends, target })
}

/// The ends of a product of bytes with scales of the operand, of each channel's weights, and of the result.
fn bytes(
    rw: &Rewriter<'_>,
    node: &Node,
    epilogue: &Epilogue,
    (sx, sw, sy): (f32, &[f32], f32),
) -> Result<Ends, String> {
    let scales: Vec<f32> = sw.iter().map(|sw| sx * sw).collect();
    let multiplier: Vec<f32> = scales.iter().map(|s| s / sy).collect();
    if !multiplier.iter().all(|&m| pattern::is_scale(m)) {
        return Err("its scales multiplied and divided leave the range of f32".into());
    }
    let bias = match epilogue.bias {
        true => rw.data(node.inputs[2]).and_then(|b| b.to_vec::<f32>()).ok_or("its bias is not a constant of f32")?,
        false => vec![0.0; scales.len()],
    };
    let bias = bias.iter().zip(&scales).map(|(&b, &s)| quantized_bias(b, s, sy)).collect::<Option<_>>();
    let bias =
        bias.ok_or("a bias is no multiple of the scale of the sums; `zantc quantize --kind biases` rounds it")?;
    Ok(Ends::Bytes { bias, multiplier })
}

/// A bias as a multiple of the sums' scale, where it is one closely enough.
fn quantized_bias(bias: f32, scale: f32, result_scale: f32) -> Option<i32> {
    let quotient = (f64::from(bias) / f64::from(scale)).round_ties_even();
    let error = (quotient * f64::from(scale) - f64::from(bias)).abs() / f64::from(result_scale);
    (error <= BIAS_ERROR && quotient.abs() <= f64::from(i32::MAX)).then_some(quotient as i32)
}

/// `requantize(product(i32(x) - zero, w) + bias)` with weights that are bytes.
fn of_integers(rw: &Rewriter<'_>, expr: &Expr, map: &Node) -> Option<(Node, Product)> {
    let (sums, factor, target) = pattern::requantize(expr).filter(|(.., target)| pattern::is_byte(target.dtype))?;
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
    sound.then_some((node, Product { x, zero, w, ends: Ends::Bytes { bias, multiplier }, target }))
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

/// Proves that no sum leaves 32 bits, whatever the bytes: channel by channel, by the weights. Wide sums have 64 bits.
fn sums_fit(rw: &Rewriter<'_>, p: &Product, axis: usize) -> Result<(), String> {
    let Ends::Bytes { bias, .. } = &p.ends else { return Ok(()) };
    let whole = Target::new(rw.ty(p.x).dtype, 0);
    let largest = u64::from((p.zero - whole.lo).max(whole.hi - p.zero).unsigned_abs());
    let mut sums: Vec<u64> = bias.iter().map(|b| u64::from(b.unsigned_abs())).collect();
    let channels = bias.len().max(1);
    let inner = if axis == 0 { p.w.len() / channels } else { 1 };
    for (i, w) in p.w.iter().enumerate() {
        sums[i / inner.max(1) % channels] += u64::from(w.unsigned_abs()) * largest;
    }
    match sums.iter().enumerate().find(|&(_, &s)| s > i32::MAX as u64) {
        Some((c, s)) => Err(format!("the sum of output channel {c} can reach {s}, which 32 bits do not hold")),
        None => Ok(()),
    }
}

/// Builds the operator in the place of `out`. A matrix product is a convolution of a map of one row.
fn build(rw: &mut Rewriter<'_>, node: &Node, p: Product, out: ValueId, origin: &[Origin]) {
    let name = rw.name(node.inputs[1]);
    let weights_shape = rw.ty(node.inputs[1]).shape.clone();
    let ends: Vec<ValueId> =
        p.ends.constants().into_iter().map(|(what, t)| rw.graph.add_constant(format!("{name}_{what}"), t)).collect();
    let operator = |window: Window, groups: usize| match p.ends {
        Ends::Bytes { .. } => {
            Op::QConv { window, groups, quant: Quant { zero: p.zero, target: p.target, residual: None } }
        }
        Ends::Wide(ref ends) => {
            Op::WideConv { window, groups, wide: Wide { zero: p.zero, target: p.target, lead: ends.lead } }
        }
    };
    if let Op::Conv { window, groups, .. } = &node.op {
        let w = rw.graph.add_constant(name, Tensor::from_elements(weights_shape, &p.w));
        let inputs = [p.x, w].into_iter().chain(ends).collect();
        rw.put(Node { op: operator(window.clone(), *groups), inputs, outputs: vec![out], origin: origin.to_vec() });
        return;
    }
    let [k, n] = [weights_shape[0], weights_shape[1]];
    let transposed: Vec<i8> = (0..n).flat_map(|c| (0..k).map(move |r| (r, c))).map(|(r, c)| p.w[r * n + c]).collect();
    let w = rw.graph.add_constant(name.as_str(), Tensor::from_elements([n, 1, 1, k], &transposed));
    let rows = rw.ty(p.x).elements().checked_div(k).unwrap_or(0);
    let x = rw.reshape(p.x, &[1, 1, rows, k], origin, &name);
    let window = Window { kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pad_begin: [0; 2], pad_end: [0; 2] };
    let Type { shape, .. } = rw.ty(out).clone();
    let name = rw.name(out);
    let inputs: Vec<ValueId> = [x, w].into_iter().chain(ends).collect();
    let y = rw.emit(operator(window, 1), &inputs, origin, &name);
    let y = rw.reshape(y, &shape, origin, &name);
    rw.alias(out, y);
}
