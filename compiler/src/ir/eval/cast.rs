//! Conversion of single values between element types.

use half::{bf16, f16};

use crate::ir::{DType, Scalar};

/// A value that every element type widens to without loss.
enum Wide {
    Int(i128),
    Float(f64),
}

/// A value in another type, by the rules of [`ExprOp::Cast`](crate::ir::ExprOp::Cast).
pub fn cast(value: Scalar, to: DType) -> Scalar {
    let wide = match value {
        Scalar::Bool(v) => Wide::Int(v.into()),
        Scalar::I8(v) => Wide::Int(v.into()),
        Scalar::I16(v) => Wide::Int(v.into()),
        Scalar::I32(v) => Wide::Int(v.into()),
        Scalar::I64(v) => Wide::Int(v.into()),
        Scalar::U8(v) => Wide::Int(v.into()),
        Scalar::U16(v) => Wide::Int(v.into()),
        Scalar::U32(v) => Wide::Int(v.into()),
        Scalar::U64(v) => Wide::Int(v.into()),
        Scalar::F16(v) => Wide::Float(v.into()),
        Scalar::BF16(v) => Wide::Float(v.into()),
        Scalar::F32(v) => Wide::Float(v.into()),
        Scalar::F64(v) => Wide::Float(v),
    };
    match wide {
        Wide::Int(v) => from_int(v, to),
        Wide::Float(v) => from_float(v, to),
    }
}

/// Integers wrap; floats round to nearest, ties to even.
fn from_int(v: i128, to: DType) -> Scalar {
    match to {
        DType::Bool => Scalar::Bool(v != 0),
        DType::I8 => Scalar::I8(v as i8),
        DType::I16 => Scalar::I16(v as i16),
        DType::I32 => Scalar::I32(v as i32),
        DType::I64 => Scalar::I64(v as i64),
        DType::U8 => Scalar::U8(v as u8),
        DType::U16 => Scalar::U16(v as u16),
        DType::U32 => Scalar::U32(v as u32),
        DType::U64 => Scalar::U64(v as u64),
        DType::F16 => Scalar::F16(f16::from_f32(v as f32)),
        DType::BF16 => Scalar::BF16(bf16::from_f32(v as f32)),
        DType::F32 => Scalar::F32(v as f32),
        DType::F64 => Scalar::F64(v as f64),
    }
}

/// Integers are truncated and saturated, NaN becomes 0; floats round to nearest, ties to even.
fn from_float(v: f64, to: DType) -> Scalar {
    match to {
        DType::Bool => Scalar::Bool(v != 0.0),
        DType::I8 => Scalar::I8(v as i8),
        DType::I16 => Scalar::I16(v as i16),
        DType::I32 => Scalar::I32(v as i32),
        DType::I64 => Scalar::I64(v as i64),
        DType::U8 => Scalar::U8(v as u8),
        DType::U16 => Scalar::U16(v as u16),
        DType::U32 => Scalar::U32(v as u32),
        DType::U64 => Scalar::U64(v as u64),
        DType::F16 => Scalar::F16(f16::from_f32(v as f32)),
        DType::BF16 => Scalar::BF16(bf16::from_f32(v as f32)),
        DType::F32 => Scalar::F32(v as f32),
        DType::F64 => Scalar::F64(v),
    }
}
