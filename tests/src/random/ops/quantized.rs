//! Conversions to and from quantized numbers, and the operators of `com.microsoft` on them.

use zantc::ir::{DType, Tensor, Type};
use zantc::onnx::ElementType;

use super::window::{map, window};
use super::{Entry, ms, op};
use crate::random::draft::{BYTES, Draft, code};
use crate::random::fill::{Fill, tensor};

pub(super) const OPS: &[Entry] = &[
    op("QuantizeLinear", 10, quantize),
    op("DequantizeLinear", 10, dequantize),
    op("DynamicQuantizeLinear", 11, |d| {
        d.x(&[DType::F32], 0, 4);
        d.outputs(3);
        Some(())
    }),
    ms("QGemm", gemm),
    ms("QLinearAdd", binary),
    ms("QLinearMul", binary),
    ms("QLinearAveragePool", |d| {
        let channels = d.r.within(1, 4);
        let ty = map(d, BYTES, channels, true);
        scales(d, ty.dtype);
        scales(d, ty.dtype);
        let window = window(d, &ty.shape[2..], false);
        let kernel: Vec<i64> = window.kernel.iter().map(|&k| k as i64).collect();
        d.ints("kernel_shape", &kernel);
        d.flag("ceil_mode");
        d.flag("count_include_pad");
        Some(())
    }),
    ms("QLinearConcat", concat),
    ms("QLinearGlobalAveragePool", |d| {
        let channels = d.r.within(1, 4);
        let ty = map(d, BYTES, channels, true);
        scales(d, ty.dtype);
        scales(d, ty.dtype);
        Some(())
    }),
    ms("QLinearLeakyRelu", |d| {
        unary(d)?;
        d.float_near("alpha", 0.1);
        Some(())
    }),
    ms("QLinearSigmoid", unary),
    ms("QLinearSoftmax", |d| {
        let ty = d.x(BYTES, 1, 4);
        scales(d, ty.dtype);
        scales(d, ty.dtype);
        let axis = d.axis(ty.rank());
        d.int("axis", axis);
        let opset = d.r.pick(&[7, 11, 13]);
        d.int("opset", opset);
        Some(())
    }),
];

/// A scale and a zero point.
pub(super) fn scales(d: &mut Draft<'_>, dtype: DType) {
    let shape = if d.one_in(6) { vec![1] } else { vec![] };
    d.filled(DType::F32, shape.clone(), Fill::Scale);
    d.filled(dtype, shape, Fill::Below(9));
}

fn unary(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(BYTES, 0, 4);
    scales(d, ty.dtype);
    scales(d, ty.dtype);
    Some(())
}

fn binary(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(BYTES, 0, 4);
    scales(d, ty.dtype);
    d.beside(ty.dtype, &ty.shape, Fill::Bits);
    scales(d, ty.dtype);
    scales(d, ty.dtype);
    Some(())
}

fn concat(d: &mut Draft<'_>) -> Option<()> {
    let dtype = d.r.pick(BYTES);
    scales(d, dtype);
    let ty = d.x(&[dtype], 1, 4);
    if ty.dtype != dtype {
        return None;
    }
    scales(d, dtype);
    let axis = d.axis(ty.rank());
    let at = axis.rem_euclid(ty.rank() as i64) as usize;
    for _ in 0..d.r.within(0, 3) {
        let mut shape = ty.shape.clone();
        shape[at] = d.dim();
        d.exactly(dtype, shape);
        scales(d, dtype);
    }
    d.int("axis", axis);
    Some(())
}

fn gemm(d: &mut Draft<'_>) -> Option<()> {
    let (m, k, n) = (d.dim(), d.dim(), d.r.within(1, 9));
    let ty = d.x_of(BYTES, vec![m, k], |s| s.len() == 2);
    scales(d, ty.dtype);
    let transposed = d.flag("transA");
    let k = ty.shape[usize::from(!transposed)];
    let w = d.r.pick(BYTES);
    let shape = if d.flag("transB") { [n, k] } else { [k, n] };
    d.filled(w, shape, Fill::Bits);
    let per = if d.one_in(2) { vec![n] } else { vec![] };
    d.filled(DType::F32, per.clone(), Fill::Scale);
    d.filled(w, per, Fill::Below(5));
    let m = ty.shape[usize::from(transposed)];
    match d.r.below(5) {
        0 => d.none(),
        1 => d.filled(DType::I32, [1, n], Fill::Index(3000)),
        2 => d.filled(DType::I32, [m, n], Fill::Index(3000)),
        _ => d.filled(DType::I32, [n], Fill::Index(3000)),
    }
    if d.one_in(2) {
        d.filled(DType::F32, [], Fill::Positive);
        d.filled(ty.dtype, [], Fill::Below(100));
    }
    d.float_near("alpha", 1.0);
    Some(())
}

