//! Features made fit for a model: scaled, normalized, filled in, cut to 0 and 1.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, classical};
use crate::ir::formula::{num, select, x};
use crate::ir::{BinaryOp, DType, ReduceKind, Scalar, Tensor, Type, UnaryOp, ValueId};

use super::super::reduce::kept;

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    classical("Binarizer", binarizer, ""),
    classical("Imputer", imputer, ""),
    classical("Normalizer", normalizer, ""),
    classical("Scaler", scaler, ""),
];

/// One number for each feature (the last dimension), or one for all.
fn per_feature(cx: &mut NodeCx<'_>, v: ValueId, name: &str, numbers: &[Scalar]) -> Imported {
    let features = cx.shape(v).last().copied().unwrap_or(1);
    let shape = match numbers.len() {
        1 => vec![],
        n if n == features => vec![n],
        n => return Err(Fault::attribute(name, format!("has {n} values for {features} features"))),
    };
    let dtype = numbers.first().map_or(DType::F32, |s| s.dtype());
    Ok(cx.add_constant(Tensor::from_scalars(Type::new(dtype, shape), numbers.iter().copied())))
}

fn scalars(numbers: &[f32]) -> Vec<Scalar> {
    numbers.iter().map(|&v| Scalar::from_f64(f64::from(v), DType::F32)).collect()
}

/// `(x - offset) * scale`, in f32.
fn scaler(cx: &mut NodeCx<'_>) -> Imported {
    let v = cx.input(0)?;
    let v = cx.cast(v, DType::F32)?;
    let [offset, scale] = ["offset", "scale"].map(|name| cx.floats_opt(name).map(|v| v.filter(|v| !v.is_empty())));
    let offset = scalars(&offset?.unwrap_or_else(|| vec![0.0]));
    let scale = scalars(&scale?.unwrap_or_else(|| vec![1.0]));
    let (offset, scale) = (per_feature(cx, v, "offset", &offset)?, per_feature(cx, v, "scale", &scale)?);
    cx.map(((x(0) - x(1)) * x(2)).expr(DType::F32), &[v, offset, scale])
}

/// 1 where a number is more than the threshold, else 0.
fn binarizer(cx: &mut NodeCx<'_>) -> Imported {
    let v = cx.input(0)?;
    let (dtype, threshold) = (cx.dtype(v), f64::from(cx.float("threshold", 0.0)?));
    // An integer is compared as a float.
    let value = if dtype.is_float() { x(0) } else { x(0).cast(DType::F64) };
    let compared = if dtype.is_float() { dtype } else { DType::F64 };
    let y = select(num(threshold).lt(value), num(1.0), num(0.0));
    let y = if compared == dtype { y } else { y.cast(dtype) };
    cx.map(y.expr(compared), &[v])
}

/// Missing numbers replaced.
fn imputer(cx: &mut NodeCx<'_>) -> Imported {
    let v = cx.input(0)?;
    let dtype = cx.dtype(v);
    let (missing, filled) = if dtype.is_float() {
        let filled = cx.floats_opt("imputed_value_floats")?.unwrap_or_default();
        let filled: Vec<Scalar> = filled.iter().map(|&f| Scalar::from_f64(f64::from(f), dtype)).collect();
        let missing = f64::from(cx.float("replaced_value_float", 0.0)?);
        (if missing.is_nan() { x(0).then(UnaryOp::IsNan) } else { x(0).eq(num(missing)) }, filled)
    } else {
        let filled = cx.ints_opt("imputed_value_int64s")?.unwrap_or_default();
        let filled: Vec<Scalar> = filled.iter().map(|&f| Scalar::from_i64(f, dtype)).collect();
        let missing = cx.int("replaced_value_int64", 0)?;
        (x(0).eq(crate::ir::formula::constant(Scalar::from_i64(missing, dtype))), filled)
    };
    if filled.is_empty() {
        return Err(Fault::missing(if dtype.is_float() { "imputed_value_floats" } else { "imputed_value_int64s" }));
    }
    let filled = per_feature(cx, v, "imputed_value", &filled)?;
    cx.map(select(missing, x(1), x(0)).expr(dtype), &[v, filled])
}

/// Rows divided by their norm; those of norm 0 stay.
fn normalizer(cx: &mut NodeCx<'_>) -> Imported {
    #[derive(Clone, Copy, PartialEq)]
    enum Norm {
        Max,
        L1,
        L2,
    }
    let v = cx.input(0)?;
    let v = cx.cast(v, DType::F32)?;
    let norm = cx.word("norm", &[("MAX", Norm::Max), ("L1", Norm::L1), ("L2", Norm::L2)])?;
    let last = cx.rank(v).checked_sub(1).ok_or_else(|| Fault::shape("a scalar has no rows"))?;
    let size = match norm {
        Norm::Max => kept(cx, v, ReduceKind::Max, &[last])?,
        Norm::L1 => {
            let sizes = cx.unary(UnaryOp::Abs, v)?;
            kept(cx, sizes, ReduceKind::Sum, &[last])?
        }
        Norm::L2 => {
            let squares = cx.binary(BinaryOp::Mul, v, v)?;
            let sum = kept(cx, squares, ReduceKind::Sum, &[last])?;
            cx.unary(UnaryOp::Sqrt, sum)?
        }
    };
    cx.map(select(x(1).eq(num(0.0)), x(0), x(0) / x(1)).expr(DType::F32), &[v, size])
}
