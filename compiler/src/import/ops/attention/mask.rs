//! Which keys a query sees: the mask that is given, causality, windows and the number of keys that are no padding.

use super::dims;
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::ops::pieces::table;
use crate::ir::formula::{Term, binary, constant, num, select, x};
use crate::ir::{BinaryOp, DType, Movement, Op, Scalar, Tensor, ValueId};

/// What hides keys.
pub(super) struct Mask {
    /// Bools that broadcast to the scores: whether the key takes part.
    allowed: Option<ValueId>,
    /// Floats that are added to the scores.
    bias: Option<ValueId>,
    /// A row may see no key at all.
    pub(super) may_hide_all: bool,
}

impl Mask {
    /// The mask of the node for its scores `[batch, heads, queries, keys]` behind `past` earlier keys.
    pub(super) fn of(cx: &mut NodeCx<'_>, [scores, query]: [ValueId; 2], past: usize) -> Imported<Mask> {
        let shape = dims(cx, scores)?;
        let mut allowed = window(cx, shape, past)?;
        let mut bias = None;
        if let Some(mask) = cx.opt(3) {
            if cx.dtype(mask) == DType::Bool {
                let mask = widened(cx, mask, shape[3], Scalar::Bool(false))?;
                allowed = Some(match allowed {
                    Some(a) => cx.binary(BinaryOp::And, a, mask)?,
                    None => mask,
                });
            } else if cx.dtype(mask) == cx.dtype(query) {
                let hidden = Scalar::from_f64(f64::NEG_INFINITY, cx.dtype(mask));
                let mask = widened(cx, mask, shape[3], hidden)?;
                bias = Some(cx.cast(mask, cx.dtype(scores))?);
            } else {
                return Err(Fault::shape(format!(
                    "the mask is {}, should be of bool or {}",
                    cx.ty(mask),
                    cx.dtype(query)
                )));
            }
        }
        let may_hide_all = bias.is_some() || allowed.is_some_and(|a| may_be_empty(cx, a));
        Ok(Mask { allowed, bias, may_hide_all })
    }

    /// Adds the mask to scores: what is hidden becomes -inf.
    pub(super) fn apply(&self, cx: &mut NodeCx<'_>, scores: ValueId) -> Imported {
        let (dtype, shape) = (cx.dtype(scores), cx.shape(scores));
        let mut operands = vec![scores];
        let mut y = x(0);
        if let Some(bias) = self.bias {
            y = y + x(operands.len());
            operands.push(bias);
        }
        if let Some(allowed) = self.allowed {
            y = select(x(operands.len()), y, constant(Scalar::from_f64(f64::NEG_INFINITY, dtype)));
            operands.push(allowed);
        }
        if operands.len() == 1 {
            return Ok(scores);
        }
        let y = cx.map(y.expr(dtype), &operands)?;
        if cx.shape(y) != shape {
            return Err(Fault::shape(format!("the mask does not broadcast to scores of {shape:?}")));
        }
        Ok(y)
    }
}

/// Whether some row of a mask may hide every key: where it is not constant, nobody knows.
fn may_be_empty(cx: &NodeCx<'_>, allowed: ValueId) -> bool {
    let Some(t) = cx.b.graph.data(allowed) else { return true };
    let columns = t.shape().last().copied().unwrap_or(0).max(1);
    t.data().chunks(columns).any(|row| row.iter().all(|&b| b == 0))
}

/// A mask whose last dimension is shorter than the keys, with the rest hidden.
fn widened(cx: &mut NodeCx<'_>, mask: ValueId, keys: usize, hidden: Scalar) -> Imported {
    let shape = cx.shape(mask);
    let Some(missing) = shape.last().filter(|&&n| n > 1).and_then(|&n| keys.checked_sub(n)) else { return Ok(mask) };
    let mut after = vec![0; shape.len()];
    after[shape.len() - 1] = missing;
    cx.emit(Op::Movement(Movement::Pad { before: vec![0; shape.len()], after, value: hidden }), &[mask])
}

/// One side of a window, or none where it is -1.
fn side(cx: &NodeCx<'_>, name: &str) -> Imported<Option<i64>> {
    match cx.int(name, -1)? {
        -1 => Ok(None),
        n if (0..=i64::from(i32::MAX)).contains(&n) => Ok(Some(n)),
        n => Err(Fault::attribute(name, format!("is {n}, should be -1 or a distance"))),
    }
}

/// Bools for causality, windows and padding: a constant, unless the number of keys comes with the data.
fn window(cx: &mut NodeCx<'_>, [batch, _, queries, keys]: [usize; 4], past: usize) -> Imported<Option<ValueId>> {
    let causal = cx.flag("is_causal", false)?;
    let (left, right) = (side(cx, "left_window_size")?, side(cx, "right_window_size")?);
    let count = if cx.opset >= 24 { cx.opt(6) } else { None };
    table(queries.checked_add(keys), "the mask")?;
    // Operands: positions of keys, of queries, and the number of keys.
    let positions = |n: usize, from: usize| (0..n).map(|i| (from + i) as i64).collect::<Vec<i64>>();
    let key = cx.add_constant(Tensor::from_elements([keys], &positions(keys, 0)));
    let query = cx.add_constant(Tensor::from_elements([queries, 1], &positions(queries, past)));
    let mut operands = vec![key, query];
    let mut at = x(1);
    let mut tests: Vec<Term> = Vec::new();
    if let Some(count) = count {
        let count = cx.cast(count, DType::I64)?;
        operands.push(cx.reshape(count, [batch, 1, 1, 1])?);
        tests.push(x(0).lt(x(2)));
        if past == 0 {
            at = x(1) + x(2) - num(queries as f64);
        }
    }
    let at_most = |a: Term, b: Term| binary(BinaryOp::Le, a, b);
    if causal {
        tests.push(at_most(x(0), at.clone()));
    }
    if let Some(left) = left {
        tests.push(at_most(at.clone(), x(0) + num(left as f64)));
    }
    if let Some(right) = right {
        tests.push(at_most(x(0), at + num(right as f64)));
    }
    let Some(all) = tests.into_iter().reduce(|a, b| binary(BinaryOp::And, a, b)) else { return Ok(None) };
    Ok(Some(cx.map(all.expr(DType::I64), &operands)?))
}
