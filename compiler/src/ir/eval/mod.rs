//! The naive reference: what every core operator computes, written from its definition, in plain loops over logical indices.
//!
//! It is the oracle of the tests (every kernel equals it to the bit) and folds constants; so it calls no kernel, and
//! shares with the runtime only the elementary functions, whose bits are part of the promise.
//!
//! Invariants: `evaluate` never panics, whatever the operator and operands: the types are inferred first, and what does
//! not fit is an error. Operators on f16 and bf16 (all but `Map`, whose every operation rounds) are those on f32 of the
//! widened operands, with the results rounded once. Memory is that of operands and results: who evaluates untrusted
//! operators looks at the inferred types first.

mod arg;
mod cast;
mod conv;
mod cumulative;
mod dynamic;
mod elementary;
mod expr;
mod gather;
mod graph;
mod map;
mod matmul;
mod movement;
mod norm;
mod number;
mod pool;
mod qconv;
mod recurrent;
mod reduce;
mod region;
mod scatter;
mod softmax;
mod ternary;
mod trees;
mod walk;

pub use cast::cast;
pub use expr::eval_expr;
pub use graph::{GraphError, eval_graph};

use super::{Between, DType, Numerics, Op, Tensor, Type, infer};

/// Computes operators on constants.
pub trait Evaluate {
    /// The results of an operator.
    ///
    /// # Errors
    /// Where operator and operands do not fit, or their data make the operator fail.
    fn evaluate(&self, op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>, EvalError>;

    /// The one result of an operator, where it has one.
    fn computed(&self, op: &Op, inputs: &[&Tensor]) -> Option<Tensor> {
        self.evaluate(op, inputs).ok()?.pop()
    }
}

/// Why an operator has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// The operator does not fit its operands; the text says why.
    IllTyped(String),
    /// An integer was divided by zero.
    DivisionByZero,
    /// An index lies outside its dimension.
    IndexOutOfRange,
}

impl std::fmt::Display for EvalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EvalError::IllTyped(why) => write!(f, "the operator does not fit its operands: {why}"),
            EvalError::DivisionByZero => f.write_str("an integer is divided by zero"),
            EvalError::IndexOutOfRange => f.write_str("an index is out of range"),
        }
    }
}

impl std::error::Error for EvalError {}

/// The naive reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// How products are rounded.
    pub numerics: Numerics,
}

