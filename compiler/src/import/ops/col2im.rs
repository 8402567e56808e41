//! Col2Im: columns of blocks added up where the blocks lie in an image.

use super::pieces::{fill, lengths, slice, table};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited};
use crate::ir::{Op, Scalar, ScatterKind, Tensor, checked_elements};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[limited("Col2Im", col2im, "constant sizes of image and block")];

/// How blocks move along one dimension of the padded image.
struct Axis {
    block: usize,
    stride: usize,
    dilation: usize,
    padded: usize,
    count: usize,
}

/// The attributes, for an image and a block.
fn axes(cx: &NodeCx<'_>, image: &[usize], block: &[usize]) -> Imported<(Vec<Axis>, Vec<usize>)> {
    let r = image.len();
    let ints = |name: &str, count: usize, default: i64, least: i64| -> Imported<Vec<usize>> {
        let given = cx.ints_opt(name)?.unwrap_or_else(|| vec![default; count]);
        let fits = given.len() == count && given.iter().all(|v| (least..1 << 20).contains(v));
        if !fits {
            return Err(Fault::attribute(name, format!("is {given:?}; {count} numbers from {least} on are needed")));
        }
        Ok(given.into_iter().map(|v| v as usize).collect())
    };
    let (strides, dilations) = (ints("strides", r, 1, 1)?, ints("dilations", r, 1, 1)?);
    let pads = ints("pads", 2 * r, 0, 0)?;
    let mut axes = Vec::with_capacity(r);
    for d in 0..r {
        let too_small = || Fault::shape(format!("blocks of {block:?} do not fit an image of {image:?}"));
        let padded = image[d].checked_add(pads[d] + pads[d + r]).ok_or_else(too_small)?;
        let span = block[d].checked_sub(1).and_then(|b| b.checked_mul(dilations[d])).ok_or_else(too_small)?;
        let way = padded.checked_sub(span + 1).ok_or_else(too_small)?;
        let count = way / strides[d] + 1;
        axes.push(Axis { block: block[d], stride: strides[d], dilation: dilations[d], padded, count });
    }
    Ok((axes, pads[..r].to_vec()))
}

/// Each element is added to its place in the order of the operand: taps of the block, then blocks, both row-major.
fn col2im(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let [image, block] = [(1, "the image's shape"), (2, "the block's shape")]
        .map(|(i, what)| -> Imported<Vec<usize>> { lengths(&cx.const_ints(i, what)?, what) });
    let (image, block) = (image?, block?);
    let shape = cx.shape(input);
    let misfit = || Fault::shape(format!("{shape:?} are no columns of blocks of {block:?}"));
    if image.len() != block.len() || block.is_empty() || shape.len() != 3 {
        return Err(misfit());
    }
    let (axes, begin) = axes(cx, &image, &block)?;
    let elements = |dims: Vec<usize>| checked_elements(&dims).ok_or_else(misfit);
    let taps = elements(axes.iter().map(|a| a.block).collect())?;
    let blocks = elements(axes.iter().map(|a| a.count).collect())?;
    if taps == 0 || !shape[1].is_multiple_of(taps) || shape[2] != blocks {
        return Err(misfit());
    }
    let (n, c) = (shape[0], shape[1] / taps);
    table(taps.checked_mul(blocks), "the places of blocks")?;
    let places = moved(&axes, &moved(&axes, &[0], |a| (a.block, a.dilation)), |a| (a.count, a.stride));
    let canvas = elements(axes.iter().map(|a| a.padded).collect())?;
    let planes = elements(vec![n, c])?;
    let places = cx.add_constant(Tensor::from_elements([places.len(), 1], &places));
    let columns = cx.reshape(input, [planes, taps * blocks])?;
    let columns = cx.transpose(columns, [1, 0])?;
    let zeros = fill(cx, Scalar::zero(cx.dtype(input)), vec![canvas, planes])?;
    let y = cx.emit(Op::ScatterNd { kind: ScatterKind::Add }, &[zeros, places, columns])?;
    let y = cx.transpose(y, [1, 0])?;
    let padded: Vec<usize> = [n, c].into_iter().chain(axes.iter().map(|a| a.padded)).collect();
    let mut y = cx.reshape(y, padded)?;
    for (d, &first) in begin.iter().enumerate() {
        y = slice(cx, y, d + 2, (first, 1, image[d]))?;
    }
    Ok(y)
}

/// Places in the padded image, each moved by some steps along every dimension.
fn moved(axes: &[Axis], places: &[i64], steps: impl Fn(&Axis) -> (usize, usize)) -> Vec<i64> {
    let mut all = places.to_vec();
    for (d, a) in axes.iter().enumerate() {
        let unit: usize = axes[d + 1..].iter().map(|a| a.padded).product();
        let (count, step) = steps(a);
        all = all.iter().flat_map(|&at| (0..count).map(move |i| at + (i * step * unit) as i64)).collect();
    }
    all
}
