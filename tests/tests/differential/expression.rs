//! Random scalar expressions over random operands.

use zantc::ir::{BinaryOp, DType, Expr, ExprIx, ExprOp, Op, Scalar, Type, UnaryOp, broadcast};
use zantc::program::unsupported;

use crate::builder::{Builder, Known};
use crate::random::Random;

/// Adds a Map.
pub(crate) fn map(b: &mut Builder) -> Option<Known> {
    // Only what is continuous may follow what passes round in another way.
    let smooth = b.tame && b.random.one_in(2);
    let exact = b.tame && !smooth;
    let fits = |k: Known, t: &Type| if smooth { t.dtype == DType::F32 && !k.wild } else { !(exact && k.rough) };
    let mut operands = vec![b.find(fits)?];
    for _ in 0..b.random.below(4) {
        let shapes: Vec<Vec<usize>> = operands.iter().map(|k| b.ty(*k).shape).collect();
        let found = b.find(|k, t| {
            let all: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).chain([t.shape.as_slice()]).collect();
            fits(k, t) && broadcast(&all).is_ok()
        });
        operands.extend(found);
    }
    let dtypes: Vec<DType> = operands.iter().map(|k| b.ty(*k).dtype).collect();
    let expr = if smooth { smooth_expression(&mut b.random, dtypes.len()) } else { expression(&mut b.random, &dtypes) };
    if unsupported(&expr, &dtypes).is_some() {
        return None;
    }
    let y = b.node(Op::Map { expr }, &operands, &[])?;
    if !smooth {
        b.mark_wild();
    }
    Some(y)
}

/// An expression of f32 operands that does not jump and does not grow much; it reads all of them.
fn smooth_expression(random: &mut Random, operands: usize) -> Expr {
    use UnaryOp as U;
    let mut e = Expr::new();
    let mut last = e.input(0);
    for n in 1..operands {
        let other = e.input(n);
        last = e.binary(
            random.pick(&[BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Max, BinaryOp::Min]),
            last,
            other,
        );
    }
    for _ in 0..random.below(4) {
        let constant = e.constant(Scalar::F32(random.unit() as f32));
        last = match random.below(5) {
            0 => e.binary(BinaryOp::Mul, last, constant),
            1 => e.binary(BinaryOp::Add, last, constant),
            2 => e.binary(BinaryOp::Max, last, constant),
            _ => e.unary(random.pick(&[U::Neg, U::Abs, U::Tanh, U::Sigmoid, U::Erf, U::Softplus, U::Sin]), last),
        };
    }
    e.finish(last)
}

/// Any expression that reads all its operands.
fn expression(random: &mut Random, operands: &[DType]) -> Expr {
    let mut e = Expr::new();
    let mut open: Vec<(ExprIx, DType)> = operands.iter().enumerate().map(|(n, &d)| (e.input(n), d)).collect();
    for _ in 0..random.within(1, 7) {
        let at = random.below(open.len());
        let new = grow(random, &mut e, &open, at);
        open.push(new);
    }
    // Everything that nobody reads yet is joined into one result.
    let read: Vec<ExprIx> = e.ops().iter().flat_map(ExprOp::operands).collect();
    let mut loose = open.into_iter().filter(|(ix, _)| !read.contains(ix));
    let (mut last, mut dtype) = loose.next().expect("the last operation is read by none");
    for (ix, d) in loose {
        let other = if d == dtype { ix } else { e.cast(dtype, ix) };
        (last, dtype) = binary(random, &mut e, [last, other], dtype);
    }
    e.finish(last)
}

/// One more operation on what there is.
fn grow(random: &mut Random, e: &mut Expr, open: &[(ExprIx, DType)], at: usize) -> (ExprIx, DType) {
    let (a, dtype) = open[at];
    let same: Vec<ExprIx> = open.iter().filter(|(_, d)| *d == dtype).map(|(ix, _)| *ix).collect();
    let b = random.pick(&same);
    match random.below(6) {
        0 | 1 => {
            let ops: Vec<UnaryOp> = UnaryOp::ALL.into_iter().filter(|op| op.accepts(dtype)).collect();
            let op = random.pick(&ops);
            (e.unary(op, a), if op.is_test() { DType::Bool } else { dtype })
        }
        2 | 3 => binary(random, e, [a, b], dtype),
        4 => {
            let to = random.pick(&[DType::F32, DType::F32, DType::I32, DType::I64, DType::U8, DType::Bool, DType::F64]);
            (e.cast(to, a), to)
        }
        _ => match open.iter().find(|(_, d)| *d == DType::Bool) {
            Some(&(c, _)) => (e.select(c, a, b), dtype),
            None => {
                let c = e.constant(Scalar::from_i64(random.below(5) as i64 + 1, dtype));
                binary(random, e, [a, c], dtype)
            }
        },
    }
}

fn binary(random: &mut Random, e: &mut Expr, [a, b]: [ExprIx; 2], dtype: DType) -> (ExprIx, DType) {
    let ops: Vec<BinaryOp> = BinaryOp::ALL.into_iter().filter(|op| op.accepts(dtype)).collect();
    let op = random.pick(&ops);
    let divides = matches!(op, BinaryOp::Div | BinaryOp::Mod | BinaryOp::Fmod) && dtype.is_int();
    // Zero divisors make a run fail wherever they stand; what they do is tested elsewhere.
    let b = if divides { e.constant(Scalar::from_i64(random.below(9) as i64 + 1, dtype)) } else { b };
    (e.binary(op, a, b), if op.is_comparison() { DType::Bool } else { dtype })
}