impl Evaluate for Reference {
    fn evaluate(&self, op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>, EvalError> {
        let types: Vec<&Type> = inputs.iter().map(|t| t.ty()).collect();
        let out = infer(op, &types).map_err(EvalError::IllTyped)?;
        if op.properties().widens && types.iter().any(|t| t.dtype.is_half()) {
            let wide: Vec<Tensor> = inputs.iter().map(|t| widened(t)).collect();
            let results = self.evaluate(op, &wide.iter().collect::<Vec<_>>())?;
            return Ok(results.iter().zip(&out).map(|(t, ty)| cast_tensor(t, ty.dtype)).collect());
        }
        match op {
            Op::Conv { window, groups, epilogue } => {
                conv::conv(self.numerics, &conv::Conv { window, groups: *groups, epilogue }, inputs, &out[0])
            }
            Op::ConvTranspose { window, groups, epilogue, .. } => {
                conv::conv_transpose(self.numerics, &conv::Conv { window, groups: *groups, epilogue }, inputs, &out[0])
            }
            Op::QConv { window, groups, quant } => qconv::qconv(window, *groups, quant, inputs, &out[0]),
            Op::WideConv { window, groups, wide } => qconv::wide_conv(window, *groups, wide, inputs, &out[0]),
            Op::QPool { .. } | Op::QReduce { .. } | Op::QSoftmax { .. } => self.between(op, inputs[0], &out[0]),
            Op::DynamicMatMul { offset, .. } => dynamic::matmul(self, *offset, inputs, &out[0]),
            Op::TernaryMatMul { rows, epilogue } => ternary::matmul(self.numerics, (*rows, epilogue), inputs, &out[0]),
            Op::MatMul { epilogue } => matmul::matmul(self.numerics, epilogue, inputs, &out[0]),
            Op::Pool { kind, window } => pool::pool(*kind, window, inputs[0], &out[0]),
            Op::Reduce { kind, axes } => reduce::reduce(*kind, axes, inputs[0], &out[0]),
            Op::Arg { max, axis, last } => arg::arg(arg::Order { largest: *max, last: *last }, *axis, inputs[0]),
            Op::Map { expr } => map::map(expr, inputs, &out[0]),
            Op::Movement(m) => movement::movement(m, inputs[0], &out[0]),
            Op::Concat { axis } => movement::concat(*axis, inputs, &out[0]),
            Op::Gather { axis } => gather::gather(*axis, inputs[0], inputs[1], &out[0]),
            Op::GatherElements { axis } => gather::gather_elements(*axis, inputs[0], inputs[1], &out[0]),
            Op::GatherNd { batch_dims } => gather::gather_nd(*batch_dims, inputs[0], inputs[1], &out[0]),
            Op::ScatterElements { axis, kind } => scatter::scatter_elements(*axis, *kind, inputs),
            Op::ScatterNd { kind } => scatter::scatter_nd(*kind, inputs),
            Op::Softmax { axis, log } => softmax::softmax(*axis, *log, inputs[0]),
            Op::Norm { axis, center, epsilon, .. } => {
                let [scale, bias] = [inputs.get(1).copied(), inputs.get(2).copied()];
                let norm = norm::Norm { axis: *axis, center: *center, epsilon: *epsilon, scale, bias };
                norm.evaluate(self.numerics, inputs[0])
            }
            Op::Cumulative { axis, product, exclusive, reverse } => {
                let order = cumulative::Running { product: *product, exclusive: *exclusive, reverse: *reverse };
                cumulative::cumulative(order, *axis, inputs[0])
            }
            Op::Recurrent(layer) => return recurrent::recurrent(self, self.numerics, layer, inputs, &out),
            Op::TopK { axis, k, largest } => return arg::top_k(*axis, *k, *largest, inputs[0]),
            Op::If(branches) => return region::branch(self, branches, inputs),
            Op::Loop(repeat) => return region::repeat(self, repeat, inputs, &out),
            Op::Trees { meeting, .. } => trees::trees(*meeting, inputs, &out[0]),
        }
        .map(|t| vec![t])
    }
}

impl Reference {
    /// A float operator between bytes.
    fn between(&self, op: &Op, x: &Tensor, out: &Type) -> Result<Tensor, EvalError> {
        let none = || EvalError::IllTyped(format!("{} is not computed between bytes", op.name()));
        let (float, Between { from, divisor, scale, target }) = op.float().ok_or_else(none)?;
        let reals: Vec<f32> = x.scalars().map(|s| from.real(s.to_i64() as i32)).collect();
        let results = self.evaluate(&float, &[&Tensor::from_elements(x.shape(), &reals)])?;
        let results = results[0].to_vec::<f32>().unwrap_or_default();
        walk::levels(out, results.iter().map(|v| target.of(v / divisor / scale)))
    }
}

/// A tensor of f16 or bf16 as f32; others as they are.
fn widened(t: &Tensor) -> Tensor {
    if t.dtype().is_half() { cast_tensor(t, DType::F32) } else { t.clone() }
}

/// A tensor in another element type.
fn cast_tensor(t: &Tensor, to: DType) -> Tensor {
    if t.dtype() == to {
        return t.clone();
    }
    Tensor::from_scalars(Type::new(to, t.shape()), t.scalars().map(|s| cast(s, to)))
}

/// The error for an element type that an operator does not take; inference has refused it before.
fn unsupported(what: &str, dtype: DType) -> EvalError {
    EvalError::IllTyped(format!("{what} of {dtype}"))
}

#[cfg(test)]
mod expr_tests;
#[cfg(test)]
mod tests;
