//! Conversions of element types: Cast, CastLike, BitCast.
//!
//! Types narrower than a byte are held one to a byte here: what is converted to them is brought into their range.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited, op};
use crate::import::tensor::{dtype_of_code, narrow};
use crate::ir::formula::{Term, binary, constant, select, x};
use crate::ir::{BinaryOp as B, DType, Minifloat, Scalar, UnaryOp as U, ValueId};
use crate::onnx::ElementType;

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    limited("BitCast", bit_cast, "no bool, no types narrower than a byte"),
    op("Cast", cast),
    op("CastLike", cast_like),
];

fn cast(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let to = target(cx)?;
    convert(cx, input, to)
}

/// The attribute `to`: a number, in opset 1 a name.
fn target(cx: &NodeCx<'_>) -> Imported<ElementType> {
    let code = if cx.opset < 6 {
        let name = cx.string("to", "")?;
        code_of_name(&name)
            .ok_or_else(|| Fault::attribute("to", format!("names no type: `{}`", name.escape_debug())))?
    } else {
        let code = cx.int_opt("to")?.ok_or_else(|| Fault::missing("to"))?;
        i32::try_from(code).map_err(|_| Fault::attribute("to", format!("is no type: {code}")))?
    };
    dtype_of_code(code)?;
    ElementType::from_code(code).ok_or_else(|| Fault::attribute("to", format!("is no type: {code}")))
}

/// The names of `TensorProto.DataType` in opset 1.
fn code_of_name(name: &str) -> Option<i32> {
    let names = [
        "FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "STRING", "BOOL", "FLOAT16", "DOUBLE", "UINT32",
        "UINT64",
    ];
    names.iter().position(|n| n.eq_ignore_ascii_case(name)).and_then(|i| i32::try_from(i + 1).ok())
}

fn cast_like(cx: &mut NodeCx<'_>) -> Imported {
    let (input, like) = (cx.input(0)?, cx.input(1)?);
    match cx.narrow_type(like) {
        Some(element) => convert(cx, input, element),
        None => convert_to(cx, input, cx.dtype(like)),
    }
}

fn convert(cx: &mut NodeCx<'_>, input: ValueId, to: ElementType) -> Imported {
    let dtype = dtype_of_code(to.code())?;
    let from = cx.dtype(input);
    match narrow(to) {
        None => convert_to(cx, input, dtype),
        Some(_) if cx.narrow_type(input) == Some(to) => Ok(input),
        Some((bits, signed)) => {
            let y = cx.map(low_bits(from, bits, signed).expr(from), &[input])?;
            cx.mark_narrow(y, to);
            Ok(y)
        }
    }
}

fn convert_to(cx: &mut NodeCx<'_>, input: ValueId, to: DType) -> Imported {
    let from = cx.dtype(input);
    match to {
        DType::Mini(format) if from != to => {
            let number = if from == DType::F32 { x(0) } else { x(0).cast(DType::F32) };
            let y = mini(cx, number, format)?;
            cx.map(y.expr(DType::F32), &[input])
        }
        _ => cx.cast(input, to),
    }
}

/// An f32 as a float of at most eight bits: by the attribute `saturate` the largest one where it is beyond that, else infinity or
/// NaN; powers of two by the attribute `round_mode`.
pub(super) fn mini(cx: &NodeCx<'_>, number: Term, format: Minifloat) -> Imported<Term> {
    let saturates = cx.flag("saturate", true)?;
    let f32 = |v: f32| constant(Scalar::F32(v));
    let largest = format.largest();
    let bounded = match format {
        Minifloat::E2M1 => number,
        _ if !saturates => number,
        Minifloat::E8M0 => {
            // Infinities stay what they are.
            let magnitude = number.then(U::Abs);
            let is_beyond = binary(B::And, f32(largest).lt(magnitude.clone()), magnitude.lt(f32(f32::INFINITY)));
            select(is_beyond, f32(largest), number)
        }
        Minifloat::E4M3FN | Minifloat::E4M3FNUZ | Minifloat::E5M2 | Minifloat::E5M2FNUZ => {
            number.max(f32(-largest)).min(f32(largest))
        }
    };
    let rounded = if format == Minifloat::E8M0 { power(cx, bounded)? } else { bounded };
    Ok(rounded.cast(DType::Mini(format)))
}

/// The power of two that the attribute `round_mode` chooses for an f32, by the bits of its exponent. Upwards is how the conversion
/// rounds anyway.
fn power(cx: &NodeCx<'_>, number: Term) -> Imported<Term> {
    let word = |v: u32| constant(Scalar::U32(v));
    let bits = || binary(B::BitAnd, number.bits(DType::U32), word(0x7fff_ffff));
    let exponent = |bits: Term| binary(B::BitAnd, bits, word(0x7f80_0000));
    let infinity = 0x7f80_0000;
    let chosen = match cx.word("round_mode", &[("up", 1), ("down", -1), ("nearest", 0)])? {
        1 => return Ok(number),
        -1 => exponent(bits()),
        // Ties go up, but for the one below the least normal number.
        _ => {
            let half = select(bits().lt(word(0x0080_0000)), word(0x003f_ffff), word(0x0040_0000));
            select(bits().lt(word(infinity)), exponent(bits() + half), word(infinity))
        }
    };
    Ok(chosen.bits(DType::F32))
}

/// Least and greatest value of a type of few bits.
pub(super) fn range(bits: usize, signed: bool) -> [i64; 2] {
    let values = 1i64 << bits;
    if signed { [-values / 2, values / 2 - 1] } else { [0, values - 1] }
}

/// The low bits of the (truncated) value, the highest of them being the sign. ONNX asks for that of integers, and leaves
/// open what becomes of floats beyond the range.
fn low_bits(from: DType, bits: usize, signed: bool) -> Term {
    let to = if signed { DType::I8 } else { DType::U8 };
    let is_real = from.is_float() || matches!(from, DType::Mini(_));
    let whole = if is_real { x(0).cast(DType::I32) } else { x(0) };
    let distance = constant(Scalar::from_i64(8 - bits as i64, to));
    binary(B::Shr, binary(B::Shl, whole.cast(to), distance.clone()), distance)
}

/// The same bits in another type. Between integers of one width that is a conversion.
fn bit_cast(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let to = target(cx)?;
    let (from, dtype) = (cx.dtype(input), dtype_of_code(to.code())?);
    let source = cx.narrow_type(input);
    let is_narrow = narrow(to).is_some() || to == ElementType::F4E2M1;
    if is_narrow || source.is_some() || from == DType::Mini(Minifloat::E2M1) {
        return if source == Some(to) || (source.is_none() && from == dtype) {
            Ok(input)
        } else {
            Err(Fault::form("bits of types narrower than a byte cannot be reinterpreted"))
        };
    }
    if from.size() != dtype.size() {
        return Err(Fault::ty(format!("{from} and {dtype} differ in width")));
    }
    if from == dtype {
        Ok(input)
    } else if from.is_int() && dtype.is_int() || from == DType::Bool && dtype.is_int() {
        cx.cast(input, dtype)
    } else if from == DType::Bool || dtype == DType::Bool {
        Err(Fault::form(format!("the bits of {from} cannot be read as {dtype}")))
    } else {
        cx.map(x(0).bits(dtype).expr(from), &[input])
    }
}
