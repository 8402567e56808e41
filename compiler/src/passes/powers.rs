//! Writes small whole powers as products: `x^2` as `x * x` and `x^3` as `x * x * x`, which have the special values of the
//! power and are at most one unit in the last place from it.

use crate::ir::{BinaryOp, Evaluate, Expr, ExprOp, Graph, Node, Op};

use super::rewrite::rewrite;

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| {
        let Op::Map { expr } = &node.op else { return rw.keep(node) };
        let types: Vec<_> = node.inputs.iter().map(|&v| rw.ty(v).dtype).collect();
        match multiplied(expr, &types) {
            Some(expr) => rw.put(Node { op: Op::Map { expr }, ..node }),
            None => rw.keep(node),
        }
    })
}

/// The expression with its powers of floats written out; `None` where it has none.
fn multiplied(expr: &Expr, inputs: &[crate::ir::DType]) -> Option<Expr> {
    let types = expr.types(inputs).ok()?;
    let mut new = Expr::new();
    let mut places = Vec::with_capacity(expr.ops().len());
    let mut changed = false;
    for op in expr.ops() {
        let place = if let ExprOp::Binary(BinaryOp::Pow, a, b) = *op
            && let ExprOp::Const(exponent) = expr.ops()[b]
            && types[a].is_float()
            && [2.0, 3.0].contains(&exponent.to_f64())
        {
            changed = true;
            let x = places[a];
            let square = new.binary(BinaryOp::Mul, x, x);
            if exponent.to_f64() == 3.0 { new.binary(BinaryOp::Mul, square, x) } else { square }
        } else {
            new.push(op.map_operands(|o| places[o]))
        };
        places.push(place);
    }
    changed.then(|| new.finish(*places.last().expect("an expression has a result")))
}
