//! Pieces of a tensor along one dimension, by places that are known at compile time.

use crate::diag::codes;
use crate::import::node::{Fault, Imported, NodeCx};
use crate::ir::{Movement, Op, Scalar, Tensor, ValueId};

/// The longest list of places or other table that an operator may need: 4 million entries.
pub(super) const MAX_TABLE: usize = 1 << 22;

/// A table's length, where it is not larger than the limit.
pub(super) fn table(len: Option<usize>, what: &str) -> Imported<usize> {
    len.filter(|&n| n <= MAX_TABLE).ok_or_else(|| {
        Fault::new(codes::TOO_LARGE, format!("{what} would need a table of more than {MAX_TABLE} entries"))
    })
}

/// Lengths of dimensions, none of them negative.
pub(super) fn lengths(given: &[i64], what: &str) -> Imported<Vec<usize>> {
    let all: Option<Vec<usize>> = given.iter().map(|&n| usize::try_from(n).ok()).collect();
    all.ok_or_else(|| Fault::shape(format!("{what} {given:?} has a negative number")))
}

/// `len` elements along a dimension from `start`, `step` apart.
pub(super) fn slice(cx: &mut NodeCx<'_>, x: ValueId, axis: usize, places: (usize, isize, usize)) -> Imported {
    let (first, by, len) = places;
    let mut lens = cx.shape(x);
    let (mut start, mut step) = (vec![0; lens.len()], vec![1; lens.len()]);
    (start[axis], step[axis], lens[axis]) = (first, by, len);
    cx.emit(Op::Movement(Movement::Slice { start, step, len: lens }), &[x])
}

/// The elements at the given places along a dimension: a slice where they are evenly spaced, a repetition where they are
/// one place, else a gather.
pub(super) fn pick(cx: &mut NodeCx<'_>, x: ValueId, axis: usize, places: &[usize]) -> Imported {
    let len = places.len();
    let distance = |a: usize, b: usize| b as isize - a as isize;
    let first = places.first().copied().unwrap_or(0);
    let by = places.get(1).map_or(1, |&second| distance(first, second));
    if places.windows(2).any(|w| distance(w[0], w[1]) != by) {
        let indices: Vec<i64> = places.iter().map(|&p| p as i64).collect();
        let indices = cx.add_constant(Tensor::from_elements([len], &indices));
        return cx.emit(Op::Gather { axis }, &[x, indices]);
    }
    if by != 0 {
        return slice(cx, x, axis, (first, by, len));
    }
    repeat(cx, x, axis, first, len)
}

/// One place along a dimension, `len` times.
pub(super) fn repeat(cx: &mut NodeCx<'_>, x: ValueId, axis: usize, place: usize, len: usize) -> Imported {
    let one = slice(cx, x, axis, (place, 1, 1))?;
    let mut shape = cx.shape(one);
    shape[axis] = len;
    cx.emit(Op::Movement(Movement::Expand { shape }), &[one])
}

/// Parts side by side; those without elements along the dimension are left out where others have some.
pub(super) fn concat(cx: &mut NodeCx<'_>, axis: usize, parts: &[ValueId]) -> Imported {
    let mut kept: Vec<ValueId> = parts.iter().copied().filter(|&p| cx.shape(p)[axis] > 0).collect();
    if kept.is_empty() {
        kept.extend(parts.first());
    }
    cx.emit(Op::Concat { axis }, &kept)
}

/// One value in a shape.
pub(super) fn fill(cx: &mut NodeCx<'_>, value: Scalar, shape: Vec<usize>) -> Imported {
    let value = cx.b.scalar(value);
    cx.emit(Op::Movement(Movement::Expand { shape }), &[value])
}
