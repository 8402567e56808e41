//! Operators that choose elements by indices, conditions and classes.

use zantc::ir::{DType, Tensor, Type};

use super::{Entry, op};
use crate::random::draft::{ALL, Draft, FLOATS, INDICES, NUMBERS};
use crate::random::fill::Fill;

pub(super) const OPS: &[Entry] = &[
    op("Gather", 1, gather),
    op("GatherElements", 11, |d| {
        let (ty, axis) = along(d, ALL)?;
        let shape = part(d, &ty.shape, Some(axis));
        indices(d, shape, ty.shape[axis]);
        Some(())
    }),
    op("GatherND", 11, gather_nd),
    Entry { until: 10, ..op("Scatter", 9, scatter) },
    op("ScatterElements", 11, scatter),
    op("ScatterND", 11, scatter_nd),
    op("TfIdfVectorizer", 9, ngrams),
    op("TensorScatter", 24, tensor_scatter),
    op("OneHot", 9, one_hot),
    op("Compress", 9, compress),
    op("NonZero", 9, |d| {
        let shape = d.shape(1, 3);
        known(d, NUMBERS, shape);
        Some(())
    }),
    op("Unique", 11, unique),
    op("NegativeLogLikelihoodLoss", 12, |d| loss(d, false)),
    op("SoftmaxCrossEntropyLoss", 12, |d| loss(d, true)),
];

/// Indices into a dimension of `n`, at times beyond it.
fn indices(d: &mut Draft<'_>, shape: Vec<usize>, n: usize) {
    let dtype = d.r.pick(INDICES);
    let n = if d.one_in(40) { n + 2 } else { n };
    let fill = if d.opset >= 11 && d.one_in(2) { Fill::Index(n) } else { Fill::Below(n) };
    d.filled(dtype, shape, fill);
}

/// A constant of random elements.
fn known(d: &mut Draft<'_>, dtypes: &[DType], shape: Vec<usize>) {
    let ty = Type::new(d.r.pick(dtypes), shape);
    let data = crate::random::fill::tensor(d.r, &ty, Fill::Below(3), false);
    d.given(data);
}

/// An operand with at least one dimension, and one of them.
fn along(d: &mut Draft<'_>, dtypes: &[DType]) -> Option<(Type, usize)> {
    let ty = d.x(dtypes, 1, 4);
    let axis = d.axis(ty.rank());
    if axis != 0 || d.one_in(2) {
        d.int("axis", axis);
    }
    let axis = axis.rem_euclid(ty.rank() as i64) as usize;
    Some((ty, axis))
}

/// A shape that is nowhere longer; of any length along one dimension.
fn part(d: &mut Draft<'_>, shape: &[usize], free: Option<usize>) -> Vec<usize> {
    let cut = d.one_in(3);
    let part = shape.iter().enumerate().map(|(i, &n)| match free == Some(i) {
        true => d.r.within(1, 5),
        false if cut && n > 0 => d.r.within(1, n),
        false => n,
    });
    part.collect()
}

fn gather(d: &mut Draft<'_>) -> Option<()> {
    let (ty, axis) = along(d, ALL)?;
    let shape = d.shape(0, 2);
    indices(d, shape, ty.shape[axis]);
    Some(())
}

fn gather_nd(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 1, 4);
    let batch = if d.opset >= 12 && d.one_in(2) { d.r.below(ty.rank()) } else { 0 };
    let depth = d.r.within(1, ty.rank() - batch);
    let mut shape: Vec<usize> = ty.shape[..batch].to_vec();
    shape.extend(d.shape(0, 2));
    shape.push(depth);
    let n = ty.shape[batch..batch + depth].iter().copied().min().unwrap_or(1);
    d.filled(DType::I64, shape, Fill::Index(n));
    if batch > 0 {
        d.int("batch_dims", batch as i64);
    }
    Some(())
}

fn reduction(d: &mut Draft<'_>) {
    if d.opset >= 18 && d.one_in(2) {
        let how = d.r.pick(&["none", "add", "mul", "max", "min"]);
        d.text("reduction", how);
    } else if d.opset >= 16 && d.one_in(2) {
        let how = d.r.pick(&["none", "add", "mul"]);
        d.text("reduction", how);
    }
}

fn scatter(d: &mut Draft<'_>) -> Option<()> {
    let (ty, axis) = along(d, ALL)?;
    let shape = part(d, &ty.shape, None);
    indices(d, shape.clone(), ty.shape[axis]);
    d.exactly(ty.dtype, shape);
    reduction(d);
    Some(())
}

