//! Conversions between real numbers and quantized ones, as plain arithmetic: QuantizeLinear, DequantizeLinear,
//! DynamicQuantizeLinear.
//!
//! Quotients are computed in the type of the scale (or what `precision` says), rounded to nearest even, and the zero point
//! is added in f32 or wider, where every sum that does not saturate is exact.

use crate::diag::codes;
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::ops::cast::{mini, range};
use crate::import::registry::{OpEntry, contributed, op};
use crate::import::tensor::{dtype_of_code, narrow};
use crate::ir::dynamic::DynamicQuantization;
use crate::ir::formula::{Term, constant, x};
use crate::ir::{DType, Minifloat, Movement, Op, ReduceKind, Scalar, Stored, Tensor, Type, UnaryOp as U, ValueId};
use crate::onnx::ElementType;

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    op("DequantizeLinear", dequantize),
    contributed("DequantizeLinear", dequantize, ""),
    op("DynamicQuantizeLinear", dynamic_quantize),
    op("QuantizeLinear", quantize),
    contributed("QuantizeLinear", quantize, ""),
];

/// The element type that an attribute names; 0 names none.
fn type_attribute(cx: &NodeCx<'_>, name: &str) -> Imported<Option<ElementType>> {
    let code = cx.int(name, 0)?;
    if code == 0 {
        return Ok(None);
    }
    let code = i32::try_from(code).map_err(|_| Fault::attribute(name, format!("is no type: {code}")))?;
    dtype_of_code(code)?;
    Ok(ElementType::from_code(code))
}

/// The quantized type, and its least and greatest value.
struct Quantized {
    dtype: DType,
    element: Option<ElementType>,
    range: [i64; 2],
}

/// By the zero point, else by the attribute `output_dtype`, else u8.
fn quantized(cx: &NodeCx<'_>) -> Imported<Quantized> {
    let named = type_attribute(cx, "output_dtype")?;
    let element = cx.opt(2).and_then(|zero| cx.narrow_type(zero)).or(named);
    let dtype = match (cx.opt(2), named) {
        (Some(zero), _) => cx.dtype(zero),
        (None, Some(named)) => dtype_of_code(named.code())?,
        (None, None) => DType::U8,
    };
    if let Some((bits, signed)) = element.and_then(narrow) {
        return Ok(Quantized { dtype, element, range: range(bits, signed) });
    }
    if !matches!(dtype, DType::I8 | DType::U8 | DType::I16 | DType::U16 | DType::Mini(_))
        || dtype == DType::Mini(Minifloat::E8M0)
    {
        return Err(Fault::ty(format!("{dtype} is no quantized type")));
    }
    Ok(Quantized { dtype, element: None, range: range(dtype.size() * 8, dtype.is_signed()) })
}

/// Refuses constant scales that nothing can be divided by.
pub(super) fn check_scale(cx: &NodeCx<'_>, scale: ValueId) -> Imported<()> {
    let is_real = |dtype: DType| dtype.is_float() || matches!(dtype, DType::Mini(_));
    let Some(t) = cx.b.graph.data(scale).filter(|t| is_real(t.dtype())) else { return Ok(()) };
    match t.scalars().map(Scalar::to_f64).find(|s| !(s.is_finite() && *s > 0.0)) {
        Some(s) => Err(Fault::new(
            codes::BAD_QUANTIZATION,
            format!("a scale is {s}; scales must be positive and finite"),
        )
        .help("calibrate the model again: a scale of zero most often means that a tensor was constant or never seen")),
        None => Ok(()),
    }
}

/// Refuses zero points that are none of the quantized numbers, and those of another type. That of i32 must be 0.
fn check_zero(cx: &NodeCx<'_>, zero: ValueId, quantized: ValueId) -> Imported<()> {
    let (dtype, own) = (cx.dtype(quantized), cx.dtype(zero));
    let [lo, hi] = match cx.narrow_type(quantized).and_then(narrow) {
        Some((bits, signed)) => range(bits, signed),
        None if dtype == DType::I32 => [0; 2],
        None => range(dtype.size() * 8, dtype.is_signed()),
    };
    let is_zero = |t: &Tensor| t.scalars().all(|v| v.to_f64() == 0.0);
    if matches!(dtype, DType::Mini(_)) && cx.b.graph.data(zero).is_some_and(|t| !is_zero(t)) {
        return Err(Fault::new(codes::BAD_QUANTIZATION, format!("a zero point of {dtype} is not 0")));
    }
    let values = cx.b.graph.data(zero).and_then(|t| t.to_i64s()).unwrap_or_default();
    match values.into_iter().find(|v| !(lo..=hi).contains(v)) {
        Some(v) => Err(Fault::new(
            codes::BAD_QUANTIZATION,
            format!("a zero point is {v}, outside of {lo}..={hi}, the range of {dtype}"),
        )
        .help("zero points are quantized numbers; those of i32 are 0")),
        None if own != dtype => Err(Fault::new(
            codes::BAD_QUANTIZATION,
            format!("the zero point is {own}, and the tensor {dtype}: both must have one type"),
        )),
        None => Ok(()),
    }
}

