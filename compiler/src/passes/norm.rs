//! Recognises normalizations of rows that are written out: `(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon)`, with or
//! without the mean, and takes in the scale and the bias that follow.
//!
//! The operator rounds a little otherwise than the chain it replaces: squares are added by multiply-adds, and the root's
//! reciprocal is multiplied instead of the root divided by.

use crate::ir::{BinaryOp, DType, Evaluate, Expr, ExprIx, ExprOp, Graph, Node, Op, ReduceKind, UnaryOp, ValueId};

use super::rewrite::{Rewriter, merge_origins, rewrite};

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| match standardized(rw, &node).or_else(|| scaled(rw, &node)) {
        Some(new) => rw.put(new),
        None => rw.keep(node),
    })
}

/// An operand of an operation: a value, or a constant of the expression.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Term {
    Value(ValueId),
    Number(f64),
}

/// A Map of one operation.
#[derive(Clone, Copy, Debug)]
enum Form {
    Unary(UnaryOp, Term),
    Binary(BinaryOp, Term, Term),
}

/// A Map's operation, where it is one of values and constants.
fn form_of(node: &Node) -> Option<Form> {
    let Op::Map { expr } = &node.op else { return None };
    let term = |ix: ExprIx| match expr.ops()[ix] {
        ExprOp::Input(n) => Some(Term::Value(node.inputs[n])),
        ExprOp::Const(c) => Some(Term::Number(c.to_f64())),
        ExprOp::Unary(..) | ExprOp::Binary(..) | ExprOp::Select(..) | ExprOp::Cast(..) | ExprOp::BitCast(..) => None,
    };
    match expr.ops()[expr.result()] {
        ExprOp::Unary(op, a) => Some(Form::Unary(op, term(a)?)),
        ExprOp::Binary(op, a, b) => Some(Form::Binary(op, term(a)?, term(b)?)),
        ExprOp::Input(_) | ExprOp::Const(_) | ExprOp::Select(..) | ExprOp::Cast(..) | ExprOp::BitCast(..) => None,
    }
}

/// The operation that makes a value, seen through reshapes.
fn form(rw: &Rewriter<'_>, term: Term) -> Option<Form> {
    let Term::Value(v) = term else { return None };
    form_of(rw.producer(rw.unshaped(v))?)
}

/// The operand and the constant of a commutative operation.
fn with_number(form: Form, op: BinaryOp) -> Option<(Term, f64)> {
    match form {
        Form::Binary(o, a, Term::Number(c)) if o == op => Some((a, c)),
        Form::Binary(o, Term::Number(c), a) if o == op => Some((a, c)),
        Form::Unary(..) | Form::Binary(..) => None,
    }
}

/// Of the mean over the last dimensions: what it is of, and the first of those dimensions. The mean keeps them as units.
fn mean(rw: &Rewriter<'_>, term: Term) -> Option<(Term, usize)> {
    let Term::Value(v) = term else { return None };
    let form = form(rw, term)?;
    let (sum, factor) = if let Form::Binary(BinaryOp::Div, sum, Term::Number(n)) = form {
        (sum, 1.0 / n)
    } else {
        with_number(form, BinaryOp::Mul)?
    };
    let Term::Value(sum) = sum else { return None };
    let reduce = rw.producer(rw.unshaped(sum))?;
    let Op::Reduce { kind: ReduceKind::Sum, axes } = &reduce.op else { return None };
    let source = reduce.inputs[0];
    let shape = &rw.ty(source).shape;
    let &axis = axes.first()?;
    let count: usize = shape[axis..].iter().product();
    let kept: Vec<usize> = shape[..axis].iter().copied().chain(axes.iter().map(|_| 1)).collect();
    let whole = axes.iter().copied().eq(axis..shape.len()) && rw.ty(v).shape == kept;
    // The reciprocal of the count may have been rounded to f32.
    let is_count = (factor * count as f64 - 1.0).abs() < 1e-6;
    (whole && is_count).then_some((Term::Value(source), axis))
}

/// The square of something.
fn square(rw: &Rewriter<'_>, term: Term) -> Option<Term> {
    match form(rw, term)? {
        Form::Binary(BinaryOp::Mul, a, b) if a == b => Some(a),
        Form::Binary(BinaryOp::Pow, a, Term::Number(2.0)) => Some(a),
        Form::Unary(..) | Form::Binary(..) => None,
    }
}

