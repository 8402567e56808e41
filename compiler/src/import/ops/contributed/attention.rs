//! Attention with its projection, and of several heads.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::ops::attention::{dims, grouped, join_heads};
use crate::import::ops::matmul::broadcast_product;
use crate::import::ops::pieces::{concat, slice, table};
use crate::ir::formula::{binary, constant, num, select, x};
use crate::ir::{BinaryOp, DType, Op, Scalar, Tensor, UnaryOp, ValueId};

/// What changes scores.
#[derive(Clone, Copy, Default)]
pub(super) struct Hiding {
    /// Bools that broadcast to the scores: whether `mask_filter_value` is not added.
    pub(super) unfiltered: Option<ValueId>,
    /// Bools that broadcast to the scores: whether the key takes part at all.
    pub(super) allowed: Option<ValueId>,
    /// Floats that are added to the scores.
    pub(super) bias: Option<ValueId>,
}

/// `[batch, steps, heads * size]` of queries, keys and values `[batch, heads, steps, size]`; keys and values may have fewer heads, each for a
/// group. Of f16 and bf16 it is computed in f32.
pub(super) fn attend(cx: &mut NodeCx<'_>, operands: [ValueId; 3], hiding: Hiding) -> Imported {
    let [q, k, v] = operands.map(|v| cx.ty(v));
    let ([b, h, _, d], [b_k, h_k, t, d_k]) = (dims(cx, operands[0])?, dims(cx, operands[1])?);
    let [b_v, h_v, t_v, _] = dims(cx, operands[2])?;
    if (b, b, t, d, h_k) != (b_k, b_v, t_v, d_k, h_v) || h_k == 0 || h % h_k != 0 || !q.dtype.is_float() {
        return Err(Fault::shape(format!("query {q}, key {k} and value {v} do not fit each other")));
    }
    let work = if q.dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let [query, key, value] = operands;
    let (query, key, value) = (cx.cast(query, work)?, cx.cast(key, work)?, cx.cast(value, work)?);
    let scale = match cx.float("scale", 0.0)? {
        0.0 => 1.0 / (d.max(1) as f64).sqrt(),
        scale => f64::from(scale),
    };
    let query = cx.map((x(0) * num(scale)).expr(work), &[query])?;
    let key = cx.transpose(key, [0, 1, 3, 2])?;
    let scores = grouped(cx, query, key)?;
    let scores = hidden(cx, scores, hiding)?;
    let probabilities = cx.emit(Op::Softmax { axis: 3, log: false }, &[scores])?;
    let y = grouped(cx, probabilities, value)?;
    let y = join_heads(cx, y)?;
    cx.cast(y, q.dtype)
}

/// Scores with a cap, where there is one, and what is added to them.
fn hidden(cx: &mut NodeCx<'_>, scores: ValueId, hiding: Hiding) -> Imported {
    let (dtype, shape) = (cx.dtype(scores), cx.shape(scores));
    let cap = f64::from(cx.float("softcap", 0.0)?);
    let filter = f64::from(cx.float("mask_filter_value", -10000.0)?);
    let mut operands = vec![scores];
    let mut y = if cap == 0.0 { x(0) } else { num(cap) * (x(0) / num(cap)).then(UnaryOp::Tanh) };
    if let Some(bias) = hiding.bias {
        y = y + x(operands.len());
        operands.push(cx.cast(bias, dtype)?);
    }
    if let Some(mask) = hiding.unfiltered {
        y = y + select(x(operands.len()), num(0.0), num(filter));
        operands.push(mask);
    }
    if let Some(mask) = hiding.allowed {
        y = select(x(operands.len()), y, constant(Scalar::from_f64(f64::NEG_INFINITY, dtype)));
        operands.push(mask);
    }
    let y = cx.map(y.expr(dtype), &operands)?;
    match cx.shape(y) == shape {
        true => Ok(y),
        false => Err(Fault::shape(format!("a mask does not broadcast to scores of {shape:?}"))),
    }
}

/// Whether each key is not behind its query, of which the first stands at `past`; nothing where none is.
pub(super) fn causal(cx: &mut NodeCx<'_>, queries: usize, keys: usize, past: usize) -> Imported<Option<ValueId>> {
    table(queries.checked_mul(keys), "the mask")?;
    let bools: Vec<bool> = (0..queries).flat_map(|q| (0..keys).map(move |k| k <= past + q)).collect();
    let all = bools.iter().all(|&b| b);
    Ok((!all).then(|| cx.add_constant(Tensor::from_bools([queries, keys], &bools))))
}

