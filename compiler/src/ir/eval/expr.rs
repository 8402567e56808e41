//! Scalar expressions over columns of values: each operation runs over a whole column before the next one does.
//!
//! Every operation is computed for every element, also where a `Select` drops it.

use super::elementary::{Binary, Computed, Stored, Unary, with_stored};
use super::{EvalError, cast};
use crate::ir::{BinaryOp, DType, Expr, ExprOp, Scalar, UnaryOp};

/// The value of an expression for single operands.
///
/// # Errors
/// Where the operands do not fit the expression, or an integer is divided by zero.
pub fn eval_expr(expr: &Expr, inputs: &[Scalar]) -> Result<Scalar, EvalError> {
    let dtypes: Vec<DType> = inputs.iter().map(|s| s.dtype()).collect();
    let mut columns = Columns::new(expr, &dtypes, 1)?;
    columns.run(1, |n, column| column[0] = inputs[n].bits())?;
    Ok(Scalar::from_bits(columns.result()[0], columns.dtype()))
}

/// The values of all operations of an expression, for a number of elements, as bits.
pub(super) struct Columns<'a> {
    expr: &'a Expr,
    types: Vec<DType>,
    columns: Vec<Vec<u64>>,
}

impl<'a> Columns<'a> {
    /// Room for `len` elements.
    pub(super) fn new(expr: &'a Expr, inputs: &[DType], len: usize) -> Result<Columns<'a>, EvalError> {
        let types = expr.types(inputs).map_err(EvalError::IllTyped)?;
        let columns = vec![vec![0; len]; types.len()];
        Ok(Columns { expr, types, columns })
    }

    /// Computes the first `len` elements; `fill` gives the column of an operand.
    pub(super) fn run(&mut self, len: usize, fill: impl Fn(usize, &mut [u64])) -> Result<(), EvalError> {
        for (ix, op) in self.expr.ops().iter().enumerate() {
            let (earlier, rest) = self.columns.split_at_mut(ix);
            let out = &mut rest[0][..len];
            match *op {
                ExprOp::Input(n) => fill(n, out),
                ExprOp::Const(v) => out.fill(v.bits()),
                ExprOp::Unary(op, a) => unary(op, self.types[a], &earlier[a], out)?,
                ExprOp::Binary(op, a, b) => binary(op, self.types[a], [&earlier[a], &earlier[b]], out)?,
                ExprOp::Select(c, a, b) => {
                    for (i, y) in out.iter_mut().enumerate() {
                        *y = if earlier[c][i] != 0 { earlier[a][i] } else { earlier[b][i] };
                    }
                }
                ExprOp::BitCast(_, a) => out.copy_from_slice(&earlier[a][..len]),
                ExprOp::Cast(to, a) => {
                    for (y, &x) in out.iter_mut().zip(&earlier[a]) {
                        *y = cast(Scalar::from_bits(x, self.types[a]), to).bits();
                    }
                }
            }
        }
        Ok(())
    }

    /// The bits of the results.
    pub(super) fn result(&self) -> &[u64] {
        &self.columns[self.expr.result()]
    }

    /// The type of the results.
    pub(super) fn dtype(&self) -> DType {
        self.types[self.expr.result()]
    }
}

fn unary(op: UnaryOp, dtype: DType, x: &[u64], y: &mut [u64]) -> Result<(), EvalError> {
    let none = || EvalError::IllTyped(format!("{op:?} of {dtype}"));
    with_stored!(dtype, T => {
        let pairs = y.iter_mut().zip(x).map(|(y, &x)| (y, T::load(x)));
        match <T as Stored>::Computed::unary(op) {
            Some(Unary::Value(f)) => pairs.for_each(|(y, x)| *y = T::store(f(x))),
            Some(Unary::Test(f)) => pairs.for_each(|(y, x)| *y = f(x).into()),
            None => return Err(none()),
        }
    }, else return Err(none()));
    Ok(())
}

fn binary(op: BinaryOp, dtype: DType, [a, b]: [&[u64]; 2], y: &mut [u64]) -> Result<(), EvalError> {
    let none = || EvalError::IllTyped(format!("{op:?} of {dtype}"));
    with_stored!(dtype, T => {
        let mut triples = y.iter_mut().zip(a).zip(b).map(|((y, &a), &b)| (y, T::load(a), T::load(b)));
        match <T as Stored>::Computed::binary(op) {
            Some(Binary::Value(f)) => triples.for_each(|(y, a, b)| *y = T::store(f(a, b))),
            Some(Binary::Test(f)) => triples.for_each(|(y, a, b)| *y = f(a, b).into()),
            Some(Binary::Division(f)) => triples.try_for_each(|(y, a, b)| {
                *y = T::store(f(a, b).ok_or(EvalError::DivisionByZero)?);
                Ok(())
            })?,
            None => return Err(none()),
        }
    }, else return Err(none()));
    Ok(())
}
