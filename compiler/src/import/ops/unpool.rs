//! Where maxima came from: the result Indices of MaxPool, and MaxUnpool, which puts elements back there.

use super::pieces::{self, slice};
use super::window::Dims;
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::formula::{binary, x};
use crate::ir::{
    BinaryOp as B, DType, Movement, Op, Scalar, ScatterKind, Tensor, UnaryOp as U, ValueId, Window, checked_elements,
    row_major_strides,
};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[op("MaxUnpool", max_unpool)];

/// A window along each spatial dimension.
struct Axis {
    kernel: usize,
    stride: usize,
    dilation: usize,
    pad_begin: usize,
    input: usize,
    output: usize,
}

impl Axis {
    /// The place of a tap in the map, where it is inside.
    fn place(&self, window: usize, tap: usize) -> Option<usize> {
        let at = (window * self.stride + tap * self.dilation).checked_sub(self.pad_begin)?;
        (at < self.input).then_some(at)
    }
}

/// The spatial dimensions of a pool over `[n, c, ..]`, each as a window of its own.
fn axes(input: &[usize], output: &[usize], windows: &[(Window, usize)]) -> Imported<Vec<Axis>> {
    if input.len() != windows.len() || output.len() != windows.len() {
        return Err(Fault::shape(format!("{input:?} has not {} spatial dimensions", windows.len())));
    }
    let axis = |(d, (w, a)): (usize, &(Window, usize))| Axis {
        kernel: w.kernel[*a],
        stride: w.stride[*a],
        dilation: w.dilation[*a],
        pad_begin: w.pad_begin[*a],
        input: input[d],
        output: output[d],
    };
    let axes: Vec<Axis> = windows.iter().enumerate().map(axis).collect();
    let taps: Option<usize> = checked_elements(&axes.iter().map(|a| a.kernel).collect::<Vec<_>>());
    let taps = pieces::table(taps, "the window")?;
    pieces::table(taps.checked_mul(output.iter().product()), "the places of all taps")?;
    Ok(axes)
}

/// For each element of `y`, the maxima of `x`, its index in the flattened `x`. `windows` has the window of each spatial dimension, and
/// which of its two axes that is.
pub(super) fn indices(cx: &mut NodeCx<'_>, [v, y]: [ValueId; 2], windows: &[(Window, usize)]) -> Imported {
    let (shape, out) = (cx.shape(v), cx.shape(y));
    let axes = axes(&shape[2..], &out[2..], windows)?;
    let by_column = cx.flag("storage_order", false)?;
    let strides: Vec<usize> = if by_column {
        (0..axes.len()).map(|d| shape[2..2 + d].iter().product()).collect()
    } else {
        row_major_strides(&shape[2..])
    };
    let (padded, taps) = (padded(cx, v, &axes)?, taps(&axes));
    let mut equal = Vec::with_capacity(taps.len());
    for tap in &taps {
        equal.push(is_here(cx, [padded, y], &axes, tap)?);
    }
    let all = pieces::concat(cx, 2, &equal)?;
    let first = cx.emit(Op::Arg { max: true, axis: 2, last: false }, &[all])?;
    // A tap is some elements away from the first one of its window.
    let away = |tap: &Vec<usize>| -> i64 {
        tap.iter().zip(&axes).zip(&strides).map(|((t, a), s)| (t * a.dilation * s) as i64).sum()
    };
    let away: Vec<i64> = taps.iter().map(away).collect();
    let away = cx.add_constant(Tensor::from_elements([away.len()], &away));
    let offset = cx.emit(Op::Gather { axis: 0 }, &[away, first])?;
    let starts = starts(&axes, &strides);
    let start = cx.add_constant(Tensor::from_elements(&out[2..], &starts));
    let (planes, plane) = (shape[0] * shape[1], shape[2..].iter().product::<usize>());
    pieces::table(Some(planes), "the planes")?;
    let planes: Vec<i64> = (0..planes).map(|p| (p * plane) as i64).collect();
    let mut line = vec![1; shape.len()];
    line[..2].copy_from_slice(&shape[..2]);
    let plane = cx.add_constant(Tensor::from_elements(line, &planes));
    cx.map((x(0) + x(1) + x(2)).expr(DType::I64), &[offset, start, plane])
}

/// The map with padding such that every tap of every window is an element.
fn padded(cx: &mut NodeCx<'_>, v: ValueId, axes: &[Axis]) -> Imported {
    let (mut before, mut after) = (vec![0; axes.len() + 2], vec![0; axes.len() + 2]);
    for (d, a) in axes.iter().enumerate() {
        let reach = a.output.saturating_sub(1) * a.stride + a.kernel.saturating_sub(1) * a.dilation + 1;
        before[d + 2] = a.pad_begin;
        after[d + 2] = reach.saturating_sub(a.pad_begin + a.input);
    }
    let value = Scalar::zero(cx.dtype(v));
    cx.emit(Op::Movement(Movement::Pad { before, after, value }), &[v])
}

/// All taps of a window, in row-major order.
fn taps(axes: &[Axis]) -> Vec<Vec<usize>> {
    let mut taps = vec![Vec::new()];
    for a in axes {
        taps = taps.iter().flat_map(|t| (0..a.kernel).map(|k| [t.as_slice(), &[k]].concat())).collect();
    }
    taps
}

