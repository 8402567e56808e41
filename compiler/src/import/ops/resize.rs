//! Resize and Upsample: along each dimension a table says which places are read and with what weight.
//!
//! A table of one place for each result is a gather. Few places are as many gathers and weighted sums, many (an
//! antialiasing filter) a matrix product. Dimensions are resized one after the other, outermost first.

mod axis;
mod sizes;

use axis::{Filter, Nearest, Places, Table};
use sizes::{AxisSize, sizes};

use super::matmul::product;
use super::pieces::{pick, table};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::formula::{constant, select, x};
use crate::ir::{DType, Scalar, Tensor, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[op("Resize", resize), op("Upsample", upsample)];

/// The most gathers that weighted sums are made of.
const MAX_TAPS: usize = 4;

/// What the node's attributes say.
struct Method {
    /// How places between two elements are read.
    filter: Filter,
    /// Which place of the operand each place of the result is.
    places: Places,
    /// What stands where `tf_crop_and_resize` leaves the operand.
    outside: f32,
}

fn resize(cx: &mut NodeCx<'_>) -> Imported {
    let operand = cx.input(0)?;
    let places = if cx.opset < 11 { Places::Asymmetric } else { places(cx)? };
    let method = Method { filter: filter(cx)?, places, outside: cx.float("extrapolation_value", 0.0)? };
    let sizes = sizes(cx, operand, places == Places::CropAndResize)?;
    along_all(cx, operand, &method, &sizes)
}

fn upsample(cx: &mut NodeCx<'_>) -> Imported {
    let operand = cx.input(0)?;
    let (nearest, linear) = (Filter::Nearest(Nearest::Floor), Filter::linear(false));
    let filter = cx.word("mode", &[("nearest", nearest), ("linear", linear), ("bilinear", linear)])?;
    let method = Method { filter, places: Places::Asymmetric, outside: 0.0 };
    let sizes = sizes::of_upsample(cx, operand)?;
    along_all(cx, operand, &method, &sizes)
}

fn places(cx: &NodeCx<'_>) -> Imported<Places> {
    let words = [
        ("half_pixel", Places::HalfPixel),
        ("half_pixel_symmetric", Places::HalfPixelSymmetric),
        ("pytorch_half_pixel", Places::PytorchHalfPixel),
        ("align_corners", Places::AlignCorners),
        ("asymmetric", Places::Asymmetric),
        ("tf_half_pixel_for_nn", Places::TfHalfPixelForNn),
        ("tf_crop_and_resize", Places::CropAndResize),
    ];
    cx.word("coordinate_transformation_mode", &words)
}

fn filter(cx: &NodeCx<'_>) -> Imported<Filter> {
    let (antialias, exclude_outside) = (cx.flag("antialias", false)?, cx.flag("exclude_outside", false)?);
    let nearest = [
        ("round_prefer_floor", Nearest::HalfDown),
        ("round_prefer_ceil", Nearest::HalfUp),
        ("floor", Nearest::Floor),
        ("ceil", Nearest::Ceil),
    ];
    let a = f64::from(cx.float("cubic_coeff_a", -0.75)?);
    let filters = [
        ("nearest", Filter::Nearest(Nearest::FloorOrCeil)),
        ("linear", Filter::Linear { antialias, exclude_outside }),
        ("cubic", Filter::Cubic { antialias, exclude_outside, a }),
    ];
    match cx.word("mode", &filters)? {
        Filter::Nearest(_) if cx.opset >= 11 => Ok(Filter::Nearest(cx.word("nearest_mode", &nearest)?)),
        filter => Ok(filter),
    }
}

/// Resizes every dimension whose table changes anything.
fn along_all(cx: &mut NodeCx<'_>, operand: ValueId, method: &Method, sizes: &[AxisSize]) -> Imported {
    let dtype = cx.dtype(operand);
    let exact = matches!(method.filter, Filter::Nearest(_));
    if !exact && !dtype.is_float() {
        return Err(Fault::form(format!("interpolation of {}", cx.ty(operand)))
            .help("convert the operand to a float type first, or resize with mode = nearest"));
    }
    // f16 and bf16 are rounded once, after all dimensions.
    let work = if exact || dtype == DType::F64 { dtype } else { DType::F32 };
    let mut y = cx.cast(operand, work)?;
    let mut outside = Vec::new();
    for (d, size) in sizes.iter().enumerate() {
        if let Some(table) = Table::new(&method.filter, method.places, size)? {
            if table.outside.contains(&true) {
                outside.push((d, table.outside.clone()));
            }
            y = along(cx, y, d, &table)?;
        }
    }
    for (d, mask) in outside {
        let shape: Vec<usize> = (0..sizes.len()).map(|i| if i == d { mask.len() } else { 1 }).collect();
        let mask = cx.add_constant(Tensor::from_bools(shape, &mask));
        let value = Scalar::from_f64(f64::from(method.outside), work);
        let formula = select(x(1), constant(value), x(0));
        y = cx.map(formula.expr(work), &[y, mask])?;
    }
    cx.cast(y, dtype)
}

/// Resizes one dimension.
fn along(cx: &mut NodeCx<'_>, operand: ValueId, axis: usize, table: &Table) -> Imported {
    match table.taps.as_slice() {
        [one] if one.weights.iter().all(|&w| w == 1.0) => pick(cx, operand, axis, &one.places),
        few if few.len() <= MAX_TAPS => weighted(cx, operand, axis, table),
        _ => filtered(cx, operand, axis, table),
    }
}

/// The sum of as many gathers as there are taps, each times its weights: two at a time, so that each Map has few operands.
fn weighted(cx: &mut NodeCx<'_>, operand: ValueId, axis: usize, table: &Table) -> Imported {
    let (dtype, rank) = (cx.dtype(operand), cx.rank(operand));
    let mut sum: Option<ValueId> = None;
    for taps in table.taps.chunks(2) {
        let mut operands: Vec<ValueId> = sum.into_iter().collect();
        let mut formula = sum.map(|_| x(0));
        for tap in taps {
            let term = x(operands.len()) * x(operands.len() + 1);
            operands.push(pick(cx, operand, axis, &tap.places)?);
            let shape: Vec<usize> = (0..rank).map(|d| if d == axis { tap.weights.len() } else { 1 }).collect();
            operands.push(weights(cx, &tap.weights, shape, dtype));
            formula = Some(match formula {
                None => term,
                Some(sum) => sum + term,
            });
        }
        let formula = formula.ok_or_else(|| Fault::shape("the filter has no taps"))?;
        sum = Some(cx.map(formula.expr(dtype), &operands)?);
    }
    sum.ok_or_else(|| Fault::shape("the filter has no taps"))
}

fn weights(cx: &mut NodeCx<'_>, weights: &[f64], shape: Vec<usize>, dtype: DType) -> ValueId {
    let scalars = weights.iter().map(|&w| Scalar::from_f64(w, dtype));
    cx.add_constant(Tensor::from_scalars(crate::ir::Type::new(dtype, shape), scalars))
}

/// A matrix product along the dimension.
fn filtered(cx: &mut NodeCx<'_>, operand: ValueId, axis: usize, filter: &Table) -> Imported {
    let (shape, dtype) = (cx.shape(operand), cx.dtype(operand));
    let (n, results) = (shape[axis], filter.outside.len());
    let mut matrix = vec![0.0; table(n.checked_mul(results), "the filter")?];
    for tap in &filter.taps {
        for (r, (&place, &weight)) in tap.places.iter().zip(&tap.weights).enumerate() {
            matrix[place * results + r] += weight;
        }
    }
    let matrix = weights(cx, &matrix, vec![n, results], dtype);
    // The dimension goes last, and back.
    let last = shape.len() - 1;
    let perm: Vec<usize> = (0..=last).filter(|&d| d != axis).chain([axis]).collect();
    let mut back: Vec<usize> = (0..last).collect();
    back.insert(axis, last);
    let mut rows = cx.transpose(operand, perm)?;
    if last == 0 {
        rows = cx.reshape(rows, [1, n])?;
    }
    let y = product(cx, rows, matrix)?;
    if last == 0 { cx.reshape(y, [results]) } else { cx.transpose(y, back) }
}
