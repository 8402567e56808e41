//! Sampling at places that come with the data: AffineGrid and GridSample.
//!
//! A map `[n, c, d1, .., dr]` is read as rows of channels `[n, d1 * .. * dr, c]`; places become indices of rows, which
//! are inside the map always: those outside are moved inside and, with zero padding, weigh nothing.

use super::matmul::product;
use super::pieces::{lengths, table};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited, op};
use crate::ir::formula::{Term, binary, num, select, x};
use crate::ir::{BinaryOp, DType, Op, Scalar, Tensor, Type, UnaryOp, ValueId, checked_elements};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] =
    &[limited("AffineGrid", affine_grid, "constant size"), op("GridSample", grid_sample)];

/// Positions from -1 to 1 in the order (x, y, ..) and a 1, times the matrices.
fn affine_grid(cx: &mut NodeCx<'_>) -> Imported {
    let theta = cx.input(0)?;
    let size = lengths(&cx.const_ints(1, "the size")?, "the size")?;
    let dtype = cx.dtype(theta);
    let &[batch, _, ref spatial @ ..] = size.as_slice() else {
        return Err(Fault::shape(format!("the size {size:?} has no spatial dimensions")));
    };
    let r = spatial.len();
    if cx.shape(theta) != [batch, r, r + 1] || !dtype.is_float() {
        return Err(Fault::shape(format!("{} should be [{batch}, {r}, {}] of floats", cx.ty(theta), r + 1)));
    }
    let align = cx.flag("align_corners", false)?;
    let points = table(checked_elements(spatial).and_then(|p| p.checked_mul(r + 1)), "the grid")? / (r + 1);
    let position = |i: usize, n: usize| match n {
        1 if align => 0.0,
        _ if align => 2.0 * i as f64 / (n - 1) as f64 - 1.0,
        _ => (2 * i + 1) as f64 / n as f64 - 1.0,
    };
    let strides = crate::ir::row_major_strides(spatial);
    let mut grid = Vec::with_capacity(points * (r + 1));
    for p in 0..points {
        grid.extend((0..r).rev().map(|d| position(p / strides[d] % spatial[d], spatial[d])));
        grid.push(1.0);
    }
    let grid = grid.into_iter().map(|v| Scalar::from_f64(v, dtype));
    let grid = cx.add_constant(Tensor::from_scalars(Type::new(dtype, [points, r + 1]), grid));
    let theta = cx.transpose(theta, [0, 2, 1])?;
    let y = product(cx, grid, theta)?;
    let shape: Vec<usize> = [batch].iter().chain(spatial).chain([&r]).copied().collect();
    cx.reshape(y, shape)
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Nearest,
    Linear,
    Cubic,
}

#[derive(Clone, Copy, PartialEq)]
enum Outside {
    Zeros,
    Border,
    Reflection,
}

/// How places are read.
#[derive(Clone, Copy)]
struct Sampling {
    mode: Mode,
    outside: Outside,
    align: bool,
}

/// The factor of cubic weights, ONNX's alpha.
const CUBIC: f64 = -0.75;

fn sampling(cx: &NodeCx<'_>) -> Imported<Sampling> {
    let (linear, cubic) = (Mode::Linear, Mode::Cubic);
    // Up to opset 19 the modes had the names of two dimensions.
    let modes =
        [("linear", linear), ("nearest", Mode::Nearest), ("cubic", cubic), ("bilinear", linear), ("bicubic", cubic)];
    let outsides = [("zeros", Outside::Zeros), ("border", Outside::Border), ("reflection", Outside::Reflection)];
    let (mode, outside) = (cx.word("mode", &modes)?, cx.word("padding_mode", &outsides)?);
    Ok(Sampling { mode, outside, align: cx.flag("align_corners", false)? })
}

/// A tap along one dimension: index of an element (a float) and its weight, formulas of the grid's number `x(0)`.
struct Tap {
    index: Term,
    /// None where it is always 1.
    weight: Option<Term>,
}

fn grid_sample(cx: &mut NodeCx<'_>) -> Imported {
    let (operand, grid) = (cx.input(0)?, cx.input(1)?);
    let sampling = sampling(cx)?;
    let (shape, places) = (cx.shape(operand), cx.shape(grid));
    let r = shape.len().saturating_sub(2);
    if r == 0
        || r > 3
        || places.len() != r + 2
        || places[0] != shape[0]
        || places[r + 1] != r
        || shape[2..].contains(&0)
    {
        return Err(Fault::shape(format!("the grid {} does not fit {}", cx.ty(grid), cx.ty(operand))));
    }
    if !cx.dtype(operand).is_float() || !cx.dtype(grid).is_float() {
        return Err(Fault::form("GridSample of integers").help("convert the operands to floats first"));
    }
    let dtype = if cx.dtype(operand) == DType::F64 { DType::F64 } else { DType::F32 };
    let points = checked_elements(&places[1..=r]).ok_or_else(|| Fault::shape("the grid is too large"))?;
    let rows = rows(cx, operand, dtype)?;
    let grid = cx.cast(grid, dtype)?;
    let grid = cx.reshape(grid, [places[0], points, r])?;
    let mut taps = vec![(None, None)];
    for d in 0..r {
        let place = super::pieces::slice(cx, grid, 2, (r - 1 - d, 1, 1))?;
        taps = crossed(cx, taps, place, (sampling, shape[2 + d], dtype))?;
    }
    let mut y = None;
    for (index, weight) in taps {
        let Some(index) = index else { continue };
        let index = cx.cast(index, DType::I64)?;
        let read = cx.emit(Op::GatherNd { batch_dims: 1 }, &[rows, index])?;
        let part = match weight {
            Some(weight) => cx.binary(BinaryOp::Mul, read, weight)?,
            None => read,
        };
        y = Some(match y {
            None => part,
            Some(sum) => cx.binary(BinaryOp::Add, sum, part)?,
        });
    }
    let y = y.ok_or_else(|| Fault::shape("there is nothing to sample"))?;
    let y = cx.transpose(y, [0, 2, 1])?;
    let result: Vec<usize> = shape[..2].iter().chain(&places[1..=r]).copied().collect();
    let y = cx.reshape(y, result)?;
    cx.cast(y, cx.dtype(operand))
}