/// The mask at an input, of padding: lengths `[batch]`, ends and starts `[2 * batch]`, or whether keys count `[batch, keys]` or `[batch, queries,
/// keys]`. Bools that broadcast to scores of such a shape.
fn padding(cx: &mut NodeCx<'_>, at: usize, [batch, queries, keys]: [usize; 3]) -> Imported<Option<ValueId>> {
    let Some(mask) = cx.opt(at) else { return Ok(None) };
    let mask = cx.cast(mask, DType::I32)?;
    let shape = cx.shape(mask);
    let places: Vec<i32> = (0..keys as i32).collect();
    let zero = || constant(Scalar::from_i64(0, DType::I32));
    let is_after = match *shape.as_slice() {
        [n] if n == batch => {
            let ends = cx.reshape(mask, [batch, 1, 1, 1])?;
            let places = cx.add_constant(Tensor::from_elements([keys], &places));
            return cx.map(x(1).lt(x(0)).expr(DType::I32), &[ends, places]).map(Some);
        }
        [n] if Some(n) == batch.checked_mul(2) => {
            let ends = slice(cx, mask, 0, (0, 1, batch))?;
            let starts = slice(cx, mask, 0, (batch, 1, batch))?;
            let (ends, starts) = (cx.reshape(ends, [batch, 1, 1, 1])?, cx.reshape(starts, [batch, 1, 1, 1])?);
            let places = cx.add_constant(Tensor::from_elements([keys], &places));
            let within = binary(BinaryOp::And, x(1).lt(x(0)), binary(BinaryOp::Le, x(2), x(1)));
            return cx.map(within.expr(DType::I32), &[ends, places, starts]).map(Some);
        }
        [b, k] if (b, k) == (batch, keys) => cx.reshape(mask, [batch, 1, 1, keys])?,
        [b, q, k] if (b, q, k) == (batch, queries, keys) => cx.reshape(mask, [batch, 1, queries, keys])?,
        _ => {
            return Err(Fault::shape(format!(
                "a mask {} for {batch} x {queries} queries and {keys} keys",
                cx.ty(mask)
            )));
        }
    };
    cx.map(zero().lt(x(0)).expr(DType::I32), &[is_after]).map(Some)
}

/// The attribute that counts heads.
pub(super) fn heads(cx: &NodeCx<'_>, name: &str) -> Imported<usize> {
    let n = cx.int_opt(name)?.ok_or_else(|| Fault::missing(name))?;
    usize::try_from(n).ok().filter(|&n| n > 0).ok_or_else(|| Fault::attribute(name, format!("is {n}")))
}

/// `[batch, steps, heads * size]` as `[batch, heads, steps, size]`.
pub(super) fn split(cx: &mut NodeCx<'_>, v: ValueId, heads: usize) -> Imported {
    let &[batch, steps, hidden] = cx.shape(v).as_slice() else {
        return Err(Fault::shape(format!("{} has not rank 3", cx.ty(v))));
    };
    if hidden % heads != 0 {
        return Err(Fault::shape(format!("{heads} heads do not divide {}", cx.ty(v))));
    }
    let v = cx.reshape(v, [batch, steps, heads, hidden / heads])?;
    cx.transpose(v, [0, 2, 1, 3])
}

/// `Attention`: the projection of the input to queries, keys and values, and their attention.
pub(super) fn packed(cx: &mut NodeCx<'_>) -> Imported {
    let (input, weights, heads) = (cx.input(0)?, cx.input(1)?, heads(cx, "num_heads")?);
    let (&[batch, steps, _], &[_, columns]) = (cx.shape(input).as_slice(), cx.shape(weights).as_slice()) else {
        return Err(Fault::shape(format!("{} and weights {} do not fit", cx.ty(input), cx.ty(weights))));
    };
    if cx.flag("do_rotary", false)? || cx.flag("past_present_share_buffer", false)? {
        return Err(Fault::form("rotary embeddings or a shared buffer inside of Attention")
            .help("export with GroupQueryAttention, or without this fusion"));
    }
    let given = cx.ints_opt("qkv_hidden_sizes")?.unwrap_or_else(|| vec![(columns / 3) as i64; 3]);
    let sizes: Option<Vec<usize>> = given.iter().map(|&n| usize::try_from(n).ok().filter(|&n| n <= columns)).collect();
    let sizes = sizes.filter(|s| s.len() == 3 && s.iter().sum::<usize>() == columns);
    let sizes = sizes.ok_or_else(|| Fault::attribute("qkv_hidden_sizes", format!("do not add up to {columns}")))?;
    let mut all = broadcast_product(cx, input, weights)?;
    if let Some(bias) = cx.opt(2) {
        all = cx.binary(BinaryOp::Add, all, bias)?;
    }
    let mut parts = Vec::with_capacity(3);
    let mut first = 0;
    for size in sizes {
        let part = slice(cx, all, 2, (first, 1, size))?;
        parts.push(split(cx, part, heads)?);
        first += size;
    }
    let (query, mut key, mut value) = (parts[0], parts[1], parts[2]);
    let mut past = 0;
    if let Some(both) = cx.opt(4) {
        let shape = cx.shape(both);
        if shape.len() != 5 || shape[0] != 2 {
            return Err(Fault::shape(format!("the past {} is not [2, batch, heads, steps, size]", cx.ty(both))));
        }
        past = shape[3];
        let (keys, values) = (slice(cx, both, 0, (0, 1, 1))?, slice(cx, both, 0, (1, 1, 1))?);
        let (keys, values) = (cx.reshape(keys, &shape[1..])?, cx.reshape(values, &shape[1..])?);
        key = concat(cx, 2, &[keys, key])?;
        value = concat(cx, 2, &[values, value])?;
    }
    if cx.wants(1) {
        let one = |cx: &mut NodeCx<'_>, v: ValueId| {
            let shape = [vec![1], cx.shape(v)].concat();
            cx.reshape(v, shape)
        };
        let (keys, values) = (one(cx, key)?, one(cx, value)?);
        let present = concat(cx, 0, &[keys, values])?;
        cx.set(1, present);
    }
    let keys = past + steps;
    let hiding = Hiding {
        unfiltered: padding(cx, 3, [batch, steps, keys])?,
        allowed: if cx.flag("unidirectional", false)? { causal(cx, steps, keys, past)? } else { None },
        bias: cx.opt(5),
    };
    attend(cx, [query, key, value], hiding)
}

