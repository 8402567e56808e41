//! Weights of 2, 4 and 8 bits in blocks, by the operators of `com.microsoft`: each is its float operator on the dequantized constant,
//! of which the bits are kept.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, contributed};
use crate::import::tensor::unpack;
use crate::ir::formula::x;
use crate::ir::{DType, Op, Tensor, Type, ValueId};

use super::matmul::broadcast_product;
use super::quantize::{Along, Codes, numbers};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    contributed("GatherBlockQuantized", gather, "data, scales and zero points are constant"),
    contributed(
        "MatMulNBits",
        matmul,
        "2, 4 and 8 bits; weights, scales and zero points are constant; without `g_idx`",
    ),
];

/// An attribute that is a positive number.
fn size(cx: &NodeCx<'_>, name: &str) -> Imported<usize> {
    let v = cx.int_opt(name)?.ok_or_else(|| Fault::missing(name))?;
    usize::try_from(v).ok().filter(|&v| v > 0).ok_or_else(|| Fault::attribute(name, format!("is {v}")))
}

/// The attribute `bits`.
fn bits(cx: &NodeCx<'_>) -> Imported<usize> {
    match cx.int("bits", 4)? {
        bits @ (2 | 4 | 8) => Ok(bits as usize),
        bits => Err(Fault::attribute("bits", format!("is {bits}, not 2, 4 or 8"))),
    }
}

/// Rows of bytes as codes, the first in the low bits, and of each row as many as there are.
fn codes(t: &Tensor, [rows, columns]: [usize; 2], bits: usize) -> Imported<Vec<u8>> {
    let pitch = (columns * bits).div_ceil(8);
    if t.dtype() != DType::U8 || t.len() != rows * pitch {
        return Err(Fault::shape(format!("{} does not hold {rows} x {columns} numbers of {bits} bits", t.ty())));
    }
    let per_byte = 8 / bits;
    let all = if bits < 8 { unpack(t.data(), t.len() * per_byte, bits, false) } else { t.data().to_vec() };
    let mut kept = Vec::with_capacity(rows * columns);
    for row in all.chunks_exact((pitch * per_byte).max(1)) {
        kept.extend_from_slice(&row[..columns]);
    }
    Ok(kept)
}

/// `a` times the transpose of the weights `[n, k]`, plus a bias.
fn matmul(cx: &mut NodeCx<'_>) -> Imported {
    let (a, [n, k, block], bits) = (cx.input(0)?, [size(cx, "N")?, size(cx, "K")?, size(cx, "block_size")?], bits(cx)?);
    if cx.opt(4).is_some() {
        return Err(Fault::form("an order of the inputs in blocks (g_idx)").help("quantize without act-order"));
    }
    let blocks = k.div_ceil(block);
    let too_large = || Fault::shape(format!("{n} x {k} weights in blocks of {block} are too many"));
    let stored = blocks.checked_mul(block).and_then(|depth| depth.checked_mul(n)).ok_or_else(too_large)?;
    let packed = cx.constant(1, "the weights")?;
    cx.b.reserve(stored, "the weights")?;
    let mut codes_of_rows = codes(&packed, [n, blocks * block], bits)?;
    if blocks * block != k {
        codes_of_rows = codes_of_rows.chunks_exact(blocks * block).flat_map(|row| &row[..k]).copied().collect();
    }
    let input = cx.add_constant(Tensor::from_elements([n, k], &codes_of_rows));
    let scale = cx.input(2)?;
    if cx.ty(scale).elements() != n * blocks {
        return Err(Fault::shape(format!("{} are not the scales of {n} x {blocks} blocks", cx.ty(scale))));
    }
    let scale = cx.reshape(scale, [n, blocks])?;
    let dtype = cx.dtype(a);
    let along = Along { axis: 1, block };
    let w = match cx.opt(3) {
        Some(zero) if cx.dtype(zero).is_float() => float_zeros(cx, [input, scale, zero], [n, k, block])?,
        Some(_) => {
            let zero = codes(&cx.constant(3, "the zero points")?, [n, blocks], bits)?;
            let zero = cx.add_constant(Tensor::from_elements([n, blocks], &zero));
            numbers(cx, &Codes { input, scale, zero: Some(zero), along }, dtype)?
        }
        None => {
            let middle = Tensor::from_elements([], &[1u8 << (bits - 1)]);
            let zero = Some(cx.add_constant(middle));
            numbers(cx, &Codes { input, scale, zero, along }, dtype)?
        }
    };
    let w = cx.transpose(w, [1, 0])?;
    let y = broadcast_product(cx, a, w)?;
    match cx.opt(5) {
        Some(bias) => cx.map((x(0) + x(1)).expr(dtype), &[y, bias]),
        None => Ok(y),
    }
}

