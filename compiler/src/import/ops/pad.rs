//! Borders: Pad and CenterCropPad.

use super::pieces::{concat, lengths, pick, repeat, slice, table};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::{Movement, Op, Scalar, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[op("CenterCropPad", center_crop_pad), op("Pad", pad)];

/// Elements to add (or, negative, to take away) before and after each dimension.
struct Border {
    before: Vec<i64>,
    after: Vec<i64>,
}

/// Dimensions counted from the front, in the order given; an error where one is named twice.
fn distinct(cx: &NodeCx<'_>, axes: &[i64], rank: usize) -> Imported<Vec<usize>> {
    cx.axes(axes, rank)?;
    axes.iter().map(|&a| cx.axis(a, rank)).collect()
}

/// The border by the operator's opset: `paddings` in 1, `pads` in 2, an input from 11 on, for some axes from 18 on.
fn border(cx: &NodeCx<'_>, rank: usize) -> Imported<Border> {
    let needed = |name: &str| cx.ints_opt(name)?.ok_or_else(|| Fault::missing(name));
    let pads = match cx.opset {
        ..=1 => needed("paddings")?,
        2..=10 => needed("pads")?,
        _ => cx.const_ints(1, "the padding")?,
    };
    let given = if cx.opset < 18 { None } else { cx.opt_const_ints(3, "the axes")? };
    let axes: Vec<usize> = match given {
        Some(axes) => distinct(cx, &axes, rank)?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        let message =
            format!("{} numbers of padding for {} dimensions; two for each are needed", pads.len(), axes.len());
        return Err(Fault::shape(message));
    }
    let mut border = Border { before: vec![0; rank], after: vec![0; rank] };
    for (i, &axis) in axes.iter().enumerate() {
        border.before[axis] = pads[i];
        border.after[axis] = pads[axes.len() + i];
    }
    Ok(border)
}

/// What constant padding is filled with.
fn fill_value(cx: &NodeCx<'_>, x: ValueId) -> Imported<Scalar> {
    let dtype = cx.dtype(x);
    if cx.opset < 11 {
        return Ok(Scalar::from_f64(f64::from(cx.float("value", 0.0)?), dtype));
    }
    let Some(v) = cx.opt(2) else { return Ok(Scalar::zero(dtype)) };
    if cx.dtype(v) != dtype {
        return Err(Fault::shape(format!("the padding value is {}, the operand {}", cx.ty(v), cx.ty(x))));
    }
    cx.const_scalar(2, "the padding value")
}

fn pad(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let border = border(cx, cx.rank(x))?;
    let mode = cx.string("mode", "constant")?;
    let inner = crop(cx, x, &border)?;
    let amount = |v: &[i64]| v.iter().map(|&n| usize::try_from(n.max(0)).unwrap_or(usize::MAX)).collect::<Vec<_>>();
    let (before, after) = (amount(&border.before), amount(&border.after));
    match mode.as_str() {
        "constant" => {
            let value = fill_value(cx, x)?;
            cx.emit(Op::Movement(Movement::Pad { before, after, value }), &[inner])
        }
        "edge" | "reflect" | "wrap" => {
            let mut y = inner;
            for axis in 0..before.len() {
                y = surround(cx, y, axis, &mode, [before[axis], after[axis]])?;
            }
            Ok(y)
        }
        other => Err(Fault::attribute("mode", format!("is `{}`, which is not known", other.escape_debug()))
            .help("the modes are constant, reflect, edge and wrap")),
    }
}

/// Takes away what negative padding says.
fn crop(cx: &mut NodeCx<'_>, x: ValueId, border: &Border) -> Imported {
    let cut = |v: i64| usize::try_from(v.min(0).unsigned_abs()).unwrap_or(usize::MAX);
    let (mut start, mut len) = (Vec::new(), Vec::new());
    for (d, n) in cx.shape(x).into_iter().enumerate() {
        let (first, last) = (cut(border.before[d]), cut(border.after[d]));
        let rest = n.checked_sub(first).and_then(|n| n.checked_sub(last)).ok_or_else(|| {
            Fault::shape(format!(
                "padding of {} and {} takes away more than the {n} elements of dimension {d}",
                border.before[d], border.after[d]
            ))
        })?;
        start.push(if rest == 0 { 0 } else { first });
        len.push(rest);
    }
    let step = vec![1; len.len()];
    cx.emit(Op::Movement(Movement::Slice { start, step, len }), &[x])
}

/// Continues a dimension on both sides by its own elements.
fn surround(cx: &mut NodeCx<'_>, x: ValueId, axis: usize, mode: &str, pads: [usize; 2]) -> Imported {
    let n = cx.shape(x)[axis];
    if pads == [0, 0] {
        return Ok(x);
    }
    if n == 0 {
        return Err(Fault::shape(format!("dimension {axis} has no elements that could pad it")));
    }
    if mode == "edge" {
        let before = repeat(cx, x, axis, 0, pads[0])?;
        let after = repeat(cx, x, axis, n - 1, pads[1])?;
        return concat(cx, axis, &[before, x, after]);
    }
    table(pads[0].checked_add(pads[1]), "the padding")?;
    let place = |p: i64| {
        // Reflection is a walk to and fro: its period is twice the way from the first to the last element.
        let period = if mode == "wrap" { n } else { (2 * (n - 1)).max(1) };
        let p = p.rem_euclid(period as i64) as usize;
        if p < n { p } else { period - p }
    };
    let (n, first, last) = (n as i64, pads[0] as i64, pads[1] as i64);
    let before: Vec<usize> = (-first..0).map(place).collect();
    let after: Vec<usize> = (n..n + last).map(place).collect();
    let before = pick(cx, x, axis, &before)?;
    let after = pick(cx, x, axis, &after)?;
    concat(cx, axis, &[before, x, after])
}

/// Cuts or pads with zeros so that the operand lies in the middle; of an odd number the left side gets the smaller part.
fn center_crop_pad(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let shape = cx.shape(x);
    let wanted = lengths(&cx.const_ints(1, "the shape")?, "the shape")?;
    let axes: Vec<usize> = match cx.ints_opt("axes")? {
        Some(axes) => distinct(cx, &axes, shape.len())?,
        None => (0..shape.len()).collect(),
    };
    if wanted.len() != axes.len() {
        return Err(Fault::shape(format!("the shape {wanted:?} does not fit {} dimensions", axes.len())));
    }
    let mut y = x;
    let (mut before, mut after) = (vec![0; shape.len()], vec![0; shape.len()]);
    for (&axis, &want) in axes.iter().zip(&wanted) {
        let n = shape[axis];
        if want < n {
            y = slice(cx, y, axis, ((n - want) / 2, 1, want))?;
        } else {
            before[axis] = (want - n) / 2;
            after[axis] = want - n - before[axis];
        }
    }
    let value = Scalar::zero(cx.dtype(x));
    cx.emit(Op::Movement(Movement::Pad { before, after, value }), &[y])
}
