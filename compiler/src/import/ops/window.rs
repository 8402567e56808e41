//! Attributes of windows: kernel, strides, dilations, padding.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::ir::Window;

/// What the model says of padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// Elements before and after, per dimension.
    Explicit([usize; 2], [usize; 2]),
    /// As much as keeps the size (divided by the stride), the odd one at the end.
    SameUpper,
    /// As much as keeps the size, the odd one at the beginning.
    SameLower,
    /// None.
    Valid,
}

/// One or two numbers as height and width; height is `unit` where there is one.
pub(super) fn two(name: &str, given: &[i64], spatial: usize, unit: usize) -> Imported<[usize; 2]> {
    let sizes: Option<Vec<usize>> = given.iter().map(|&v| usize::try_from(v).ok().filter(|&v| v <= MAX)).collect();
    match (sizes.as_deref(), spatial) {
        (Some([w]), 1) => Ok([unit, *w]),
        (Some([h, w]), 2) => Ok([*h, *w]),
        _ => Err(Fault::attribute(name, format!("is {given:?}; {spatial} numbers from 0 to {MAX} are needed"))),
    }
}

/// The largest kernel, stride, dilation or padding: far beyond use, far from overflow.
const MAX: usize = 1 << 20;

/// An attribute of one number per spatial dimension, each at least `least`.
pub(super) fn pair_from(
    cx: &NodeCx<'_>,
    name: &str,
    spatial: usize,
    default: usize,
    least: usize,
) -> Imported<[usize; 2]> {
    let Some(given) = cx.ints_opt(name)? else { return Ok([default; 2]) };
    let pair = two(name, &given, spatial, default)?;
    if pair.iter().any(|&v| v < least) {
        return Err(Fault::attribute(name, format!("is {given:?}; each must be at least {least}")));
    }
    Ok(pair)
}

/// An attribute of one positive number per spatial dimension.
pub(super) fn pair(cx: &NodeCx<'_>, name: &str, spatial: usize, default: usize) -> Imported<[usize; 2]> {
    pair_from(cx, name, spatial, default, 1)
}

/// `pads` and `auto_pad`.
pub(super) fn padding(cx: &NodeCx<'_>, spatial: usize) -> Imported<Padding> {
    match cx.string("auto_pad", "NOTSET")?.as_str() {
        "NOTSET" | "" => {}
        "SAME_UPPER" => return Ok(Padding::SameUpper),
        "SAME_LOWER" => return Ok(Padding::SameLower),
        "VALID" => return Ok(Padding::Valid),
        other => {
            return Err(Fault::attribute("auto_pad", format!("is `{}`, which is not known", other.escape_debug())));
        }
    }
    let Some(pads) = cx.ints_opt("pads")? else { return Ok(Padding::Valid) };
    if pads.len() != 2 * spatial {
        return Err(Fault::attribute("pads", format!("has {} numbers, {} are needed", pads.len(), 2 * spatial)));
    }
    let (begin, end) = pads.split_at(spatial);
    Ok(Padding::Explicit(two("pads", begin, spatial, 0)?, two("pads", end, spatial, 0)?))
}

/// Padding before and after that keeps `ceil(input / stride)` windows.
fn same(input: usize, span: usize, stride: usize, upper: bool) -> (usize, usize) {
    let windows = input.div_ceil(stride).max(1);
    let total = ((windows - 1) * stride + span).saturating_sub(input);
    let (less, more) = (total / 2, total - total / 2);
    if upper { (less, more) } else { (more, less) }
}

/// The window of a node over a map of `input` rows and columns.
pub(super) fn of_conv(cx: &NodeCx<'_>, kernel: [usize; 2], input: [usize; 2], spatial: usize) -> Imported<Window> {
    let stride = pair(cx, "strides", spatial, 1)?;
    let dilation = pair(cx, "dilations", spatial, 1)?;
    let padding = padding(cx, spatial)?;
    let (mut pad_begin, mut pad_end) = ([0; 2], [0; 2]);
    for a in 0..2 {
        let span = kernel[a].saturating_sub(1).saturating_mul(dilation[a]).saturating_add(1);
        (pad_begin[a], pad_end[a]) = match &padding {
            Padding::Explicit(begin, end) => (begin[a], end[a]),
            Padding::SameUpper => same(input[a], span, stride[a], true),
            Padding::SameLower => same(input[a], span, stride[a], false),
            Padding::Valid => (0, 0),
        };
    }
    Ok(Window { kernel, stride, dilation, pad_begin, pad_end })
}
