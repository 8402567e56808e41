//! Convolutions and pools.

use zantc::ir::{DType, Tensor, Type};

use super::{Entry, op};
use crate::random::draft::{BYTES, Draft, FLOATS};
use crate::random::fill::Fill;

pub(super) const OPS: &[Entry] = &[
    op("Conv", 1, |d| conv(d, false)),
    op("ConvTranspose", 1, |d| conv(d, true)),
    op("ConvInteger", 10, conv_integer),
    op("QLinearConv", 10, qlinear_conv),
    op("AveragePool", 7, |d| pool(d, FLOATS, "AveragePool")),
    op("GlobalAveragePool", 1, |d| global(d, FLOATS)),
    op("GlobalLpPool", 2, |d| {
        global(d, FLOATS)?;
        if d.one_in(2) {
            let p = d.r.within(1, 3) as i64;
            d.int("p", p);
        }
        Some(())
    }),
    op("GlobalMaxPool", 1, |d| global(d, FLOATS)),
    op("LpPool", 2, |d| {
        pool(d, FLOATS, "LpPool")?;
        let p = d.r.within(1, 3) as i64;
        d.int("p", p);
        Some(())
    }),
    op("MaxPool", 1, |d| {
        let dtypes =
            if d.opset < 12 { FLOATS } else { &[DType::F32, DType::F32, DType::U8, DType::I8, DType::F64, DType::F16] };
        pool(d, dtypes, "MaxPool")?;
        if d.opset >= 8 && d.one_in(3) {
            d.outputs(2);
        }
        Some(())
    }),
    op("MaxUnpool", 9, max_unpool),
    op("Col2Im", 18, col2im),
    op("DeformConv", 19, deform_conv),
];

/// Two columns and rows for each of a map's, and one of them taken.
fn max_unpool(d: &mut Draft<'_>) -> Option<()> {
    let (h, w) = (d.r.within(1, 3), d.r.within(1, 3));
    let [n, c] = [d.r.within(1, 2), d.r.within(1, 2)];
    d.exactly(DType::F32, [n, c, h, w]);
    let first = |at: usize| {
        let (row, column) = (at / w, at % w);
        let (plane, row) = (row / h, row % h);
        (plane * 4 * h * w + row * 4 * w + column * 2) as i64
    };
    let places: Vec<i64> = (0..n * c * h * w).map(|at| first(at) + [0, 1, 2 * w as i64][d.r.below(3)]).collect();
    d.either(Tensor::from_elements([n, c, h, w], &places));
    d.ints("kernel_shape", &[2, 2]);
    d.ints("strides", &[2, 2]);
    if d.one_in(2) {
        d.list(&[n, c, 2 * h + 1, 2 * w].map(|len| len as i64));
    }
    Some(())
}

fn col2im(d: &mut Draft<'_>) -> Option<()> {
    let [h, w] = [d.r.within(2, 6), d.r.within(2, 6)];
    let [kh, kw] = [d.r.within(1, 2), d.r.within(1, 2)];
    let (stride, pad) = (d.r.within(1, 2), d.r.below(2));
    let count = |n: usize, k: usize| (n + 2 * pad - k) / stride + 1;
    let (n, c) = (d.r.within(1, 2), d.r.within(1, 3));
    let dtype = d.r.pick(FLOATS);
    d.exactly(dtype, [n, c * kh * kw, count(h, kh) * count(w, kw)]);
    d.list(&[h as i64, w as i64]);
    d.list(&[kh as i64, kw as i64]);
    d.ints("strides", &[stride as i64; 2]);
    d.ints("pads", &[pad as i64; 4]);
    Some(())
}

fn deform_conv(d: &mut Draft<'_>) -> Option<()> {
    let [h, w] = [d.r.within(3, 6), d.r.within(3, 6)];
    let [kh, kw] = [d.r.within(1, 3), d.r.within(1, 3)];
    let (groups, of_offsets) = (d.r.pick(&[1, 2]), d.r.pick(&[1, 2]));
    let (n, c, o, pad) = (d.r.within(1, 2), 4, 2, d.r.below(2));
    let dtype = d.r.pick(&[DType::F32, DType::F32, DType::F64]);
    let (oh, ow) = (h + 2 * pad - kh + 1, w + 2 * pad - kw + 1);
    d.exactly(dtype, [n, c, h, w]);
    d.weights(dtype, [o, c / groups, kh, kw], c / groups * kh * kw);
    d.exactly(dtype, [n, of_offsets * kh * kw * 2, oh, ow]);
    if d.one_in(2) {
        d.exactly(dtype, [o]);
        if d.one_in(2) {
            d.exactly(dtype, [n, of_offsets * kh * kw, oh, ow]);
        }
    }
    d.int("group", groups as i64);
    d.int("offset_group", of_offsets as i64);
    d.ints("pads", &[pad as i64; 4]);
    Some(())
}

/// What a window does along each dimension.
pub(super) struct Window {
    pub(super) kernel: Vec<usize>,
}

/// A window that fits maps of the given lengths, with its attributes.
pub(super) fn window(d: &mut Draft<'_>, lengths: &[usize], dilations: bool) -> Window {
    let r = lengths.len();
    let kernel: Vec<usize> = lengths.iter().map(|&n| d.r.within(1, n.clamp(1, 4))).collect();
    let ints = |v: &[usize]| v.iter().map(|&n| n as i64).collect::<Vec<i64>>();
    if d.one_in(2) {
        let strides: Vec<usize> = (0..r).map(|_| d.r.within(1, 3)).collect();
        d.ints("strides", &ints(&strides));
    }
    if dilations && d.one_in(4) {
        let dilation: Vec<usize> = (0..r).map(|_| d.r.within(1, 2)).collect();
        d.ints("dilations", &ints(&dilation));
    }
    match d.r.below(4) {
        0 => {}
        1 => {
            let how = d.r.pick(&["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"]);
            d.text("auto_pad", how);
        }
        _ => {
            let pads: Vec<usize> = (0..2 * r).map(|i| d.r.below(kernel[i % r])).collect();
            d.ints("pads", &ints(&pads));
        }
    }
    Window { kernel }
}

