//! Formulas: scalar expressions written with Rust's operators, as the ONNX text has them.
//!
//! `(num(0.5) * x(0) * (num(1.0) + x(0).then(Erf))).expr(F32)` is one Map. Equal terms are shared.

use std::ops::{Add, Div, Mul, Sub};
use std::rc::Rc;

use super::{BinaryOp, DType, Expr, ExprIx, Scalar, UnaryOp};

/// A part of a formula.
#[derive(Clone, Debug)]
pub(crate) struct Term(Rc<Kind>);

#[derive(Debug)]
enum Kind {
    Input(usize),
    /// A number in the formula's own type.
    Number(f64),
    Constant(Scalar),
    Unary(UnaryOp, Term),
    Binary(BinaryOp, Term, Term),
    Select(Term, Term, Term),
    Cast(DType, Term),
    BitCast(DType, Term),
}

fn term(kind: Kind) -> Term {
    Term(Rc::new(kind))
}

/// Operand `n` of the Map.
pub(crate) fn x(n: usize) -> Term {
    term(Kind::Input(n))
}

/// A number, rounded to the type of the formula.
pub(crate) fn num(v: impl Into<f64>) -> Term {
    term(Kind::Number(v.into()))
}

/// A constant of a type of its own.
pub(crate) fn constant(v: Scalar) -> Term {
    term(Kind::Constant(v))
}

/// `if condition { a } else { b }`.
pub(crate) fn select(condition: Term, a: Term, b: Term) -> Term {
    term(Kind::Select(condition, a, b))
}

/// `op(a, b)`.
pub(crate) fn binary(op: BinaryOp, a: Term, b: Term) -> Term {
    term(Kind::Binary(op, a, b))
}

impl Term {
    /// `op(self)`.
    pub(crate) fn then(&self, op: UnaryOp) -> Term {
        term(Kind::Unary(op, self.clone()))
    }

    /// Conversion to a type.
    pub(crate) fn cast(&self, to: DType) -> Term {
        term(Kind::Cast(to, self.clone()))
    }

    /// The same bits in another type.
    pub(crate) fn bits(&self, to: DType) -> Term {
        term(Kind::BitCast(to, self.clone()))
    }

    /// The larger.
    pub(crate) fn max(&self, other: Term) -> Term {
        binary(BinaryOp::Max, self.clone(), other)
    }

    /// The smaller.
    pub(crate) fn min(&self, other: Term) -> Term {
        binary(BinaryOp::Min, self.clone(), other)
    }

    /// `self < other`.
    pub(crate) fn lt(&self, other: Term) -> Term {
        binary(BinaryOp::Lt, self.clone(), other)
    }

    /// `self == other`.
    pub(crate) fn eq(&self, other: Term) -> Term {
        binary(BinaryOp::Eq, self.clone(), other)
    }

    /// The expression of a Map; numbers get the type `dtype`.
    pub(crate) fn expr(&self, dtype: DType) -> Expr {
        self.expr_within(dtype, dtype)
    }

    /// The expression of a Map whose operands and result are of type `dtype`, computed in the type `computed`.
    pub(crate) fn expr_within(&self, dtype: DType, computed: DType) -> Expr {
        let mut e = Expr::new();
        let convert = dtype != computed;
        let mut result = self.push(&mut e, computed, convert);
        if convert {
            result = e.cast(dtype, result);
        }
        e.finish(result)
    }

    fn push(&self, e: &mut Expr, dtype: DType, convert: bool) -> ExprIx {
        match &*self.0 {
            Kind::Input(n) if convert => {
                let operand = e.input(*n);
                e.cast(dtype, operand)
            }
            Kind::Input(n) => e.input(*n),
            Kind::Number(v) => e.constant(Scalar::from_f64(*v, dtype)),
            Kind::Constant(v) => e.constant(*v),
            Kind::Unary(op, a) => {
                let a = a.push(e, dtype, convert);
                e.unary(*op, a)
            }
            Kind::Binary(op, a, b) => {
                let (a, b) = (a.push(e, dtype, convert), b.push(e, dtype, convert));
                e.binary(*op, a, b)
            }
            Kind::Select(c, a, b) => {
                let (c, a, b) = (c.push(e, dtype, convert), a.push(e, dtype, convert), b.push(e, dtype, convert));
                e.select(c, a, b)
            }
            Kind::Cast(to, a) => {
                let a = a.push(e, dtype, convert);
                e.cast(*to, a)
            }
            Kind::BitCast(to, a) => {
                let a = a.push(e, dtype, convert);
                e.bit_cast(*to, a)
            }
        }
    }
}

macro_rules! operator {
    ($($trait:ident $method:ident),*) => { $(
        impl $trait for Term {
            type Output = Term;
            fn $method(self, other: Term) -> Term {
                binary(BinaryOp::$trait, self, other)
            }
        }
    )* };
}
operator!(Add add, Sub sub, Mul mul, Div div);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_terms_are_shared_and_numbers_get_the_formulas_type() {
        let square = x(0) * x(0);
        let e = (square.clone() + square * num(0.5)).expr(DType::F64);
        assert_eq!(e.to_string(), "t0 = Mul(x0, x0); t1 = Mul(t0, 0.5_f64); Add(t0, t1)");
        assert_eq!(e.ops().len(), 5);
        assert_eq!(e.types(&[DType::F64]).unwrap().last(), Some(&DType::F64));
    }
}
