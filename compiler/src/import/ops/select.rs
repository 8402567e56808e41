//! Operators that choose elements by masks, conditions or classes.

use super::pieces::{pick, slice, table};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited, op};
use crate::ir::formula::{binary, num, select, x};
use crate::ir::{BinaryOp, DType, Scalar, Tensor};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    limited("Compress", compress, "constant condition"),
    limited("NonZero", non_zero, "constant operand"),
    op("OneHot", one_hot),
    limited("ReverseSequence", reverse_sequence, "constant lengths"),
    limited("Trilu", trilu, "constant k"),
];

/// Positions along dimension `axis` of `rank`, with an offset, as `[.., n, 1, ..]`.
fn positions(cx: &mut NodeCx<'_>, n: usize, offset: i64, after: usize) -> Imported {
    let n = table(Some(n), "the positions along a dimension")?;
    let places: Vec<i64> = (0..n as i64).map(|i| i.saturating_add(offset)).collect();
    let shape: Vec<usize> = [n].into_iter().chain(std::iter::repeat_n(1, after)).collect();
    Ok(cx.add_constant(Tensor::from_elements(shape, &places)))
}

/// The upper triangle (column - row >= k) or the lower one (column - row <= k) of matrices; zeros elsewhere.
fn trilu(cx: &mut NodeCx<'_>) -> Imported {
    let operand = cx.input(0)?;
    let k = match cx.opt_const_ints(1, "the diagonal k")?.as_deref() {
        None => 0,
        Some([k]) => *k,
        Some(_) => return Err(Fault::shape("the diagonal k must be one number")),
    };
    let &[.., rows, columns] = cx.shape(operand).as_slice() else {
        return Err(Fault::shape(format!("{} is not a matrix", cx.ty(operand))));
    };
    let diagonal = positions(cx, rows, k, 1)?;
    let column = positions(cx, columns, 0, 0)?;
    let keep = if cx.flag("upper", true)? { [x(1), x(2)] } else { [x(2), x(1)] };
    let [a, b] = keep;
    let y = select(binary(BinaryOp::Le, a, b), x(0), num(0));
    cx.map(y.expr(cx.dtype(operand)), &[operand, diagonal, column])
}

/// Indices in [-depth, depth) get `on`, all others nothing but `off`.
fn one_hot(cx: &mut NodeCx<'_>) -> Imported {
    let (indices, values) = (cx.input(0)?, cx.input(2)?);
    let depth = cx.const_scalar(1, "the depth")?.to_i64();
    let depth = usize::try_from(depth).map_err(|_| Fault::shape(format!("a depth of {depth}")))?;
    if cx.shape(values) != [2] {
        return Err(Fault::shape(format!("the values are {}, should be [off, on]", cx.ty(values))));
    }
    let mut shape = cx.shape(indices);
    let axis = cx.axis(cx.int("axis", -1)?, shape.len() + 1)?;
    shape.insert(axis, 1);
    let after = shape.len() - 1 - axis;
    let indices = cx.cast(indices, DType::I64)?;
    let indices = cx.reshape(indices, shape)?;
    let classes = positions(cx, depth, 0, after)?;
    let off = slice(cx, values, 0, (0, 1, 1))?;
    let on = slice(cx, values, 0, (1, 1, 1))?;
    let index = select(x(0).lt(num(0)), x(0) + num(depth as f64), x(0));
    let y = select(index.eq(x(1)), x(2), x(3));
    cx.map(y.expr(DType::I64), &[indices, classes, on, off])
}

/// Whether each element of a constant bool vector is set.
fn condition(cx: &NodeCx<'_>) -> Imported<Vec<bool>> {
    let t = cx.constant(1, "the condition")?;
    if t.dtype() != DType::Bool || t.shape().len() != 1 {
        return Err(Fault::shape(format!("the condition is {}, should be a vector of bool", t.ty())));
    }
    Ok(t.scalars().map(|s| s.bits() != 0).collect())
}

/// The slices (elements, where there is no axis) whose condition holds.
fn compress(cx: &mut NodeCx<'_>) -> Imported {
    let mut operand = cx.input(0)?;
    let places: Vec<usize> = condition(cx)?.iter().enumerate().filter(|(_, c)| **c).map(|(i, _)| i).collect();
    let axis = match cx.int_opt("axis")? {
        Some(raw) => cx.axis(raw, cx.rank(operand))?,
        None => {
            let elements = cx.ty(operand).elements();
            operand = cx.reshape(operand, [elements])?;
            0
        }
    };
    let n = cx.shape(operand)[axis];
    if places.last().is_some_and(|&p| p >= n) {
        return Err(Fault::shape(format!("the condition holds beyond the {n} elements of dimension {axis}")));
    }
    pick(cx, operand, axis, &places)
}

/// Indices of the elements that are not zero, one column for each.
fn non_zero(cx: &mut NodeCx<'_>) -> Imported {
    let t = cx.constant(0, "the operand of NonZero")?;
    let zero = |s: Scalar| if t.dtype().is_float() { s.to_f64() == 0.0 } else { s.bits() == 0 };
    let found: Vec<usize> = t.scalars().enumerate().filter(|(_, s)| !zero(*s)).map(|(i, _)| i).collect();
    let rank = t.shape().len();
    table(found.len().checked_mul(rank), "the result")?;
    let mut rows = Vec::with_capacity(found.len() * rank);
    for (&n, stride) in t.shape().iter().zip(crate::ir::row_major_strides(t.shape())) {
        rows.extend(found.iter().map(|&i| (i / stride % n) as i64));
    }
    Ok(cx.add_constant(Tensor::from_elements([rank, found.len()], &rows)))
}

/// Reverses the first elements along the time axis, as many as each batch's length says.
fn reverse_sequence(cx: &mut NodeCx<'_>) -> Imported {
    let operand = cx.input(0)?;
    let lens = cx.const_ints(1, "the lengths")?;
    let shape = cx.shape(operand);
    let time_first = match (cx.int("time_axis", 0)?, cx.int("batch_axis", 1)?) {
        (0, 1) => true,
        (1, 0) => false,
        other => return Err(Fault::attribute("time_axis", format!("and batch_axis are {other:?}, should be 0 and 1"))),
    };
    let &[first, second, ref rest @ ..] = shape.as_slice() else {
        return Err(Fault::shape(format!("{} has no time and batch", cx.ty(operand))));
    };
    let (steps, batches) = if time_first { (first, second) } else { (second, first) };
    if lens.len() != batches || lens.iter().any(|&n| n < 0 || n as u64 > steps as u64) {
        return Err(Fault::shape(format!("lengths {lens:?} do not fit {batches} sequences of {steps} steps")));
    }
    table(first.checked_mul(second), "the order of the steps")?;
    let reversed = |t: usize, len: usize| if t < len { len - 1 - t } else { t };
    let places: Vec<usize> = (0..first * second)
        .map(|p| match time_first {
            true => reversed(p / second, lens[p % second] as usize) * second + p % second,
            false => p / second * second + reversed(p % second, lens[p / second] as usize),
        })
        .collect();
    let flat: Vec<usize> = [first * second].iter().chain(rest).copied().collect();
    let y = cx.reshape(operand, flat)?;
    let y = pick(cx, y, 0, &places)?;
    cx.reshape(y, shape)
}
