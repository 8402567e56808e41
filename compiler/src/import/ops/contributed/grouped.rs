//! GroupQueryAttention: rotary embeddings, a cache of keys and values, and causal attention of groups of heads.
//!
//! The cache has room for all steps: the keys of this call follow those that `seqlens_k` says are there, and replace what is behind.

use super::attention::{Hiding, attend, heads, split};
use super::rotary::offset;
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::ops::attention::{Turn, dims, turned};
use crate::import::ops::pieces::{concat, slice};
use crate::ir::formula::{Term, binary, num, select, x};
use crate::ir::{BinaryOp, DType, Movement, Op, Tensor, ValueId};

/// What is known of the sequence.
struct Sequence {
    batch: usize,
    /// Steps of this call.
    steps: usize,
    /// Steps that the cache has room for when it is done.
    keys: usize,
    /// Where the steps of this call begin, `[batch]` of i64.
    start: ValueId,
}

pub(super) fn attention(cx: &mut NodeCx<'_>) -> Imported {
    for (name, unset) in [("smooth_softmax", 0), ("k_quant_type", 0), ("v_quant_type", 0)] {
        if matches!(cx.int_opt(name), Ok(Some(v)) if v > unset) {
            return Err(Fault::attribute(name, "is not supported"));
        }
    }
    if cx.opt(11).is_some() {
        return Err(Fault::form("attention sinks").help("export without head_sink"));
    }
    let [mut query, mut key, value] = operands(cx)?;
    let s = Sequence::of(cx, query)?;
    if cx.flag("do_rotary", false)? {
        let tables = [cx.input(7)?, cx.input(8)?];
        let positions = match cx.opt(9) {
            Some(positions) => positions,
            None => offset(cx, s.start, s.batch, s.steps)?,
        };
        let columns = cx.shape(tables[0]).last().copied().unwrap_or(0).saturating_mul(2);
        let turn = Turn { columns, interleaved: cx.flag("rotary_interleaved", false)?, positions };
        query = turned(cx, query, tables, &turn)?;
        key = turned(cx, key, tables, &turn)?;
    }
    let key = cached(cx, &s, cx.opt(3), key)?;
    let value = cached(cx, &s, cx.opt(4), value)?;
    cx.set(1, key);
    cx.set(2, value);
    let allowed = visible(cx, &s)?;
    let hiding = Hiding { unfiltered: None, allowed: Some(allowed), bias: cx.opt(10) };
    attend(cx, [query, key, value], hiding)
}

/// Queries, keys and values `[batch, heads, steps, size]`; without keys and values, all three lie beside each other.
fn operands(cx: &mut NodeCx<'_>) -> Imported<[ValueId; 3]> {
    let (query, count, kv_count) = (cx.input(0)?, heads(cx, "num_heads")?, heads(cx, "kv_num_heads")?);
    if let (Some(key), Some(value)) = (cx.opt(1), cx.opt(2)) {
        return Ok([split(cx, query, count)?, split(cx, key, kv_count)?, split(cx, value, kv_count)?]);
    }
    let all = kv_count.checked_mul(2).and_then(|n| n.checked_add(count));
    let all = all.ok_or_else(|| Fault::attribute("num_heads", "is too large"))?;
    let heads = split(cx, query, all)?;
    let query = slice(cx, heads, 1, (0, 1, count))?;
    let key = slice(cx, heads, 1, (count, 1, kv_count))?;
    let value = slice(cx, heads, 1, (count + kv_count, 1, kv_count))?;
    Ok([query, key, value])
}

