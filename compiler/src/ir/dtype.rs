//! Element types of the core IR and single values of them.

use half::{bf16, f16};

use super::Minifloat;

/// Makes the element types and the values, of a line for each type: its name here, the Rust type of one value, the name in text.
macro_rules! element_types {
    ($($(#[$doc:meta])* $name:ident: $rust:ty = $text:literal;)*) => {
        /// The element type of a tensor in the core IR.
        ///
        /// Integers of ONNX that are narrower than a byte are widened on import; strings have no place here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DType {
            $($(#[$doc])* $name,)*
            /// A float of at most eight bits, one to a byte.
            Mini(Minifloat),
        }

        impl DType {
            /// Every element type that is computed with, or holds truth values, in a fixed order.
            pub const ALL: [DType; [$($text),*].len()] = [$(DType::$name),*];

            /// Bytes per element.
            pub const fn size(self) -> usize {
                match self {
                    $(DType::$name => size_of::<$rust>(),)*
                    DType::Mini(_) => 1,
                }
            }

            /// The name used in the printed IR, which is also Rust's where Rust has the type.
            pub const fn name(self) -> &'static str {
                match self {
                    $(DType::$name => $text,)*
                    DType::Mini(format) => format.name(),
                }
            }
        }

        /// One value of a [`DType`].
        #[derive(Clone, Copy, Debug)]
        pub enum Scalar {
            $($(#[$doc])* $name($rust),)*
            /// The bits of a float of at most eight bits.
            Mini(Minifloat, u8),
        }

        impl Scalar {
            /// The type of the value.
            pub const fn dtype(self) -> DType {
                match self {
                    $(Scalar::$name(_) => DType::$name,)*
                    Scalar::Mini(format, _) => DType::Mini(format),
                }
            }
        }

        impl std::fmt::Display for Scalar {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Scalar::$name(v) => write!(f, "{v:?}"),)*
                    Scalar::Mini(format, code) => write!(f, "{:?}", format.decode(*code)),
                }
            }
        }
    };
}

element_types! {
    /// Truth value, one byte, 0 or 1.
    Bool: bool = "bool";
    /// Signed 8-bit integer.
    I8: i8 = "i8";
    /// Signed 16-bit integer.
    I16: i16 = "i16";
    /// Signed 32-bit integer.
    I32: i32 = "i32";
    /// Signed 64-bit integer.
    I64: i64 = "i64";
    /// Unsigned 8-bit integer.
    U8: u8 = "u8";
    /// Unsigned 16-bit integer.
    U16: u16 = "u16";
    /// Unsigned 32-bit integer.
    U32: u32 = "u32";
    /// Unsigned 64-bit integer.
    U64: u64 = "u64";
    /// IEEE binary16.
    F16: f16 = "f16";
    /// The upper half of an IEEE binary32.
    BF16: bf16 = "bf16";
    /// IEEE binary32.
    F32: f32 = "f32";
    /// IEEE binary64.
    F64: f64 = "f64";
}

/// `$body` with `$T` standing for the Rust type that the list has for an element type; `else` for those that have none.
macro_rules! with_type {
    ($dtype:expr, $T:ident => $body:expr; $($($name:ident)|+: $ty:ty),+ $(; else $($none:ident)|+: $other:expr)?) => {
        match $dtype {
            $($($crate::ir::DType::$name { .. })|+ => {
                type $T = $ty;
                $body
            })+
            $($($crate::ir::DType::$none { .. })|+ => $other,)?
        }
    };
}
pub(crate) use with_type;

impl DType {
    /// The type with a name in text.
    pub fn named(name: &str) -> Option<DType> {
        let all = DType::ALL.into_iter().chain(Minifloat::ALL.map(DType::Mini));
        all.into_iter().find(|d| d.name() == name)
    }

    /// Whether the type is one of the floating-point ones that are computed with.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F16 | DType::BF16 | DType::F32 | DType::F64)
    }

    /// Whether the type is a number that is computed with: neither bool nor a float of at most eight bits.
    pub const fn is_number(self) -> bool {
        self.is_float() || self.is_int()
    }

    /// Whether the type is a float of 16 bits, which is stored and moved as such, and computed with as f32.
    pub const fn is_half(self) -> bool {
        matches!(self, DType::F16 | DType::BF16)
    }

    /// Whether the type is a signed or unsigned integer (not bool).
    pub const fn is_int(self) -> bool {
        !self.is_float() && !matches!(self, DType::Bool | DType::Mini(_))
    }

    /// Whether the type has negative values.
    pub const fn is_signed(self) -> bool {
        self.is_float() || matches!(self, DType::I8 | DType::I16 | DType::I32 | DType::I64)
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Scalar {
    /// The value zero (false) of a type.
    pub fn zero(dtype: DType) -> Scalar {
        Scalar::from_i64(0, dtype)
    }

    /// An integer in a type, wrapped to its width, rounded for floats (to f32 before f16 and bf16); for bool: whether it is not
    /// zero.
    pub fn from_i64(v: i64, dtype: DType) -> Scalar {
        Scalar::from_int(v.into(), dtype)
    }

    /// The same of an integer that may be wider.
    pub(crate) fn from_int(v: i128, dtype: DType) -> Scalar {
        match dtype {
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
            DType::Mini(format) => Scalar::Mini(format, format.encode(v as f32)),
        }
    }

    /// A number in a type: rounded to nearest even for floats, truncated and saturated for integers. It is rounded to f32
    /// before f16 and bf16, since the direct conversions of `half` depend on the CPU.
    pub fn from_f64(v: f64, dtype: DType) -> Scalar {
        match dtype {
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
            DType::Mini(format) => Scalar::Mini(format, format.encode(v as f32)),
        }
    }

    /// The value as a binary64 number (exact save for 64-bit integers above 2^53).
    pub fn to_f64(self) -> f64 {
        match self {
            Scalar::Bool(v) => f64::from(u8::from(v)),
            Scalar::I8(v) => f64::from(v),
            Scalar::I16(v) => f64::from(v),
            Scalar::I32(v) => f64::from(v),
            Scalar::I64(v) => v as f64,
            Scalar::U8(v) => f64::from(v),
            Scalar::U16(v) => f64::from(v),
            Scalar::U32(v) => f64::from(v),
            Scalar::U64(v) => v as f64,
            Scalar::F16(v) => f64::from(v),
            Scalar::BF16(v) => f64::from(v),
            Scalar::F32(v) => f64::from(v),
            Scalar::F64(v) => v,
            Scalar::Mini(format, code) => f64::from(format.decode(code)),
        }
    }

    /// The value as a 64-bit integer: unsigned ones wrap, floats are truncated and saturated.
    pub fn to_i64(self) -> i64 {
        match self {
            Scalar::Bool(v) => i64::from(v),
            Scalar::I8(v) => i64::from(v),
            Scalar::I16(v) => i64::from(v),
            Scalar::I32(v) => i64::from(v),
            Scalar::I64(v) => v,
            Scalar::U8(v) => i64::from(v),
            Scalar::U16(v) => i64::from(v),
            Scalar::U32(v) => i64::from(v),
            Scalar::U64(v) => v as i64,
            Scalar::F16(_) | Scalar::BF16(_) | Scalar::F32(_) | Scalar::F64(_) | Scalar::Mini(..) => {
                self.to_f64() as i64
            }
        }
    }

    /// The bits of the value, zero-extended.
    pub fn bits(self) -> u64 {
        match self {
            Scalar::Bool(v) => u64::from(v),
            Scalar::I8(v) => u64::from(v as u8),
            Scalar::I16(v) => u64::from(v as u16),
            Scalar::I32(v) => u64::from(v as u32),
            Scalar::I64(v) => v as u64,
            Scalar::U8(v) => u64::from(v),
            Scalar::U16(v) => u64::from(v),
            Scalar::U32(v) => u64::from(v),
            Scalar::U64(v) => v,
            Scalar::F16(v) => u64::from(v.to_bits()),
            Scalar::BF16(v) => u64::from(v.to_bits()),
            Scalar::F32(v) => u64::from(v.to_bits()),
            Scalar::F64(v) => v.to_bits(),
            Scalar::Mini(_, code) => u64::from(code),
        }
    }

    /// The value with the given bits (the low ones that the type has).
    pub fn from_bits(bits: u64, dtype: DType) -> Scalar {
        match dtype {
            DType::Bool => Scalar::Bool(bits as u8 != 0),
            DType::I8 => Scalar::I8(bits as i8),
            DType::I16 => Scalar::I16(bits as i16),
            DType::I32 => Scalar::I32(bits as i32),
            DType::I64 => Scalar::I64(bits as i64),
            DType::U8 => Scalar::U8(bits as u8),
            DType::U16 => Scalar::U16(bits as u16),
            DType::U32 => Scalar::U32(bits as u32),
            DType::U64 => Scalar::U64(bits),
            DType::F16 => Scalar::F16(f16::from_bits(bits as u16)),
            DType::BF16 => Scalar::BF16(bf16::from_bits(bits as u16)),
            DType::F32 => Scalar::F32(f32::from_bits(bits as u32)),
            DType::F64 => Scalar::F64(f64::from_bits(bits)),
            DType::Mini(format) => Scalar::Mini(format, bits as u8),
        }
    }
}

/// Equality of type and bits, so that expressions can be compared and shared: NaN equals itself, -0 differs from +0.
impl PartialEq for Scalar {
    fn eq(&self, other: &Scalar) -> bool {
        self.dtype() == other.dtype() && self.bits() == other.bits()
    }
}

impl Eq for Scalar {}
