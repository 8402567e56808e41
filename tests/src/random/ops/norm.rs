//! Normalizations and softmaxes.

use zantc::ir::{DType, Type};

use super::{Entry, op};
use crate::random::draft::{Draft, FLOATS};
use crate::random::fill::Fill;

pub(super) const OPS: &[Entry] = &[
    op("BatchNormalization", 7, batch),
    op("GroupNormalization", 18, group),
    op("InstanceNormalization", 6, instance),
    op("LayerNormalization", 17, layer),
    op("RMSNormalization", 23, rms),
    op("LpNormalization", 1, |d| {
        along(d)?;
        if d.one_in(2) {
            let p = d.r.within(1, 2) as i64;
            d.int("p", p);
        }
        Some(())
    }),
    op("LRN", 1, lrn),
    op("MeanVarianceNormalization", 9, |d| {
        let axes: &[&[i64]] = &[&[0, 2, 3], &[1], &[2, 3], &[0]];
        maps(d, 4, 4);
        if d.one_in(2) {
            let axes = d.r.pick(axes);
            d.ints("axes", axes);
        }
        Some(())
    }),
    op("Hardmax", 1, along),
    op("LogSoftmax", 1, along),
    op("Softmax", 1, along),
];

fn along(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(FLOATS, 1, 4);
    if !d.one_in(4) {
        let axis = d.axis(ty.rank());
        d.int("axis", axis);
    }
    Some(())
}

/// `[n, c, d..]`.
fn maps(d: &mut Draft<'_>, lo: usize, hi: usize) -> Type {
    let mut shape = d.shape(lo, hi);
    shape[0] = d.r.within(1, 2);
    d.x_of(FLOATS, shape, |s| (lo..=hi).contains(&s.len()))
}

fn batch(d: &mut Draft<'_>) -> Option<()> {
    let ty = maps(d, 2, 4);
    let c = ty.shape[1];
    let mixed = d.opset >= 15 && d.one_in(6);
    let dtype = if mixed { DType::F32 } else { ty.dtype };
    d.filled(dtype, [c], Fill::Any);
    d.filled(dtype, [c], Fill::Any);
    d.filled(dtype, [c], Fill::Any);
    d.filled(dtype, [c], Fill::Positive);
    d.float_near("epsilon", 1e-3);
    Some(())
}

fn group(d: &mut Draft<'_>) -> Option<()> {
    let groups = d.r.within(1, 3);
    let mut shape = d.shape(2, 4);
    shape[1] = groups * d.r.within(1, 3);
    let ty = d.x_of(FLOATS, shape, |s| s.len() >= 2 && s[1] > 0 && s[1] % groups == 0);
    let n = if d.opset < 21 { groups } else { ty.shape[1] };
    d.filled(ty.dtype, [n], Fill::Any);
    d.filled(ty.dtype, [n], Fill::Any);
    d.int("num_groups", groups as i64);
    d.float_near("epsilon", 0.1);
    Some(())
}

fn instance(d: &mut Draft<'_>) -> Option<()> {
    let ty = maps(d, 3, 4);
    d.filled(ty.dtype, [ty.shape[1]], Fill::Any);
    d.filled(ty.dtype, [ty.shape[1]], Fill::Any);
    d.float("epsilon", 0.1);
    Some(())
}

fn layer(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(FLOATS, 1, 4);
    let axis = d.axis(ty.rank());
    d.int("axis", axis);
    let rows = ty.shape[axis.rem_euclid(ty.rank() as i64) as usize..].to_vec();
    let rows = if d.one_in(6) { d.narrower(&rows) } else { rows };
    d.filled(ty.dtype, rows.clone(), Fill::Any);
    if d.one_in(2) {
        d.filled(ty.dtype, rows, Fill::Any);
    }
    d.float("epsilon", 0.1);
    let n = d.r.pick(&[1, 1, 1, 2, 3]);
    d.outputs(n);
    Some(())
}

fn rms(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(FLOATS, 1, 4);
    let axis = d.axis(ty.rank());
    d.int("axis", axis);
    let rows = ty.shape[axis.rem_euclid(ty.rank() as i64) as usize..].to_vec();
    d.filled(ty.dtype, rows, Fill::Any);
    d.float_near("epsilon", 0.1);
    Some(())
}

fn lrn(d: &mut Draft<'_>) -> Option<()> {
    maps(d, 3, 4);
    let size = d.r.within(1, 5) as i64;
    d.int("size", size);
    d.float_near("alpha", 0.1);
    d.float_near("beta", 0.75);
    d.float_near("bias", 1.0);
    Some(())
}
