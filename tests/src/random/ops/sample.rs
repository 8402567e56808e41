//! Operators that sample maps at other places.

use zantc::ir::{DType, Tensor};

use super::{Entry, op};
use crate::random::draft::{Draft, FLOATS};
use crate::random::fill::Fill;

pub(super) const OPS: &[Entry] = &[
    op("Resize", 10, resize),
    Entry { until: 9, ..op("Upsample", 7, upsample) },
    op("GridSample", 16, grid_sample),
    op("AffineGrid", 20, affine_grid),
    op("RoiAlign", 10, roi_align),
];

fn roi_align(d: &mut Draft<'_>) -> Option<()> {
    let (n, c, count) = (d.r.within(1, 2), d.r.within(1, 3), d.r.within(1, 3));
    let dtype = d.r.pick(&[DType::F32, DType::F32, DType::F64]);
    let [h, w] = [d.r.within(2, 6), d.r.within(2, 6)];
    d.exactly(dtype, [n, c, h, w]);
    d.filled(dtype, [count, 4], Fill::Positive);
    d.filled(DType::I64, [count], Fill::Below(n));
    let samples = d.r.within(1, 3) as i64;
    d.int("sampling_ratio", samples);
    let [height, width] = [d.r.within(1, 3) as i64, d.r.within(1, 3) as i64];
    d.int("output_height", height);
    d.int("output_width", width);
    let mode = d.r.pick(&["avg", "max"]);
    d.text("mode", mode);
    Some(())
}

const SCALES: [f32; 7] = [1.0, 1.0, 2.0, 0.5, 1.5, 3.0, 0.7];
const PLACES: [&str; 5] = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"];

fn scales(d: &mut Draft<'_>, rank: usize) -> Vec<f32> {
    (0..rank).map(|i| if i < rank.saturating_sub(2) && !d.r.one_in(6) { 1.0 } else { d.r.pick(&SCALES) }).collect()
}

fn upsample(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(FLOATS, 1, 4);
    let scales: Vec<f32> = scales(d, ty.rank()).into_iter().map(|s| s.max(1.0)).collect();
    if d.opset >= 9 {
        d.given(Tensor::from_elements([scales.len()], &scales));
    } else {
        d.floats("scales", &scales);
    }
    if !d.one_in(3) {
        let mode = d.r.pick(&["nearest", "linear"]);
        d.text("mode", mode);
    }
    Some(())
}

fn resize(d: &mut Draft<'_>) -> Option<()> {
    let dtypes = if d.one_in(6) { &[DType::U8, DType::I8, DType::I32] } else { &[DType::F32, DType::F32, DType::F64] };
    let ty = d.x(dtypes, 1, 4);
    let rank = ty.rank();
    let scales = scales(d, rank);
    if d.opset < 11 {
        d.given(Tensor::from_elements([rank], &scales));
        let mode = d.r.pick(&["nearest", "linear"]);
        d.text("mode", mode);
        return Some(());
    }
    let places = d.r.pick(&PLACES);
    let places = if d.one_in(8) {
        "tf_crop_and_resize"
    } else if d.opset >= 19 && d.one_in(8) {
        "half_pixel_symmetric"
    } else {
        places
    };
    if places == "tf_crop_and_resize" {
        let roi: Vec<f32> = (0..2 * rank).map(|i| if i < rank { 0.1 } else { 0.8 }).collect();
        d.given(Tensor::from_elements([2 * rank], &roi));
    } else if d.opset < 13 {
        d.constant(Tensor::from_elements::<f32>([0], &[]));
    } else {
        d.none();
    }
    let some = d.opset >= 18 && d.one_in(4);
    let axes: Vec<usize> = if some { vec![rank - 1] } else { (0..rank).collect() };
    if some {
        d.ints("axes", &[-1]);
    }
    if d.one_in(2) {
        let scales: Vec<f32> = axes.iter().map(|&a| scales[a]).collect();
        d.given(Tensor::from_elements([scales.len()], &scales));
    } else {
        if d.opset < 13 {
            d.constant(Tensor::from_elements::<f32>([0], &[]));
        } else {
            d.none();
        }
        let sizes: Vec<i64> = axes.iter().map(|&a| ((ty.shape[a] as f32 * scales[a]) as i64).max(1)).collect();
        d.list(&sizes);
        if d.opset >= 18 && d.one_in(4) {
            let policy = d.r.pick(&["stretch", "not_larger", "not_smaller"]);
            d.text("keep_aspect_ratio_policy", policy);
        }
    }
    let mode = d.r.pick(&["nearest", "linear", "cubic"]);
    d.text("mode", mode);
    if places != "half_pixel" || d.one_in(2) {
        d.text("coordinate_transformation_mode", places);
    }
    if mode == "nearest" && d.one_in(2) {
        let how = d.r.pick(&["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]);
        d.text("nearest_mode", how);
    }
    if mode == "cubic" {
        d.float_near("cubic_coeff_a", -0.75);
        d.flag("exclude_outside");
    }
    if d.opset >= 18 && mode != "nearest" && d.one_in(3) {
        d.int("antialias", 1);
    }
    Some(())
}

fn grid_sample(d: &mut Draft<'_>) -> Option<()> {
    let r = if d.opset >= 20 { d.r.pick(&[1, 2, 2, 3]) } else { 2 };
    let mut shape = vec![d.r.within(1, 2), d.r.within(1, 3)];
    shape.extend((0..r).map(|_| d.r.within(1, 5)));
    let ty = d.x_of(&[DType::F32, DType::F32, DType::F64], shape, |s| s.len() == r + 2 && !s.contains(&0));
    let mut grid = vec![ty.shape[0]];
    grid.extend((0..r).map(|_| d.r.within(1, 4)));
    grid.push(r);
    let fill = if d.one_in(2) { Fill::Unit } else { Fill::Any };
    d.filled(ty.dtype, grid, fill);
    let modes: &[&str] =
        if d.opset >= 20 { &["linear", "nearest", "cubic"] } else { &["bilinear", "nearest", "bicubic"] };
    let mode = d.r.pick(modes);
    // Cubic sampling is of two dimensions.
    if mode == "cubic" && r != 2 {
        return None;
    }
    d.text("mode", mode);
    let outside = d.r.pick(&["zeros", "border", "reflection"]);
    d.text("padding_mode", outside);
    d.flag("align_corners");
    Some(())
}

fn affine_grid(d: &mut Draft<'_>) -> Option<()> {
    let r = d.r.within(2, 3);
    let n = d.r.within(1, 2);
    let dtype = d.r.pick(FLOATS);
    d.exactly(dtype, [n, r, r + 1]);
    let mut size = vec![n as i64, d.r.within(1, 3) as i64];
    size.extend((0..r).map(|_| d.r.within(1, 4) as i64));
    d.list(&size);
    d.flag("align_corners");
    Some(())
}
