//! Operators that make tensors from a few numbers known at compile time: ranges, matrices, windows.

use std::f64::consts::PI;

use zant_runtime::math;

use super::pieces::{fill, lengths, table};
use crate::import::node::{At, Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited, op};
use crate::import::tensor::dtype_of_code;
use crate::ir::formula::{Term, num, x};
use crate::ir::{DType, Scalar, Tensor, Type, UnaryOp};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    limited("BlackmanWindow", |cx| window(cx, [0.42, 0.5, 0.08]), "constant size"),
    op("ConstantOfShape", constant_of_shape),
    op("EyeLike", eye_like),
    limited("HammingWindow", |cx| window(cx, [25.0 / 46.0, 21.0 / 46.0, 0.0]), "constant size"),
    limited("HannWindow", |cx| window(cx, [0.5, 0.5, 0.0]), "constant size"),
    limited("MelWeightMatrix", mel_weights, "constant operands"),
    limited("Range", range, "constant bounds"),
];

fn constant_of_shape(cx: &mut NodeCx<'_>) -> Imported {
    let shape = lengths(&cx.const_ints(0, "the shape")?, "the shape")?;
    let value = match cx.tensor_opt("value")? {
        None => Scalar::F32(0.0),
        Some(t) if t.len() == 1 => t.get(0),
        Some(t) => return Err(Fault::attribute("value", format!("has {} elements, should have one", t.len()))),
    };
    fill(cx, value, shape)
}

/// `start + i * delta` up to `limit`, which is not reached. The sums of f16 and bf16 are made in f32 and rounded once.
fn range(cx: &mut NodeCx<'_>) -> Imported {
    let bounds = [cx.const_scalar(0, "the start")?, cx.const_scalar(1, "the limit")?, cx.const_scalar(2, "the step")?];
    let dtype = bounds[0].dtype();
    if bounds.iter().any(|b| b.dtype() != dtype) {
        return Err(Fault::shape("start, limit and step differ in type"));
    }
    let values: Vec<Scalar> = if dtype.is_float() {
        let wide = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
        let [start, limit, delta] = bounds.map(|b| b.to_f64());
        let count = ((limit - start) / delta).ceil();
        if !count.is_finite() {
            return Err(Fault::shape(format!("a range from {start} to {limit} by {delta} has no end")));
        }
        let count = table(Some(count.max(0.0) as usize), "the range")?;
        let at = |i: usize| {
            let step = Scalar::from_f64(i as f64 * delta, wide).to_f64();
            Scalar::from_f64(Scalar::from_f64(start + step, wide).to_f64(), dtype)
        };
        (0..count).map(at).collect()
    } else {
        // Unsigned 64-bit numbers above 2^63 are not what ONNX's Range takes.
        let [start, limit, delta] = bounds.map(|b| i128::from(b.to_i64()));
        if delta == 0 {
            return Err(Fault::shape("a range by a step of 0 has no end"));
        }
        let way = if delta > 0 { limit - start } else { start - limit };
        let count = if way <= 0 { 0 } else { (way as u128).div_ceil(delta.unsigned_abs()) };
        let count = table(usize::try_from(count).ok(), "the range")?;
        (0..count).map(|i| Scalar::from_i64((start + i as i128 * delta) as i64, dtype)).collect()
    };
    Ok(cx.add_constant(Tensor::from_scalars(Type::new(dtype, [values.len()]), values)))
}

/// The element type that an attribute names.
fn dtype_of(cx: &NodeCx<'_>, name: &str, default: DType) -> Imported<DType> {
    match cx.int_opt(name)? {
        None => Ok(default),
        Some(code) => {
            dtype_of_code(i32::try_from(code).unwrap_or(-1)).map_err(|fault| fault.at(At::Attribute(name.into())))
        }
    }
}