/// Lengths of scales for a tensor: one, one along an axis, blocks.
fn spread(d: &mut Draft<'_>, shape: &[usize]) -> Vec<usize> {
    let rank = shape.len();
    if rank == 0 || d.opset < 13 || d.one_in(2) {
        return vec![];
    }
    let axis = d.axis(rank);
    let at = axis.rem_euclid(rank as i64) as usize;
    d.int("axis", axis);
    if d.opset >= 21 && d.one_in(3) && shape[at] > 0 {
        let block = d.r.within(1, shape[at]);
        d.int("block_size", block as i64);
        let mut blocks = shape.to_vec();
        blocks[at] = shape[at].div_ceil(block);
        return blocks;
    }
    vec![shape[at]]
}

pub(super) fn quantize(d: &mut Draft<'_>) -> Option<()> {
    let dtypes: &[DType] = if d.opset < 19 {
        &[DType::F32, DType::F32, DType::F32, DType::I32]
    } else {
        &[DType::F32, DType::F32, DType::F16, DType::BF16, DType::I32]
    };
    let ty = d.x(dtypes, 0, 4);
    let per = spread(d, &ty.shape);
    let scale = if ty.dtype == DType::I32 || (d.opset >= 23 && d.one_in(3)) { DType::F32 } else { ty.dtype };
    d.filled(scale, per.clone(), Fill::Scale);
    let to: &[DType] = if d.opset < 21 { BYTES } else { &[DType::U8, DType::I8, DType::U16, DType::I16] };
    let to = d.r.pick(to);
    match d.r.below(4) {
        0 if d.opset >= 21 => d.int("output_dtype", code(to).into()),
        0 => {}
        1 if d.opset >= 21 => {
            let element = d.r.pick(&[ElementType::U4, ElementType::I4]);
            let zero = Tensor::from_bytes(
                Type::new(if element == ElementType::U4 { DType::U8 } else { DType::I8 }, per.clone()),
                vec![1u8; per.iter().product()].into(),
            )?;
            d.narrow(element, zero);
        }
        _ => d.filled(to, per, Fill::Below(9)),
    }
    Some(())
}

pub(super) fn dequantize(d: &mut Draft<'_>) -> Option<()> {
    let mut dtypes = vec![DType::U8, DType::I8, DType::I32];
    if d.opset >= 21 {
        dtypes.extend([DType::U16, DType::I16]);
    }
    let narrow = d.opset >= 21 && d.one_in(5);
    let ty = if narrow {
        let element = d.r.pick(&[ElementType::U4, ElementType::I4]);
        let ty = Type::new(if element == ElementType::U4 { DType::U8 } else { DType::I8 }, d.shape(0, 3));
        let data = tensor(d.r, &ty, Fill::Below(8), false);
        d.narrow(element, data);
        ty
    } else {
        d.x(&dtypes, 0, 4)
    };
    let per = spread(d, &ty.shape);
    let scale = if d.opset < 19 || d.one_in(2) { DType::F32 } else { d.r.pick(&[DType::F16, DType::BF16]) };
    d.filled(scale, per.clone(), Fill::Scale);
    if !narrow && d.one_in(2) {
        let fill = if ty.dtype == DType::I32 { Fill::Below(1) } else { Fill::Below(9) };
        d.filled(ty.dtype, per, fill);
    }
    if d.opset >= 23 && d.one_in(4) {
        let to = d.r.pick(&[DType::F32, DType::F16, DType::BF16]);
        d.int("output_dtype", code(to).into());
    }
    Some(())
}