/// Of `sqrt(y)`: `y`.
fn root(rw: &Rewriter<'_>, term: Term) -> Option<Term> {
    match form(rw, term)? {
        Form::Unary(UnaryOp::Sqrt, a) | Form::Binary(BinaryOp::Pow, a, Term::Number(0.5)) => Some(a),
        Form::Unary(..) | Form::Binary(..) => None,
    }
}

/// Of `1 / sqrt(y)`: `y`.
fn reciprocal_root(rw: &Rewriter<'_>, term: Term) -> Option<Term> {
    match form(rw, term)? {
        Form::Unary(UnaryOp::Reciprocal, a) | Form::Binary(BinaryOp::Div, Term::Number(1.0), a) => root(rw, a),
        Form::Binary(BinaryOp::Pow, a, Term::Number(-0.5)) => Some(a),
        Form::Unary(..) | Form::Binary(..) => None,
    }
}

/// The last step of a normalization, the quotient, as the operator.
fn standardized(rw: &Rewriter<'_>, node: &Node) -> Option<Node> {
    let (difference, variance) = match form_of(node)? {
        Form::Binary(BinaryOp::Div, d, r) => (d, root(rw, r)?),
        Form::Binary(BinaryOp::Mul, a, b) => {
            reciprocal_root(rw, b).map(|v| (a, v)).or_else(|| reciprocal_root(rw, a).map(|v| (b, v)))?
        }
        Form::Unary(..) | Form::Binary(..) => return None,
    };
    let (variance, epsilon) = with_number(form(rw, variance)?, BinaryOp::Add)?;
    let (squares, axis) = mean(rw, variance)?;
    let squared = square(rw, squares)?;
    let (x, center) = match (centered(rw, difference, axis), centered(rw, squared, axis)) {
        (Some(x), Some(same)) if x == same => (x, true),
        _ if squared == difference => (difference, false),
        _ => return None,
    };
    let Term::Value(x) = x else { return None };
    let ty = rw.ty(node.outputs[0]);
    let fits = ty.dtype == DType::F32 && rw.ty(x) == ty && epsilon >= 0.0 && epsilon.is_finite();
    fits.then(|| Node {
        op: Op::Norm { axis, center, epsilon: epsilon as f32, scale: false, bias: false },
        inputs: vec![x],
        outputs: node.outputs.clone(),
        origin: node.origin.clone(),
    })
}

/// Of `x - mean(x)` over the dimensions from `axis` on: `x`.
fn centered(rw: &Rewriter<'_>, term: Term, axis: usize) -> Option<Term> {
    let Form::Binary(BinaryOp::Sub, x, m) = form(rw, term)? else { return None };
    (mean(rw, m)? == (x, axis)).then_some(x)
}

/// A product with, or a sum of, constant rows that follows a normalization, as its scale or bias.
fn scaled(rw: &mut Rewriter<'_>, node: &Node) -> Option<Node> {
    let Op::Map { expr } = &node.op else { return None };
    let [a, b] = *node.inputs.as_slice() else { return None };
    let (product, sum) = (Expr::of_binary(BinaryOp::Mul), Expr::of_binary(BinaryOp::Add));
    let is_norm =
        |v: &ValueId| rw.uses(*v) == 1 && rw.producer(*v).is_some_and(|n| matches!(n.op, Op::Norm { bias: false, .. }));
    let (x, row) = if is_norm(&a) { (a, b) } else { (is_norm(&b).then_some(b)?, a) };
    let norm = rw.producer(x)?.clone();
    let Op::Norm { axis, center, epsilon, scale, .. } = norm.op else { return None };
    let fits = if scale { *expr == sum } else { *expr == product };
    let shape = rw.ty(x).shape[axis..].to_vec();
    let ty = rw.ty(row).clone();
    // A whole row, whatever unit dimensions stand before it.
    let lead = ty.rank().checked_sub(shape.len())?;
    let whole = ty.dtype == DType::F32 && ty.shape[lead..] == shape && ty.shape[..lead].iter().all(|&d| d == 1);
    if !(fits && whole && rw.data(row).is_some() && rw.ty(x) == rw.ty(node.outputs[0])) {
        return None;
    }
    let name = rw.name(row);
    let row = rw.reshape(row, &shape, &node.origin, &name);
    Some(Node {
        op: Op::Norm { axis, center, epsilon, scale: true, bias: scale },
        inputs: norm.inputs.iter().copied().chain([row]).collect(),
        outputs: node.outputs.clone(),
        origin: merge_origins(&norm.origin, &node.origin),
    })
}
