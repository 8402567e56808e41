//! Fourier transforms as matrix products with constant cosines and sines.
//!
//! Complex numbers are pairs in the last dimension. Angles are whole numbers modulo the length, times a constant: the
//! cosines of f64 that are evaluated here are the same on every machine.

use std::f64::consts::PI;

use super::matmul::product;
use super::pieces::{pick, slice, table};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited, op};
use crate::ir::formula::{num, x};
use crate::ir::{BinaryOp, DType, Movement, Op, Scalar, Tensor, UnaryOp, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] =
    &[op("DFT", dft), limited("STFT", stft, "constant frame step and length")];

/// One transform of `length` points.
#[derive(Clone, Copy)]
struct Transform {
    length: usize,
    inverse: bool,
    /// Half of the spectrum stands for the whole one.
    onesided: bool,
}

impl Transform {
    /// Points of the spectrum that are stored.
    fn stored(self) -> usize {
        if self.onesided { self.length / 2 + 1 } else { self.length }
    }
}

/// A constant whole number of at least 1.
fn positive(cx: &NodeCx<'_>, at: usize, what: &str) -> Imported<Option<usize>> {
    if cx.opt(at).is_none() {
        return Ok(None);
    }
    let v = cx.const_scalar(at, what)?.to_i64();
    let v = usize::try_from(v).ok().filter(|&v| v > 0);
    v.map(Some).ok_or_else(|| Fault::shape(format!("{what} must be positive")))
}

/// From opset 20 on the axis is an input.
fn dft(cx: &mut NodeCx<'_>) -> Imported {
    let operand = cx.input(0)?;
    let rank = cx.rank(operand);
    let raw = match cx.opset {
        ..=19 => cx.int("axis", 1)?,
        _ => cx.opt(2).map_or(Ok(-2), |_| cx.const_scalar(2, "the axis").map(Scalar::to_i64))?,
    };
    let axis = cx.axis(raw, rank)?;
    if axis + 1 == rank {
        return Err(Fault::shape(format!("dimension {raw} of {} holds real and imaginary parts", cx.ty(operand))));
    }
    let (inverse, onesided) = (cx.flag("inverse", false)?, cx.flag("onesided", false)?);
    let given = cx.shape(operand)[axis];
    let default = if inverse && onesided { given.saturating_sub(1).saturating_mul(2) } else { given };
    let length = positive(cx, 1, "the length of the transform")?.unwrap_or(default);
    let transform = Transform { length, inverse, onesided };
    // The dimension goes to the place before the parts, and back.
    let order: Vec<usize> = (0..rank).filter(|&d| d != axis && d != rank - 1).chain([axis, rank - 1]).collect();
    let mut back = vec![0; rank];
    order.iter().enumerate().for_each(|(i, &d)| back[d] = i);
    let y = cx.transpose(operand, order)?;
    let y = fitted(cx, y, rank - 2, if inverse { transform.stored() } else { length })?;
    let y = transformed(cx, y, transform)?;
    cx.transpose(y, back)
}

/// The first `len` elements along a dimension, with zeros behind where there are fewer.
fn fitted(cx: &mut NodeCx<'_>, operand: ValueId, axis: usize, len: usize) -> Imported {
    let shape = cx.shape(operand);
    if len <= shape[axis] {
        return slice(cx, operand, axis, (0, 1, len));
    }
    let mut after = vec![0; shape.len()];
    after[axis] = len - shape[axis];
    let value = Scalar::zero(cx.dtype(operand));
    cx.emit(Op::Movement(Movement::Pad { before: vec![0; shape.len()], after, value }), &[operand])
}

/// The transform along the last dimension but one of `[.., n, 1 or 2]`.
fn transformed(cx: &mut NodeCx<'_>, operand: ValueId, t: Transform) -> Imported {
    let (shape, dtype) = (cx.shape(operand), cx.dtype(operand));
    let &[ref lead @ .., n, parts] = shape.as_slice() else {
        return Err(Fault::shape(format!("{} has no dimension of parts", cx.ty(operand))));
    };
    if !(1..=2).contains(&parts) || !dtype.is_float() {
        return Err(Fault::shape(format!("{} does not end in one or two float parts", cx.ty(operand))));
    }
    let (points, kept) = match (t.inverse, t.onesided) {
        (true, true) => (t.length, 1),
        (true, false) => (t.length, 2),
        (false, _) => (t.stored(), 2),
    };
    let matrix = matrix(cx, t, [n, parts, points, kept])?;
    let matrix = cx.cast(matrix, dtype)?;
    let rows = checked(lead)?;
    let flat = cx.reshape(operand, [rows, checked(&[n, parts])?])?;
    let y = product(cx, flat, matrix)?;
    cx.reshape(y, [lead, &[points, kept]].concat())
}