/// The operand as rows of channels, `[n, elements, c]`.
fn rows(cx: &mut NodeCx<'_>, operand: ValueId, dtype: DType) -> Imported {
    let shape = cx.shape(operand);
    let elements = checked_elements(&shape[2..]).ok_or_else(|| Fault::shape("the map is too large"))?;
    let v = cx.cast(operand, dtype)?;
    let v = cx.reshape(v, [shape[0], shape[1], elements])?;
    cx.transpose(v, [0, 2, 1])
}

/// Index and weight of each tap so far, each with every tap of one more dimension.
type Taps = Vec<(Option<ValueId>, Option<ValueId>)>;

fn crossed(
    cx: &mut NodeCx<'_>,
    before: Taps,
    place: ValueId,
    (s, n, dtype): (Sampling, usize, DType),
) -> Imported<Taps> {
    let mut all = Vec::new();
    for tap in taps(s, n) {
        let index = cx.map(tap.index.expr(dtype), &[place])?;
        // Indices are exact as i64 alone: products of lengths may exceed the mantissa.
        let index = cx.cast(index, DType::I64)?;
        let weight = match tap.weight {
            Some(weight) => Some(cx.map(weight.expr(dtype), &[place])?),
            None => None,
        };
        for &(first, by) in &before {
            let joined = match first {
                None => index,
                Some(first) => cx.map((x(0) * num(n as f64) + x(1)).expr(DType::I64), &[first, index])?,
            };
            let weight = match (by, weight) {
                (Some(by), Some(weight)) => Some(cx.binary(BinaryOp::Mul, by, weight)?),
                (one, other) => one.or(other),
            };
            all.push((Some(joined), weight));
        }
    }
    Ok(all)
}

/// The taps along a dimension of length `n`.
fn taps(s: Sampling, n: usize) -> Vec<Tap> {
    let last = (n - 1) as f64;
    let place =
        if s.align { (x(0) + num(1)) * num(last / 2.0) } else { ((x(0) + num(1)) * num(n as f64) - num(1)) / num(2) };
    // Cubic taps are moved inside one by one, the place of the others as a whole.
    let place = if s.mode == Mode::Cubic { place } else { inside(s, place, last) };
    let weighted: Vec<(Term, Option<Term>)> = match s.mode {
        Mode::Nearest => vec![(place.then(UnaryOp::Round), None)],
        Mode::Linear => {
            let low = place.then(UnaryOp::Floor);
            let part = place - low.clone();
            vec![(low.clone(), Some(num(1) - part.clone())), (low + num(1), Some(part))]
        }
        Mode::Cubic => {
            let low = place.then(UnaryOp::Floor);
            let part = place - low.clone();
            let weight = |i: i32| cubic((part.clone() - num(i)).then(UnaryOp::Abs), i);
            (-1..3).map(|i| (low.clone() + num(i), Some(weight(i)))).collect()
        }
    };
    weighted
        .into_iter()
        .map(|(index, weight)| {
            let index = if s.mode == Mode::Cubic { inside(s, index, last) } else { index };
            let clamped = index.max(num(0)).min(num(last));
            let weight = match s.outside {
                Outside::Zeros => Some(select(index.eq(clamped.clone()), weight.unwrap_or(num(1)), num(0))),
                Outside::Border | Outside::Reflection => weight,
            };
            Tap { index: clamped, weight }
        })
        .collect()
}

/// A place moved inside as the padding says; zero padding leaves it.
fn inside(s: Sampling, place: Term, last: f64) -> Term {
    match s.outside {
        Outside::Zeros => place,
        Outside::Border => place.max(num(0)).min(num(last)),
        Outside::Reflection => {
            // To and fro between the outermost centers, or the outer edges of the outermost elements.
            let (low, high) = if s.align { (0.0, last) } else { (-0.5, last + 0.5) };
            let span = high - low;
            if span == 0.0 {
                return place * num(0);
            }
            let way = binary(BinaryOp::Mod, place - num(low), num(2.0 * span));
            let back = num(2.0 * span) - way.clone();
            way.min(back) + num(low)
        }
    }
}

/// The weight of a cubic tap at a distance; the inner two taps are nearer than 1.
fn cubic(d: Term, tap: i32) -> Term {
    let a = CUBIC;
    if matches!(tap, 0 | 1) {
        (num(a + 2.0) * d.clone() - num(a + 3.0)) * d.clone() * d + num(1)
    } else {
        ((num(a) * d.clone() - num(5.0 * a)) * d.clone() + num(8.0 * a)) * d - num(4.0 * a)
    }
}
