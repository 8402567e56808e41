//! Maps read between their elements, at places that the data give: RoiAlign and DeformConv.

use super::pieces::slice;
use super::window::{self, Dims};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited};
use crate::ir::formula::{Term, binary, num, select, x};
use crate::ir::{
    BinaryOp as B, DType, Epilogue, Op, ReduceKind, Scalar, Tensor, UnaryOp as U, ValueId, checked_elements,
};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    limited("DeformConv", deform_conv, "two spatial dimensions"),
    limited("RoiAlign", roi_align, "a sampling ratio that is not 0"),
];

fn size(dims: &[usize]) -> Imported<usize> {
    checked_elements(dims).ok_or_else(|| Fault::shape("the result is too large"))
}

/// Two neighbours along a dimension: index (as i64) and weight of each.
struct Between {
    index: [ValueId; 2],
    weight: [ValueId; 2],
}

/// The neighbours of places along a dimension, by formulas of `x(0)`: each an index, as a float, and a weight.
fn between(cx: &mut NodeCx<'_>, place: ValueId, taps: [(Term, Term); 2]) -> Imported<Between> {
    let dtype = cx.dtype(place);
    let (mut index, mut weight) = (Vec::new(), Vec::new());
    for (at, by) in taps {
        let at = cx.map(at.expr(dtype), &[place])?;
        index.push(cx.cast(at, DType::I64)?);
        weight.push(cx.map(by.expr(dtype), &[place])?);
    }
    Ok(Between { index: [index[0], index[1]], weight: [weight[0], weight[1]] })
}

/// Places up to one element beyond the border are moved to it, others further out count as zeros.
fn clamped(n: usize) -> [(Term, Term); 2] {
    let last = num(n as f64 - 1.0);
    let is_out = binary(B::Or, x(0).lt(num(-1.0)), num(n as f64).lt(x(0)));
    let place = x(0).max(num(0.0)).min(last.clone());
    let low = place.then(U::Floor);
    let part = place - low.clone();
    let high = (low.clone() + num(1.0)).min(last);
    let weight = |w: Term| select(is_out.clone(), num(0.0), w);
    [(low, weight(num(1.0) - part.clone())), (high, weight(part))]
}

/// Neighbours beyond the border count as zeros.
fn bordered(n: usize) -> [(Term, Term); 2] {
    let last = n as f64 - 1.0;
    // Far out, both neighbours are.
    let place = x(0).max(num(-2.0)).min(num(last + 2.0));
    let low = place.then(U::Floor);
    let part = place - low.clone();
    let tap = |at: Term, by: Term| {
        let inside = at.max(num(0.0)).min(num(last));
        (inside.clone(), select(at.eq(inside), by, num(0.0)))
    };
    [tap(low.clone(), num(1.0) - part.clone()), tap(low + num(1.0), part)]
}

/// A positive attribute.
fn positive(cx: &NodeCx<'_>, name: &str, default: i64) -> Imported<usize> {
    let v = cx.int(name, default)?;
    usize::try_from(v)
        .ok()
        .filter(|v| (1..1 << 16).contains(v))
        .ok_or_else(|| Fault::attribute(name, format!("is {v}")))
}

/// What samples of a region become.
#[derive(Clone, Copy)]
enum Pooling {
    Mean,
    Largest,
}

