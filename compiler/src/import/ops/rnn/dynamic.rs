//! `DynamicQuantizeLSTM` of `com.microsoft`: the input, all of it together, and each step's state are quantized as they come and multiplied
//! with constant bytes.

use super::{Shared, Sizes, bias, in_all_directions, layer_of};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::ir::dynamic::weights;
use crate::ir::{Cell, DType, Op, Recurrent, Tensor, ValueId};

/// Weights are `[directions, depth, 4 * hidden]`, scales and zero points `[directions]` or `[directions, 4 * hidden]`.
pub(super) fn lstm(cx: &mut NodeCx<'_>) -> Imported {
    let [x, w, r] = [cx.input(0)?, cx.input(1)?, cx.input(2)?];
    let (&[steps, batch, depth], &[directions, hidden, _]) = (cx.shape(x).as_slice(), cx.shape(r).as_slice()) else {
        return Err(Fault::shape(format!("{} and weights {} have not rank 3", cx.ty(x), cx.ty(r))));
    };
    if cx.dtype(x) != DType::F32 {
        return Err(Fault::ty(format!("a quantized layer of {}", cx.ty(x))).help("its input is float32"));
    }
    let cell = Cell::Lstm { coupled: cx.flag("input_forget", false)?, peepholes: cx.opt(7).is_some() };
    let s = Sizes { batch_first: false, directions, steps, batch, hidden, gates: 4 };
    s.check(cx, r)?;
    for (v, depth) in [(w, depth), (r, hidden)] {
        let shape = [directions, depth, s.rows(1)?];
        if cx.shape(v) != shape || !matches!(cx.dtype(v), DType::I8 | DType::U8) {
            return Err(Fault::shape(format!("weights {} should be bytes of the shape {shape:?}", cx.ty(v))));
        }
    }
    in_all_directions(cx, &s, cell, &[0, 1, 2], &one_direction)
}

fn one_direction(
    cx: &mut NodeCx<'_>,
    s: &Sizes,
    layer: Recurrent,
    (d, shared): (usize, &Shared),
) -> Imported<Vec<ValueId>> {
    let (of_input, of_state) = (Bytes::of(cx, s, d, [1, 8, 9])?, Bytes::of(cx, s, d, [2, 10, 11])?);
    let product = Op::DynamicMatMul { offset: of_input.offset, bias: false };
    let sums = cx.emit(product, &[shared.x, of_input.w, of_input.multiplier])?;
    let bias = bias(cx, s, layer.cell, (d, shared.bias))?;
    let layer = Recurrent { dynamic: Some(of_state.offset), ..layer };
    layer_of(cx, s, layer, vec![sums, of_state.multiplier, of_state.w, bias], (d, shared))
}

/// Weights of one direction, as a product reads them that quantizes its operand.
struct Bytes {
    w: ValueId,
    multiplier: ValueId,
    offset: i32,
}

impl Bytes {
    /// Those at an input, with scale and zero point at two others.
    fn of(cx: &mut NodeCx<'_>, s: &Sizes, d: usize, [w, scale, zero]: [usize; 3]) -> Imported<Bytes> {
        let (columns, directions) = (s.rows(1)?, s.directions);
        let name = cx.input(w)?;
        let all = cx.constant(w, "the weights")?;
        cx.b.reserve(all.len().saturating_mul(8), "the weights")?;
        let depth = all.shape()[1];
        let scales = columns_of(&cx.constant(scale, "the scales of weights")?, [d, directions, columns])?;
        let zeros = match cx.opt(zero) {
            Some(_) => columns_of(&cx.constant(zero, "the zero points of weights")?, [d, directions, columns])?,
            None => vec![0.0; columns],
        };
        let own = all.scalars().skip(d * depth * columns).take(depth * columns);
        let wide: Vec<i32> = own.enumerate().map(|(at, w)| w.to_i64() as i32 - zeros[at % columns] as i32).collect();
        let Some((bytes, offset)) = weights(&Tensor::from_elements([depth, columns], &wide)) else {
            return Err(Fault::form(format!("sums of {depth} products, which may overflow")));
        };
        let scales: Vec<f32> = scales.into_iter().map(|s| s as f32).collect();
        let multiplier = cx.add_constant(Tensor::from_elements([columns], &scales));
        let w = cx.b.add_made(cx.b.graph.value(name).name.clone(), bytes);
        Ok(Bytes { w, multiplier, offset })
    }
}

/// What each column of a direction has of a constant with one element for each direction or for each column of each.
fn columns_of(t: &Tensor, [d, directions, columns]: [usize; 3]) -> Imported<Vec<f64>> {
    let all: Vec<f64> = t.scalars().map(|v| v.to_f64()).collect();
    match all.len() {
        n if n == directions => Ok(vec![all[d]; columns]),
        n if n == directions * columns => Ok(all[d * columns..][..columns].to_vec()),
        _ => Err(Fault::shape(format!("{} has neither {directions} nor {directions} x {columns} elements", t.ty()))),
    }
}