impl Sequence {
    fn of(cx: &mut NodeCx<'_>, query: ValueId) -> Imported<Sequence> {
        let [batch, _, steps, _] = dims(cx, query)?;
        let (lens, total) = (cx.input(5)?, cx.input(6)?);
        let past = match cx.opt(3) {
            Some(past) => dims(cx, past)?[2],
            None => 0,
        };
        let known = cx.b.graph.data(total).and_then(Tensor::to_i64s).and_then(|t| usize::try_from(*t.first()?).ok());
        let keys = match known {
            Some(total) if total >= steps && total <= past.saturating_add(steps) => total.max(past),
            Some(total) => return Err(Fault::shape(format!("{total} steps in all, of {past} and {steps}"))),
            None if past > 0 => past,
            None => {
                return Err(Fault::form("a total_sequence_length that is not known at compile time, without a cache")
                    .help("give the model a past of the size of the cache, or fix the sequence's length with --dim"));
            }
        };
        if cx.ty(lens).elements() != batch {
            return Err(Fault::shape(format!("{} are not the lengths of {batch} sequences", cx.ty(lens))));
        }
        // A prompt begins with the first step, whatever its padding.
        let start = if known == Some(steps) {
            cx.add_constant(Tensor::from_elements([batch], &vec![0i64; batch]))
        } else {
            let lens = cx.cast(lens, DType::I64)?;
            let lens = cx.reshape(lens, [batch])?;
            cx.map((x(0) + num(1.0) - num(steps as f64)).expr(DType::I64), &[lens])?
        };
        Ok(Sequence { batch, steps, keys, start })
    }
}

/// Places `0..n` of i64.
fn places(cx: &mut NodeCx<'_>, n: usize, shape: &[usize]) -> ValueId {
    let all: Vec<i64> = (0..n as i64).collect();
    cx.add_constant(Tensor::from_elements(shape, &all))
}

/// The cache `[batch, heads, past, size]` with the steps of this call.
fn cached(cx: &mut NodeCx<'_>, s: &Sequence, past: Option<ValueId>, new: ValueId) -> Imported {
    let own = if cx.b.graph.data(s.start).is_some() && s.keys == s.steps { Some(new) } else { None };
    if let Some(new) = own {
        return Ok(new);
    }
    let [batch, heads, steps, size] = dims(cx, new)?;
    let (room, all) = match past {
        Some(past) => {
            if cx.dtype(past) != cx.dtype(new) {
                return Err(Fault::ty(format!("a cache {} of {}", cx.ty(past), cx.ty(new))));
            }
            (dims(cx, past)?[2], concat(cx, 2, &[past, new])?)
        }
        None => (0, new),
    };
    // Of each place of the cache, where it comes from: the past, or this call's steps behind it.
    let keys = places(cx, s.keys, &[s.keys]);
    let start = cx.reshape(s.start, [batch, 1])?;
    let is_new = binary(BinaryOp::And, binary(BinaryOp::Le, x(1), x(0)), x(0).lt(x(1) + num(steps as f64)));
    let last = x(0).min(num(room.saturating_sub(1) as f64));
    let from = select(is_new, x(0) - x(1) + num(room as f64), last);
    let from = cx.map(from.expr(DType::I64), &[keys, start])?;
    if batch == 1 {
        let from = cx.reshape(from, [s.keys])?;
        return cx.emit(Op::Gather { axis: 2 }, &[all, from]);
    }
    let rows = cx.transpose(all, [0, 2, 1, 3])?;
    let from = cx.reshape(from, [batch, s.keys, 1])?;
    let rows = cx.emit(Op::GatherNd { batch_dims: 1 }, &[rows, from])?;
    let rows = cx.reshape(rows, [batch, s.keys, heads, size])?;
    cx.transpose(rows, [0, 2, 1, 3])
}

/// Bools `[batch, 1, steps, keys]`: keys that are not behind their query, nor before its window.
fn visible(cx: &mut NodeCx<'_>, s: &Sequence) -> Imported {
    let keys = places(cx, s.keys, &[s.keys]);
    let queries = places(cx, s.steps, &[s.steps, 1]);
    let start = cx.reshape(s.start, [s.batch, 1, 1, 1])?;
    let at = || -> Term { x(2) + x(1) };
    let mut seen = binary(BinaryOp::Le, x(0), at());
    match cx.int("local_window_size", -1)? {
        -1 => {}
        window if window > 0 => seen = binary(BinaryOp::And, seen, at().lt(x(0) + num(window as f64))),
        window => return Err(Fault::attribute("local_window_size", format!("is {window}"))),
    }
    let mask = cx.map(seen.expr(DType::I64), &[keys, queries, start])?;
    let shape = vec![s.batch, 1, s.steps, s.keys];
    match cx.shape(mask) == shape {
        true => Ok(mask),
        false => cx.emit(Op::Movement(Movement::Expand { shape }), &[mask]),
    }
}