fn roi_align(cx: &mut NodeCx<'_>) -> Imported {
    let (map, rois, batch) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
    let shape = cx.shape(map);
    let count = cx.shape(rois).first().copied().unwrap_or(0);
    let fits = shape.len() == 4 && cx.shape(rois) == [count, 4] && cx.shape(batch) == [count];
    if !fits || shape[2..].contains(&0) {
        return Err(Fault::shape(format!("regions {} of {}", cx.ty(rois), cx.ty(map))));
    }
    let ratio = cx.int("sampling_ratio", 0)?;
    if ratio == 0 {
        return Err(Fault::form("a number of samples that depends on the regions (sampling_ratio 0)")
            .help("export with a sampling ratio, most often 2"));
    }
    let samples = positive(cx, "sampling_ratio", 1)?;
    let (height, width) = (positive(cx, "output_height", 1)?, positive(cx, "output_width", 1)?);
    let half = cx.opset >= 16
        && cx.word("coordinate_transformation_mode", &[("half_pixel", true), ("output_half_pixel", false)])?;
    let pooling = cx.word("mode", &[("avg", Pooling::Mean), ("max", Pooling::Largest)])?;
    let mut sides = Vec::with_capacity(2);
    for (column, bins, n) in [(1, height, shape[2]), (0, width, shape[3])] {
        let place = places(cx, rois, column, (bins, samples, half))?;
        sides.push(between(cx, place, clamped(n))?);
    }
    let points = [count, height * samples, width * samples];
    let rows = cx.transpose(map, [0, 2, 3, 1])?;
    let rows = cx.reshape(rows, [size(&[shape[0], shape[2], shape[3]])?, shape[1]])?;
    let (batch, dtype) = (cx.cast(batch, DType::I64)?, cx.dtype(map));
    let batch = cx.reshape(batch, [count, 1, 1])?;
    let mut y: Option<ValueId> = None;
    for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let [down, across] =
            [0, 1].map(|side: usize| if side == 0 { [count, points[1], 1] } else { [count, 1, points[2]] });
        let (row, column) = (cx.reshape(sides[0].index[a], down)?, cx.reshape(sides[1].index[b], across)?);
        let flat = (x(0) * num(shape[2] as f64) + x(1)) * num(shape[3] as f64) + x(2);
        let index = cx.map(flat.expr(DType::I64), &[batch, row, column])?;
        let read = cx.emit(Op::Gather { axis: 0 }, &[rows, index])?;
        let (v, h) = (
            cx.reshape(sides[0].weight[a], [count, points[1], 1, 1])?,
            cx.reshape(sides[1].weight[b], [count, 1, points[2], 1])?,
        );
        let part = cx.map((x(0) * x(1) * x(2)).expr(dtype), &[v, h, read])?;
        y = Some(match (y, pooling) {
            (None, _) => part,
            (Some(sum), Pooling::Mean) => cx.binary(B::Add, sum, part)?,
            (Some(most), Pooling::Largest) => cx.binary(B::Max, most, part)?,
        });
    }
    let y = y.ok_or_else(|| Fault::shape("there is nothing to sample"))?;
    let y = cx.reshape(y, [count, height, samples, width, samples, shape[1]])?;
    let kind = match pooling {
        Pooling::Mean => ReduceKind::Sum,
        Pooling::Largest => ReduceKind::Max,
    };
    let mut y = cx.emit(Op::Reduce { kind, axes: vec![2, 4] }, &[y])?;
    if let Pooling::Mean = pooling {
        y = cx.map((x(0) / num((samples * samples) as f64)).expr(dtype), &[y])?;
    }
    cx.transpose(y, [0, 3, 1, 2])
}

/// The places of all samples along one dimension, `[regions, bins * samples]`. Columns `column` and `column + 2` of the regions are
/// where they begin and end.
fn places(cx: &mut NodeCx<'_>, rois: ValueId, column: usize, (bins, samples, half): (usize, usize, bool)) -> Imported {
    let dtype = cx.dtype(rois);
    let scale = num(cx.float("spatial_scale", 1.0)?);
    let offset = num(if half { 0.5 } else { 0.0 });
    let (start, end) = (slice(cx, rois, 1, (column, 1, 1))?, slice(cx, rois, 1, (column + 2, 1, 1))?);
    let scaled = |v: Term| v * scale.clone() - offset.clone();
    let first = cx.map(scaled(x(0)).expr(dtype), &[start])?;
    let length = scaled(x(1)) - x(0);
    let length = if half { length } else { length.max(num(1.0)) };
    let bin = cx.map((length / num(bins as f64)).expr(dtype), &[first, end])?;
    let steps = |f: &dyn Fn(usize) -> f64| {
        let all = (0..bins * samples).map(|i| Scalar::from_f64(f(i), dtype));
        Tensor::from_scalars(crate::ir::Type::new(dtype, [bins * samples]), all)
    };
    let (whole, part) = (steps(&|i| (i / samples) as f64), steps(&|i| (i % samples) as f64 + 0.5));
    let (whole, part) = (cx.add_constant(whole), cx.add_constant(part));
    let place = x(0) + x(2) * x(1) + x(3) * x(1) / num(samples as f64);
    cx.map(place.expr(dtype), &[first, bin, whole, part])
}

/// What a deformable convolution is over.
struct Deformed {
    /// `[n, c, h, w]`
    map: [usize; 4],
    /// Groups of channels with offsets of their own.
    groups: usize,
    /// Taps of the window, and pixels of the result.
    taps: usize,
    output: [usize; 2],
}

