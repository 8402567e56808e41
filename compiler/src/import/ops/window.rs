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

/// Which of a node's spatial dimensions are the height and width that a core operator sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dims {
    /// The only one is the width.
    One,
    /// Both.
    Two,
    /// The inner two of three.
    PlaneOfThree,
    /// The outermost of three is the width.
    DepthOfThree,
}

impl Dims {
    /// All dimensions of a node that has one or two; of more, two (which the map's shape then refutes).
    pub(super) fn all(spatial: usize) -> Dims {
        if spatial == 1 { Dims::One } else { Dims::Two }
    }

    /// How many numbers the node's attributes have.
    fn count(self) -> usize {
        match self {
            Dims::One => 1,
            Dims::Two => 2,
            Dims::PlaneOfThree | Dims::DepthOfThree => 3,
        }
    }
}

/// Numbers of all spatial dimensions as those of height and width; height is `unit` where there is none.
pub(super) fn two(name: &str, given: &[i64], dims: Dims, unit: usize) -> Imported<[usize; 2]> {
    let sizes: Option<Vec<usize>> = given.iter().map(|&v| usize::try_from(v).ok().filter(|&v| v <= MAX)).collect();
    match (dims, sizes.as_deref()) {
        (Dims::One, Some([w])) | (Dims::DepthOfThree, Some([w, _, _])) => Ok([unit, *w]),
        (Dims::Two, Some([h, w])) | (Dims::PlaneOfThree, Some([_, h, w])) => Ok([*h, *w]),
        (Dims::One | Dims::Two | Dims::PlaneOfThree | Dims::DepthOfThree, _) => {
            let needed = dims.count();
            Err(Fault::attribute(name, format!("is {given:?}; {needed} numbers from 0 to {MAX} are needed")))
        }
    }
}

/// The largest kernel, stride, dilation or padding: far beyond use, far from overflow.
const MAX: usize = 1 << 20;

/// An attribute of one number per spatial dimension, each at least `least`.
pub(super) fn pair_from(cx: &NodeCx<'_>, name: &str, dims: Dims, default: usize, least: usize) -> Imported<[usize; 2]> {
    let Some(given) = cx.ints_opt(name)? else { return Ok([default; 2]) };
    let pair = two(name, &given, dims, default)?;
    if pair.iter().any(|&v| v < least) {
        return Err(Fault::attribute(name, format!("is {given:?}; each must be at least {least}")));
    }
    Ok(pair)
}

/// An attribute of one positive number per spatial dimension.
pub(super) fn pair(cx: &NodeCx<'_>, name: &str, dims: Dims, default: usize) -> Imported<[usize; 2]> {
    pair_from(cx, name, dims, default, 1)
}

/// `pads` and `auto_pad`.
pub(super) fn padding(cx: &NodeCx<'_>, dims: Dims) -> Imported<Padding> {
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
    if pads.len() != 2 * dims.count() {
        return Err(Fault::attribute("pads", format!("has {} numbers, {} are needed", pads.len(), 2 * dims.count())));
    }
    let (begin, end) = pads.split_at(dims.count());
    Ok(Padding::Explicit(two("pads", begin, dims, 0)?, two("pads", end, dims, 0)?))
}

/// Padding before and after that keeps `ceil(input / stride)` windows.
fn same(input: usize, span: usize, stride: usize, upper: bool) -> (usize, usize) {
    let windows = input.div_ceil(stride).max(1);
    let total = ((windows - 1) * stride + span).saturating_sub(input);
    let (less, more) = (total / 2, total - total / 2);
    if upper { (less, more) } else { (more, less) }
}

/// The window of a node over a map of `input` rows and columns.
pub(super) fn of_conv(cx: &NodeCx<'_>, kernel: [usize; 2], input: [usize; 2], dims: Dims) -> Imported<Window> {
    let stride = pair(cx, "strides", dims, 1)?;
    let dilation = pair(cx, "dilations", dims, 1)?;
    let padding = padding(cx, dims)?;
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
