//! Results of products and windows.

use super::broadcast;
use crate::ir::{DType, Quant, Type, Wide, Window};

pub(super) fn map_shape(t: &Type) -> Result<[usize; 4], String> {
    <[usize; 4]>::try_from(t.shape.as_slice()).map_err(|_| format!("{t} is not [batch, height, width, channels]"))
}

pub(super) fn window_shape(window: &Window, input: [usize; 2]) -> Result<[usize; 2], String> {
    if window.stride.contains(&0) || window.dilation.contains(&0) || window.kernel.contains(&0) {
        return Err("kernel, stride and dilation must be at least 1".into());
    }
    let len = |axis: usize| {
        window.output_len(axis, input[axis]).ok_or_else(|| {
            format!(
                "a window of {:?} (dilation {:?}) does not fit a map of {input:?} with padding {:?} and {:?}",
                window.kernel, window.dilation, window.pad_begin, window.pad_end
            )
        })
    };
    Ok([len(0)?, len(1)?])
}

pub(super) fn conv(window: &Window, groups: usize, x: &Type, w: &Type) -> Result<Type, String> {
    let [n, h, wd, c] = map_shape(x)?;
    let [o, kh, kw, ci] = map_shape(w)?;
    if [kh, kw] != window.kernel {
        return Err(format!("weights {w} do not fit a window of {:?}", window.kernel));
    }
    if groups == 0 || c % groups != 0 || o % groups != 0 || ci != c / groups {
        return Err(format!("weights {w} do not fit {c} channels in {groups} groups"));
    }
    let [oh, ow] = window_shape(window, [h, wd])?;
    Ok(Type::new(x.dtype, [n, oh, ow, o]))
}

/// Numbers `[..,k]` times weights `[n,k]` of i8; the result is f32.
fn by_bytes(x: &Type, w: &Type) -> Result<Type, String> {
    let (Some((k, rows)), &[n, depth]) = (x.shape.split_last(), w.shape.as_slice()) else {
        return Err(format!("{x} and {w} are not numbers and a matrix"));
    };
    if w.dtype != DType::I8 || *k != depth {
        return Err(format!("{x} and {w} are not numbers and weights of i8 of one depth"));
    }
    Ok(Type::new(DType::F32, rows.iter().copied().chain([n]).collect::<Vec<_>>()))
}

pub(super) fn dynamic_matmul(inputs: &[&Type]) -> Result<Type, String> {
    let y = by_bytes(inputs[0], inputs[1])?;
    if inputs[0].dtype != DType::F32 {
        return Err(format!("{} is not f32", inputs[0]));
    }
    let n = inputs[1].shape[0];
    match inputs[2..].iter().find(|t| t.shape != [n] || t.dtype != DType::F32) {
        Some(t) => Err(format!("{t} should be f32[{n}]")),
        None => Ok(y),
    }
}

pub(super) fn ternary_matmul(rows: bool, inputs: &[&Type]) -> Result<Type, String> {
    let (x, y) = (inputs[0], by_bytes(inputs[0], inputs[1])?);
    if x.dtype != DType::I8 && (x.dtype != DType::F32 || rows) {
        return Err(format!("{x} is neither f32 nor i8, which alone can have scales of rows"));
    }
    let (scale, n) = (inputs[2], inputs[1].shape[0]);
    if scale.dtype != DType::F32 || !matches!(*scale.shape.as_slice(), [own] if own == 1 || own == n) {
        return Err(format!("the scale {scale} should be f32[1] or f32[{n}]"));
    }
    let of_rows = Type::new(DType::F32, [&x.shape[..x.rank() - 1], &[1]].concat());
    match inputs.get(3) {
        Some(t) if rows && **t != of_rows => Err(format!("the scale of rows {t} should be {of_rows}")),
        Some(_) | None => Ok(y),
    }
}

pub(super) fn qconv(window: &Window, groups: usize, quant: &Quant, inputs: &[&Type]) -> Result<Type, String> {
    let y = Type { dtype: quant.dtype(), ..conv(window, groups, inputs[0], inputs[1])? };
    let bytes = |dtype: DType| matches!(dtype, DType::I8 | DType::U8);
    if !bytes(inputs[0].dtype) || inputs[1].dtype != DType::I8 {
        return Err(format!("{} and {} are not a map of bytes and weights of i8", inputs[0], inputs[1]));
    }
    if let Some(fault) = quant.fault(inputs[0].dtype) {
        return Err(fault);
    }
    let columns = y.shape[3];
    for (t, dtype) in inputs[2..4].iter().zip([DType::I32, DType::F32]) {
        if t.shape != [columns] || t.dtype != dtype {
            return Err(format!("{t} should be {dtype}[{columns}]"));
        }
    }
    match inputs.get(4) {
        Some(residual) if **residual != y => Err(format!("residual {residual} should be {y}")),
        Some(_) | None => Ok(y),
    }
}

pub(super) fn wide_conv(window: &Window, groups: usize, wide: &Wide, inputs: &[&Type]) -> Result<Type, String> {
    let y = Type { dtype: wide.target.dtype, ..conv(window, groups, inputs[0], inputs[1])? };
    if inputs[1].dtype != DType::I8 {
        return Err(format!("{} are not weights of i8", inputs[1]));
    }
    if let Some(fault) = wide.fault(inputs[0].dtype) {
        return Err(fault);
    }
    let columns = y.shape[3];
    match inputs[2..]
        .iter()
        .zip([DType::I64, DType::I32, DType::U8])
        .find(|(t, d)| t.shape != [columns] || t.dtype != *d)
    {
        Some((t, dtype)) => Err(format!("{t} should be {dtype}[{columns}]")),
        None => Ok(y),
    }
}

pub(super) fn conv_transpose(
    window: &Window,
    output: [usize; 2],
    groups: usize,
    [x, w]: [&Type; 2],
) -> Result<Type, String> {
    let [n, _, _, c] = map_shape(x)?;
    let [o, kh, kw, ci] = map_shape(w)?;
    if [kh, kw] != window.kernel || window.stride.contains(&0) || window.dilation.contains(&0) {
        return Err(format!(
            "weights {w} do not fit a window of {:?} that moves by {:?}",
            window.kernel, window.stride
        ));
    }
    if groups == 0 || c % groups != 0 || o % groups != 0 || ci != c / groups {
        return Err(format!("weights {w} do not fit {c} channels in {groups} groups"));
    }
    Ok(Type::new(x.dtype, [n, output[0], output[1], o]))
}

pub(super) fn matmul(a: &Type, b: &Type) -> Result<Type, String> {
    if a.rank() < 2 || b.rank() < 2 {
        return Err(format!("{a} and {b} must have rank 2 or more"));
    }
    if a.dtype != b.dtype {
        return Err(format!("{a} and {b} differ in type"));
    }
    let (batch_a, ma) = a.shape.split_at(a.rank() - 2);
    let (batch_b, mb) = b.shape.split_at(b.rank() - 2);
    if ma[1] != mb[0] {
        return Err(format!("{a} has {} columns, {b} has {} rows", ma[1], mb[0]));
    }
    let mut shape = broadcast(&[batch_a, batch_b])?;
    shape.extend([ma[0], mb[1]]);
    Ok(Type::new(a.dtype, shape))
}
