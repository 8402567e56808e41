//! Operators with a state that is handed on: LinearAttention and CausalConvWithState.

use super::conv::{channels_first, channels_last};
use super::matmul::product;
use super::pieces::slice;
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited, op};
use crate::ir::formula::{num, x};
use crate::ir::{DType, Epilogue, Movement, Op, Scalar, UnaryOp, ValueId, Window};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    op("CausalConvWithState", causal_conv),
    limited("LinearAttention", linear_attention, "up to 256 steps, which are unrolled"),
];

/// The most steps that are unrolled.
const MAX_STEPS: usize = 256;

/// A depthwise convolution over the past and the operand; the last `k - 1` columns of both are the new past.
fn causal_conv(cx: &mut NodeCx<'_>) -> Imported {
    let (operand, weights) = (cx.input(0)?, cx.input(1)?);
    let (&[batch, channels, length], &[c, 1, k]) = (cx.shape(operand).as_slice(), cx.shape(weights).as_slice()) else {
        return Err(Fault::shape(format!("{} and weights {} have not rank 3", cx.ty(operand), cx.ty(weights))));
    };
    if c != channels || k == 0 {
        return Err(Fault::shape(format!("weights {} do not fit {}", cx.ty(weights), cx.ty(operand))));
    }
    let all = match cx.opt(3) {
        Some(past) if cx.shape(past) == [batch, channels, k - 1] => {
            cx.emit(Op::Concat { axis: 2 }, &[past, operand])?
        }
        Some(past) => {
            return Err(Fault::shape(format!("the state {} should be [{batch}, {channels}, {}]", cx.ty(past), k - 1)));
        }
        None => {
            let value = Scalar::zero(cx.dtype(operand));
            cx.emit(Op::Movement(Movement::Pad { before: vec![0, 0, k - 1], after: vec![0; 3], value }), &[operand])?
        }
    };
    let map = channels_last(cx, all)?;
    let weights = channels_last(cx, weights)?;
    let window = Window { kernel: [1, k], stride: [1, 1], dilation: [1, 1], pad_begin: [0, 0], pad_end: [0, 0] };
    let epilogue = Epilogue { bias: cx.opt(2).is_some(), ..Epilogue::default() };
    let operands: Vec<ValueId> = [map, weights].into_iter().chain(cx.opt(2)).collect();
    let mut y = cx.emit(Op::Conv { window, groups: channels, epilogue }, &operands)?;
    if cx.word("activation", &[("none", false), ("silu", true), ("swish", true)])? {
        y = cx.map((x(0) * x(0).then(UnaryOp::Sigmoid)).expr(cx.dtype(y)), &[y])?;
    }
    let y = channels_first(cx, y, 1)?;
    // A slice of nothing starts at the first column.
    let start = if k == 1 { 0 } else { length };
    let state = slice(cx, all, 2, (start, 1, k - 1))?;
    cx.set(1, state);
    Ok(y)
}

/// How the state changes from step to step.
#[derive(Clone, Copy)]
struct Rule {
    gated: bool,
    delta: bool,
}

fn rule(cx: &NodeCx<'_>) -> Imported<Rule> {
    let rules =
        [("gated_delta", [true, true]), ("gated", [true, false]), ("delta", [false, true]), ("linear", [false, false])];
    let [gated, delta] = cx.word("update_rule", &rules)?;
    Ok(Rule { gated, delta })
}

fn heads(cx: &NodeCx<'_>, name: &str) -> Imported<usize> {
    let count = cx.int(name, 0)?;
    usize::try_from(count).ok().filter(|&h| h > 0).ok_or_else(|| Fault::attribute(name, "must be positive"))
}

/// Operands in f32 (or f64), and the sizes they share.
struct Steps {
    batch: usize,
    steps: usize,
    kv_heads: usize,
    group: usize,
    work: DType,
}

impl Steps {
    /// Step `t` of `[batch, steps, columns]` as `[batch, kv_heads, ..]` with the given last two dimensions.
    fn at(&self, cx: &mut NodeCx<'_>, v: ValueId, t: usize, [rows, columns]: [usize; 2]) -> Imported {
        let v = slice(cx, v, 1, (t, 1, 1))?;
        // One number for all heads broadcasts.
        let heads = if cx.shape(v)[2] == 1 { 1 } else { self.kv_heads };
        cx.reshape(v, [self.batch, heads, rows, columns])
    }
}

