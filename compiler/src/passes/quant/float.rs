//! Average pools, means and softmaxes between conversions of 8 or 16 bits.

use crate::ir::{Between, BinaryOp, DType, Expr, ExprOp, Node, Op, ValueId};
use crate::passes::rewrite::{Rewriter, merge_origins};

use super::pattern;

/// Replaces a Map that quantizes what such an operator computes of dequantized numbers of 8 or 16 bits.
pub(super) fn fuse(rw: &mut Rewriter<'_>, map: &Node) -> bool {
    let Op::Map { expr } = &map.op else { return false };
    match between(rw, expr, map) {
        Some(node) => {
            rw.put(node);
            true
        }
        None => false,
    }
}

fn between(rw: &Rewriter<'_>, expr: &Expr, map: &Node) -> Option<Node> {
    let (v, scale, target) = pattern::quantize(expr)?;
    let (ExprOp::Input(0), &[v]) = (expr.ops()[v], map.inputs.as_slice()) else { return None };
    let (v, divisor, mean) = divided(rw, v)?;
    let node = rw.producer(v).filter(|_| rw.uses(v) == 1 && rw.ty(v).dtype == DType::F32)?;
    // The mean of nothing is no number, which bytes do not have.
    let computed = rw.ty(node.inputs[0]).elements() > 0;
    let computed = computed && !matches!(&node.op, Op::Reduce { axes, .. } if !neighbours(axes));
    let (x, from) = pattern::dequantized(rw, node.inputs[0]).filter(|_| computed)?;
    let op = node.op.between(Between { from, divisor, scale, target })?;
    let mut origin = merge_origins(&node.origin, &map.origin);
    if let Some(mean) = mean {
        origin = merge_origins(&origin, &mean.origin);
    }
    Some(Node { op, inputs: vec![x], outputs: map.outputs.clone(), origin })
}

/// Whether dimensions follow each other.
fn neighbours(axes: &[usize]) -> bool {
    axes.windows(2).all(|w| w[1] == w[0] + 1)
}

/// The operand of a division by a constant, the divisor, and the division; the value itself and 1 where there is none.
fn divided<'a>(rw: &'a Rewriter<'_>, v: ValueId) -> Option<(ValueId, f32, Option<&'a Node>)> {
    let node = rw.producer(v).filter(|_| rw.uses(v) == 1)?;
    let (Op::Map { expr }, &[x]) = (&node.op, node.inputs.as_slice()) else { return Some((v, 1.0, None)) };
    let (a, b) = pattern::binary(expr, expr.result(), BinaryOp::Div)?;
    let divisor = pattern::number(expr, b).filter(|_| expr.operand(a) == Some(0))?;
    Some((x, divisor, Some(node)))
}
