//! Operators that repeat or regroup blocks of elements.

use super::pieces::lengths;
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::{Movement, Op, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] =
    &[op("DepthToSpace", depth_to_space), op("SpaceToDepth", space_to_depth), op("Tile", tile)];

/// How often each dimension is repeated: in opset 1 one dimension, later all.
fn repeats(cx: &NodeCx<'_>, rank: usize) -> Imported<Vec<usize>> {
    if cx.opset < 6 {
        let (tiles, axis) = (cx.const_ints(1, "the number of tiles")?, cx.const_ints(2, "the axis")?);
        let ([tiles], [axis]) = (tiles.as_slice(), axis.as_slice()) else {
            return Err(Fault::shape("tiles and axis must be one number each"));
        };
        let mut repeats = vec![1; rank];
        repeats[cx.axis(*axis, rank)?] = lengths(&[*tiles], "the number of tiles")?[0];
        return Ok(repeats);
    }
    let repeats = lengths(&cx.const_ints(1, "the repeats")?, "the list of repeats")?;
    if repeats.len() != rank {
        return Err(Fault::shape(format!("{} repeats for {rank} dimensions", repeats.len())));
    }
    Ok(repeats)
}

/// A dimension that is repeated becomes two, the outer one of which is expanded.
fn tile(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let shape = cx.shape(x);
    let repeats = repeats(cx, shape.len())?;
    let (mut split, mut expanded, mut joined) = (Vec::new(), Vec::new(), Vec::new());
    for (&n, &r) in shape.iter().zip(&repeats) {
        if r != 1 {
            split.push(1);
            expanded.push(r);
        }
        split.push(n);
        expanded.push(n);
        joined.push(n.checked_mul(r).ok_or_else(|| Fault::shape("the size of the result overflows"))?);
    }
    let y = cx.reshape(x, split)?;
    let y = cx.emit(Op::Movement(Movement::Expand { shape: expanded }), &[y])?;
    cx.reshape(y, joined)
}

/// Batch, channels, height, width and block size of an operand, the block's area among them.
struct Blocks {
    map: [usize; 4],
    size: usize,
    area: usize,
    /// Channels are the outer, blocks the inner part of the deep dimension.
    channels_first: bool,
}

fn blocks(cx: &NodeCx<'_>, x: ValueId) -> Imported<Blocks> {
    let shape = cx.shape(x);
    let map = <[usize; 4]>::try_from(shape.as_slice())
        .map_err(|_| Fault::shape(format!("{} is not [batch, channels, height, width]", cx.ty(x))))?;
    let size = cx.int_opt("blocksize")?.ok_or_else(|| Fault::missing("blocksize"))?;
    let size = usize::try_from(size).ok().filter(|&s| s > 0);
    let (size, area) = size
        .and_then(|s| Some((s, s.checked_mul(s)?)))
        .ok_or_else(|| Fault::attribute("blocksize", "must be positive, and its square must not overflow"))?;
    let channels_first = cx.word("mode", &[("DCR", false), ("CRD", true)])?;
    Ok(Blocks { map, size, area, channels_first })
}

fn scaled(n: usize, by: usize) -> Imported<usize> {
    n.checked_mul(by).ok_or_else(|| Fault::shape("the size of the result overflows"))
}

fn depth_to_space(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let Blocks { map: [n, c, h, w], size, area, channels_first } = blocks(cx, x)?;
    if c % area != 0 {
        return Err(Fault::shape(format!("{c} channels do not make up blocks of {size} by {size}")));
    }
    let (split, perm) = if channels_first {
        ([n, c / area, size, size, h, w], [0, 1, 4, 2, 5, 3])
    } else {
        ([n, size, size, c / area, h, w], [0, 3, 4, 1, 5, 2])
    };
    let y = cx.reshape(x, split)?;
    let y = cx.transpose(y, perm)?;
    cx.reshape(y, [n, c / area, scaled(h, size)?, scaled(w, size)?])
}

fn space_to_depth(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let Blocks { map: [n, c, h, w], size, area, channels_first } = blocks(cx, x)?;
    if h % size != 0 || w % size != 0 {
        return Err(Fault::shape(format!("a map of {h} by {w} does not fall into blocks of {size} by {size}")));
    }
    let y = cx.reshape(x, [n, c, h / size, size, w / size, size])?;
    let y = cx.transpose(y, if channels_first { [0, 1, 3, 5, 2, 4] } else { [0, 3, 5, 1, 2, 4] })?;
    cx.reshape(y, [n, scaled(c, area)?, h / size, w / size])
}