fn deform_conv(cx: &mut NodeCx<'_>) -> Imported {
    let (map, w, offset) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
    let (shape, kernel) = (cx.shape(map), cx.shape(w));
    let misfit = || Fault::shape(format!("weights {kernel:?} and offsets do not fit a map of {shape:?}"));
    let (&[n, c, h, width], &[o, depth, kh, kw]) = (shape.as_slice(), kernel.as_slice()) else {
        return Err(Fault::form("a deformable convolution of other than two spatial dimensions"));
    };
    let (groups, of_offsets) = (positive(cx, "group", 1)?, positive(cx, "offset_group", 1)?);
    if !c.is_multiple_of(groups) || !c.is_multiple_of(of_offsets) || depth != c / groups || [h, width].contains(&0) {
        return Err(misfit());
    }
    let window = window::of_conv(cx, [kh, kw], [h, width], Dims::Two)?;
    let along = |a: usize, input: usize| window.output_len(a, input).ok_or_else(misfit);
    let output = [along(0, h)?, along(1, width)?];
    let taps = size(&[kh, kw])?;
    let d = Deformed { map: [n, c, h, width], groups: of_offsets, taps, output };
    let pixels = size(&output)?;
    if cx.shape(offset) != [n, size(&[of_offsets, taps, 2])?, output[0], output[1]] {
        return Err(misfit());
    }
    let batch = size(&[n, of_offsets])?;
    let offsets = cx.reshape(offset, [batch, taps, 2, pixels])?;
    let mut sides = Vec::with_capacity(2);
    for (a, input) in [(0, h), (1, width)] {
        let own = slice(cx, offsets, 2, (a, 1, 1))?;
        let own = cx.reshape(own, [batch, taps, pixels])?;
        let base = regular(&d, &window, a);
        let base = cx.add_constant(base_tensor(cx.dtype(offset), [taps, pixels], &base));
        let place = cx.binary(B::Add, own, base)?;
        sides.push(between(cx, place, bordered(input))?);
    }
    let mut samples = sampled(cx, map, &d, &sides)?;
    if let Some(mask) = cx.opt(4) {
        if cx.ty(mask).elements() != size(&[batch, taps, pixels])? {
            return Err(misfit());
        }
        let mask = cx.reshape(mask, [batch, size(&[taps, pixels])?, 1])?;
        samples = cx.binary(B::Mul, samples, mask)?;
    }
    let samples = cx.reshape(samples, [n, of_offsets, taps, pixels, c / of_offsets])?;
    let samples = cx.transpose(samples, [0, 3, 2, 1, 4])?;
    let samples = cx.reshape(samples, [n, pixels, taps, groups, depth])?;
    let samples = cx.transpose(samples, [0, 1, 3, 2, 4])?;
    let samples = cx.reshape(samples, [n, output[0], output[1], size(&[c, taps])?])?;
    let weights = cx.transpose(w, [0, 2, 3, 1])?;
    let weights = cx.reshape(weights, [o, 1, 1, size(&[taps, depth])?])?;
    let bias = cx.opt(3);
    let epilogue = Epilogue { bias: bias.is_some(), ..Epilogue::default() };
    let operands: Vec<ValueId> = [samples, weights].into_iter().chain(bias).collect();
    let y = cx.emit(Op::Conv { window: crate::ir::Window::unit(), groups, epilogue }, &operands)?;
    cx.transpose(y, [0, 3, 1, 2])
}

/// Where each tap of each window lies along a dimension without offsets, `[taps, pixels]`.
fn regular(d: &Deformed, window: &crate::ir::Window, a: usize) -> Vec<f64> {
    let [height, width] = d.output;
    let mut all = Vec::with_capacity(d.taps * height * width);
    for tap in 0..d.taps {
        let tap = [tap / window.kernel[1], tap % window.kernel[1]][a];
        for pixel in 0..height * width {
            let pixel = [pixel / width, pixel % width][a];
            all.push((pixel * window.stride[a] + tap * window.dilation[a]) as f64 - window.pad_begin[a] as f64);
        }
    }
    all
}

fn base_tensor(dtype: DType, shape: [usize; 2], values: &[f64]) -> Tensor {
    Tensor::from_scalars(crate::ir::Type::new(dtype, shape), values.iter().map(|&v| Scalar::from_f64(v, dtype)))
}

/// The map at all places, `[n * groups, taps * pixels, channels of a group]`.
fn sampled(cx: &mut NodeCx<'_>, map: ValueId, d: &Deformed, sides: &[Between]) -> Imported {
    let [n, c, h, width] = d.map;
    let dtype = cx.dtype(map);
    let (batch, points) = (size(&[n, d.groups])?, size(&[d.taps, d.output[0], d.output[1]])?);
    let rows = cx.reshape(map, [batch, c / d.groups, size(&[h, width])?])?;
    let rows = cx.transpose(rows, [0, 2, 1])?;
    let mut y: Option<ValueId> = None;
    for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let flat = x(0) * num(width as f64) + x(1);
        let index = cx.map(flat.expr(DType::I64), &[sides[0].index[a], sides[1].index[b]])?;
        let index = cx.reshape(index, [batch, points, 1])?;
        let read = cx.emit(Op::GatherNd { batch_dims: 1 }, &[rows, index])?;
        let weight = cx.binary(B::Mul, sides[0].weight[a], sides[1].weight[b])?;
        let weight = cx.reshape(weight, [batch, points, 1])?;
        let part = cx.map((x(0) * x(1)).expr(dtype), &[read, weight])?;
        y = Some(match y {
            None => part,
            Some(sum) => cx.binary(B::Add, sum, part)?,
        });
    }
    y.ok_or_else(|| Fault::shape("there is nothing to sample"))
}
