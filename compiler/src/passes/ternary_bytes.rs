//! Ternary products of numbers that are whole and lie in the range of i8 become products of i8, whose sums are exact. Rows may be
//! multiplied by a scale on the way (the absolute maximum of a row divided by 127, for one, as BitLinear layers have it): then the
//! sums are.
//!
//! Where a number is NaN the byte is 0; of a row with a scale that is NaN all results still are.

use crate::ir::{BinaryOp, DType, Evaluate, Expr, ExprIx, ExprOp, Graph, Node, Op, ReduceKind, Type, UnaryOp, ValueId};

use super::rewrite::{Rewriter, rewrite};

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| match of_bytes(rw, &node) {
        Some(new) => rw.put(new),
        None => rw.keep(node),
    })
}

/// The operation at an index, where it is one of two operands.
fn binary(expr: &Expr, ix: ExprIx) -> Option<(BinaryOp, ExprIx, ExprIx)> {
    if let ExprOp::Binary(op, a, b) = expr.ops()[ix] { Some((op, a, b)) } else { None }
}

/// A constant of an expression.
fn number(expr: &Expr, ix: ExprIx) -> Option<f64> {
    if let ExprOp::Const(c) = expr.ops()[ix] { Some(c.to_f64()) } else { None }
}

/// Whether a result is a whole number, if it is a number.
fn is_whole(expr: &Expr, ix: ExprIx) -> bool {
    match expr.ops()[ix] {
        ExprOp::Const(c) => c.to_f64().fract() == 0.0,
        ExprOp::Unary(op, _) => matches!(op, UnaryOp::Round | UnaryOp::Floor | UnaryOp::Ceil),
        ExprOp::Binary(BinaryOp::Max | BinaryOp::Min, a, b) => is_whole(expr, a) && is_whole(expr, b),
        ExprOp::Binary(..) | ExprOp::Input(_) | ExprOp::Select(..) | ExprOp::Cast(..) | ExprOp::BitCast(..) => false,
    }
}

/// What a result lies between, by clamps alone.
fn bounds(expr: &Expr, ix: ExprIx) -> [f64; 2] {
    match expr.ops()[ix] {
        ExprOp::Const(c) => [c.to_f64(); 2],
        ExprOp::Unary(UnaryOp::Round, a) => bounds(expr, a).map(f64::round_ties_even),
        ExprOp::Binary(BinaryOp::Max, a, b) => {
            let ([a, c], [b, d]) = (bounds(expr, a), bounds(expr, b));
            [a.max(b), c.max(d)]
        }
        ExprOp::Binary(BinaryOp::Min, a, b) => {
            let ([a, c], [b, d]) = (bounds(expr, a), bounds(expr, b));
            [a.min(b), c.min(d)]
        }
        ExprOp::Unary(..)
        | ExprOp::Binary(..)
        | ExprOp::Input(_)
        | ExprOp::Select(..)
        | ExprOp::Cast(..)
        | ExprOp::BitCast(..) => [f64::NEG_INFINITY, f64::INFINITY],
    }
}

/// The node that makes a value, seen through reshapes, and its expression, where it is a Map.
fn map<'r>(rw: &'r Rewriter<'_>, v: ValueId) -> Option<(&'r Node, &'r Expr)> {
    let node = rw.producer(rw.unshaped(v))?;
    if let Op::Map { expr } = &node.op { Some((node, expr)) } else { None }
}

