//! Einsum: transposes, diagonals, sums and matrix products.
//!
//! A dimension's label is its letter; those of an ellipsis are numbered from the last one on.

mod equation;

use equation::{Equation, Label};

use super::matmul::product;
use super::pieces::slice;
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::{Movement, Op, ReduceKind, ValueId, checked_elements};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[op("Einsum", einsum)];

/// An operand and the labels of its dimensions, each once.
struct Part {
    value: ValueId,
    labels: Vec<Label>,
}

fn einsum(cx: &mut NodeCx<'_>) -> Imported {
    let text = cx.string("equation", "")?;
    let operands = cx.variadic()?;
    let ranks: Vec<usize> = operands.iter().map(|&v| cx.rank(v)).collect();
    let equation = Equation::parse(&text, &ranks).map_err(|why| Fault::attribute("equation", why))?;
    let mut parts = Vec::with_capacity(operands.len());
    for (&value, labels) in operands.iter().zip(&equation.terms) {
        parts.push(diagonal(cx, value, labels)?);
    }
    let mut parts = parts.into_iter();
    let Some(mut done) = parts.next() else { return Err(Fault::shape("there are no operands")) };
    let mut rest: Vec<Part> = parts.collect();
    while !rest.is_empty() {
        let next = rest.remove(0);
        let needed = |l: Label| equation.result.contains(&l) || rest.iter().any(|p| p.labels.contains(&l));
        done = contract(cx, done, next, &needed)?;
    }
    let kept = |l: Label| equation.result.contains(&l);
    let done = sum_out(cx, done, &kept)?;
    let y = arrange(cx, &done, &equation.result)?;
    Ok(y.value)
}

/// Makes every label stand once, by taking diagonals.
fn diagonal(cx: &mut NodeCx<'_>, mut value: ValueId, labels: &[Label]) -> Imported<Part> {
    let mut labels = labels.to_vec();
    while let Some((i, j)) = repeated(&labels) {
        let shape = cx.shape(value);
        let n = shape[i];
        if shape[j] != n {
            return Err(Fault::shape(format!("dimensions {i} and {j} of {} have one label", cx.ty(value))));
        }
        let others: Vec<usize> = (0..labels.len()).filter(|&d| d != i && d != j).collect();
        let perm: Vec<usize> = others.iter().copied().chain([i, j]).collect();
        value = cx.transpose(value, perm)?;
        let square = checked_elements(&[n, n]).ok_or_else(|| Fault::shape("the diagonal is too long"))?;
        let flat: Vec<usize> = others.iter().map(|&d| shape[d]).chain([square]).collect();
        value = cx.reshape(value, flat)?;
        value = slice(cx, value, others.len(), (0, n as isize + 1, n))?;
        let label = labels[i];
        labels = others.iter().map(|&d| labels[d]).chain([label]).collect();
    }
    Ok(Part { value, labels })
}

/// Two dimensions with one label.
fn repeated(labels: &[Label]) -> Option<(usize, usize)> {
    (0..labels.len()).find_map(|i| (i + 1..labels.len()).find(|&j| labels[j] == labels[i]).map(|j| (i, j)))
}

/// Sums over the dimensions whose labels are not kept.
fn sum_out(cx: &mut NodeCx<'_>, part: Part, kept: &dyn Fn(Label) -> bool) -> Imported<Part> {
    let axes: Vec<usize> = (0..part.labels.len()).filter(|&d| !kept(part.labels[d])).collect();
    if axes.is_empty() {
        return Ok(part);
    }
    let value = cx.emit(Op::Reduce { kind: ReduceKind::Sum, axes }, &[part.value])?;
    Ok(Part { value, labels: part.labels.into_iter().filter(|&l| kept(l)).collect() })
}

/// The dimensions in the order of `labels`, which are the part's own.
fn arrange(cx: &mut NodeCx<'_>, part: &Part, labels: &[Label]) -> Imported<Part> {
    let place = |l: &Label| part.labels.iter().position(|p| p == l);
    let perm: Option<Vec<usize>> = labels.iter().map(place).collect();
    let perm = perm.ok_or_else(|| Fault::attribute("equation", "has a result whose label no operand has"))?;
    Ok(Part { value: cx.transpose(part.value, perm)?, labels: labels.to_vec() })
}

/// Expands dimensions of length 1 to those of the other part with the same label.
fn stretch(cx: &mut NodeCx<'_>, part: &mut Part, other: &Part) -> Imported<()> {
    let (mut shape, with) = (cx.shape(part.value), cx.shape(other.value));
    for (d, label) in part.labels.iter().enumerate() {
        if let Some(o) = other.labels.iter().position(|l| l == label).filter(|&o| shape[d] == 1 && with[o] != 1) {
            shape[d] = with[o];
        }
    }
    part.value = cx.emit(Op::Movement(Movement::Expand { shape }), &[part.value])?;
    Ok(())
}

/// The product of two parts, summed over the labels that nothing needs any more.
fn contract(cx: &mut NodeCx<'_>, a: Part, b: Part, needed: &dyn Fn(Label) -> bool) -> Imported<Part> {
    let mut a = sum_out(cx, a, &|l| needed(l) || b.labels.contains(&l))?;
    let mut b = sum_out(cx, b, &|l| needed(l) || a.labels.contains(&l))?;
    stretch(cx, &mut a, &b)?;
    stretch(cx, &mut b, &a)?;
    let both = |needs: bool| -> Vec<Label> {
        a.labels.iter().copied().filter(|l| b.labels.contains(l) && needed(*l) == needs).collect()
    };
    let (batch, summed) = (both(true), both(false));
    let rows: Vec<Label> = a.labels.iter().copied().filter(|l| !b.labels.contains(l)).collect();
    let columns: Vec<Label> = b.labels.iter().copied().filter(|l| !a.labels.contains(l)).collect();
    let join = |parts: [&[Label]; 3]| parts.concat();
    let a = arrange(cx, &a, &join([&batch, &rows, &summed]))?;
    let b = arrange(cx, &b, &join([&batch, &summed, &columns]))?;
    let (shape_a, shape_b) = (cx.shape(a.value), cx.shape(b.value));
    let (lead, inner_a) = shape_a.split_at(batch.len());
    let (lead_b, inner_b) = shape_b.split_at(batch.len());
    let (m, k) = inner_a.split_at(rows.len());
    let (k_b, n) = inner_b.split_at(summed.len());
    if lead != lead_b || k != k_b {
        return Err(Fault::shape(format!(
            "{} and {} have labels in common that differ in length",
            cx.ty(a.value),
            cx.ty(b.value)
        )));
    }
    let count = |dims: &[usize]| checked_elements(dims).ok_or_else(|| Fault::shape("the product is too large"));
    let (m_count, k_count, n_count) = (count(m)?, count(k)?, count(n)?);
    let left = cx.reshape(a.value, [lead, &[m_count, k_count]].concat())?;
    let right = cx.reshape(b.value, [lead, &[k_count, n_count]].concat())?;
    let y = product(cx, left, right)?;
    let value = cx.reshape(y, [lead, m, n].concat())?;
    Ok(Part { value, labels: join([&batch, &rows, &columns]) })
}