fn checked(dims: &[usize]) -> Imported<usize> {
    crate::ir::checked_elements(dims).ok_or_else(|| Fault::shape("the operand is too large"))
}

/// What each of `n` points of `parts` parts adds to each of `points` points of `kept` parts, in f64.
fn matrix(cx: &mut NodeCx<'_>, t: Transform, [n, parts, points, kept]: [usize; 4]) -> Imported {
    let cells = n.checked_mul(parts).and_then(|c| c.checked_mul(points)).and_then(|c| c.checked_mul(kept));
    let cells = table(cells, "the transform")?;
    let length = t.length.max(1);
    // Of half a spectrum every point but the first and, of an even length, the last stands for two.
    let twice = |i: usize| t.inverse && t.onesided && i > 0 && 2 * i != length;
    let sign = if t.inverse { 1.0 } else { -1.0 };
    let scale = if t.inverse { 1.0 / length as f64 } else { 1.0 };
    let (mut turns, mut cosines, mut sines) =
        (Vec::with_capacity(cells), Vec::with_capacity(cells), Vec::with_capacity(cells));
    for i in 0..n {
        for part in 0..parts {
            for k in 0..points {
                for of in 0..kept {
                    let weight = if twice(i) { 2.0 * scale } else { scale };
                    turns.push((i as u64 * k as u64 % length as u64) as f64);
                    // (re + i im)(cos + i sign sin)
                    let (c, s) = match (part, of) {
                        (0, 0) | (1, 1) => (weight, 0.0),
                        (0, _) => (0.0, sign * weight),
                        (_, _) => (0.0, -sign * weight),
                    };
                    cosines.push(c);
                    sines.push(s);
                }
            }
        }
    }
    let shape = [n * parts, points * kept];
    let operands = [turns, cosines, sines].map(|v| cx.add_constant(Tensor::from_elements(shape, &v)));
    let angle = x(0) * num(2.0 * PI / length as f64);
    let formula = x(1) * angle.then(UnaryOp::Cos) + x(2) * angle.then(UnaryOp::Sin);
    cx.map(formula.expr(DType::F64), &operands)
}

/// Transforms of windows that move over a signal `[batch, length, parts]`.
fn stft(cx: &mut NodeCx<'_>) -> Imported {
    let signal = cx.input(0)?;
    let step = positive(cx, 1, "the frame step")?.ok_or_else(|| Fault::shape("the frame step is missing"))?;
    let mut shape = cx.shape(signal);
    let mut operand = signal;
    if shape.len() == 2 {
        shape.push(1);
        operand = cx.reshape(signal, shape.clone())?;
    }
    let &[batch, length, parts] = shape.as_slice() else {
        return Err(Fault::shape(format!("the signal {} is not [batch, length, parts]", cx.ty(signal))));
    };
    let window = cx.opt(2);
    let of_window = window.and_then(|w| cx.shape(w).first().copied());
    let frame = positive(cx, 3, "the frame length")?.or(of_window).unwrap_or(length);
    if frame > length || frame == 0 || window.is_some_and(|w| cx.shape(w) != [frame]) {
        return Err(Fault::shape(format!("frames of {frame} do not fit the window or a signal of {length}")));
    }
    let frames = (length - frame) / step + 1;
    table(frames.checked_mul(frame), "the frames")?;
    let places: Vec<usize> = (0..frames).flat_map(|f| (0..frame).map(move |i| f * step + i)).collect();
    let y = pick(cx, operand, 1, &places)?;
    let mut y = cx.reshape(y, [batch, frames, frame, parts])?;
    if let Some(window) = window {
        let window = cx.reshape(window, [frame, 1])?;
        y = cx.binary(BinaryOp::Mul, y, window)?;
    }
    let onesided = cx.flag("onesided", true)?;
    transformed(cx, y, Transform { length: frame, inverse: false, onesided })
}
