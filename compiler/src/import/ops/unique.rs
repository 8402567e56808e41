//! Unique: of a constant operand alone, since the shape of the result depends on its values.

use std::cmp::Ordering;

use super::pieces::pick;
use crate::import::node::{Imported, NodeCx};
use crate::import::registry::{OpEntry, limited};
use crate::ir::{Scalar, Tensor, row_major_strides};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[limited("Unique", unique, "constant operand")];

fn compare(a: Scalar, b: Scalar) -> Ordering {
    let unsigned = a.dtype().is_int() && !a.dtype().is_signed();
    match a.dtype().is_float() {
        true => a.to_f64().partial_cmp(&b.to_f64()).unwrap_or(Ordering::Equal),
        false if unsigned => a.bits().cmp(&b.bits()),
        false => a.to_i64().cmp(&b.to_i64()),
    }
}

/// The different slices along an axis (elements, where there is none): themselves, their first places, which one each
/// slice is, and how often each stands.
fn unique(cx: &mut NodeCx<'_>) -> Imported {
    let mut value = cx.input(0)?;
    let mut t = cx.constant(0, "the operand of Unique")?;
    let axis = match cx.int_opt("axis")? {
        Some(raw) => cx.axis(raw, t.shape().len())?,
        None => {
            value = cx.reshape(value, [t.len()])?;
            t = cx.b.graph.data(value).cloned().unwrap_or(t);
            0
        }
    };
    let (n, stride) = (t.shape()[axis], row_major_strides(t.shape())[axis]);
    let outer = if n == 0 { 0 } else { t.len() / (n * stride).max(1) };
    let slice = |i: usize| {
        let t = &t;
        (0..outer).flat_map(move |o| (0..stride).map(move |s| t.get((o * n + i) * stride + s)))
    };
    let order = |&a: &usize, &b: &usize| {
        let pairs = slice(a).zip(slice(b));
        pairs.map(|(a, b)| compare(a, b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    };
    let mut sorted: Vec<usize> = (0..n).collect();
    sorted.sort_by(order);
    // Sorting is stable: each group begins with its first place.
    let mut groups: Vec<Vec<usize>> = sorted.chunk_by(|a, b| order(a, b).is_eq()).map(<[usize]>::to_vec).collect();
    if !cx.flag("sorted", true)? {
        groups.sort_by_key(|g| g[0]);
    }
    let firsts: Vec<usize> = groups.iter().map(|g| g[0]).collect();
    let mut inverse = vec![0i64; n];
    for (g, members) in groups.iter().enumerate() {
        members.iter().for_each(|&m| inverse[m] = g as i64);
    }
    let y = pick(cx, value, axis, &firsts)?;
    let firsts: Vec<i64> = firsts.iter().map(|&i| i as i64).collect();
    let counts: Vec<i64> = groups.iter().map(|g| g.len() as i64).collect();
    for (i, list) in [(1, firsts), (2, inverse), (3, counts)] {
        let list = cx.add_constant(Tensor::from_elements([list.len()], &list));
        cx.set(i, list);
    }
    Ok(y)
}