/// One of some operands that lie beside each other in dimension 3 of `[batch, steps, heads, n, size]`, as `[batch, heads, steps, size]`.
fn unpacked(cx: &mut NodeCx<'_>, v: ValueId, at: usize) -> Imported {
    let shape = cx.shape(v);
    let part = slice(cx, v, 3, (at, 1, 1))?;
    let part = cx.reshape(part, [shape[0], shape[1], shape[2], shape[4]])?;
    cx.transpose(part, [0, 2, 1, 3])
}

/// `MultiHeadAttention`.
pub(super) fn multi_head(cx: &mut NodeCx<'_>) -> Imported {
    let (operand, heads) = (cx.input(0)?, heads(cx, "num_heads")?);
    if cx.opt(8).is_some() || cx.opt(9).is_some() {
        return Err(Fault::form("a shared buffer of keys and values").help("export without past_present_share_buffer"));
    }
    let last = |cx: &NodeCx<'_>, v: ValueId| cx.shape(v).last().copied().unwrap_or(0);
    let biases = cx.opt(3);
    let mut first = 0;
    // A part of the bias is added to an operand of rank 3.
    let mut part = |cx: &mut NodeCx<'_>, v: ValueId| -> Imported {
        let size = last(cx, v);
        let v = match biases {
            Some(bias) => {
                if cx.rank(bias) != 1 || first + size > last(cx, bias) {
                    return Err(Fault::shape(format!("the bias {} is too short", cx.ty(bias))));
                }
                let row = slice(cx, bias, 0, (first, 1, size))?;
                cx.binary(BinaryOp::Add, v, row)?
            }
            None => v,
        };
        first += size;
        split(cx, v, heads)
    };
    let [query, mut key, mut value] = match (cx.rank(operand), cx.opt(1), cx.opt(2)) {
        (5, None, None) if cx.opt(3).is_none() && cx.shape(operand)[3] == 3 => {
            [unpacked(cx, operand, 0)?, unpacked(cx, operand, 1)?, unpacked(cx, operand, 2)?]
        }
        (3, Some(both), None) if cx.rank(both) == 5 && cx.shape(both)[3] == 2 => {
            let query = part(cx, operand)?;
            [query, unpacked(cx, both, 0)?, unpacked(cx, both, 1)?]
        }
        (3, Some(key), Some(value)) if cx.rank(key) == 4 && cx.rank(value) == 4 => [part(cx, operand)?, key, value],
        (3, Some(key), Some(value)) => [part(cx, operand)?, part(cx, key)?, part(cx, value)?],
        _ => {
            return Err(Fault::form(format!("a query {} without the key and value that go with it", cx.ty(operand))));
        }
    };
    let mut past = 0;
    if let (Some(past_key), Some(past_value)) = (cx.opt(6), cx.opt(7)) {
        past = dims(cx, past_key)?[2];
        dims(cx, past_value)?;
        key = concat(cx, 2, &[past_key, key])?;
        value = concat(cx, 2, &[past_value, value])?;
    }
    cx.set(1, key);
    cx.set(2, value);
    let ([batch, _, steps, _], [_, _, keys, _]) = (dims(cx, query)?, dims(cx, key)?);
    let hiding = Hiding {
        unfiltered: padding(cx, 4, [batch, steps, keys])?,
        allowed: if cx.flag("unidirectional", false)? { causal(cx, steps, keys, past)? } else { None },
        bias: cx.opt(5),
    };
    attend(cx, [query, key, value], hiding)
}