/// What a scale is the maximum of, where it is that along the last dimension, or a positive number where that is more, divided by 127
/// or less.
fn maximum_of(rw: &Rewriter<'_>, scale: ValueId) -> Option<ValueId> {
    let (node, expr) = map(rw, scale)?;
    let (BinaryOp::Div, most, by) = binary(expr, expr.result())? else { return None };
    let (BinaryOp::Max, a, b) = binary(expr, most)? else { return None };
    let (least, of) = match (number(expr, a), number(expr, b)) {
        (Some(least), None) => (least, b),
        (None, Some(least)) => (least, a),
        _ => return None,
    };
    let reduce = rw.producer(rw.unshaped(node.inputs[expr.operand(of)?]))?;
    let last = rw.ty(reduce.inputs[0]).rank().checked_sub(1)?;
    // No quotient is more than the divisor by two roundings, which rounding to a whole number takes away.
    let is_maximum = (1.0..=127.0).contains(&number(expr, by)?)
        && least >= 1e-30
        && reduce.op == Op::Reduce { kind: ReduceKind::Max, axes: vec![last] };
    is_maximum.then_some(reduce.inputs[0])
}

/// Whether `scale` is such a maximum of the sizes of each row of `x`.
fn is_row_scale(rw: &Rewriter<'_>, scale: ValueId, x: ValueId) -> bool {
    let is_abs = |of: ValueId| {
        let same_rows = rw.ty(of).shape.last() == rw.ty(x).shape.last();
        same_rows
            && map(rw, of).is_some_and(|(node, expr)| {
                *expr == Expr::of_unary(UnaryOp::Abs) && rw.unshaped(node.inputs[0]) == rw.unshaped(x)
            })
    };
    maximum_of(rw, scale).is_some_and(is_abs)
}

/// Bytes of an expression: where it has them, and the operand that they are multiplied by.
struct Bytes {
    at: ExprIx,
    scale: Option<usize>,
}

/// Whole numbers in the range of i8, or those times an operand that is one number for each row.
fn bytes(rw: &Rewriter<'_>, node: &Node, expr: &Expr) -> Option<Bytes> {
    let fits = |ix: ExprIx| {
        let [least, most] = bounds(expr, ix);
        is_whole(expr, ix) && least >= -128.0 && most <= 127.0
    };
    let at = expr.result();
    if fits(at) {
        return Some(Bytes { at, scale: None });
    }
    let (BinaryOp::Mul, a, b) = binary(expr, at)? else { return None };
    let rows = rw.ty(node.outputs[0]).shape.split_last()?.1;
    let of_rows = Type::new(DType::F32, [rows, &[1]].concat());
    [(a, b), (b, a)].into_iter().find_map(|(at, scale)| {
        let operand = expr.operand(scale)?;
        let scale = node.inputs[operand];
        let divided = || {
            let ExprOp::Unary(UnaryOp::Round, quotient) = expr.ops()[at] else { return None };
            let (BinaryOp::Div, x, by) = binary(expr, quotient)? else { return None };
            let (x, by) = (node.inputs[expr.operand(x)?], expr.operand(by)?);
            (by == operand && is_row_scale(rw, scale, x)).then_some(())
        };
        let is_bytes = fits(at) || divided().is_some();
        (*rw.ty(scale) == of_rows && is_bytes).then_some(Bytes { at, scale: Some(operand) })
    })
}

/// A ternary product of bytes.
fn of_bytes(rw: &mut Rewriter<'_>, node: &Node) -> Option<Node> {
    let Op::TernaryMatMul { rows: false, epilogue } = node.op else { return None };
    if rw.ty(node.inputs[0]).dtype != DType::F32 {
        return None;
    }
    let made = rw.producer(node.inputs[0])?.clone();
    let Op::Map { expr } = &made.op else { return None };
    let Bytes { at, scale } = bytes(rw, &made, expr)?;
    let mut narrow = expr.clone();
    let cast = narrow.cast(DType::I8, at);
    let narrow = narrow.finish(cast);
    // A Map may have no operand that its expression does not read.
    if !(0..made.inputs.len()).all(|n| narrow.ops().contains(&ExprOp::Input(n))) {
        return None;
    }
    let name = rw.name(node.inputs[0]);
    let x = rw.emit(Op::Map { expr: narrow }, &made.inputs, &made.origin, &name);
    if rw.ty(x).shape != rw.ty(node.inputs[0]).shape {
        return None;
    }
    let row_scale = scale.map(|operand| made.inputs[operand]);
    let inputs = [&[x], &node.inputs[1..3], row_scale.as_slice(), &node.inputs[3..]].concat();
    Some(Node { op: Op::TernaryMatMul { rows: row_scale.is_some(), epilogue }, inputs, ..node.clone() })
}

