//! Convolutions of three dimensions, as those of planes: the planes that one window meets in depth are the channels of one map.
//!
//! So products are added in the order (row, column, depth, channel), and padding in depth counts as zeros.

use super::{Dims, groups, transposed, transposed_window};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::ops::pieces::{concat, slice};
use crate::import::ops::window;
use crate::ir::{Epilogue, Movement, Op, Scalar, ValueId, checked_elements};

/// Depth, height and width of the kernel: the attribute and the weights must agree.
fn kernel(cx: &NodeCx<'_>, w: ValueId) -> Imported<[usize; 3]> {
    let shape = cx.shape(w);
    let taps = shape.get(2..).unwrap_or_default();
    if let Some(given) = cx.ints_opt("kernel_shape")?
        && (given.len() != taps.len() || given.iter().zip(taps).any(|(&g, &t)| g != t as i64))
    {
        return Err(Fault::attribute("kernel_shape", format!("is {given:?}, the weights have {taps:?}")));
    }
    <[usize; 3]>::try_from(taps)
        .map_err(|_| Fault::shape(format!("weights {} do not fit three spatial dimensions", cx.ty(w))))
}

fn product(dims: &[usize]) -> Imported<usize> {
    checked_elements(dims).ok_or_else(|| Fault::shape("the map is too large"))
}

/// A map of depth and more: `[n, d, h, w, c]`, its channels in groups.
struct Volume {
    map: ValueId,
    shape: [usize; 5],
    groups: usize,
}

impl Volume {
    fn of(cx: &mut NodeCx<'_>, x: ValueId) -> Imported<Volume> {
        let [n, c, d, h, w] = <[usize; 5]>::try_from(cx.shape(x).as_slice())
            .map_err(|_| Fault::shape(format!("{} has not three spatial dimensions", cx.ty(x))))?;
        let groups = groups(cx)?;
        if !c.is_multiple_of(groups) {
            return Err(Fault::shape(format!("{c} channels do not fall into {groups} groups")));
        }
        let map = cx.transpose(x, [0, 2, 3, 4, 1])?;
        Ok(Volume { map, shape: [n, d, h, w, c], groups })
    }

    /// Zeros before and behind in depth.
    fn padded(mut self, cx: &mut NodeCx<'_>, before: usize, after: usize) -> Imported<Volume> {
        if before + after > 0 {
            let value = Scalar::zero(cx.dtype(self.map));
            let (before, after) = (vec![0, before, 0, 0, 0], vec![0, after, 0, 0, 0]);
            self.map = cx.emit(Op::Movement(Movement::Pad { before, after, value }), &[self.map])?;
            self.shape[1] = cx.shape(self.map)[1];
        }
        Ok(self)
    }

    /// `stride - 1` planes of zeros between neighbours.
    fn spread(mut self, cx: &mut NodeCx<'_>, stride: usize) -> Imported<Volume> {
        let [n, d, h, w, c] = self.shape;
        if stride > 1 {
            let value = Scalar::zero(cx.dtype(self.map));
            let apart = cx.reshape(self.map, [n, d, 1, h, w, c])?;
            let (before, after) = (vec![0; 6], vec![0, 0, stride - 1, 0, 0, 0]);
            let apart = cx.emit(Op::Movement(Movement::Pad { before, after, value }), &[apart])?;
            let apart = cx.reshape(apart, [n, product(&[d, stride])?, h, w, c])?;
            self.shape[1] = (d.max(1) - 1) * stride + 1;
            self.map = slice(cx, apart, 1, (0, 1, self.shape[1]))?;
        }
        Ok(self)
    }

    /// Planes with the channels of several: those at each of `starts`, `depth` of them, `stride` apart.
    fn planes(&self, cx: &mut NodeCx<'_>, starts: &[usize], stride: usize, depth: usize) -> Imported {
        let [n, _, h, w, c] = self.shape;
        let (batch, step) = (product(&[n, depth])?, isize::try_from(stride).unwrap_or(isize::MAX));
        let mut parts = Vec::with_capacity(starts.len());
        for &start in starts {
            let part = slice(cx, self.map, 1, (start, step, depth))?;
            parts.push(cx.reshape(part, [batch, h, w, self.groups, 1, c / self.groups])?);
        }
        let all = concat(cx, 4, &parts)?;
        cx.reshape(all, [batch, h, w, product(&[c, starts.len()])?])
    }
}

