//! Normalizations over whole dimensions: the mean is subtracted, the result divided by the standard deviation, then scaled.
//!
//! The statistics of f16 and bf16 are computed in f32. What varies slowly (one value per row, group or channel) is computed
//! by small Maps, so that the large one is a multiplication and an addition per element.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::ops::reduce::{kept, widened};
use crate::import::registry::{OpEntry, limited, op};
use crate::import::tensor::dtype_of_code;
use crate::ir::formula::{Term, num, x};
use crate::ir::{DType, Op, ReduceKind, Type, UnaryOp as U, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    limited("BatchNormalization", batch_norm, "training mode from opset 14 on"),
    op("GroupNormalization", group_norm),
    op("InstanceNormalization", instance_norm),
    op("LayerNormalization", layer_norm),
    op("RMSNormalization", rms_norm),
];

/// The mean of `each` of the elements over some dimensions, which stay with length 1, then `end` of it.
fn mean(
    cx: &mut NodeCx<'_>,
    v: ValueId,
    axes: &[usize],
    each: Option<Term>,
    end: impl FnOnce(Term) -> Term,
) -> Imported {
    let dtype = cx.dtype(v);
    let shape = cx.shape(v);
    let n: usize = axes.iter().map(|&a| shape[a]).product();
    let v = match each {
        Some(each) => cx.map(each.expr(dtype), &[v])?,
        None => v,
    };
    let sum = kept(cx, v, ReduceKind::Sum, axes)?;
    cx.map(end(x(0) / num(n as f64)).expr(dtype), &[sum])
}

/// The parts of `(v - mean) / sqrt(variance + epsilon)`: the difference, the mean, and the reciprocal of the root.
pub(super) struct Standard {
    pub(super) difference: ValueId,
    pub(super) mean: ValueId,
    pub(super) factor: ValueId,
}

/// Standardizes over some dimensions; `factor` is a function of the variance.
pub(super) fn standardize(
    cx: &mut NodeCx<'_>,
    v: ValueId,
    axes: &[usize],
    factor: impl FnOnce(Term) -> Term,
) -> Imported<Standard> {
    let dtype = cx.dtype(v);
    let center = mean(cx, v, axes, None, |m| m)?;
    let difference = cx.map((x(0) - x(1)).expr(dtype), &[v, center])?;
    let factor = mean(cx, difference, axes, Some(x(0) * x(0)), factor)?;
    Ok(Standard { difference, mean: center, factor })
}

/// `1 / sqrt(variance + epsilon)`.
fn reciprocal_root(epsilon: f32) -> impl FnOnce(Term) -> Term {
    move |variance| (variance + num(epsilon)).then(U::Sqrt).then(U::Reciprocal)
}

/// Converted where the types differ.
fn as_type(v: Term, from: DType, to: DType) -> Term {
    if from == to { v } else { v.cast(to) }
}

/// `difference * factor`, rounded to `dtype`, times scale plus bias.
fn scaled(
    cx: &mut NodeCx<'_>,
    normalized: [ValueId; 2],
    dtype: DType,
    scale: ValueId,
    bias: Option<ValueId>,
) -> Imported {
    let computed = cx.dtype(normalized[0]);
    let mut inputs = vec![normalized[0], normalized[1], scale];
    let mut y = as_type(x(0) * x(1), computed, dtype) * as_type(x(2), cx.dtype(scale), dtype);
    if let Some(bias) = bias {
        y = y + as_type(x(3), cx.dtype(bias), dtype);
        inputs.push(bias);
    }
    let shape = cx.shape(normalized[0]);
    let y = cx.map(y.expr(dtype), &inputs)?;
    if cx.shape(y) != shape {
        return Err(Fault::shape(format!("scale or bias does not broadcast to {shape:?}")));
    }
    Ok(y)
}

/// One value per channel (dimension 1) in a shape that broadcasts over `[batch, channels, ..]`.
fn per_channel(cx: &mut NodeCx<'_>, v: ValueId, rank: usize, channels: usize) -> Imported {
    if cx.ty(v).elements() != channels {
        return Err(Fault::shape(format!("{} should hold one value for each of {channels} channels", cx.ty(v))));
    }
    let mut shape = vec![1; rank.saturating_sub(1).max(1)];
    shape[0] = channels;
    cx.reshape(v, shape)
}

