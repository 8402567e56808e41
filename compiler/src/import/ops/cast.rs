//! Conversions of element types: Cast, CastLike, BitCast.
//!
//! Types narrower than a byte are held one to a byte here: what is converted to them is brought into their range.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited, op};
use crate::import::tensor::{dtype_of_code, narrow};
use crate::ir::formula::{Term, binary, constant, x};
use crate::ir::{BinaryOp as B, DType, Scalar, Tensor, Type, ValueId};
use crate::onnx::ElementType;

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    limited("BitCast", bit_cast, "floats only where the operand is constant"),
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
        None => cx.cast(input, cx.dtype(like)),
    }
}

fn convert(cx: &mut NodeCx<'_>, input: ValueId, to: ElementType) -> Imported {
    let dtype = dtype_of_code(to.code())?;
    let from = cx.dtype(input);
    match narrow(to) {
        None => cx.cast(input, dtype),
        Some(_) if cx.narrow_type(input) == Some(to) => Ok(input),
        Some((bits, signed)) => {
            let y = cx.map(low_bits(from, bits, signed).expr(from), &[input])?;
            cx.mark_narrow(y, to);
            Ok(y)
        }
    }
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
    let whole = if from.is_float() { x(0).cast(DType::I32) } else { x(0) };
    let distance = constant(Scalar::from_i64(8 - bits as i64, to));
    binary(B::Shr, binary(B::Shl, whole.cast(to), distance.clone()), distance)
}

/// The same bits in another type. Between integers of one width that is a conversion.
fn bit_cast(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let to = target(cx)?;
    let (from, dtype) = (cx.dtype(input), dtype_of_code(to.code())?);
    let source = cx.narrow_type(input);
    if narrow(to).is_some() || source.is_some() {
        return if source == Some(to) {
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
    } else if let Some(t) = cx.b.graph.data(input).filter(|_| dtype != DType::Bool) {
        let ty = Type::new(dtype, t.shape());
        let t = Tensor::from_bytes(ty, t.data().clone()).ok_or_else(|| Fault::shape("the widths differ"))?;
        Ok(cx.add_constant(t))
    } else {
        Err(Fault::form(format!("the bits of {from} can be read as {dtype} only where they are constant")))
    }
}