/// Columns of an operand `[batch, steps, heads * n]` for each of some heads.
fn columns(cx: &NodeCx<'_>, v: ValueId, [batch, steps, heads]: [usize; 3]) -> Imported<usize> {
    match *cx.shape(v).as_slice() {
        [b, t, n] if b == batch && t == steps && n % heads == 0 => Ok(n / heads),
        _ => Err(Fault::shape(format!("{} should be [{batch}, {steps}, {heads} * n]", cx.ty(v)))),
    }
}

fn linear_attention(cx: &mut NodeCx<'_>) -> Imported {
    let (query, rule) = (cx.input(0)?, rule(cx)?);
    let (q_heads, kv_heads) = (heads(cx, "q_num_heads")?, heads(cx, "kv_num_heads")?);
    let &[batch, steps, _] = cx.shape(query).as_slice() else {
        return Err(Fault::shape(format!("{} is not [batch, steps, columns]", cx.ty(query))));
    };
    if q_heads % kv_heads != 0 {
        return Err(Fault::attribute("q_num_heads", format!("{q_heads} is not a multiple of {kv_heads}")));
    }
    if steps > MAX_STEPS || steps == 0 {
        return Err(Fault::form(format!("LinearAttention over {steps} steps"))
            .help(format!("export it for 1 to {MAX_STEPS} steps, and hand the state on")));
    }
    let dtype = cx.dtype(query);
    let work = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let s = Steps { batch, steps, kv_heads, group: q_heads / kv_heads, work };
    let operands = (0..3).map(|i| cx.input(i).and_then(|v| cx.cast(v, work))).collect::<Imported<Vec<ValueId>>>()?;
    let d_k = columns(cx, operands[1], [batch, steps, kv_heads])?;
    let d_v = columns(cx, operands[2], [batch, steps, kv_heads])?;
    if columns(cx, operands[0], [batch, steps, q_heads])? != d_k {
        return Err(Fault::shape(format!("{} does not fit keys of {d_k} columns", cx.ty(query))));
    }
    let mut state = match cx.opt(3) {
        Some(past) => cx.cast(past, work)?,
        None => super::pieces::fill(cx, Scalar::zero(work), vec![batch, kv_heads, d_k, d_v])?,
    };
    let hidden = q_heads.checked_mul(d_v).ok_or_else(|| Fault::shape("the result is too large"))?;
    let mut results = Vec::with_capacity(steps);
    for t in 0..steps {
        state = advanced(cx, &s, rule, (state, [operands[1], operands[2]], t, [d_k, d_v]))?;
        let q = s.at(cx, operands[0], t, [s.group, d_k])?;
        let y = product(cx, q, state)?;
        results.push(cx.reshape(y, [batch, 1, hidden])?);
    }
    let y = cx.emit(Op::Concat { axis: 1 }, &results)?;
    let given = f64::from(cx.float("scale", 0.0)?);
    let scale = if given == 0.0 { 1.0 / (d_k.max(1) as f64).sqrt() } else { given };
    let y = cx.map((x(0) * num(scale)).expr(work), &[y])?;
    let y = cx.cast(y, dtype)?;
    let state = cx.cast(state, dtype)?;
    cx.set(1, state);
    Ok(y)
}

/// The state `[batch, kv_heads, d_k, d_v]` after step `t`.
fn advanced(
    cx: &mut NodeCx<'_>,
    s: &Steps,
    rule: Rule,
    (mut state, [key, value], t, [d_k, d_v]): (ValueId, [ValueId; 2], usize, [usize; 2]),
) -> Imported {
    if rule.gated {
        let decay = cx.input(4)?;
        let decay = cx.cast(decay, s.work)?;
        let rows = columns(cx, decay, [s.batch, s.steps, s.kv_heads])?;
        let decay = s.at(cx, decay, t, [rows, 1])?;
        state = cx.map((x(0) * x(1).then(UnaryOp::Exp)).expr(s.work), &[state, decay])?;
    }
    let row = s.at(cx, key, t, [1, d_k])?;
    let mut update = s.at(cx, value, t, [1, d_v])?;
    if rule.delta {
        let beta = cx.input(5)?;
        let beta = cx.cast(beta, s.work)?;
        columns(cx, beta, [s.batch, s.steps, 1])?;
        let beta = s.at(cx, beta, t, [1, 1])?;
        let known = product(cx, row, state)?;
        update = cx.map((x(2) * (x(0) - x(1))).expr(s.work), &[update, known, beta])?;
    }
    let column = cx.reshape(row, [s.batch, s.kv_heads, d_k, 1])?;
    cx.map((x(0) + x(1) * x(2)).expr(s.work), &[state, column, update])
}
