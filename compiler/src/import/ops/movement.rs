//! Operators that move elements or give them another shape.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::{Movement, Op, ValueId, broadcast, checked_elements};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    op("Concat", concat),
    op("Expand", expand),
    op("Flatten", flatten),
    op("Reshape", reshape),
    op("Slice", slice),
    op("Split", split),
    op("Squeeze", squeeze),
    op("Transpose", transpose),
    op("Unsqueeze", unsqueeze),
];

/// A shape with 0 for the operand's own length (unless `allowzero`) and at most one -1 for what is left.
fn reshape(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let wanted = match cx.ints_opt("shape")?.filter(|_| cx.opset < 5) {
        Some(shape) => shape,
        None => cx.const_ints(1, "the shape")?,
    };
    let own = cx.shape(x);
    let allow_zero = cx.flag("allowzero", false)?;
    let mut shape = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (d, &n) in wanted.iter().enumerate() {
        shape.push(match n {
            0 if !allow_zero => *own
                .get(d)
                .ok_or_else(|| Fault::shape(format!("dimension {d} is copied from {}, which has none", cx.ty(x))))?,
            -1 if open.replace(d).is_some() => {
                return Err(Fault::shape(format!("{wanted:?} leaves two dimensions open")));
            }
            -1 => 1,
            n => usize::try_from(n).map_err(|_| Fault::shape(format!("{wanted:?} has a negative dimension")))?,
        });
    }
    if let Some(d) = open {
        let known = checked_elements(&shape).filter(|&k| k > 0);
        let elements = own.iter().product::<usize>();
        shape[d] = known
            .filter(|k| elements % k == 0)
            .map(|k| elements / k)
            .ok_or_else(|| Fault::shape(format!("{} cannot be given the shape {wanted:?}", cx.ty(x))))?;
    }
    cx.reshape(x, shape)
}

/// Two dimensions: the product of those before an axis, and of those from it on.
fn flatten(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let shape = cx.shape(x);
    let raw = cx.int("axis", 1)?;
    // Unlike elsewhere, the axis may be the rank itself.
    let axis = if raw == shape.len() as i64 { shape.len() } else { cx.axis(raw, shape.len())? };
    cx.reshape(x, [shape[..axis].iter().product::<usize>(), shape[axis..].iter().product()])
}

/// Axes as an attribute, up to opset 12, or as an input.
fn axes_of(cx: &NodeCx<'_>, at: usize) -> Imported<Option<Vec<i64>>> {
    match cx.ints_opt("axes")? {
        Some(axes) => Ok(Some(axes)),
        None => cx.opt_const_ints(at, "the axes"),
    }
}

fn squeeze(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let shape = cx.shape(x);
    let axes = match axes_of(cx, 1)? {
        Some(axes) => cx.axes(&axes, shape.len())?,
        None => (0..shape.len()).filter(|&d| shape[d] == 1).collect(),
    };
    if let Some(d) = axes.iter().find(|&&d| shape[d] != 1) {
        return Err(Fault::shape(format!("dimension {d} of {} is not 1", cx.ty(x))));
    }
    let kept: Vec<usize> = (0..shape.len()).filter(|d| !axes.contains(d)).map(|d| shape[d]).collect();
    cx.reshape(x, kept)
}

fn unsqueeze(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let raw = axes_of(cx, 1)?.ok_or_else(|| Fault::missing("axes"))?;
    let mut shape = cx.shape(x);
    let axes = cx.axes(&raw, shape.len() + raw.len())?;
    for a in axes {
        shape.insert(a, 1);
    }
    cx.reshape(x, shape)
}

fn transpose(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let rank = cx.rank(x);
    let perm = match cx.ints_opt("perm")? {
        None => (0..rank).rev().collect(),
        Some(perm) => perm
            .iter()
            .map(|&p| usize::try_from(p).ok().filter(|&p| p < rank))
            .collect::<Option<Vec<usize>>>()
            .ok_or_else(|| Fault::attribute("perm", format!("is {perm:?}, not an order of {rank} dimensions")))?,
    };
    cx.transpose(x, perm)
}

fn expand(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let wanted = cx.const_ints(1, "the shape")?;
    let wanted: Option<Vec<usize>> = wanted.iter().map(|&n| usize::try_from(n).ok()).collect();
    let wanted = wanted.ok_or_else(|| Fault::shape("the shape has a negative dimension"))?;
    let shape = broadcast(&[&cx.shape(x), &wanted]).map_err(Fault::shape)?;
    cx.emit(Op::Movement(Movement::Expand { shape }), &[x])
}

fn concat(cx: &mut NodeCx<'_>) -> Imported {
    let parts = cx.variadic()?;
    let default = (cx.opset < 4).then_some(1);
    let raw = cx.int_opt("axis")?.or(default).ok_or_else(|| Fault::missing("axis"))?;
    let axis = cx.axis(raw, cx.rank(parts[0]))?;
    cx.emit(Op::Concat { axis }, &parts)
}