/// A map of one or two (seldom three) spatial dimensions, of a number of channels.
pub(super) fn map(d: &mut Draft<'_>, dtypes: &[DType], channels: usize, three: bool) -> Type {
    let spatial = if three && d.one_in(8) { 3 } else { d.r.pick(&[1, 2, 2, 2]) };
    let mut shape = vec![d.r.pick(&[1, 1, 2]), channels];
    shape.extend((0..spatial).map(|_| d.dim().max(usize::from(!d.r.one_in(20)))));
    d.x_of(dtypes, shape, |s| {
        (3..=if three { 5 } else { 4 }).contains(&s.len()) && s[1] > 0 && s[1].is_multiple_of(channels)
    })
}

pub(super) fn conv(d: &mut Draft<'_>, transposed: bool) -> Option<()> {
    let dtypes = if d.opset < 22 {
        &[DType::F32, DType::F32, DType::F32, DType::F64, DType::F16]
    } else {
        &[DType::F32, DType::F32, DType::F64, DType::F16, DType::BF16]
    };
    let channels = d.r.within(1, 6);
    let ty = map(d, dtypes, channels, true);
    let c = ty.shape[1];
    let groups = d.r.pick(&[1, 1, c, 2]);
    if !c.is_multiple_of(groups) {
        return None;
    }
    let window = window(d, &ty.shape[2..], true);
    let o = d.r.within(1, 5);
    let depth = window.kernel.iter().product::<usize>() * (c / groups).max(1);
    let lead = if transposed { [c, o] } else { [o * groups, c / groups] };
    d.weights(ty.dtype, [lead.as_slice(), &window.kernel].concat(), depth);
    if d.one_in(2) {
        d.exactly(ty.dtype, [o * groups]);
    }
    if groups > 1 || d.one_in(3) {
        d.int("group", groups as i64);
    }
    if d.one_in(2) {
        let kernel: Vec<i64> = window.kernel.iter().map(|&k| k as i64).collect();
        d.ints("kernel_shape", &kernel);
    }
    if transposed && d.one_in(4) {
        let more: Vec<i64> = window.kernel.iter().map(|_| d.r.below(2) as i64).collect();
        d.ints("output_padding", &more);
    }
    Some(())
}

fn conv_integer(d: &mut Draft<'_>) -> Option<()> {
    let channels = d.r.within(1, 4);
    let ty = map(d, BYTES, channels, false);
    let c = ty.shape[1];
    let groups = d.r.pick(&[1, 1, c]);
    let window = window(d, &ty.shape[2..], true);
    let o = d.r.within(1, 4) * groups;
    let w = d.r.pick(BYTES);
    d.filled(w, [&[o, c / groups], window.kernel.as_slice()].concat(), Fill::Bits);
    if d.one_in(2) {
        d.filled(ty.dtype, [], Fill::Below(9));
        if d.one_in(2) {
            let shape = if d.one_in(2) { vec![o] } else { vec![] };
            d.filled(w, shape, Fill::Below(4));
        }
    } else if d.one_in(3) {
        d.none();
        d.filled(w, [], Fill::Below(9));
    }
    d.int("group", groups as i64);
    Some(())
}

pub(super) fn qlinear_conv(d: &mut Draft<'_>) -> Option<()> {
    let channels = d.r.within(1, 4);
    let ty = map(d, BYTES, channels, false);
    let c = ty.shape[1];
    let groups = d.r.pick(&[1, 1, c]);
    let window = window(d, &ty.shape[2..], true);
    let o = d.r.within(1, 4) * groups;
    d.filled(DType::F32, [], Fill::Scale);
    d.filled(ty.dtype, [], Fill::Below(9));
    let w = d.r.pick(BYTES);
    d.filled(w, [&[o, c / groups], window.kernel.as_slice()].concat(), Fill::Bits);
    let per = if d.one_in(2) { vec![o] } else { vec![] };
    d.filled(DType::F32, per.clone(), Fill::Scale);
    d.filled(w, per, Fill::Below(3));
    d.filled(DType::F32, [], Fill::Positive);
    let y = if d.one_in(2) { ty.dtype } else { d.r.pick(BYTES) };
    d.filled(y, [], Fill::Below(100));
    if d.one_in(2) {
        d.filled(DType::I32, [o], Fill::Index(2000));
    }
    d.int("group", groups as i64);
    Some(())
}

fn pool(d: &mut Draft<'_>, dtypes: &[DType], name: &str) -> Option<()> {
    let channels = d.r.within(1, 5);
    let ty = map(d, dtypes, channels, true);
    let since = match name {
        "AveragePool" => 19,
        "MaxPool" => 10,
        _ => 18,
    };
    let opset = d.opset;
    let window = window(d, &ty.shape[2..], opset >= since);
    let kernel: Vec<i64> = window.kernel.iter().map(|&k| k as i64).collect();
    d.ints("kernel_shape", &kernel);
    if opset >= if name == "LpPool" { 18 } else { 10 } {
        d.flag("ceil_mode");
    }
    if name == "AveragePool" {
        d.flag("count_include_pad");
    }
    Some(())
}

fn global(d: &mut Draft<'_>, dtypes: &[DType]) -> Option<()> {
    let channels = d.r.within(1, 5);
    map(d, dtypes, channels, true);
    Some(())
}