/// What scales belong to: the indices of a dimension, or blocks along it.
#[derive(Clone, Copy)]
pub(super) struct Along {
    /// The dimension.
    pub axis: usize,
    /// The length of blocks; 0 where there are none.
    pub block: usize,
}

/// The attributes `axis` and `block_size`. The axis of a vector needs no saying.
fn along(cx: &NodeCx<'_>, scale: ValueId, rank: usize) -> Imported<Along> {
    let is_single = cx.ty(scale).elements() == 1 && cx.rank(scale) < 2;
    let axis = if rank < 2 || is_single { 0 } else { cx.axis(cx.int("axis", 1)?, rank)? };
    let block = cx.int("block_size", 0)?;
    let block = usize::try_from(block).map_err(|_| Fault::attribute("block_size", format!("is {block}")))?;
    Ok(Along { axis, block })
}

/// A scale or zero point in a shape that broadcasts over the tensor: one value, one per index of a dimension, or one per block.
fn spread(cx: &mut NodeCx<'_>, v: ValueId, shape: &[usize], Along { axis, block }: Along) -> Imported {
    let own = cx.shape(v);
    if cx.ty(v).elements() == 1 && own.len() < 2 {
        return cx.reshape(v, []);
    }
    let misfit = || Fault::shape(format!("scales of shape {own:?} do not fit {shape:?} along dimension {axis}"));
    if own.len() == 1 {
        let mut line = vec![1; shape.len()];
        line[axis] = own[0];
        return if own[0] == shape[axis] { cx.reshape(v, line) } else { Err(misfit()) };
    }
    if block == 0 {
        return Err(misfit());
    }
    let fits = own.len() == shape.len() && (0..own.len()).all(|d| d == axis || own[d] == shape[d]);
    if !fits || own[axis] != shape[axis].div_ceil(block) {
        return Err(misfit());
    }
    // Each value is repeated along the axis; of the last block as often as there are elements.
    let block = block.min(shape[axis]);
    let mut inserted = own.clone();
    inserted.insert(axis + 1, 1);
    let v = cx.reshape(v, inserted.as_slice())?;
    inserted[axis + 1] = block;
    let v = cx.emit(Op::Movement(Movement::Expand { shape: inserted }), &[v])?;
    let mut repeated = own;
    repeated[axis] *= block;
    let v = cx.reshape(v, repeated)?;
    let (start, step) = (vec![0; shape.len()], vec![1; shape.len()]);
    cx.emit(Op::Movement(Movement::Slice { start, step, len: shape.to_vec() }), &[v])
}

/// `saturate(quotient + zero point)`, the quotient being a float not yet rounded.
fn saturated(quotient: Term, zero: Option<Term>, to: DType, range: [i64; 2]) -> Term {
    let [lo, hi] = range.map(|v| constant(Scalar::from_i64(v, DType::F32)));
    let rounded = quotient.then(U::Round);
    let moved = match zero {
        Some(zero) => rounded + zero,
        None => rounded,
    };
    moved.max(lo).min(hi).cast(to)
}

fn quantize(cx: &mut NodeCx<'_>) -> Imported {
    let (input, scale) = (cx.input(0)?, cx.input(1)?);
    let shape = cx.shape(input);
    let q = quantized(cx)?;
    let precision = match (type_attribute(cx, "precision")?, cx.dtype(scale), cx.dtype(input)) {
        (Some(named), ..) => dtype_of_code(named.code())?,
        // A power of two divides by itself in any type.
        (None, DType::Mini(_), own) if own.is_float() => own,
        (None, DType::Mini(_), _) => DType::F32,
        (None, scale, _) => scale,
    };
    if !matches!(precision, DType::F16 | DType::BF16 | DType::F32) {
        return Err(Fault::ty(format!("division in {precision} is not supported")));
    }
    check_scale(cx, scale)?;
    let along = along(cx, scale, shape.len())?;
    let scale = spread(cx, scale, &shape, along)?;
    let mut inputs = vec![input, scale];
    // A quotient of 16 bits is that of f32, rounded once more.
    let [v, s] = [0, 1].map(|i| {
        let x = if cx.dtype(inputs[i]) == precision { x(i) } else { x(i).cast(precision) };
        if precision == DType::F32 { x } else { x.cast(DType::F32) }
    });
    let quotient = if precision == DType::F32 { v / s } else { (v / s).cast(precision).cast(DType::F32) };
    if let DType::Mini(format) = q.dtype {
        let y = mini(cx, quotient, format)?;
        return cx.map(y.expr(DType::F32), &inputs);
    }
    let mut zero = None;
    if let Some(point) = cx.opt(2) {
        inputs.push(spread(cx, point, &shape, along)?);
        zero = Some(x(2).cast(DType::F32));
    }
    let y = cx.map(saturated(quotient, zero, q.dtype, q.range).expr(DType::F32), &inputs)?;
    if let Some(element) = q.element {
        cx.mark_narrow(y, element);
    }
    Ok(y)
}

