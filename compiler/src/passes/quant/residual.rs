//! The sum of a quantized product and another map of bytes becomes the product's epilogue, written over that map.

use crate::ir::{Affine, BinaryOp as B, Evaluate, Expr, Graph, Node, Op, QuantResidual, Target};
use crate::passes::epilogue::Ancestors;
use crate::passes::rewrite::{Rewriter, merge_origins, rewrite};

use super::pattern;

pub(in crate::passes) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    let ancestors = Ancestors::of(graph);
    rewrite(graph, evaluate, |rw, node| match fuse(rw, &node, &ancestors) {
        Some(new) => rw.put(new),
        None => rw.keep(node),
    })
}

/// A sum of two maps of bytes, quantized.
struct Sum {
    terms: [(usize, Affine); 2],
    scale: f32,
    target: Target,
}

/// `quantize(clamp(dequantize(a) + dequantize(b)))`, the clamp being bounds of the result.
fn sum(expr: &Expr) -> Option<Sum> {
    let (v, scale, mut target) = pattern::quantize(expr)?;
    let (below, hi) = pattern::bound(expr, v, B::Min).unwrap_or((v, f32::INFINITY));
    let (added, lo) = pattern::bound(expr, below, B::Max).unwrap_or((below, f32::NEG_INFINITY));
    if lo > hi || lo.is_nan() || hi.is_nan() {
        return None;
    }
    (target.lo, target.hi) = (target.of(lo / scale), target.of(hi / scale));
    let (a, b) = pattern::binary(expr, added, B::Add)?;
    Some(Sum { terms: [pattern::dequantize(expr, a)?, pattern::dequantize(expr, b)?], scale, target })
}

fn fuse(rw: &Rewriter<'_>, map: &Node, ancestors: &Ancestors) -> Option<Node> {
    let Op::Map { expr } = &map.op else { return None };
    let Sum { terms: [a, b], scale, target } = sum(expr)?;
    [(a, b), (b, a)].into_iter().find_map(|((t, of_sum), (r, other))| {
        let (t, r) = (map.inputs[t], map.inputs[r]);
        let product = rw.producer(t).filter(|_| t != r && rw.uses(t) == 1)?;
        let Op::QConv { window, groups, quant } = &product.op else { return None };
        let fits = quant.residual.is_none()
            && pattern::is_byte(target.dtype)
            && rw.ty(r) == rw.ty(map.outputs[0])
            && rw.ty(r).shape == rw.ty(t).shape;
        if !fits || rw.data(r).is_some() || !ancestors.dies_at(r, product, map) {
            return None;
        }
        let residual = Some(QuantResidual { sum: of_sum, other, scale, target });
        let quant = crate::ir::Quant { residual, ..*quant };
        let op = Op::QConv { window: window.clone(), groups: *groups, quant };
        let inputs = product.inputs.iter().copied().chain([r]).collect();
        let origin = merge_origins(&product.origin, &map.origin);
        Some(Node { op, inputs, outputs: map.outputs.clone(), origin })
    })
}
