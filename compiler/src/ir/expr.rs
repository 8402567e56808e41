//! Scalar expressions of `Map`: a list of operations, each on earlier ones, the last being the result.
//!
//! Every operation is computed for every element, also where a `Select` drops it: so a zero divisor makes `run` fail wherever
//! it stands. f16 and bf16 compute each operation in f32 and round its result.
//!
//! Invariants: operands stand before their users; equal operations are shared; every operation is needed by the result.

use super::{DType, Scalar};

/// Index of an operation within its expression.
pub type ExprIx = usize;

/// A function of one value. Result type: that of the operand, save for the tests, which give bool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are those of the ONNX operators")]
pub enum UnaryOp {
    /// Integers wrap.
    Neg,
    /// Integers wrap.
    Abs,
    /// 1 or -1; +0 for both zeros, NaN for NaN.
    Sign,
    Reciprocal,
    Sqrt,
    Exp,
    Log,
    Floor,
    Ceil,
    /// To nearest, ties to even.
    Round,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Erf,
    Sigmoid,
    Softplus,
    /// Logical not, of a bool.
    Not,
    BitNot,
    IsNan,
    /// Whether the value is +inf.
    IsPosInf,
    /// Whether the value is -inf.
    IsNegInf,
}

/// A function of two values of one type. Result type: that of the operands, save for the comparisons, which give bool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are those of the ONNX operators")]
pub enum BinaryOp {
    /// Integers wrap.
    Add,
    /// Integers wrap.
    Sub,
    /// Integers wrap.
    Mul,
    /// Integers: truncated toward zero; a zero divisor makes `run` fail.
    Div,
    /// Integers: the wrapped product of `b` factors; where `b` is negative `1 / a^-b` truncated, with 0 for the base 0.
    Pow,
    /// Remainder with the sign of the divisor (ONNX `fmod = 0`); a zero integer divisor makes `run` fail. Floats: `Fmod`, plus
    /// the divisor where that is not zero and differs from it in sign.
    Mod,
    /// Remainder with the sign of the dividend (ONNX `fmod = 1`), exact; a zero integer divisor makes `run` fail.
    Fmod,
    /// NaN propagates; max(-0, +0) = +0.
    Max,
    /// NaN propagates; min(-0, +0) = -0.
    Min,
    Eq,
    Lt,
    Le,
    And,
    Or,
    Xor,
    BitAnd,
    BitOr,
    BitXor,
    /// Zero where the distance is negative or not below the width.
    Shl,
    /// Zero where the distance is negative or not below the width; signed integers shift their sign in.
    Shr,
}

/// Hands the functions of floats that the runtime has to a macro: their names here and in the runtime.
macro_rules! with_math {
    ($macro:ident!($($first:tt)*)) => {
        $macro!($($first)* Sqrt: sqrt, Exp: exp, Log: log, Floor: floor, Ceil: ceil, Round: round_even, Sin: sin, Cos: cos,
            Tan: tan, Asin: asin, Acos: acos, Atan: atan, Sinh: sinh, Cosh: cosh, Tanh: tanh, Asinh: asinh, Acosh: acosh,
            Atanh: atanh, Erf: erf, Sigmoid: sigmoid, Softplus: softplus);
    };
}
pub(crate) use with_math;

impl UnaryOp {
    /// Every function, in a fixed order.
    #[rustfmt::skip]
    pub const ALL: [UnaryOp; 30] = {
        use UnaryOp as U;
        [
            U::Neg, U::Abs, U::Sign, U::Reciprocal, U::Sqrt, U::Exp, U::Log, U::Floor, U::Ceil,
            U::Round, U::Sin, U::Cos, U::Tan, U::Asin, U::Acos, U::Atan, U::Sinh, U::Cosh,
            U::Tanh, U::Asinh, U::Acosh, U::Atanh, U::Erf, U::Sigmoid, U::Softplus, U::Not, U::BitNot,
            U::IsNan, U::IsPosInf, U::IsNegInf,
        ]
    };