fn dequantize(cx: &mut NodeCx<'_>) -> Imported {
    let (input, scale) = (cx.input(0)?, cx.input(1)?);
    let dtype = match type_attribute(cx, "output_dtype")? {
        Some(named) => dtype_of_code(named.code())?,
        None => cx.dtype(scale),
    };
    let quantized = cx.dtype(input);
    let is_quantized =
        matches!(quantized, DType::I8 | DType::U8 | DType::I16 | DType::U16 | DType::I32 | DType::Mini(_));
    if !dtype.is_float() || !is_quantized {
        return Err(Fault::ty(format!("{quantized} cannot be dequantized to {dtype}")));
    }
    let zero = cx.opt(2);
    if let Some(zero) = zero {
        check_zero(cx, zero, input)?;
    }
    let along = along(cx, scale, cx.rank(input))?;
    numbers(cx, &Codes { input, scale, zero, along }, dtype)
}

/// Integers and what they stand for.
pub(super) struct Codes {
    /// The integers.
    pub input: ValueId,
    /// One value, or one for each index or block.
    pub scale: ValueId,
    /// As many as scales, or one.
    pub zero: Option<ValueId>,
    /// What scales belong to.
    pub along: Along,
}

/// `(input - zero) * scale`. The difference is computed in i32, where it is exact for all types but i32 itself, whose zero point is 0.
pub(super) fn numbers(cx: &mut NodeCx<'_>, codes: &Codes, dtype: DType) -> Imported {
    check_scale(cx, codes.scale)?;
    let shape = cx.shape(codes.input);
    let scale = spread(cx, codes.scale, &shape, codes.along)?;
    let mut inputs = vec![codes.input, scale];
    let as_i32 = |n: usize, dtype: DType| if dtype == DType::I32 { x(n) } else { x(n).cast(DType::I32) };
    // Products of f16 and bf16 are rounded once.
    let computed = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let quantized = cx.dtype(codes.input);
    // Zero points of floats are 0.
    let is_mini = matches!(quantized, DType::Mini(_));
    let mut difference = if is_mini { x(0) } else { as_i32(0, quantized) };
    if let Some(point) = codes.zero.filter(|_| !is_mini) {
        difference = difference - as_i32(2, cx.dtype(point));
        inputs.push(spread(cx, point, &shape, codes.along)?);
    }
    let factor = if cx.dtype(scale) == computed { x(1) } else { x(1).cast(computed) };
    let product = difference.cast(computed) * factor;
    let y = if dtype == computed { product } else { product.cast(dtype) };
    let y = cx.map(y.expr(computed), &inputs)?;
    if let Some(stored) = stored(cx, codes).filter(|_| dtype == DType::F32) {
        cx.b.graph.stored.insert(y, stored);
    }
    Ok(y)
}

/// What a constant is dequantized from.
fn stored(cx: &NodeCx<'_>, codes: &Codes) -> Option<Stored> {
    let data = cx.b.graph.data(codes.input).filter(|t| t.dtype().is_int())?.clone();
    let floats = |t: &Tensor| t.scalars().map(|s| s.to_f64() as f32).collect::<Vec<f32>>();
    let scale = cx.b.graph.data(codes.scale)?;
    let Along { axis, block } = codes.along;
    let (is_one, is_line) = (scale.len() == 1 && scale.shape().len() < 2, scale.shape().len() == 1);
    let scale = floats(scale);
    let zero = match codes.zero {
        Some(zero) => cx.b.graph.data(zero)?.to_i64s()?,
        None => vec![0],
    };
    let zero = if zero.len() == scale.len() { zero } else { vec![*zero.first()?; scale.len()] };
    let mut stored = Stored::along(data, (!is_one).then_some(axis), scale, zero);
    if !is_one && !is_line {
        // All dimensions but the one have scales of their own.
        stored.block = vec![1; stored.block.len()];
        stored.block[axis] = block;
    }
    let constant = Type::new(DType::F32, stored.data.shape());
    stored.fault(&constant).is_none().then_some(stored)
}

/// The range is that of the data, widened to hold zero.
fn dynamic_quantize(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let [y, scale, zero] = dynamically_quantized(cx, input)?;
    cx.set(1, scale);
    cx.set(2, zero);
    Ok(y)
}

/// Bytes, scale and zero point of a value.
pub(super) fn dynamically_quantized(cx: &mut NodeCx<'_>, input: ValueId) -> Imported<[ValueId; 3]> {
    let ty = cx.ty(input);
    if ty.dtype != DType::F32 {
        return Err(Fault::ty(format!("the operand must be f32, not {}", ty.dtype)));
    }
    let axes: Vec<usize> = (0..ty.rank()).collect();
    let max = cx.emit(Op::Reduce { kind: ReduceKind::Max, axes: axes.clone() }, &[input])?;
    let min = cx.emit(Op::Reduce { kind: ReduceKind::Min, axes }, &[input])?;
    let formulas = DynamicQuantization::new();
    let scale = cx.map(formulas.scale, &[max, min])?;
    let zero = cx.map(formulas.zero, &[scale, min])?;
    let y = cx.map(formulas.byte, &[input, scale, zero])?;
    Ok([y, scale, zero])
}
