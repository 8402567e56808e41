//! Element types of tensors. Numbers, names and widths are those of `TensorProto.DataType` in ONNX 1.23.

use std::fmt;

/// The type of a tensor's elements; its discriminant is the number in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum ElementType {
    /// IEEE binary32.
    F32 = 1,
    /// 8-bit unsigned.
    U8 = 2,
    /// 8-bit signed.
    I8 = 3,
    /// 16-bit unsigned.
    U16 = 4,
    /// 16-bit signed.
    I16 = 5,
    /// 32-bit signed.
    I32 = 6,
    /// 64-bit signed.
    I64 = 7,
    /// Byte strings; the only type without a fixed width.
    String = 8,
    /// One byte, 0 or 1.
    Bool = 9,
    /// IEEE binary16.
    F16 = 10,
    /// IEEE binary64.
    F64 = 11,
    /// 32-bit unsigned.
    U32 = 12,
    /// 64-bit unsigned.
    U64 = 13,
    /// Two binary32: real, imaginary.
    Complex64 = 14,
    /// Two binary64: real, imaginary.
    Complex128 = 15,
    /// The upper half of a binary32.
    Bf16 = 16,
    /// 8-bit float, NaN but no infinities.
    F8E4M3FN = 17,
    /// The same without negative zero.
    F8E4M3FNUZ = 18,
    /// 8-bit float with NaN and infinities.
    F8E5M2 = 19,
    /// 8-bit float, NaN but neither infinities nor negative zero.
    F8E5M2FNUZ = 20,
    /// 4-bit unsigned, two in a byte.
    U4 = 21,
    /// 4-bit signed, two in a byte.
    I4 = 22,
    /// 4-bit float, two in a byte.
    F4E2M1 = 23,
    /// A power of two.
    F8E8M0 = 24,
    /// 2-bit unsigned, four in a byte.
    U2 = 25,
    /// 2-bit signed, four in a byte.
    I2 = 26,
    /// 6-bit float, four in three bytes.
    F6E2M3 = 27,
    /// 6-bit float, four in three bytes.
    F6E3M2 = 28,
}

impl ElementType {
    /// All of them, by number.
    pub const ALL: [ElementType; 28] = [
        ElementType::F32,
        ElementType::U8,
        ElementType::I8,
        ElementType::U16,
        ElementType::I16,
        ElementType::I32,
        ElementType::I64,
        ElementType::String,
        ElementType::Bool,
        ElementType::F16,
        ElementType::F64,
        ElementType::U32,
        ElementType::U64,
        ElementType::Complex64,
        ElementType::Complex128,
        ElementType::Bf16,
        ElementType::F8E4M3FN,
        ElementType::F8E4M3FNUZ,
        ElementType::F8E5M2,
        ElementType::F8E5M2FNUZ,
        ElementType::U4,
        ElementType::I4,
        ElementType::F4E2M1,
        ElementType::F8E8M0,
        ElementType::U2,
        ElementType::I2,
        ElementType::F6E2M3,
        ElementType::F6E3M2,
    ];

    /// The type with a number, or `None` for 0 (undefined) and for numbers that ONNX 1.23 does not have.
    pub fn from_code(code: i32) -> Option<ElementType> {
        let index = usize::try_from(code).ok()?.checked_sub(1)?;
        ElementType::ALL.get(index).copied()
    }

    /// The number in the file.
    pub fn code(self) -> i32 {
        self as i32
    }

    /// Width of one element in bits; `None` for strings.
    pub fn bits(self) -> Option<u32> {
        match self {
            ElementType::String => None,
            ElementType::U2 | ElementType::I2 => Some(2),
            ElementType::U4 | ElementType::I4 | ElementType::F4E2M1 => Some(4),
            ElementType::F6E2M3 | ElementType::F6E3M2 => Some(6),
            ElementType::U8
            | ElementType::I8
            | ElementType::Bool
            | ElementType::F8E4M3FN
            | ElementType::F8E4M3FNUZ
            | ElementType::F8E5M2
            | ElementType::F8E5M2FNUZ
            | ElementType::F8E8M0 => Some(8),
            ElementType::U16 | ElementType::I16 | ElementType::F16 | ElementType::Bf16 => Some(16),
            ElementType::F32 | ElementType::I32 | ElementType::U32 => Some(32),
            ElementType::F64 | ElementType::I64 | ElementType::U64 | ElementType::Complex64 => Some(64),
            ElementType::Complex128 => Some(128),
        }
    }

    /// Bytes of `elements` elements, packed without gaps and rounded up to a whole byte; `None` for strings and
    /// where the number does not fit.
    pub fn dense_bytes(self, elements: u64) -> Option<u64> {
        let bits = u64::from(self.bits()?);
        match bits % 8 {
            0 => elements.checked_mul(bits / 8),
            _ => elements.checked_mul(bits).map(|total| total.div_ceil(8)),
        }
    }

    /// Name as ONNX writes it in operator texts: `float`, `int8`, `float8e4m3fn`, ...
    pub fn name(self) -> &'static str {
        match self {
            ElementType::F32 => "float",
            ElementType::U8 => "uint8",
            ElementType::I8 => "int8",
            ElementType::U16 => "uint16",
            ElementType::I16 => "int16",
            ElementType::I32 => "int32",
            ElementType::I64 => "int64",
            ElementType::String => "string",
            ElementType::Bool => "bool",
            ElementType::F16 => "float16",
            ElementType::F64 => "double",
            ElementType::U32 => "uint32",
            ElementType::U64 => "uint64",
            ElementType::Complex64 => "complex64",
            ElementType::Complex128 => "complex128",
            ElementType::Bf16 => "bfloat16",
            ElementType::F8E4M3FN => "float8e4m3fn",
            ElementType::F8E4M3FNUZ => "float8e4m3fnuz",
            ElementType::F8E5M2 => "float8e5m2",
            ElementType::F8E5M2FNUZ => "float8e5m2fnuz",
            ElementType::U4 => "uint4",
            ElementType::I4 => "int4",
            ElementType::F4E2M1 => "float4e2m1",
            ElementType::F8E8M0 => "float8e8m0",
            ElementType::U2 => "uint2",
            ElementType::I2 => "int2",
            ElementType::F6E2M3 => "float6e2m3",
            ElementType::F6E3M2 => "float6e3m2",
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::ElementType;

    #[test]
    fn numbers_and_types_map_both_ways() {
        for (index, dtype) in ElementType::ALL.into_iter().enumerate() {
            assert_eq!(dtype.code(), index as i32 + 1);
            assert_eq!(ElementType::from_code(dtype.code()), Some(dtype));
        }
        for code in [i32::MIN, -1, 0, 29, i32::MAX] {
            assert_eq!(ElementType::from_code(code), None);
        }
    }

    #[test]
    fn packed_lengths_round_up_and_do_not_overflow() {
        assert_eq!(ElementType::I2.dense_bytes(5), Some(2));
        assert_eq!(ElementType::U4.dense_bytes(5), Some(3));
        assert_eq!(ElementType::F6E2M3.dense_bytes(5), Some(4));
        assert_eq!(ElementType::F6E3M2.dense_bytes(4), Some(3));
        assert_eq!(ElementType::Bool.dense_bytes(5), Some(5));
        assert_eq!(ElementType::Complex128.dense_bytes(u64::MAX / 8), None);
        assert_eq!(ElementType::String.dense_bytes(0), None);
    }
}
