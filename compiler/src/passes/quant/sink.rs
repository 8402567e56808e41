//! Moves dequantization behind what only moves or compares: transposes, slices, Concat, MaxPool, nearest Resize then work on
//! bytes. Where a Concat of several scales is quantized, each part is, and the parts stand side by side as bytes.

use crate::ir::{Affine, DType, Evaluate, Graph, Movement, Node, Op, PoolKind, ReduceKind, Scalar, Target, ValueId};
use crate::passes::rewrite::{Rewriter, rewrite};

use super::pattern;

pub(in crate::passes) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| {
        let handled = behind(rw, &node) || behind_concat(rw, &node) || parts(rw, &node);
        if !handled {
            rw.keep(node);
        }
    })
}

/// Whether an operator's results are elements of its operand.
const fn chooses(op: &Op) -> bool {
    matches!(
        op,
        Op::Movement(_)
            | Op::Pool { kind: PoolKind::Max, .. }
            | Op::Reduce { kind: ReduceKind::Max | ReduceKind::Min, .. }
            | Op::Gather { .. }
    )
}

/// The expression that dequantizes the bytes of a value.
fn expression(rw: &Rewriter<'_>, v: ValueId) -> Option<Op> {
    rw.producer(v).map(|n| n.op.clone())
}

/// The bytes that a value is computed from one by one, where it is wider.
fn widened(rw: &Rewriter<'_>, v: ValueId) -> Option<ValueId> {
    let node = rw.producer(v)?;
    let (Op::Map { .. }, &[x]) = (&node.op, node.inputs.as_slice()) else { return None };
    let fits = pattern::is_level(rw.ty(x).dtype) && rw.ty(x).shape == rw.ty(v).shape;
    (fits && rw.ty(v).dtype.size() > rw.ty(x).dtype.size()).then_some(x)
}

/// The bytes that a value is dequantized from.
fn source(rw: &Rewriter<'_>, v: ValueId) -> Option<(ValueId, Affine)> {
    pattern::dequantized(rw, v).filter(|_| rw.data(v).is_none())
}

/// `op(dequantize(x))` is `dequantize(op(x))`. What only moves elements goes before any function of bytes.
fn behind(rw: &mut Rewriter<'_>, node: &Node) -> bool {
    if !chooses(&node.op) {
        return false;
    }
    let Some(dequantize) = expression(rw, node.inputs[0]) else { return false };
    let moves = matches!(&node.op, Op::Movement(m) if !matches!(m, Movement::Pad { .. }));
    let known = source(rw, node.inputs[0]);
    let found = if moves { widened(rw, node.inputs[0]).map(|x| (x, None)) } else { known.map(|(x, a)| (x, Some(a))) };
    let Some((x, affine)) = found else { return false };
    let mut op = node.op.clone();
    let fits = if let Op::Movement(Movement::Pad { value, .. }) = &mut op {
        let byte = affine.and_then(|a| byte(a, rw.ty(x).dtype, *value));
        *value = byte.unwrap_or(*value);
        byte.is_some()
    } else if let Op::Pool { window, .. } = &op {
        // The least byte stands for a window of padding alone, which float pooling gives -infinity.
        (0..2).all(|a| window.pad_begin[a].max(window.pad_end[a]) < window.kernel[a])
    } else {
        !matches!(op, Op::Reduce { .. }) || rw.ty(x).elements() > 0
    };
    if !fits {
        return false;
    }
    let name = rw.name(node.outputs[0]);
    let mut inputs = node.inputs.clone();
    inputs[0] = x;
    let moved = rw.emit(op, &inputs, &node.origin, &name);
    let v = rw.emit(dequantize, &[moved], &node.origin, &name);
    rw.alias(node.outputs[0], v);
    true
}

/// The byte that stands for a number, where one does to the bit.
fn byte(affine: Affine, dtype: DType, value: Scalar) -> Option<Scalar> {
    let Scalar::F32(number) = value else { return None };
    let whole = Target::new(dtype, 0);
    (whole.lo..=whole.hi).find(|&q| affine.real(q) == number).map(|q| Scalar::from_i64(i64::from(q), dtype))
}

/// A Concat of bytes that stand for the same.
fn behind_concat(rw: &mut Rewriter<'_>, node: &Node) -> bool {
    let Op::Concat { .. } = node.op else { return false };
    let Some(all) = node.inputs.iter().map(|&v| source(rw, v)).collect::<Option<Vec<_>>>() else { return false };
    let same = |&(x, a): &(ValueId, Affine)| a == all[0].1 && rw.ty(x).dtype == rw.ty(all[0].0).dtype;
    let Some(dequantize) = expression(rw, node.inputs[0]).filter(|_| all.iter().all(same)) else { return false };
    let name = rw.name(node.outputs[0]);
    let bytes: Vec<ValueId> = all.iter().map(|&(x, _)| x).collect();
    let whole = rw.emit(node.op.clone(), &bytes, &node.origin, &name);
    let v = rw.emit(dequantize, &[whole], &node.origin, &name);
    rw.alias(node.outputs[0], v);
    true
}

/// `quantize(concat(..))` of one reader is the Concat of the parts quantized.
fn parts(rw: &mut Rewriter<'_>, map: &Node) -> bool {
    let Op::Map { expr } = &map.op else { return false };
    let (Some(_), &[v]) = (pattern::quantize(expr), map.inputs.as_slice()) else { return false };
    let Some(concat) = rw.producer(v).filter(|_| rw.uses(v) == 1).cloned() else { return false };
    if !matches!(concat.op, Op::Concat { .. }) || !concat.inputs.iter().all(|&i| source(rw, i).is_some()) {
        return false;
    }
    let name = rw.name(map.outputs[0]);
    let parts: Vec<ValueId> =
        concat.inputs.iter().map(|&i| rw.emit(map.op.clone(), &[i], &map.origin, &name)).collect();
    rw.put(Node { op: concat.op, inputs: parts, outputs: map.outputs.clone(), origin: concat.origin });
    true
}
