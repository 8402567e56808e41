//! Functions from bytes to bytes: those that change nothing vanish, and those that only bound a product's result become its
//! bounds.

use crate::ir::{DType, Evaluate, Graph, Node, Op, Scalar, Target, Tensor, Type};
use crate::passes::rewrite::{Rewriter, merge_origins, rewrite};

use super::pattern::is_byte;

pub(in crate::passes) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| {
        if !simplify(rw, &node) {
            rw.keep(node);
        }
    })
}

/// The result of a Map for each byte of its one operand, from the least byte on.
fn table(rw: &Rewriter<'_>, node: &Node, dtype: DType) -> Option<Vec<i64>> {
    let whole = Target::new(dtype, 0);
    let bytes = (whole.lo..=whole.hi).map(|q| Scalar::from_i64(i64::from(q), dtype));
    let all = Tensor::from_scalars(Type::new(dtype, [256]), bytes);
    rw.computed(&node.op, &[&all])?.to_i64s()
}

fn simplify(rw: &mut Rewriter<'_>, node: &Node) -> bool {
    let (Op::Map { .. }, &[x]) = (&node.op, node.inputs.as_slice()) else { return false };
    let out = node.outputs[0];
    let dtype = rw.ty(x).dtype;
    if !is_byte(dtype) || rw.ty(x) != rw.ty(out) {
        return false;
    }
    let Some(table) = table(rw, node, dtype) else { return false };
    let whole = Target::new(dtype, 0);
    let equals =
        |f: &dyn Fn(i32) -> i32, lo: i32, hi: i32| (lo..=hi).all(|q| table[(q - whole.lo) as usize] == i64::from(f(q)));
    if equals(&|q| q, whole.lo, whole.hi) && !rw.is_output(out) {
        rw.alias(out, x);
        return true;
    }
    let Some(product) = rw.producer(x).filter(|_| rw.uses(x) == 1).cloned() else { return false };
    let Op::QConv { window, groups, mut quant } = product.op else { return false };
    let target = match &mut quant.residual {
        Some(r) => &mut r.target,
        None => &mut quant.target,
    };
    let [lo, hi] = [target.lo, target.hi].map(|q| table[(q - whole.lo) as usize] as i32);
    if lo > hi || !equals(&|q| q.clamp(lo, hi), target.lo, target.hi) {
        return false;
    }
    (target.lo, target.hi) = (lo, hi);
    let origin = merge_origins(&product.origin, &node.origin);
    let op = Op::QConv { window, groups, quant };
    rw.put(Node { op, inputs: product.inputs, outputs: node.outputs.clone(), origin });
    true
}
