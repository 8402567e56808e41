//! Convolutions and pools.

use zantc::ir::{DType, Type};

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
        pool(d, dtypes, "MaxPool")
    }),
];

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

fn conv(d: &mut Draft<'_>, transposed: bool) -> Option<()> {
    let dtypes = if d.opset < 22 {
        &[DType::F32, DType::F32, DType::F32, DType::F64, DType::F16]
    } else {
        &[DType::F32, DType::F32, DType::F64, DType::F16, DType::BF16]
    };
    let channels = d.r.within(1, 6);
    let ty = map(d, dtypes, channels, false);
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

fn qlinear_conv(d: &mut Draft<'_>) -> Option<()> {
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