#[cfg(test)]
mod tests {
    use crate::ir::text::parse;
    use crate::ir::{DType, Op, Reference, eval_graph};

    /// The graph of a product of `2 x 6` numbers, which `made` makes of `%0`, with weights of three values, after the pass; it computes
    /// what it did. Whether the product is one of bytes, and with scales of rows.
    fn product(made: &str) -> [bool; 2] {
        let w = ["1", "0", "-1", "-1", "1", "1"].repeat(2).join(" ");
        let text = format!(
            "graph \"\"\n  in %0 \"x\": f32[2,6]\n  $1 = i8[2,6] {w}\n  $2 = f32[1] 0.5\n{made}  \
             %9 = ternary_matmul %8, $1, $2 : f32[2,2]\n  out \"y\" = %9\n"
        );
        let before = parse(&text).unwrap();
        let mut after = before.clone();
        let reference = Reference::default();
        let changed = super::run(&mut after, &reference);
        assert_eq!(crate::ir::verify(&after), Ok(()));
        let inputs = crate::verify::seeded::inputs(before.inputs.iter().map(|&v| before.ty(v)));
        let [expected, got] = [&before, &after].map(|graph| eval_graph(graph, &inputs, &reference).unwrap());
        let [expected, got] = [&expected, &got].map(|all| all[0].to_vec::<f32>().unwrap());
        for (expected, got) in expected.iter().zip(&got) {
            assert!((expected - got).abs() <= 1e-5 * expected.abs().max(1.0), "{expected} {got}\n{after}");
        }
        let last = after.nodes.last().unwrap();
        let is_bytes = after.ty(last.inputs[0]).dtype == DType::I8;
        assert_eq!(changed, is_bytes, "{after}");
        [is_bytes, matches!(last.op, Op::TernaryMatMul { rows: true, .. })]
    }

    const ABS_MAX: &str = "  %3 = map %0 {Abs(x0)} : f32[2,6]\n  %4 = reduce_max %3 {axes 1} : f32[2]\n  \
                           %5 = reshape %4 : f32[2,1]\n";

    fn scaled(scale: &str, value: &str) -> [bool; 2] {
        let maps = format!("  %6 = map %5 {{{scale}}} : f32[2,1]\n  %8 = map %0, %6 {{{value}}} : f32[2,6]\n");
        product(&format!("{ABS_MAX}{maps}"))
    }

    #[test]
    fn clamped_and_proven_numbers_become_bytes() {
        let bytes = |value: &str| product(&format!("  %8 = map %0 {{{value}}} : f32[2,6]\n"));
        assert_eq!(bytes("Min(Max(Round(Mul(x0, 31.0)), -128.0), 127.0)"), [true, false]);
        assert_eq!(bytes("Round(Max(Min(Mul(x0, 31.0), 100.25), -7.0))"), [true, false]);
        assert_eq!(scaled("Div(Max(x0, 1e-5), 127.0)", "Mul(Round(Div(x0, x1)), x1)"), [true; 2]);
        assert_eq!(bytes("Min(Max(Round(Mul(x0, 31.0)), -128.0), 128.0)"), [false; 2]);
        assert_eq!(bytes("Min(Max(Mul(x0, 31.0), -128.0), 127.0)"), [false; 2]);
        assert_eq!(scaled("Div(Max(x0, 1e-5), 128.0)", "Mul(Round(Div(x0, x1)), x1)"), [false; 2]);
        assert_eq!(scaled("Div(x0, 127.0)", "Mul(Round(Div(x0, x1)), x1)"), [false; 2]);
        assert_eq!(scaled("Div(Max(x0, 1e-5), 127.0)", "Mul(Div(x0, x1), x1)"), [false; 2]);
    }
}
