//! Operators that make tensors from a few numbers, and Fourier transforms.

use zantc::ir::{DType, Scalar, Tensor, Type};

use super::{Entry, op};
use crate::random::draft::{ALL, Draft, FLOATS, code};
use crate::random::fill::{Fill, tensor};

pub(super) const OPS: &[Entry] = &[
    op("Constant", 1, constant),
    op("ConstantOfShape", 9, constant_of_shape),
    op("EyeLike", 9, |d| {
        d.x(ALL, 2, 2);
        if d.one_in(2) {
            let k = d.r.below(7) as i64 - 3;
            d.int("k", k);
        }
        if d.one_in(2) {
            let to = code(d.r.pick(ALL));
            d.int("dtype", to.into());
        }
        Some(())
    }),
    op("BlackmanWindow", 17, window),
    op("HammingWindow", 17, window),
    op("HannWindow", 17, window),
    op("MelWeightMatrix", 17, |d| {
        let bins = d.r.within(1, 6) as i64;
        for v in [bins, 32, 8192] {
            d.given(Tensor::from_elements([], &[v]));
        }
        for v in [0.0f32, 4096.0] {
            d.given(Tensor::from_elements([], &[v]));
        }
        Some(())
    }),
    op("Range", 11, range),
    op("DFT", 17, dft),
    op("STFT", 17, stft),
];

fn constant(d: &mut Draft<'_>) -> Option<()> {
    if d.opset >= 12 && d.one_in(2) {
        match d.r.below(4) {
            0 => d.int("value_int", 3),
            1 => d.ints("value_ints", &[1, -2, 3]),
            2 => d.float("value_float", 0.5),
            _ => d.floats("value_floats", &[0.5, -1.5]),
        }
        return Some(());
    }
    let ty = Type::new(d.r.pick(ALL), d.shape(0, 4));
    let data = tensor(d.r, &ty, Fill::Any, d.wild);
    d.tensor("value", &data);
    Some(())
}

fn constant_of_shape(d: &mut Draft<'_>) -> Option<()> {
    let shape: Vec<i64> = d.shape(0, 4).into_iter().map(|n| n as i64).collect();
    d.list(&shape);
    if !d.one_in(3) {
        let ty = Type::new(d.r.pick(ALL), [1]);
        let value = tensor(d.r, &ty, Fill::Any, d.wild);
        d.tensor("value", &value);
    }
    Some(())
}

fn window(d: &mut Draft<'_>) -> Option<()> {
    let size = d.r.within(0, 12);
    let size = if d.one_in(2) { Scalar::I64(size as i64) } else { Scalar::I32(size as i32) };
    d.given(Tensor::scalar(size));
    if d.one_in(3) {
        let to = code(d.r.pick(FLOATS));
        d.int("output_datatype", to.into());
    }
    d.flag("periodic");
    Some(())
}

fn range(d: &mut Draft<'_>) -> Option<()> {
    let dtype = d.r.pick(&[DType::I64, DType::I32, DType::F32, DType::F64, DType::I16]);
    let (start, count) = (d.r.below(9) as f64 - 4.0, d.r.below(9) as f64);
    let step = if dtype.is_float() { d.r.pick(&[0.5, -0.25, 1.0]) } else { d.r.pick(&[1.0, -2.0, 3.0]) };
    for v in [start, start + count * step, step] {
        d.given(Tensor::scalar(Scalar::from_f64(v, dtype)));
    }
    Some(())
}

fn dft(d: &mut Draft<'_>) -> Option<()> {
    let mut shape = d.shape(2, 3);
    shape.iter_mut().for_each(|n| *n = (*n).max(1));
    let parts = d.r.within(1, 2);
    shape.push(parts);
    let ty = d.x_of(FLOATS, shape, |s| s.len() > 2 && matches!(s.last(), Some(1 | 2)));
    let (rank, onesided) = (ty.rank(), ty.shape[ty.rank() - 1] == 1 && d.one_in(2));
    let axis = d.r.below(rank - 1) as i64;
    let length = d.one_in(2).then(|| d.r.within(1, 8) as i64);
    match length {
        Some(n) => d.given(Tensor::scalar(Scalar::I64(n))),
        None => d.none(),
    }
    if d.opset >= 20 {
        d.given(Tensor::scalar(Scalar::I64(axis)));
    } else {
        d.int("axis", axis);
    }
    if onesided {
        d.int("onesided", 1);
    } else {
        d.flag("inverse");
    }
    Some(())
}

fn stft(d: &mut Draft<'_>) -> Option<()> {
    let (batch, length) = (d.r.within(1, 2), d.r.within(4, 24));
    let parts = d.r.within(1, 2);
    let ty = d.x_of(FLOATS, vec![batch, length, parts], |s| s.len() == 3 && s[1] > 3 && matches!(s[2], 1 | 2));
    let frame = d.r.within(1, ty.shape[1]);
    let step = d.r.within(1, 4) as i64;
    d.given(Tensor::scalar(Scalar::I64(step)));
    let windowed = d.one_in(2);
    if windowed {
        d.filled(ty.dtype, [frame], Fill::Positive);
    } else {
        d.none();
    }
    if !windowed || d.one_in(2) {
        d.given(Tensor::scalar(Scalar::I64(frame as i64)));
    }
    if ty.shape[2] == 2 {
        d.int("onesided", 0);
    } else {
        d.flag("onesided");
    }
    Some(())
}
