//! Stored tensors -> constant tensors of the IR. Element types narrower than a byte are widened.

use crate::diag::codes;
use crate::ir::{DType, Minifloat, Tensor, Type, checked_elements};
use crate::onnx::proto::TensorProto;
use crate::onnx::{ElementType, Limits, RawTensor};

use super::node::{Fault, Imported};

/// The IR's type for an ONNX element type, where it has one of the same width.
pub fn dtype_of(element: ElementType) -> Option<DType> {
    Some(match element {
        ElementType::Bool => DType::Bool,
        ElementType::I8 | ElementType::I4 | ElementType::I2 => DType::I8,
        ElementType::I16 => DType::I16,
        ElementType::I32 => DType::I32,
        ElementType::I64 => DType::I64,
        ElementType::U8 | ElementType::U4 | ElementType::U2 => DType::U8,
        ElementType::U16 => DType::U16,
        ElementType::U32 => DType::U32,
        ElementType::U64 => DType::U64,
        ElementType::F16 => DType::F16,
        ElementType::Bf16 => DType::BF16,
        ElementType::F32 => DType::F32,
        ElementType::F64 => DType::F64,
        ElementType::F8E4M3FN => DType::Mini(Minifloat::E4M3FN),
        ElementType::F8E4M3FNUZ => DType::Mini(Minifloat::E4M3FNUZ),
        ElementType::F8E5M2 => DType::Mini(Minifloat::E5M2),
        ElementType::F8E5M2FNUZ => DType::Mini(Minifloat::E5M2FNUZ),
        ElementType::F8E8M0 => DType::Mini(Minifloat::E8M0),
        ElementType::F4E2M1 => DType::Mini(Minifloat::E2M1),
        ElementType::String
        | ElementType::Complex64
        | ElementType::Complex128
        | ElementType::F6E2M3
        | ElementType::F6E3M2 => return None,
    })
}

/// The IR's type for the number of an element type in a file.
pub(super) fn dtype_of_code(code: i32) -> Imported<DType> {
    let element = ElementType::from_code(code)
        .ok_or_else(|| Fault::new(codes::UNSUPPORTED_TYPE, format!("{code} is not the number of an element type")))?;
    dtype_of(element).ok_or_else(|| {
        Fault::new(codes::UNSUPPORTED_TYPE, format!("elements of type {element} are not supported"))
            .help("convert the model to float32, an integer type or bool")
    })
}

/// A stored tensor as a constant.
pub(super) fn import_tensor(t: &TensorProto) -> Imported<Tensor> {
    let raw = RawTensor::decode(t, &Limits::default()).map_err(|e| Fault::new(e.code(), e.to_string()))?;
    from_raw(&raw)
}

/// A decoded tensor as a constant.
pub fn from_raw(raw: &RawTensor) -> Imported<Tensor> {
    let dtype = dtype_of_code(raw.dtype.code())?;
    let too_large = || Fault::new(codes::TOO_LARGE, format!("a tensor of shape {:?} is too large", raw.dims));
    let elements = checked_elements(&raw.dims).ok_or_else(too_large)?;
    let data = match narrow(raw.dtype) {
        None if raw.dtype == ElementType::F4E2M1 => unpack(&raw.data, elements, 4, false).into(),
        Some((bits, signed)) => unpack(&raw.data, elements, bits, signed).into(),
        None => raw.data.clone(),
    };
    Tensor::from_bytes(Type::new(dtype, raw.dims.clone()), data)
        .ok_or_else(|| Fault::new(codes::SHAPE_MISMATCH, "the tensor's data do not fit its shape"))
}

/// A constant as a tensor that can be stored.
pub fn to_raw(name: &str, tensor: &Tensor) -> RawTensor {
    let dtype = match tensor.dtype() {
        DType::Bool => ElementType::Bool,
        DType::I8 => ElementType::I8,
        DType::I16 => ElementType::I16,
        DType::I32 => ElementType::I32,
        DType::I64 => ElementType::I64,
        DType::U8 => ElementType::U8,
        DType::U16 => ElementType::U16,
        DType::U32 => ElementType::U32,
        DType::U64 => ElementType::U64,
        DType::F16 => ElementType::F16,
        DType::BF16 => ElementType::Bf16,
        DType::F32 => ElementType::F32,
        DType::F64 => ElementType::F64,
        DType::Mini(Minifloat::E4M3FN) => ElementType::F8E4M3FN,
        DType::Mini(Minifloat::E4M3FNUZ) => ElementType::F8E4M3FNUZ,
        DType::Mini(Minifloat::E5M2) => ElementType::F8E5M2,
        DType::Mini(Minifloat::E5M2FNUZ) => ElementType::F8E5M2FNUZ,
        DType::Mini(Minifloat::E8M0) => ElementType::F8E8M0,
        DType::Mini(Minifloat::E2M1) => ElementType::F4E2M1,
    };
    let data = match tensor.dtype() {
        DType::Mini(Minifloat::E2M1) => pairs(tensor.data()).into(),
        _ => tensor.data().clone(),
    };
    RawTensor { name: name.to_string(), dtype, dims: tensor.shape().to_vec(), data }
}

/// Bits and signedness of the integer types that are narrower than a byte.
pub(super) const fn narrow(element: ElementType) -> Option<(usize, bool)> {
    use ElementType as E;
    match element {
        E::I4 => Some((4, true)),
        E::U4 => Some((4, false)),
        E::I2 => Some((2, true)),
        E::U2 => Some((2, false)),
        E::F32 | E::F64 | E::F16 | E::Bf16 | E::Bool | E::I8 | E::I16 | E::I32 | E::I64 => None,
        E::U8 | E::U16 | E::U32 | E::U64 | E::String | E::Complex64 | E::Complex128 => None,
        E::F8E4M3FN | E::F8E4M3FNUZ | E::F8E5M2 | E::F8E5M2FNUZ => None,
        E::F4E2M1 | E::F8E8M0 | E::F6E2M3 | E::F6E3M2 => None,
    }
}

/// Elements of 2 or 4 bits, the first in the low bits, one to a byte.
pub(super) fn unpack(data: &[u8], elements: usize, bits: usize, signed: bool) -> Vec<u8> {
    let per_byte = 8 / bits;
    let unsigned = |i: usize| (data[i / per_byte] >> (i % per_byte * bits)) & ((1 << bits) - 1);
    let sign_extend = |v: u8| (((v << (8 - bits)) as i8) >> (8 - bits)) as u8;
    (0..elements).map(|i| if signed { sign_extend(unsigned(i)) } else { unsigned(i) }).collect()
}

/// Elements of four bits, one to a byte, two to a byte, the first in the low bits.
fn pairs(data: &[u8]) -> Vec<u8> {
    data.chunks(2).map(|pair| pair[0] & 15 | pair.get(1).map_or(0, |high| high << 4)).collect()
}