    /// Whether there is such a function of a type.
    pub const fn accepts(self, dtype: DType) -> bool {
        use UnaryOp as U;
        match self {
            U::Neg | U::Abs | U::Sign => dtype.is_number(),
            U::Not => matches!(dtype, DType::Bool),
            U::BitNot => dtype.is_int(),
            U::Reciprocal
            | U::Sqrt
            | U::Exp
            | U::Log
            | U::Floor
            | U::Ceil
            | U::Round
            | U::Sin
            | U::Cos
            | U::Tan
            | U::Asin
            | U::Acos
            | U::Atan
            | U::Sinh
            | U::Cosh
            | U::Tanh
            | U::Asinh
            | U::Acosh
            | U::Atanh
            | U::Erf
            | U::Sigmoid
            | U::Softplus
            | U::IsNan
            | U::IsPosInf
            | U::IsNegInf => dtype.is_float(),
        }
    }

    /// Whether the result is a bool whatever the operand.
    pub const fn is_test(self) -> bool {
        matches!(self, UnaryOp::Not | UnaryOp::IsNan | UnaryOp::IsPosInf | UnaryOp::IsNegInf)
    }
}

impl BinaryOp {
    /// Every function, in a fixed order.
    #[rustfmt::skip]
    pub const ALL: [BinaryOp; 20] = {
        use BinaryOp as B;
        [
            B::Add, B::Sub, B::Mul, B::Div, B::Pow, B::Mod, B::Fmod, B::Max, B::Min,
            B::Eq, B::Lt, B::Le, B::And, B::Or, B::Xor, B::BitAnd, B::BitOr, B::BitXor,
            B::Shl, B::Shr,
        ]
    };

    /// Whether there is such a function of two values of a type.
    pub const fn accepts(self, dtype: DType) -> bool {
        use BinaryOp as B;
        match self {
            B::Eq => !matches!(dtype, DType::Mini(_)),
            B::And | B::Or | B::Xor => matches!(dtype, DType::Bool),
            B::BitAnd | B::BitOr | B::BitXor | B::Shl | B::Shr => dtype.is_int(),
            B::Add | B::Sub | B::Mul | B::Div | B::Pow | B::Mod | B::Fmod | B::Max | B::Min | B::Lt | B::Le => {
                dtype.is_number()
            }
        }
    }

    /// Whether the result is a bool whatever the operands.
    pub const fn is_comparison(self) -> bool {
        matches!(self, BinaryOp::Eq | BinaryOp::Lt | BinaryOp::Le)
    }

    /// Whether the order of the operands does not matter.
    pub const fn is_commutative(self) -> bool {
        use BinaryOp as B;
        matches!(
            self,
            B::Add | B::Mul | B::Max | B::Min | B::Eq | B::And | B::Or | B::Xor | B::BitAnd | B::BitOr | B::BitXor
        )
    }
}

/// One operation of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExprOp {
    /// The element of operand `n` of the Map.
    Input(usize),
    /// A constant.
    Const(Scalar),
    /// A function of one value.
    Unary(UnaryOp, ExprIx),
    /// A function of two values of one type.
    Binary(BinaryOp, ExprIx, ExprIx),
    /// `if c { a } else { b }`: `c` a bool, `a` and `b` of one type.
    Select(ExprIx, ExprIx, ExprIx),
    /// Conversion: floats to integers truncate and saturate (NaN gives 0), integers wrap, to bool: whether not zero, so NaN is true.
    /// To floats of 16 bits and fewer values are rounded to f32 first.
    Cast(DType, ExprIx),
    /// The same bits in another type of the same width, neither type being bool.
    BitCast(DType, ExprIx),
}

impl ExprOp {
    /// The operands.
    pub fn operands(&self) -> impl Iterator<Item = ExprIx> + use<> {
        let (n, ix) = match *self {
            ExprOp::Input(_) | ExprOp::Const(_) => (0, [0; 3]),
            ExprOp::Unary(_, a) | ExprOp::Cast(_, a) | ExprOp::BitCast(_, a) => (1, [a, 0, 0]),
            ExprOp::Binary(_, a, b) => (2, [a, b, 0]),
            ExprOp::Select(c, a, b) => (3, [c, a, b]),
        };
        ix.into_iter().take(n)
    }

    /// The same operation with every operand index passed through `f`.
    pub fn map_operands(self, f: impl Fn(ExprIx) -> ExprIx) -> ExprOp {
        match self {
            ExprOp::Input(_) | ExprOp::Const(_) => self,
            ExprOp::Unary(op, a) => ExprOp::Unary(op, f(a)),
            ExprOp::Cast(d, a) => ExprOp::Cast(d, f(a)),
            ExprOp::BitCast(d, a) => ExprOp::BitCast(d, f(a)),
            ExprOp::Binary(op, a, b) => ExprOp::Binary(op, f(a), f(b)),
            ExprOp::Select(c, a, b) => ExprOp::Select(f(c), f(a), f(b)),
        }
    }
}

