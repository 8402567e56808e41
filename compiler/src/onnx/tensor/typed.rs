//! The fields of a tensor that hold elements as numbers, and their conversion to raw bytes.

use super::{Shape, malformed};
use crate::onnx::proto::TensorProto;
use crate::onnx::{ElementType, LoadError};

/// The fields that can hold elements.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::onnx) enum DataField {
    Raw,
    Float,
    Int32,
    String,
    Int64,
    Double,
    Uint64,
}

impl DataField {
    pub(in crate::onnx) fn name(self) -> &'static str {
        match self {
            DataField::Raw => "raw_data",
            DataField::Float => "float_data",
            DataField::Int32 => "int32_data",
            DataField::String => "string_data",
            DataField::Int64 => "int64_data",
            DataField::Double => "double_data",
            DataField::Uint64 => "uint64_data",
        }
    }
}

/// The fields that hold anything. An empty `raw_data` holds nothing: writers without presence leave it so.
pub(in crate::onnx) fn filled_fields(proto: &TensorProto) -> impl Iterator<Item = DataField> {
    let filled = [
        (DataField::Raw, proto.raw_data.as_ref().is_some_and(|data| !data.is_empty())),
        (DataField::Float, !proto.float_data.is_empty()),
        (DataField::Int32, !proto.int32_data.is_empty()),
        (DataField::String, !proto.string_data.is_empty()),
        (DataField::Int64, !proto.int64_data.is_empty()),
        (DataField::Double, !proto.double_data.is_empty()),
        (DataField::Uint64, !proto.uint64_data.is_empty()),
    ];
    filled.into_iter().filter_map(|(field, filled)| filled.then_some(field))
}

/// The field that `onnx.proto` names for an element type, besides `raw_data`.
fn field_of(dtype: ElementType) -> DataField {
    match dtype {
        ElementType::F32 | ElementType::Complex64 => DataField::Float,
        ElementType::F64 | ElementType::Complex128 => DataField::Double,
        ElementType::I64 => DataField::Int64,
        ElementType::U32 | ElementType::U64 => DataField::Uint64,
        ElementType::String => DataField::String,
        ElementType::I32
        | ElementType::U8
        | ElementType::I8
        | ElementType::U16
        | ElementType::I16
        | ElementType::Bool
        | ElementType::F16
        | ElementType::Bf16
        | ElementType::F8E4M3FN
        | ElementType::F8E4M3FNUZ
        | ElementType::F8E5M2
        | ElementType::F8E5M2FNUZ
        | ElementType::F8E8M0
        | ElementType::U4
        | ElementType::I4
        | ElementType::F4E2M1
        | ElementType::U2
        | ElementType::I2
        | ElementType::F6E2M3
        | ElementType::F6E3M2 => DataField::Int32,
    }
}

/// Elements from a typed field as raw bytes.
pub(super) fn typed(proto: &TensorProto, shape: &Shape, field: DataField) -> Result<Vec<u8>, LoadError> {
    let name = &proto.name;
    if field != field_of(shape.dtype) {
        return Err(malformed(name, format!("elements of type {} do not belong into {}", shape.dtype, field.name())));
    }
    // Complex numbers are two entries each; `bytes` fits 64 bits, so does its quarter doubled.
    let complex = matches!(shape.dtype, ElementType::Complex64 | ElementType::Complex128);
    let entries = if complex { shape.elements * 2 } else { shape.elements };
    let check = |entries: u64, found: usize| shape.check(name, field.name(), "entries", entries, found);
    match field {
        DataField::Float => check(entries, proto.float_data.len())
            .map(|()| proto.float_data.iter().flat_map(|value| value.to_le_bytes()).collect()),
        DataField::Double => check(entries, proto.double_data.len())
            .map(|()| proto.double_data.iter().flat_map(|value| value.to_le_bytes()).collect()),
        DataField::Int64 => check(entries, proto.int64_data.len())
            .map(|()| proto.int64_data.iter().flat_map(|value| value.to_le_bytes()).collect()),
        DataField::Uint64 => {
            check(entries, proto.uint64_data.len())?;
            unsigned(name, shape, &proto.uint64_data)
        }
        DataField::Int32 => {
            let packed = matches!(shape.dtype.bits(), Some(2 | 4));
            check(if packed { shape.bytes } else { entries }, proto.int32_data.len())?;
            narrow(name, shape, &proto.int32_data)
        }
        // `raw_data` is no typed field and strings have no raw bytes; both are dealt with before.
        DataField::Raw | DataField::String => {
            Err(LoadError::ElementType { tensor: name.clone(), code: shape.dtype.code() })
        }
    }
}

/// `uint64_data` as 4- or 8-byte elements.
fn unsigned(tensor: &str, shape: &Shape, values: &[u64]) -> Result<Vec<u8>, LoadError> {
    if shape.dtype == ElementType::U64 {
        return Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect());
    }
    let mut data = Vec::with_capacity(values.len() * 4);
    for value in values {
        let narrow = u32::try_from(*value).map_err(|_| out_of_range(tensor, shape, value))?;
        data.extend(narrow.to_le_bytes());
    }
    Ok(data)
}

pub(super) fn out_of_range(tensor: &str, shape: &Shape, value: &impl std::fmt::Display) -> LoadError {
    malformed(tensor, format!("{value} is no element of type {}", shape.dtype))
}

/// `int32_data` as elements of up to 4 bytes. A value must fit the width as a signed or an unsigned number: writers
/// store the bits of narrow types either way.
fn narrow(tensor: &str, shape: &Shape, values: &[i32]) -> Result<Vec<u8>, LoadError> {
    let width = match shape.dtype.bits() {
        Some(2 | 4) | None => 8,
        Some(bits) => bits,
    };
    let (low, high) = if width == 6 { (0, 63) } else { (-(1i64 << (width - 1)), (1i64 << width) - 1) };
    if let Some(value) = values.iter().find(|value| !(low..=high).contains(&i64::from(**value))) {
        return Err(out_of_range(tensor, shape, value));
    }
    Ok(match width {
        6 => pack_six_bits(values),
        8 => values.iter().map(|value| *value as u8).collect(),
        16 => values.iter().flat_map(|value| (*value as u16).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    })
}

/// Four 6-bit values in three bytes, low bits first; the last group is filled up with zeros and cut to whole bytes.
fn pack_six_bits(values: &[i32]) -> Vec<u8> {
    let group = |chunk: &[i32]| {
        let bits = chunk.iter().rev().fold(0u32, |bits, value| bits << 6 | (*value as u32 & 0x3f));
        bits.to_le_bytes().into_iter().take((chunk.len() * 6).div_ceil(8))
    };
    values.chunks(4).flat_map(group).collect()
}