/// `len` elements along one axis from `start`.
pub(super) fn part(cx: &mut NodeCx<'_>, x: ValueId, axis: usize, start: usize, len: usize) -> Imported {
    let mut lens = cx.shape(x);
    let (mut starts, steps) = (vec![0; lens.len()], vec![1; lens.len()]);
    (starts[axis], lens[axis]) = (start, len);
    cx.emit(Op::Movement(Movement::Slice { start: starts, step: steps, len: lens }), &[x])
}

fn split(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let axis = cx.axis(cx.int("axis", 0)?, cx.rank(x))?;
    let total = cx.shape(x)[axis];
    let outputs = cx.node.output.len();
    let given = match cx.ints_opt("split")? {
        Some(split) => Some(split),
        None => cx.opt_const_ints(1, "the lengths")?,
    };
    let lens: Vec<usize> = match given {
        Some(split) => split
            .iter()
            .map(|&n| usize::try_from(n).map_err(|_| Fault::shape(format!("{split:?} has a negative length"))))
            .collect::<Imported<_>>()?,
        None => {
            let count = cx.int("num_outputs", outputs as i64)?;
            let count = usize::try_from(count).ok().filter(|&c| c == outputs && c > 0);
            let count = count.ok_or_else(|| Fault::attribute("num_outputs", "is not the number of outputs"))?;
            // The last part is smaller where the length does not divide.
            let each = total.div_ceil(count);
            (0..count).map(|i| each.min(total.saturating_sub(i * each))).collect()
        }
    };
    let sum = lens.iter().try_fold(0usize, |s, &n| s.checked_add(n));
    if sum != Some(total) || lens.len() != outputs {
        return Err(Fault::shape(format!("parts of {lens:?} do not make up {total} elements in {outputs} outputs")));
    }
    let mut start = 0;
    for (i, len) in lens.into_iter().enumerate() {
        let y = part(cx, x, axis, start, len)?;
        cx.set(i, y);
        start += len;
    }
    cx.outputs.first().copied().flatten().ok_or_else(|| Fault::shape("a split into no parts"))
}

/// Starts, ends, axes and steps as attributes (up to opset 9) or as inputs.
fn slice(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let shape = cx.shape(x);
    let (starts, ends, axes, steps) = if cx.opset < 10 {
        let needed = |name: &str| cx.ints_opt(name)?.ok_or_else(|| Fault::missing(name));
        (needed("starts")?, needed("ends")?, cx.ints_opt("axes")?, None)
    } else {
        let (starts, ends) = (cx.const_ints(1, "the starts")?, cx.const_ints(2, "the ends")?);
        (starts, ends, cx.opt_const_ints(3, "the axes")?, cx.opt_const_ints(4, "the steps")?)
    };
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(Fault::shape("starts, ends, axes and steps differ in number"));
    }
    let (mut start, mut step, mut len) = (vec![0; shape.len()], vec![1isize; shape.len()], shape.clone());
    for (i, &raw) in axes.iter().enumerate() {
        let axis = cx.axis(raw, shape.len())?;
        if axes[..i].iter().any(|&other| cx.axis(other, shape.len()).is_ok_and(|a| a == axis)) {
            return Err(Fault::shape(format!("axes {axes:?} name one twice")));
        }
        // A step that cannot be negated reaches no further than the next one.
        let by = isize::try_from(steps[i].max(-i64::MAX)).ok().filter(|&s| s != 0);
        step[axis] = by.ok_or_else(|| Fault::shape(format!("a step of {}", steps[i])))?;
        (start[axis], len[axis]) = range(shape[axis], starts[i], ends[i], step[axis]);
        if len[axis] < 2 {
            step[axis] = 1;
        }
    }
    cx.emit(Op::Movement(Movement::Slice { start, step, len }), &[x])
}

/// First index and number of elements of `start..end` by `step`, by ONNX's clamping: where the step is negative a start below
/// the first element is that one, unlike numpy's.
fn range(dim: usize, start: i64, end: i64, step: isize) -> (usize, usize) {
    let n = dim as i64;
    if n == 0 {
        return (0, 0);
    }
    let from_end = |v: i64| if v < 0 { v.saturating_add(n) } else { v };
    let (first, low, high) = if step > 0 { (n, 0, n) } else { (n - 1, -1, n - 1) };
    let (start, end) = (from_end(start).clamp(0, first), from_end(end).clamp(low, high));
    let distance = if step > 0 { end - start } else { start - end };
    if distance <= 0 {
        return (0, 0);
    }
    let len = (distance as u64).div_ceil(step.unsigned_abs() as u64);
    (start as usize, len as usize)
}