fn scatter_nd(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 1, 4);
    let depth = d.r.within(1, ty.rank());
    let mut lead = d.shape(0, 2);
    if ty.elements() == 0 {
        // There is no place to write to; no index is in range.
        lead = vec![0];
    }
    let n = ty.shape[..depth].iter().copied().min().unwrap_or(1);
    d.filled(DType::I64, [lead.as_slice(), &[depth]].concat(), Fill::Index(n));
    d.exactly(ty.dtype, [&lead, &ty.shape[depth..]].concat());
    reduction(d);
    Some(())
}

fn tensor_scatter(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 2, 4);
    let axis = d.r.within(1, ty.rank() - 1);
    let mut shape = ty.shape.clone();
    shape[axis] = d.r.within(1, ty.shape[axis].max(1));
    d.exactly(ty.dtype, shape.clone());
    let circular = d.one_in(2);
    if d.one_in(2) {
        let room = if circular { ty.shape[axis] } else { ty.shape[axis] - shape[axis].min(ty.shape[axis]) + 1 };
        d.filled(DType::I64, [ty.shape[0]], Fill::Below(room));
    }
    let from_the_end = if d.one_in(2) { ty.rank() as i64 } else { 0 };
    d.int("axis", axis as i64 - from_the_end);
    if circular || d.one_in(2) {
        d.text("mode", if circular { "circular" } else { "linear" });
    }
    Some(())
}

fn one_hot(d: &mut Draft<'_>) -> Option<()> {
    let depth = d.r.within(1, 6);
    let shape = d.shape(0, 3);
    let rank = shape.len();
    let dtype = d.r.pick(&[DType::I64, DType::I32, DType::F32, DType::U8]);
    let fill = if dtype.is_signed() { Fill::Index(depth + 1) } else { Fill::Below(depth + 1) };
    d.filled(dtype, shape, fill);
    let one = d.one_in(2);
    let depth = Tensor::from_elements(if one { vec![1] } else { vec![] }, &[depth as i64]);
    d.given(depth);
    let values = d.r.pick(NUMBERS);
    d.exactly(values, [2]);
    if d.one_in(2) {
        let axis = d.axis(rank + 1);
        d.int("axis", axis);
    }
    Some(())
}

fn compress(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(ALL, 1, 4);
    let n = if d.one_in(3) {
        ty.elements()
    } else {
        let axis = d.axis(ty.rank());
        d.int("axis", axis);
        ty.shape[axis.rem_euclid(ty.rank() as i64) as usize]
    };
    let length = d.r.within(0, n);
    known(d, &[DType::Bool], vec![length]);
    Some(())
}

fn unique(d: &mut Draft<'_>) -> Option<()> {
    let shape = d.shape(1, 3);
    let rank = shape.len();
    known(d, NUMBERS, shape);
    if d.one_in(2) {
        let axis = d.axis(rank);
        d.int("axis", axis);
    }
    if d.one_in(2) {
        let sorted = i64::from(d.one_in(2));
        d.int("sorted", sorted);
    }
    let n = d.r.within(1, 4);
    d.outputs(n);
    Some(())
}

fn loss(d: &mut Draft<'_>, scores: bool) -> Option<()> {
    let mut shape = d.shape(2, 4);
    shape[1] = shape[1].max(1);
    let ty = d.x_of(FLOATS, shape, |s| (2..=4).contains(&s.len()) && s[1] > 0);
    let classes = ty.shape[1];
    let target: Vec<usize> = ty.shape.iter().enumerate().filter(|(i, _)| *i != 1).map(|(_, &n)| n).collect();
    let dtype = d.r.pick(INDICES);
    d.filled(dtype, target, Fill::Below(classes));
    if d.one_in(2) {
        d.filled(ty.dtype, [classes], Fill::Positive);
    }
    if d.one_in(2) {
        let ignored = d.r.below(classes + 1) as i64 - i64::from(d.one_in(3));
        d.int("ignore_index", ignored);
    }
    if !d.one_in(3) {
        let how = d.r.pick(&["none", "sum", "mean"]);
        d.text("reduction", how);
    }
    if scores && d.one_in(2) {
        d.outputs(2);
    }
    Some(())
}

fn ngrams(d: &mut Draft<'_>) -> Option<()> {
    let dtype = d.r.pick(&[DType::I32, DType::I64]);
    let shape = if d.one_in(2) { vec![d.r.within(1, 8)] } else { vec![d.r.within(1, 3), d.r.within(1, 8)] };
    d.filled(dtype, shape, Fill::Below(4));
    d.ints("pool_int64s", &[0, 1, 2, 0, 1, 1, 2]);
    d.ints("ngram_counts", &[0, 3]);
    d.ints("ngram_indexes", &[0, 2, 1, 5, 4]);
    let skips = d.r.below(3) as i64;
    d.int("max_skip_count", skips);
    d.int("min_gram_length", 1);
    d.int("max_gram_length", 2);
    let mode = d.r.pick(&["TF", "IDF", "TFIDF"]);
    d.text("mode", mode);
    Some(())
}