/// Ones where column - row = k.
fn eye_like(cx: &mut NodeCx<'_>) -> Imported {
    let operand = cx.input(0)?;
    let dtype = dtype_of(cx, "dtype", cx.dtype(operand))?;
    let &[rows, columns] = cx.shape(operand).as_slice() else {
        return Err(Fault::shape(format!("{} is not a matrix", cx.ty(operand))));
    };
    let k = i128::from(cx.int("k", 0)?);
    let cells = table(rows.checked_mul(columns), "the matrix")?;
    let on_diagonal = |i: usize| (i % columns) as i128 - (i / columns) as i128 == k;
    let values = (0..cells).map(|i| Scalar::from_i64(i64::from(on_diagonal(i)), dtype));
    Ok(cx.add_constant(Tensor::from_scalars(Type::new(dtype, [rows, columns]), values)))
}

/// cos(2 pi i / period) of whole numbers i, in f64; a formula of the operand that holds them.
pub(super) fn cosine(i: Term, times: f64, period: f64) -> Term {
    (i * num(2.0 * PI * times / period)).then(UnaryOp::Cos)
}

/// `a - b cos(2 pi i / n) + c cos(4 pi i / n)`; n is the size, less one where the window is symmetric.
fn window(cx: &mut NodeCx<'_>, [a, b, c]: [f64; 3]) -> Imported {
    let size = cx.const_scalar(0, "the size")?.to_i64();
    let size = table(usize::try_from(size).ok(), "the window")?;
    let dtype = dtype_of(cx, "output_datatype", DType::F32)?;
    let period = if cx.flag("periodic", true)? { size } else { size.saturating_sub(1).max(1) } as f64;
    let steps: Vec<f64> = (0..size).map(|i| i as f64).collect();
    let steps = cx.add_constant(Tensor::from_elements([size], &steps));
    let w = num(a) - num(b) * cosine(x(0), 1.0, period) + num(c) * cosine(x(0), 2.0, period);
    let y = cx.map(w.expr(DType::F64), &[steps])?;
    cx.cast(y, dtype)
}

/// Triangles over the bins of a spectrum, whose corners are as far apart on the mel scale, `2595 log10(1 + f / 700)`.
fn mel_weights(cx: &mut NodeCx<'_>) -> Imported {
    let what = [
        "the number of mel bins",
        "the length of the transform",
        "the sample rate",
        "the lower edge",
        "the upper edge",
    ];
    let mut given = [0.0; 5];
    for (i, what) in what.into_iter().enumerate() {
        given[i] = cx.const_scalar(i, what)?.to_f64();
    }
    let [bins, length, rate, lower, upper] = given;
    let is_valid = (0.0..65536.0).contains(&bins)
        && (0.0..1e9).contains(&length)
        && rate > 0.0
        && lower > -700.0
        && upper > -700.0;
    if !is_valid {
        return Err(Fault::shape(format!("mel bins by {given:?}")));
    }
    let ln10 = std::f64::consts::LN_10;
    let mel = |f: f64| 2595.0 * math::log1p_f64(f / 700.0) / ln10;
    let hertz = |m: f64| 700.0 * math::expm1_f64(m / 2595.0 * ln10);
    let (bins, rows) = (bins as usize, length as usize / 2 + 1);
    table(bins.checked_mul(rows), "the matrix")?;
    let step = (mel(upper) - mel(lower)) / (bins + 2) as f64;
    let corner = |i: usize| ((length + 1.0) * hertz(i as f64 * step + mel(lower)) / rate).floor();
    let mut weights = vec![0.0; rows * bins];
    for i in 0..bins {
        let [low, center, high] = [corner(i), corner(i + 1), corner(i + 2)];
        for row in 0..rows {
            let at = row as f64;
            let weight = if at == center && low == center {
                1.0
            } else if at >= low && at <= center && low < center && (at < center || center >= high) {
                (at - low) / (center - low)
            } else if at >= center && at < high {
                (high - at) / (high - center)
            } else {
                0.0
            };
            weights[row * bins + i] = weight;
        }
    }
    let code = i32::try_from(cx.int("output_datatype", 1)?).unwrap_or(0);
    let dtype = dtype_of_code(code).map_err(|f| f.at(At::Attribute("output_datatype".into())))?;
    let all = weights.into_iter().map(|w| Scalar::from_f64(w, dtype));
    Ok(cx.add_constant(Tensor::from_scalars(Type::new(dtype, [rows, bins]), all)))
}
