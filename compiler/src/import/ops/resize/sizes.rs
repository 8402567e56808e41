//! Lengths and scales of all dimensions, by opset: attributes, `scales`, or `sizes` with an aspect-ratio policy.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::ops::pieces::lengths;
use crate::ir::ValueId;

/// How one dimension is resized.
#[derive(Clone, Copy, Debug)]
pub(super) struct AxisSize {
    /// Length of the operand.
    pub(super) input: usize,
    /// Length of the result.
    pub(super) output: usize,
    /// Their quotient as the formulas take it.
    pub(super) scale: f64,
    /// The scale that the model states, or the one common to dimensions; else lengths are what is stated.
    pub(super) given: Option<f64>,
    /// Start and end of the part that `tf_crop_and_resize` reads, from 0 to 1.
    pub(super) roi: [f64; 2],
}

impl AxisSize {
    /// A distance in the result as one in the operand. Quotients of lengths are formed last, so that whole ones are exact.
    pub(super) fn shrink(&self, v: f64) -> f64 {
        match self.given {
            Some(scale) => v / scale,
            None => v * self.input as f64 / self.output as f64,
        }
    }

    /// The result's length before it is rounded.
    pub(super) fn exact_output(&self) -> f64 {
        match self.given {
            Some(scale) => scale * self.input as f64,
            None => self.output as f64,
        }
    }

    fn unchanged(n: usize) -> AxisSize {
        AxisSize { input: n, output: n, scale: 1.0, given: None, roi: [0.0, 1.0] }
    }

    /// By a stated scale: the length is rounded down, of a product in f32 as ONNX's shape inference has it.
    fn scaled(n: usize, scale: f32, roi: [f64; 2]) -> Imported<AxisSize> {
        if !(scale.is_finite() && scale > 0.0) {
            return Err(Fault::shape(format!("a scale of {scale}; scales must be positive")));
        }
        let part = (roi[1] - roi[0]) as f32;
        let output = (n as f32 * part * scale).floor();
        if !(0.0..=2_147_483_648.0).contains(&output) {
            return Err(Fault::shape(format!("a length of {n} times {scale} is out of range")));
        }
        let scale = f64::from(scale);
        Ok(AxisSize { input: n, output: output as usize, scale, given: Some(scale), roi })
    }
}

/// A constant operand of floats, or `None` where it is left out or empty.
fn floats(cx: &NodeCx<'_>, at: usize, what: &str) -> Imported<Option<Vec<f32>>> {
    if cx.opt(at).is_none() {
        return Ok(None);
    }
    let t = cx.constant(at, what)?;
    let values: Vec<f32> = t.scalars().map(|s| s.to_f64() as f32).collect();
    Ok(Some(values).filter(|v| !v.is_empty()))
}

/// The sizes of a Resize.
pub(super) fn sizes(cx: &NodeCx<'_>, operand: ValueId, crop: bool) -> Imported<Vec<AxisSize>> {
    let shape = cx.shape(operand);
    let (scales_at, sizes_at) = if cx.opset < 11 { (1, usize::MAX) } else { (2, 3) };
    let axes: Vec<usize> = match cx.ints_opt("axes")? {
        Some(axes) => {
            cx.axes(&axes, shape.len())?;
            axes.iter().map(|&a| cx.axis(a, shape.len())).collect::<Imported<_>>()?
        }
        None => (0..shape.len()).collect(),
    };
    let roi = if crop { floats(cx, 1, "the region of interest")? } else { None };
    let roi = roi.unwrap_or_else(|| [vec![0.0; axes.len()], vec![1.0; axes.len()]].concat());
    if roi.len() != 2 * axes.len() || roi.iter().any(|v| !v.is_finite()) {
        return Err(Fault::shape(format!("a region of {} numbers for {} dimensions", roi.len(), axes.len())));
    }
    let part = |i: usize| [f64::from(roi[i]), f64::from(roi[axes.len() + i])];
    let mut all: Vec<AxisSize> = shape.iter().map(|&n| AxisSize::unchanged(n)).collect();
    let count = |n: usize| match n == axes.len() {
        true => Ok(()),
        false => Err(Fault::shape(format!("{n} scales or sizes for {} dimensions", axes.len()))),
    };
    if let Some(scales) = floats(cx, scales_at, "the scales")? {
        count(scales.len())?;
        for (i, (&axis, &scale)) in axes.iter().zip(&scales).enumerate() {
            all[axis] = AxisSize::scaled(shape[axis], scale, part(i))?;
        }
        return Ok(all);
    }
    let wanted =
        cx.opt_const_ints(sizes_at, "the sizes")?.ok_or_else(|| Fault::shape("neither scales nor sizes are given"))?;
    count(wanted.len())?;
    let wanted = lengths(&wanted, "the list of sizes")?;
    let common = common_scale(cx, &shape, &axes, &wanted)?;
    for (i, (&axis, &want)) in axes.iter().zip(&wanted).enumerate() {
        let input = shape[axis];
        let output = common.map_or(want, |scale| (scale * input as f64 + 0.5).floor() as usize);
        let scale = common.unwrap_or(want as f64 / input.max(1) as f64);
        all[axis] = AxisSize { input, output, scale, given: common, roi: part(i) };
    }
    Ok(all)
}

/// The scale of all dimensions that `keep_aspect_ratio_policy` makes of wanted lengths; none where each has its own.
fn common_scale(cx: &NodeCx<'_>, shape: &[usize], axes: &[usize], wanted: &[usize]) -> Imported<Option<f64>> {
    let ratios = axes.iter().zip(wanted).map(|(&a, &w)| w as f64 / shape[a].max(1) as f64);
    let choices =
        [("stretch", None), ("not_larger", Some(f64::min as fn(f64, f64) -> f64)), ("not_smaller", Some(f64::max))];
    Ok(cx.word("keep_aspect_ratio_policy", &choices)?.and_then(|choice| ratios.reduce(choice)))
}

/// The sizes of an Upsample: attributes for height and width in opset 1, for all dimensions in 7, an input from 9 on.
pub(super) fn of_upsample(cx: &NodeCx<'_>, operand: ValueId) -> Imported<Vec<AxisSize>> {
    let shape = cx.shape(operand);
    let needed = |name: &str| cx.float_opt(name)?.ok_or_else(|| Fault::missing(name));
    let scales = match cx.opset {
        ..=6 if shape.len() == 4 => vec![1.0, 1.0, needed("height_scale")?, needed("width_scale")?],
        ..=6 => return Err(Fault::shape(format!("{} is not [batch, channels, height, width]", cx.ty(operand)))),
        7..=8 => cx.floats_opt("scales")?.ok_or_else(|| Fault::missing("scales"))?,
        _ => {
            cx.input(1)?;
            floats(cx, 1, "the scales")?.unwrap_or_default()
        }
    };
    if scales.len() != shape.len() {
        return Err(Fault::shape(format!("{} scales for {} dimensions", scales.len(), shape.len())));
    }
    shape.iter().zip(scales).map(|(&n, s)| AxisSize::scaled(n, s, [0.0, 1.0])).collect()
}