/// A scalar expression; built by pushing operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expr {
    ops: Vec<ExprOp>,
}

impl Expr {
    /// An expression without operations; push at least one.
    pub fn new() -> Expr {
        Expr::default()
    }

    /// The operations, operands first.
    pub fn ops(&self) -> &[ExprOp] {
        &self.ops
    }

    /// Adds an operation, or finds the equal one that is there already.
    pub fn push(&mut self, op: ExprOp) -> ExprIx {
        match self.ops.iter().position(|o| *o == op) {
            Some(ix) => ix,
            None => {
                self.ops.push(op);
                self.ops.len() - 1
            }
        }
    }

    /// Shorthand for [`ExprOp::Input`].
    pub fn input(&mut self, n: usize) -> ExprIx {
        self.push(ExprOp::Input(n))
    }

    /// Shorthand for [`ExprOp::Const`].
    pub fn constant(&mut self, v: Scalar) -> ExprIx {
        self.push(ExprOp::Const(v))
    }

    /// Shorthand for [`ExprOp::Unary`].
    pub fn unary(&mut self, op: UnaryOp, a: ExprIx) -> ExprIx {
        self.push(ExprOp::Unary(op, a))
    }

    /// Shorthand for [`ExprOp::Binary`].
    pub fn binary(&mut self, op: BinaryOp, a: ExprIx, b: ExprIx) -> ExprIx {
        self.push(ExprOp::Binary(op, a, b))
    }

    /// Shorthand for [`ExprOp::Select`].
    pub fn select(&mut self, c: ExprIx, a: ExprIx, b: ExprIx) -> ExprIx {
        self.push(ExprOp::Select(c, a, b))
    }

    /// Shorthand for [`ExprOp::Cast`].
    pub fn cast(&mut self, to: DType, a: ExprIx) -> ExprIx {
        self.push(ExprOp::Cast(to, a))
    }

    /// Shorthand for [`ExprOp::BitCast`].
    pub fn bit_cast(&mut self, to: DType, a: ExprIx) -> ExprIx {
        self.push(ExprOp::BitCast(to, a))
    }

    /// Ends the expression: `result` becomes the last operation and what it does not need is dropped.
    pub fn finish(self, result: ExprIx) -> Expr {
        let mut needed = vec![false; self.ops.len()];
        needed[result] = true;
        for ix in (0..=result).rev() {
            if needed[ix] {
                self.ops[ix].operands().for_each(|o| needed[o] = true);
            }
        }
        let mut new_ix = vec![0; self.ops.len()];
        let mut ops = Vec::new();
        for ix in (0..=result).filter(|&ix| needed[ix]) {
            new_ix[ix] = ops.len();
            ops.push(self.ops[ix].map_operands(|o| new_ix[o]));
        }
        Expr { ops }
    }

    /// Appends another expression, with its inputs replaced by operations of this one; returns its result.
    pub fn splice(&mut self, other: &Expr, input: impl Fn(usize) -> ExprIx) -> ExprIx {
        let mut new_ix = Vec::with_capacity(other.ops.len());
        for op in &other.ops {
            let ix = if let ExprOp::Input(n) = *op { input(n) } else { self.push(op.map_operands(|o| new_ix[o])) };
            new_ix.push(ix);
        }
        *new_ix.last().expect("an expression has a result")
    }

    /// The operand that an operation is, where it is one.
    pub fn operand(&self, ix: ExprIx) -> Option<usize> {
        if let ExprOp::Input(n) = self.ops[ix] { Some(n) } else { None }
    }

    /// Index of the result.
    pub fn result(&self) -> ExprIx {
        self.ops.len() - 1
    }

    /// Types of all operations for the given operand types, or what does not fit.
    pub fn types(&self, inputs: &[DType]) -> Result<Vec<DType>, String> {
        let mut types: Vec<DType> = Vec::with_capacity(self.ops.len());
        for (ix, op) in self.ops.iter().enumerate() {
            if op.operands().any(|o| o >= ix) {
                return Err(format!("operation {ix} uses a later one"));
            }
            types.push(op_type(op, &types, inputs)?);
        }
        if types.is_empty() {
            return Err("the expression is empty".into());
        }
        Ok(types)
    }

