//! Element types of tensors. Numbers, names and widths are those of `TensorProto.DataType` in ONNX 1.23.

use std::fmt;

/// Makes [`ElementType`] of a line for each type: its number, its width in bits, its name as ONNX writes it.
macro_rules! element_types {
    ($($(#[$doc:meta])* $name:ident = $code:literal: $bits:expr, $text:literal;)*) => {
        /// The type of a tensor's elements; its discriminant is the number in the file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i32)]
        pub enum ElementType {
            $($(#[$doc])* $name = $code,)*
        }

        impl ElementType {
            /// All of them, by number.
            pub const ALL: [ElementType; [$($code),*].len()] = [$(ElementType::$name),*];

            /// Width of one element in bits; `None` for strings.
            pub fn bits(self) -> Option<u32> {
                match self {
                    $(ElementType::$name => $bits,)*
                }
            }

            /// Name as ONNX writes it in operator texts: `float`, `int8`, `float8e4m3fn`, ...
            pub fn name(self) -> &'static str {
                match self {
                    $(ElementType::$name => $text,)*
                }
            }
        }
    };
}

element_types! {
    /// IEEE binary32.
    F32 = 1: Some(32), "float";
    /// 8-bit unsigned.
    U8 = 2: Some(8), "uint8";
    /// 8-bit signed.
    I8 = 3: Some(8), "int8";
    /// 16-bit unsigned.
    U16 = 4: Some(16), "uint16";
    /// 16-bit signed.
    I16 = 5: Some(16), "int16";
    /// 32-bit signed.
    I32 = 6: Some(32), "int32";
    /// 64-bit signed.
    I64 = 7: Some(64), "int64";
    /// Byte strings; the only type without a fixed width.
    String = 8: None, "string";
    /// One byte, 0 or 1.
    Bool = 9: Some(8), "bool";
    /// IEEE binary16.
    F16 = 10: Some(16), "float16";
    /// IEEE binary64.
    F64 = 11: Some(64), "double";
    /// 32-bit unsigned.
    U32 = 12: Some(32), "uint32";
    /// 64-bit unsigned.
    U64 = 13: Some(64), "uint64";
    /// Two binary32: real, imaginary.
    Complex64 = 14: Some(64), "complex64";
    /// Two binary64: real, imaginary.
    Complex128 = 15: Some(128), "complex128";
    /// The upper half of a binary32.
    Bf16 = 16: Some(16), "bfloat16";
    /// 8-bit float, NaN but no infinities.
    F8E4M3FN = 17: Some(8), "float8e4m3fn";
    /// The same without negative zero.
    F8E4M3FNUZ = 18: Some(8), "float8e4m3fnuz";
    /// 8-bit float with NaN and infinities.
    F8E5M2 = 19: Some(8), "float8e5m2";
    /// 8-bit float, NaN but neither infinities nor negative zero.
    F8E5M2FNUZ = 20: Some(8), "float8e5m2fnuz";
    /// 4-bit unsigned, two in a byte.
    U4 = 21: Some(4), "uint4";
    /// 4-bit signed, two in a byte.
    I4 = 22: Some(4), "int4";
    /// 4-bit float, two in a byte.
    F4E2M1 = 23: Some(4), "float4e2m1";
    /// A power of two.
    F8E8M0 = 24: Some(8), "float8e8m0";
    /// 2-bit unsigned, four in a byte.
    U2 = 25: Some(2), "uint2";
    /// 2-bit signed, four in a byte.
    I2 = 26: Some(2), "int2";
    /// 6-bit float, four in three bytes.
    F6E2M3 = 27: Some(6), "float6e2m3";
    /// 6-bit float, four in three bytes.
    F6E3M2 = 28: Some(6), "float6e3m2";
}

impl ElementType {
    /// The type with a number, or `None` for 0 (undefined) and for numbers that ONNX 1.23 does not have.
    pub fn from_code(code: i32) -> Option<ElementType> {
        let index = usize::try_from(code).ok()?.checked_sub(1)?;
        ElementType::ALL.get(index).copied()
    }

    /// The number in the file.
    pub fn code(self) -> i32 {
        self as i32
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