/// Weights whose zero points are no integers: `(code - zero) * scale` in floats.
fn float_zeros(cx: &mut NodeCx<'_>, [codes, scale, zero]: [ValueId; 3], [n, k, block]: [usize; 3]) -> Imported {
    let blocks = k.div_ceil(block);
    if cx.ty(zero).elements() != n * blocks {
        return Err(Fault::shape(format!("{} are not the zero points of {n} x {blocks} blocks", cx.ty(zero))));
    }
    let dtype = cx.dtype(scale);
    let mut spread = Vec::with_capacity(2);
    for v in [scale, zero] {
        let v = cx.reshape(v, [n, blocks, 1])?;
        let v = cx.emit(Op::Movement(crate::ir::Movement::Expand { shape: vec![n, blocks, block] }), &[v])?;
        let v = cx.reshape(v, [n, blocks * block])?;
        let (start, step) = (vec![0; 2], vec![1; 2]);
        let first = crate::ir::Movement::Slice { start, step, len: vec![n, k] };
        spread.push(cx.emit(Op::Movement(first), &[v])?);
    }
    let [codes_as, zero_as] = [x(0).cast(DType::F32), x(2).cast(DType::F32)];
    let w = (codes_as - zero_as) * x(1).cast(DType::F32);
    let w = if dtype == DType::F32 { w } else { w.cast(dtype) };
    cx.map(w.expr(DType::F32), &[codes, spread[0], spread[1]])
}

/// Slices of dequantized data.
fn gather(cx: &mut NodeCx<'_>) -> Imported {
    let (data, indices, scale) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
    let (bits, block) = (bits(cx)?, cx.int("block_size", 128)?);
    let block = usize::try_from(block).ok().filter(|&b| b > 0);
    let block = block.ok_or_else(|| Fault::attribute("block_size", "must be positive"))?;
    // Numbers of less than a byte that have a type of their own are already apart.
    let is_packed = cx.narrow_type(data).is_none() && bits < 8;
    let is_byte = cx.narrow_type(data).is_none();
    let [input, zero] = [(0, "the data"), (3, "the zero points")].map(|(i, what)| -> Imported<Option<ValueId>> {
        let Some(v) = cx.opt(i) else { return Ok(None) };
        if !is_packed {
            return Ok(Some(v));
        }
        let packed = cx.constant(i, what)?;
        let mut shape = packed.shape().to_vec();
        // A row of an odd number of zero points ends in the middle of a byte.
        let columns = if i == 0 { None } else { cx.shape(scale).last().copied() };
        let Some(last) = shape.last_mut() else { return Err(Fault::shape("the data are a scalar")) };
        let rows = packed.len().checked_div(*last).unwrap_or(0);
        *last = columns.unwrap_or(*last * (8 / bits));
        cx.b.reserve(packed.len() * (8 / bits), what)?;
        let apart = codes(&packed, [rows, *last], bits)?;
        // Rows of no bytes have no numbers, whatever the scales say.
        if shape.iter().product::<usize>() != apart.len() {
            return Err(Fault::shape(format!("{what}, {}, do not fit the scales", packed.ty())));
        }
        Ok(Some(cx.add_constant(Tensor::from_elements(shape, &apart))))
    });
    let (input, zero) = (input?.unwrap_or(data), zero?);
    let rank = cx.rank(input);
    let axis = cx.axis(cx.int("gather_axis", 0)?, rank)?;
    let along = Along { axis: cx.axis(cx.int("quantize_axis", 1)?, rank)?, block };
    let zero = match zero {
        None if is_byte => Some(cx.add_constant(Tensor::from_elements([], &[1u8 << (bits - 1)]))),
        zero => zero,
    };
    let dtype = cx.dtype(scale);
    if !matches!(cx.dtype(input), DType::U8 | DType::I8) || !dtype.is_float() {
        let (data, scale) = (cx.ty(input), Type::new(dtype, cx.shape(scale)));
        return Err(Fault::ty(format!("{data} with scales {scale}")));
    }
    let real = numbers(cx, &Codes { input, scale, zero, along }, dtype)?;
    cx.emit(Op::Gather { axis }, &[real, indices])
}