    /// The same without functions of floats of 16 bits: those of f32, each result rounded.
    pub fn widened(&self, inputs: &[DType]) -> Expr {
        let Ok(types) = self.types(inputs) else { return self.clone() };
        let mut e = Expr::new();
        let mut new_ix: Vec<ExprIx> = Vec::with_capacity(self.ops.len());
        for (op, &ty) in self.ops.iter().zip(&types) {
            let computes = matches!(op, ExprOp::Unary(..) | ExprOp::Binary(..));
            let ix = if computes && op.operands().any(|o| types[o].is_half()) {
                let wide: Vec<(ExprIx, ExprIx)> =
                    op.operands().map(|o| (o, e.push(ExprOp::Cast(DType::F32, new_ix[o])))).collect();
                let moved = op.map_operands(|o| wide.iter().find(|(old, _)| *old == o).map_or(o, |(_, new)| *new));
                let result = e.push(moved);
                if ty.is_half() { e.push(ExprOp::Cast(ty, result)) } else { result }
            } else {
                e.push(op.map_operands(|o| new_ix[o]))
            };
            new_ix.push(ix);
        }
        match new_ix.last() {
            Some(&result) => e.finish(result),
            None => e,
        }
    }

    /// Whether evaluation can fail for some data (an integer division).
    pub fn is_fallible(&self, inputs: &[DType]) -> bool {
        let Ok(types) = self.types(inputs) else { return false };
        self.ops.iter().any(|op| {
            let ExprOp::Binary(BinaryOp::Div | BinaryOp::Mod | BinaryOp::Fmod, _, b) = *op else { return false };
            types[b].is_int() && !matches!(self.ops[b], ExprOp::Const(c) if c.bits() != 0)
        })
    }
}

/// The type of one operation, given the types of the earlier ones.
fn op_type(op: &ExprOp, types: &[DType], inputs: &[DType]) -> Result<DType, String> {
    match *op {
        ExprOp::Input(n) => inputs.get(n).copied().ok_or(format!("there is no operand {n}")),
        ExprOp::Const(v) => Ok(v.dtype()),
        ExprOp::Unary(op, a) if !op.accepts(types[a]) => Err(format!("{op:?} of {}", types[a])),
        ExprOp::Unary(op, _) if op.is_test() => Ok(DType::Bool),
        ExprOp::Unary(_, a) => Ok(types[a]),
        ExprOp::Binary(op, a, b) if types[a] != types[b] => Err(format!("{op:?} of {} and {}", types[a], types[b])),
        ExprOp::Binary(op, a, _) if !op.accepts(types[a]) => Err(format!("{op:?} of {}", types[a])),
        ExprOp::Binary(op, ..) if op.is_comparison() => Ok(DType::Bool),
        ExprOp::Binary(_, a, _) => Ok(types[a]),
        ExprOp::Select(c, a, b) if types[c] != DType::Bool || types[a] != types[b] => {
            Err(format!("Select of {}, {} and {}", types[c], types[a], types[b]))
        }
        ExprOp::Select(_, a, _) => Ok(types[a]),
        ExprOp::Cast(to, _) => Ok(to),
        ExprOp::BitCast(to, a) => {
            let from = types[a];
            let fits = from.size() == to.size() && from != DType::Bool && to != DType::Bool;
            if fits { Ok(to) } else { Err(format!("the bits of {from} as {to}")) }
        }
    }
}

/// One-operation expressions, as most ONNX operators are.
impl Expr {
    /// The first operand itself.
    pub fn identity() -> Expr {
        Expr { ops: vec![ExprOp::Input(0)] }
    }

    /// `op(x0)`.
    pub fn of_unary(op: UnaryOp) -> Expr {
        Expr { ops: vec![ExprOp::Input(0), ExprOp::Unary(op, 0)] }
    }

    /// `op(x0, x1)`.
    pub fn of_binary(op: BinaryOp) -> Expr {
        Expr { ops: vec![ExprOp::Input(0), ExprOp::Input(1), ExprOp::Binary(op, 0, 1)] }
    }
}