/// The stored statistics make it a multiplication and an addition per channel.
fn batch_norm(cx: &mut NodeCx<'_>) -> Imported {
    let training = match cx.opset {
        ..7 => !cx.flag("is_test", false)?,
        7..14 => (1..5).any(|i| cx.wants(i)),
        14.. => cx.flag("training_mode", false)?,
    };
    if training && cx.opset >= 14 {
        return trained(cx);
    }
    if training {
        return Err(Fault::form("the node is in training mode").help("export the model for inference"));
    }
    let input = cx.input(0)?;
    let (dtype, shape) = (cx.dtype(input), cx.shape(input));
    let spatial = cx.opset >= 9 || cx.flag("spatial", true)?;
    // A vector is a batch of one channel.
    let channels = if shape.len() < 2 { 1 } else { shape[1] };
    let mut p = [cx.input(1)?, cx.input(2)?, cx.input(3)?, cx.input(4)?];
    let widest = p.iter().map(|&v| cx.dtype(v)).max_by_key(|d| d.size()).unwrap_or(dtype);
    for v in &mut p {
        *v = cx.cast(*v, widest)?;
        *v = if spatial { per_channel(cx, *v, shape.len(), channels)? } else { cx.reshape(*v, &shape[1..])? };
    }
    let [scale, bias, mean, variance] = p;
    let factor = x(0) / (x(1) + num(cx.float("epsilon", 1e-5)?)).then(U::Sqrt);
    let factor = cx.map(factor.expr(widest), &[scale, variance])?;
    let offset = cx.map((x(0) - x(1) * x(2)).expr(widest), &[bias, mean, factor])?;
    let (factor, offset) = (cx.cast(factor, dtype)?, cx.cast(offset, dtype)?);
    cx.map((x(0) * x(1) + x(2)).expr(dtype), &[input, factor, offset])
}

/// In training mode the statistics are those of the operand, and the running ones move towards them.
fn trained(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let (dtype, shape) = (cx.dtype(input), cx.shape(input));
    let channels = if shape.len() < 2 { 1 } else { shape[1] };
    let axes: Vec<usize> = (0..shape.len()).filter(|&d| d != 1).collect();
    let s = standardize(cx, input, &axes, |variance| variance)?;
    let factor = cx.map(reciprocal_root(cx.float("epsilon", 1e-5)?)(x(0)).expr(dtype), &[s.factor])?;
    let [scale, bias, mean, variance] = [cx.input(1)?, cx.input(2)?, cx.input(3)?, cx.input(4)?];
    let rank = shape.len();
    let (scale, bias) = (per_channel(cx, scale, rank, channels)?, per_channel(cx, bias, rank, channels)?);
    let y = scaled(cx, [s.difference, factor], dtype, scale, Some(bias))?;
    let momentum = f64::from(cx.float("momentum", 0.9)?);
    for (i, running, own) in [(1, mean, s.mean), (2, variance, s.factor)] {
        let to = cx.dtype(running);
        let own = cx.reshape(own, [channels])?;
        let own = cx.cast(own, to)?;
        let moved = x(0) * num(momentum) + x(1) * num(1.0 - momentum);
        let moved = cx.map(moved.expr(to), &[running, own])?;
        cx.set(i, moved);
    }
    Ok(y)
}

fn instance_norm(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let (dtype, shape) = (cx.dtype(input), cx.shape(input));
    if shape.len() < 2 {
        return Err(Fault::shape(format!("{shape:?} has no channels")));
    }
    let axes: Vec<usize> = (2..shape.len()).collect();
    let epsilon = cx.float("epsilon", 1e-5)?;
    let v = widened(cx, input, true)?;
    let s = standardize(cx, v, &axes, reciprocal_root(epsilon))?;
    let [scale, bias] = [cx.input(1)?, cx.input(2)?];
    let scale = per_channel(cx, scale, shape.len(), shape[1])?;
    let bias = per_channel(cx, bias, shape.len(), shape[1])?;
    scaled(cx, [s.difference, s.factor], dtype, scale, Some(bias))
}

/// The type that `stash_type` asks the statistics to be computed in.
fn stash_type(cx: &NodeCx<'_>) -> Imported<DType> {
    let code = cx.int("stash_type", 1)?;
    let dtype = i32::try_from(code).ok().and_then(|c| dtype_of_code(c).ok()).filter(|d| d.is_float());
    dtype.ok_or_else(|| Fault::attribute("stash_type", format!("is no float type: {code}")))
}