/// Whether the maximum of each window is at one tap, `[n, c, 1, ..]`; never in the padding.
fn is_here(cx: &mut NodeCx<'_>, [padded, y]: [ValueId; 2], axes: &[Axis], tap: &[usize]) -> Imported {
    let mut part = padded;
    for (d, (a, &t)) in axes.iter().zip(tap).enumerate() {
        let step = isize::try_from(a.stride).map_err(|_| Fault::shape("the stride is too large"))?;
        part = slice(cx, part, d + 2, (t * a.dilation, step, a.output))?;
    }
    let mut inside = vec![true];
    for (a, &t) in axes.iter().zip(tap) {
        inside = inside.iter().flat_map(|&i| (0..a.output).map(move |o| i && a.place(o, t).is_some())).collect();
    }
    let shape = cx.shape(y);
    let inside = cx.add_constant(Tensor::from_bools(&shape[2..], &inside));
    let equal = x(0).eq(x(1));
    let equal = if cx.dtype(y).is_float() {
        binary(B::Or, equal, binary(B::And, x(0).then(U::IsNan), x(1).then(U::IsNan)))
    } else {
        equal
    };
    let here = cx.map(binary(B::And, equal, x(2)).cast(DType::U8).expr(DType::U8), &[part, y, inside])?;
    let mut apart = shape;
    apart.insert(2, 1);
    cx.reshape(here, apart)
}

/// The index of the first tap of each window within its plane; negative where that is in the padding.
fn starts(axes: &[Axis], strides: &[usize]) -> Vec<i64> {
    let mut starts = vec![0i64];
    for (a, &s) in axes.iter().zip(strides) {
        let first = |o: usize| ((o * a.stride) as i64 - a.pad_begin as i64) * s as i64;
        starts = starts.iter().flat_map(|&at| (0..a.output).map(move |o| at + first(o))).collect();
    }
    starts
}

/// Elements go where `indices` says within the smallest map that the pool could have seen; where a shape is given, that map stands at
/// its beginning.
fn max_unpool(cx: &mut NodeCx<'_>) -> Imported {
    let (operand, places) = (cx.input(0)?, cx.input(1)?);
    let shape = cx.shape(operand);
    let spatial = shape.len().saturating_sub(2);
    if spatial == 0 || cx.shape(places) != shape {
        return Err(Fault::shape(format!("{} and {} do not fit each other", cx.ty(operand), cx.ty(places))));
    }
    let ints = |cx: &NodeCx<'_>, name: &str, count: usize, default: i64| -> Imported<Vec<i64>> {
        let given = cx.ints_opt(name)?.unwrap_or_else(|| vec![default; count]);
        let fits = given.len() == count && given.iter().all(|v| (0..1 << 20).contains(v));
        if fits { Ok(given) } else { Err(Fault::attribute(name, format!("is {given:?}; {count} sizes are needed"))) }
    };
    let kernel = cx.ints_opt("kernel_shape")?.ok_or_else(|| Fault::missing("kernel_shape"))?;
    if kernel.len() != spatial {
        return Err(Fault::attribute("kernel_shape", format!("is {kernel:?}; {spatial} sizes are needed")));
    }
    let (strides, pads) = (ints(cx, "strides", spatial, 1)?, ints(cx, "pads", 2 * spatial, 0)?);
    let mut whole = shape[..2].to_vec();
    for d in 0..spatial {
        let n = (shape[d + 2] as i64 - 1).saturating_mul(strides[d]).saturating_add(kernel[d]);
        let n = n.saturating_sub(pads[d]).saturating_sub(pads[d + spatial]);
        whole.push(usize::try_from(n).map_err(|_| Fault::shape("padding leaves nothing of the result"))?);
    }
    let too_large = || Fault::shape("the result is too large");
    let elements = checked_elements(&whole).ok_or_else(too_large)?;
    let zero = Scalar::zero(cx.dtype(operand));
    let zeros = pieces::fill(cx, zero, vec![elements])?;
    let count = checked_elements(&shape).ok_or_else(too_large)?;
    let updates = cx.reshape(operand, [count])?;
    let places = cx.reshape(places, [count])?;
    let y = cx.emit(Op::ScatterElements { axis: 0, kind: ScatterKind::Replace }, &[zeros, places, updates])?;
    let y = cx.reshape(y, whole.as_slice())?;
    let Some(wanted) = cx.opt_const_ints(2, "the shape of the result")? else { return Ok(y) };
    let wanted = pieces::lengths(&wanted, "the shape of the result")?;
    if wanted.len() != whole.len() || wanted.iter().zip(&whole).any(|(w, n)| w < n) {
        return Err(Fault::shape(format!("a result of shape {wanted:?} does not hold {whole:?}")));
    }
    let after = wanted.iter().zip(&whole).map(|(w, n)| w - n).collect();
    cx.emit(Op::Movement(Movement::Pad { before: vec![0; whole.len()], after, value: zero }), &[y])
}

/// The windows of a pool over one to three spatial dimensions.
pub(super) fn windows(
    cx: &NodeCx<'_>,
    v: ValueId,
    of: impl Fn(&NodeCx<'_>, [usize; 2], Dims) -> Imported<Window>,
) -> Imported<Vec<(Window, usize)>> {
    let shape = cx.shape(v);
    Ok(match *shape.get(2..).unwrap_or_default() {
        [w] => vec![(of(cx, [1, w], Dims::One)?, 1)],
        [h, w] => {
            let window = of(cx, [h, w], Dims::Two)?;
            vec![(window.clone(), 0), (window, 1)]
        }
        [d, h, w] => {
            let (deep, plane) = (of(cx, [1, d], Dims::DepthOfThree)?, of(cx, [h, w], Dims::PlaneOfThree)?);
            vec![(deep, 1), (plane.clone(), 0), (plane, 1)]
        }
        _ => {
            return Err(Fault::form(format!(
                "a map of shape {shape:?}: one to three spatial dimensions are supported"
            )));
        }
    })
}
