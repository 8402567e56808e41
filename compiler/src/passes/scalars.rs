//! Turns operands of Maps that are one value everywhere into constants of the expression, and equal operands into one.

use crate::ir::{Evaluate, Expr, ExprOp, Graph, Node, Op, Scalar, ValueId, broadcast};

use super::rewrite::{Rewriter, rewrite};

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| {
        let Op::Map { expr } = &node.op else { return rw.keep(node) };
        let (expr, inputs) = simplify(rw, &expr.clone(), &node.inputs, node.outputs[0]);
        if inputs == node.inputs { rw.keep(node) } else { rw.put(Node { op: Op::Map { expr }, inputs, ..node }) }
    })
}

/// The expression over fewer operands.
pub(super) fn simplify(rw: &Rewriter<'_>, expr: &Expr, inputs: &[ValueId], out: ValueId) -> (Expr, Vec<ValueId>) {
    let shape = &rw.ty(out).shape;
    let read = |n: usize| expr.ops().contains(&ExprOp::Input(n));
    let mut constants: Vec<Option<Scalar>> = inputs.iter().map(|&v| rw.data(v).and_then(|t| t.uniform())).collect();
    for (n, c) in constants.iter_mut().enumerate().filter(|(n, _)| !read(*n)) {
        *c = Some(Scalar::zero(rw.ty(inputs[n]).dtype));
    }
    // The operands that stay must still broadcast to the shape of the result.
    let covers = |constants: &[Option<Scalar>]| {
        let shapes: Vec<&[usize]> =
            (0..inputs.len()).filter(|&i| constants[i].is_none()).map(|i| rw.ty(inputs[i]).shape.as_slice()).collect();
        broadcast(&shapes).is_ok_and(|s| s == *shape)
    };
    if !covers(&constants) {
        // Then operands of the full shape are what gives the result its shape: those that are read, if they do.
        for unread in [false, true] {
            for i in (0..inputs.len()).filter(|&i| (unread || read(i)) && rw.ty(inputs[i]).shape == *shape) {
                constants[i] = None;
            }
            if covers(&constants) {
                break;
            }
        }
        if !covers(&constants) {
            constants.fill(None);
        }
    }
    let mut kept: Vec<ValueId> = Vec::new();
    let mut places = Vec::new();
    for (&v, c) in inputs.iter().zip(&constants) {
        places.push(match (c, kept.iter().position(|&k| k == v)) {
            (Some(c), _) => ExprOp::Const(*c),
            (None, Some(at)) => ExprOp::Input(at),
            (None, None) => {
                kept.push(v);
                ExprOp::Input(kept.len() - 1)
            }
        });
    }
    let mut new = Expr::new();
    let place: Vec<usize> = places.into_iter().map(|p| new.push(p)).collect();
    let result = new.splice(expr, |n| place[n]);
    (new.finish(result), kept)
}