/// The dimensions from the attribute `axis` on.
fn trailing_axes(cx: &NodeCx<'_>, rank: usize) -> Imported<Vec<usize>> {
    Ok((cx.axis(cx.int("axis", -1)?, rank)?..rank).collect())
}

/// The normalization as one operator, where all of it is f32, scale and bias are whole rows, and `center` has its meaning in
/// [`Op::Norm`].
fn rows(cx: &mut NodeCx<'_>, axes: &[usize], center: bool) -> Imported<Option<ValueId>> {
    let input = cx.input(0)?;
    let (ty, epsilon) = (cx.ty(input), cx.float("epsilon", 1e-5)?);
    let operands: Vec<ValueId> = [Some(cx.input(1)?), cx.opt(2)].into_iter().flatten().collect();
    let whole = |v: &ValueId| cx.ty(*v) == Type::new(DType::F32, &ty.shape[axes[0]..]);
    if ty.dtype != DType::F32 || stash_type(cx)? != DType::F32 || !operands.iter().all(whole) {
        return Ok(None);
    }
    let op = Op::Norm { axis: axes[0], center, epsilon, scale: true, bias: operands.len() > 1 };
    cx.emit(op, &[&[input], operands.as_slice()].concat()).map(Some)
}

fn layer_norm(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let dtype = cx.dtype(input);
    let axes = trailing_axes(cx, cx.rank(input))?;
    let epsilon = cx.float("epsilon", 1e-5)?;
    if !cx.wants(1)
        && !cx.wants(2)
        && let Some(y) = rows(cx, &axes, true)?
    {
        return Ok(y);
    }
    let v = cx.cast(input, stash_type(cx)?)?;
    let s = standardize(cx, v, &axes, reciprocal_root(epsilon))?;
    let (scale, bias) = (cx.input(1)?, cx.opt(2));
    let y = scaled(cx, [s.difference, s.factor], dtype, scale, bias)?;
    cx.set(1, s.mean);
    cx.set(2, s.factor);
    Ok(y)
}

/// The result has the type of the scale.
fn rms_norm(cx: &mut NodeCx<'_>) -> Imported {
    let (input, scale) = (cx.input(0)?, cx.input(1)?);
    let axes = trailing_axes(cx, cx.rank(input))?;
    let epsilon = cx.float("epsilon", 1e-5)?;
    if let Some(y) = rows(cx, &axes, false)? {
        return Ok(y);
    }
    let v = cx.cast(input, stash_type(cx)?)?;
    let factor = mean(cx, v, &axes, Some(x(0) * x(0)), reciprocal_root(epsilon))?;
    let dtype = cx.dtype(scale);
    scaled(cx, [v, factor], dtype, scale, None)
}

/// Scale and bias belong to groups before opset 21, then to channels.
fn group_norm(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let (dtype, shape) = (cx.dtype(input), cx.shape(input));
    let groups = cx.int_opt("num_groups")?.ok_or_else(|| Fault::missing("num_groups"))?;
    let groups = usize::try_from(groups).ok().filter(|&g| g > 0 && shape.len() > 1 && shape[1] % g == 0);
    let groups =
        groups.ok_or_else(|| Fault::attribute("num_groups", format!("does not divide the channels of {shape:?}")))?;
    let channels = shape[1] / groups;
    let spatial: usize = shape[2..].iter().product();
    let epsilon = cx.float("epsilon", 1e-5)?;
    let v = if cx.opset < 21 { widened(cx, input, true)? } else { cx.cast(input, stash_type(cx)?)? };
    let v = cx.reshape(v, [shape[0], groups, channels, spatial])?;
    let s = standardize(cx, v, &[2, 3], reciprocal_root(epsilon))?;
    let per_group = if cx.opset < 21 { [groups, 1, 1] } else { [groups, channels, 1] };
    let [scale, bias] = [cx.input(1)?, cx.input(2)?];
    let (scale, bias) = (cx.reshape(scale, per_group)?, cx.reshape(bias, per_group)?);
    let y = scaled(cx, [s.difference, s.factor], dtype, scale, Some(bias))?;
    cx.reshape(y, shape)
}