/// Planes `[n * d, h, w, o]` as a result `[n, o, d, h, w]`.
fn volume_of(cx: &mut NodeCx<'_>, y: ValueId, n: usize, depth: usize) -> Imported {
    let [_, h, w, o] = <[usize; 4]>::try_from(cx.shape(y).as_slice()).map_err(|_| Fault::shape("no planes"))?;
    let y = cx.reshape(y, [n, depth, h, w, o])?;
    cx.transpose(y, [0, 4, 1, 2, 3])
}

/// `Conv`, with weights `[o, c / groups, kd, kh, kw]`.
pub(super) fn conv(cx: &mut NodeCx<'_>, [x, w]: [ValueId; 2], bias: Option<ValueId>) -> Imported {
    let [kd, kh, kw] = kernel(cx, w)?;
    let volume = Volume::of(cx, x)?;
    let [n, d, height, width, c] = volume.shape;
    let groups = volume.groups;
    let plane = window::of_conv(cx, [kh, kw], [height, width], Dims::PlaneOfThree)?;
    let deep = window::of_conv(cx, [1, kd], [1, d], Dims::DepthOfThree)?;
    let (stride, dilation) = (deep.stride[1], deep.dilation[1]);
    let volume = volume.padded(cx, deep.pad_begin[1], deep.pad_end[1])?;
    let span = kd.saturating_sub(1).saturating_mul(dilation).saturating_add(1);
    let way = volume.shape[1].checked_sub(span).filter(|_| kd > 0);
    let depth = way.ok_or_else(|| Fault::shape("the window is deeper than the map"))? / stride + 1;
    let starts: Vec<usize> = (0..kd).map(|tap| tap * dilation).collect();
    let planes = volume.planes(cx, &starts, stride, depth)?;
    let shape = cx.shape(w);
    if shape[1] != c / groups {
        return Err(Fault::shape(format!("weights {} do not fit {c} channels in {groups} groups", cx.ty(w))));
    }
    let weights = cx.transpose(w, [0, 3, 4, 2, 1])?;
    let weights = cx.reshape(weights, [shape[0], kh, kw, product(&[kd, shape[1]])?])?;
    let epilogue = Epilogue { bias: bias.is_some(), ..Epilogue::default() };
    let operands: Vec<ValueId> = [planes, weights].into_iter().chain(bias).collect();
    let y = cx.emit(Op::Conv { window: plane, groups, epilogue }, &operands)?;
    volume_of(cx, y, n, depth)
}

/// `ConvTranspose`, with weights `[c, o / groups, kd, kh, kw]`: the planes lie apart by the stride, and taps descend.
pub(super) fn conv_transpose(cx: &mut NodeCx<'_>, [x, w]: [ValueId; 2], bias: Option<ValueId>) -> Imported {
    let [kd, kh, kw] = kernel(cx, w)?;
    let volume = Volume::of(cx, x)?;
    let [n, d, height, width, c] = volume.shape;
    let groups = volume.groups;
    let (plane, output) = transposed_window(cx, [kh, kw], [height, width], Dims::PlaneOfThree)?;
    let (deep, deep_output) = transposed_window(cx, [1, kd], [1, d], Dims::DepthOfThree)?;
    let (dilation, pad, depth) = (deep.dilation[1], deep.pad_begin[1], deep_output[1]);
    let volume = volume.spread(cx, deep.stride[1])?;
    let reach = (kd.max(1) - 1).saturating_mul(dilation);
    let before = reach.saturating_sub(pad);
    let needed = pad.checked_add(depth).ok_or_else(|| Fault::shape("the size of the result overflows"))?;
    let after = needed.saturating_sub(volume.shape[1]);
    let volume = volume.padded(cx, before, after)?;
    let starts: Vec<usize> = (0..kd).map(|tap| before + pad - tap * dilation).collect();
    let planes = volume.planes(cx, &starts, 1, depth)?;
    let shape = cx.shape(w);
    if shape[0] != c || c == 0 {
        return Err(Fault::shape(format!("weights {} do not fit {c} channels", cx.ty(w))));
    }
    let (ci, co) = (c / groups, shape[1]);
    let weights = cx.reshape(w, [groups, ci, co, kd, kh, kw])?;
    let weights = cx.transpose(weights, [0, 2, 4, 5, 3, 1])?;
    let weights = cx.reshape(weights, [product(&[groups, co])?, kh, kw, product(&[kd, ci])?])?;
    let y = transposed(cx, [planes, weights], bias, (plane, output, groups))?;
    volume_of(cx, y, n, depth)
}
