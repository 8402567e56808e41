//! Attention and rotary embeddings, composed of products, Maps and a softmax.

mod mask;
mod rotary;

use mask::Mask;
pub(super) use rotary::{Turn, turned};

use super::matmul::product;
use super::pieces::concat;
use crate::import::node::{At, Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::import::tensor::dtype_of_code;
use crate::ir::formula::{binary, constant, num, select, x};
use crate::ir::{BinaryOp, DType, Op, ReduceKind, Scalar, UnaryOp, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[op("Attention", attention), op("RotaryEmbedding", rotary::rotary)];

/// Operands `[batch, heads, steps, size]`.
struct Operands {
    query: ValueId,
    key: ValueId,
    value: ValueId,
    /// Keys that came before those of this call.
    past: usize,
    /// The operands came as `[batch, steps, heads * size]`.
    flat: bool,
}

/// `[batch, steps, heads * size]` as `[batch, heads, steps, size]`.
pub(super) fn split_heads(cx: &mut NodeCx<'_>, v: ValueId, heads: &str) -> Imported {
    let shape = cx.shape(v);
    match *shape.as_slice() {
        [_, _, _, _] => Ok(v),
        [batch, steps, hidden] => {
            let count = cx.int_opt(heads)?.and_then(|h| usize::try_from(h).ok()).filter(|&h| h > 0 && hidden % h == 0);
            let count = count.ok_or_else(|| {
                Fault::attribute(heads, format!("must be given and divide the {hidden} columns of {}", cx.ty(v)))
            })?;
            let v = cx.reshape(v, [batch, steps, count, hidden / count])?;
            cx.transpose(v, [0, 2, 1, 3])
        }
        _ => Err(Fault::shape(format!("{} has neither rank 3 nor 4", cx.ty(v)))),
    }
}

/// The inverse of [`split_heads`].
pub(super) fn join_heads(cx: &mut NodeCx<'_>, v: ValueId) -> Imported {
    let [batch, heads, steps, size] = dims(cx, v)?;
    let v = cx.transpose(v, [0, 2, 1, 3])?;
    let hidden = heads.checked_mul(size).ok_or_else(|| Fault::shape("the result is too large"))?;
    cx.reshape(v, [batch, steps, hidden])
}

pub(super) fn dims(cx: &NodeCx<'_>, v: ValueId) -> Imported<[usize; 4]> {
    let shape = cx.shape(v);
    <[usize; 4]>::try_from(shape.as_slice()).map_err(|_| Fault::shape(format!("{} has not rank 4", cx.ty(v))))
}

/// Splits heads and appends keys and values to those of the past.
fn operands(cx: &mut NodeCx<'_>) -> Imported<Operands> {
    let (query, key, value) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
    let flat = cx.rank(query) == 3;
    let query = split_heads(cx, query, "q_num_heads")?;
    let mut key = split_heads(cx, key, "kv_num_heads")?;
    let mut value = split_heads(cx, value, "kv_num_heads")?;
    let mut past = 0;
    if let (Some(past_key), Some(past_value)) = (cx.opt(4), cx.opt(5)) {
        past = dims(cx, past_key)?[2];
        dims(cx, past_value)?;
        key = concat(cx, 2, &[past_key, key])?;
        value = concat(cx, 2, &[past_value, value])?;
    }
    let ([b, h, _, d], [b_k, h_k, t, d_k], [b_v, h_v, t_v, _]) = (dims(cx, query)?, dims(cx, key)?, dims(cx, value)?);
    if (b, b, t, d) != (b_k, b_v, t_v, d_k) || h_k != h_v || h_k == 0 || h % h_k != 0 {
        let [q, k, v] = [query, key, value].map(|v| cx.ty(v));
        return Err(Fault::shape(format!("query {q}, key {k} and value {v} do not fit each other")));
    }
    Ok(Operands { query, key, value, past, flat })
}

fn attention(cx: &mut NodeCx<'_>) -> Imported {
    let o = operands(cx)?;
    let dtype = cx.dtype(o.query);
    if !dtype.is_float() {
        return Err(Fault::shape(format!("the query is {}, should be of floats", cx.ty(o.query))));
    }
    let value_type = cx.dtype(o.value);
    // f16 and bf16 are widened, and rounded where results leave.
    let work = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let query = cx.cast(o.query, work)?;
    let key = cx.cast(o.key, work)?;
    let value = cx.cast(o.value, work)?;
    let mode = cx.int("qk_matmul_output_mode", 0)?;
    if !(0..=3).contains(&mode) {
        return Err(Fault::attribute("qk_matmul_output_mode", format!("is {mode}, should be 0 to 3")));
    }
    let raw = scores(cx, query, key)?;
    let capped = softcap(cx, raw)?;
    let mask = Mask::of(cx, [raw, o.query], o.past)?;
    let masked = mask.apply(cx, capped)?;
    let probabilities = softmax(cx, masked, &mask)?;
    let debug = match mode {
        0 => raw,
        1 => capped,
        2 => masked,
        _ => probabilities,
    };
    let y = grouped(cx, probabilities, value)?;
    let y = if o.flat { join_heads(cx, y)? } else { y };
    let y = cx.cast(y, dtype)?;
    cx.set(1, o.key);
    cx.set(2, o.value);
    let debug = cx.cast(debug, if cx.dtype(debug) == work { dtype } else { value_type })?;
    cx.set(3, debug);
    Ok(y)
}

/// Products of operands whose heads are `[batch, kv_heads, group, ..]`: each head of keys and values serves a group.
pub(super) fn grouped(cx: &mut NodeCx<'_>, a: ValueId, b: ValueId) -> Imported {
    let ([batch, heads, rows, inner], [_, kv_heads, k, n]) = (dims(cx, a)?, dims(cx, b)?);
    if heads == kv_heads {
        return product(cx, a, b);
    }
    let a = cx.reshape(a, [batch, kv_heads, heads / kv_heads, rows, inner])?;
    let b = cx.reshape(b, [batch, kv_heads, 1, k, n])?;
    let y = product(cx, a, b)?;
    cx.reshape(y, [batch, heads, rows, n])
}

/// Queries times keys. The scale, 1 / sqrt(size) where it is not given, goes to the queries.
fn scores(cx: &mut NodeCx<'_>, query: ValueId, key: ValueId) -> Imported {
    let size = dims(cx, query)?[3];
    let scale = match cx.float_opt("scale")? {
        Some(scale) => f64::from(scale),
        None => 1.0 / (size.max(1) as f64).sqrt(),
    };
    let query = cx.map((x(0) * num(scale)).expr(cx.dtype(query)), &[query])?;
    let key = cx.transpose(key, [0, 1, 3, 2])?;
    grouped(cx, query, key)
}

/// `cap * tanh(x / cap)` where there is a cap.
fn softcap(cx: &mut NodeCx<'_>, scores: ValueId) -> Imported {
    let cap = f64::from(cx.float("softcap", 0.0)?);
    if cap == 0.0 {
        return Ok(scores);
    }
    let formula = num(cap) * (x(0) / num(cap)).then(UnaryOp::Tanh);
    cx.map(formula.expr(cx.dtype(scores)), &[scores])
}

/// The softmax of each row; a row whose keys are all masked becomes zeros.
fn softmax(cx: &mut NodeCx<'_>, scores: ValueId, mask: &Mask) -> Imported {
    let dtype = cx.dtype(scores);
    let precision = match cx.int_opt("softmax_precision")? {
        Some(code) => dtype_of_code(i32::try_from(code).unwrap_or(-1))
            .map_err(|f| f.at(At::Attribute("softmax_precision".into())))?,
        None => dtype,
    };
    let wide = cx.cast(scores, precision)?;
    let y = cx.emit(Op::Softmax { axis: 3, log: false }, &[wide])?;
    let y = cx.cast(y, dtype)?;
    if !mask.may_hide_all {
        return Ok(y);
    }
    let [batch, heads, rows, _] = dims(cx, scores)?;
    let largest = cx.emit(Op::Reduce { kind: ReduceKind::Max, axes: vec![3] }, &[scores])?;
    let largest = cx.reshape(largest, [batch, heads, rows, 1])?;
    let lowest = constant(Scalar::from_f64(f64::NEG_INFINITY, dtype));
    let formula = select(binary(BinaryOp::Eq, x(1), lowest), num(0), x(0));
    cx.map(formula.expr(dtype), &[y, largest])
}
