// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Integer functions for maps that would panic in Rust or differ from ONNX. Results wrap.
use super::super::error::DataError;

/// An integer type of tensors.
pub trait Integer: Copy {
    /// The quotient, truncated toward zero.
    ///
    /// # Errors
    /// [`DataError::DivisionByZero`].
    fn divide(self, divisor: Self) -> Result<Self, DataError>;

    /// The remainder with the sign of `self` (ONNX `Mod` with `fmod = 1`).
    ///
    /// # Errors
    /// [`DataError::DivisionByZero`].
    fn fmod(self, divisor: Self) -> Result<Self, DataError>;

    /// The remainder with the sign of the divisor (ONNX `Mod` with `fmod = 0`).
    ///
    /// # Errors
    /// [`DataError::DivisionByZero`].
    fn modulo(self, divisor: Self) -> Result<Self, DataError>;

    /// [`Integer::modulo`] by a divisor that is not zero.
    fn modulo_nonzero(self, divisor: Self) -> Self;

    /// The low bits of `self^exponent`. For a negative exponent: 1 divided by the power, truncated; 0 for the base 0.
    fn power(self, exponent: Self) -> Self;

    /// Shifts left by `distance`; 0 if that is not within the type's width.
    fn shift_left(self, distance: Self) -> Self;

    /// Shifts right by `distance`; 0 if that is not within the type's width.
    fn shift_right(self, distance: Self) -> Self;
}

macro_rules! integers {
    ($($t:ident),*) => {$(
        #[allow(unused_comparisons, reason = "unsigned numbers have one sign")]
        impl Integer for $t {
            #[inline]
            fn divide(self, divisor: $t) -> Result<$t, DataError> {
                match self.checked_div(divisor) {
                    Some(quotient) => Ok(quotient),
                    None if divisor == 0 => Err(DataError::DivisionByZero),
                    // The lowest number divided by -1.
                    None => Ok(self),
                }
            }

            #[inline]
            fn fmod(self, divisor: $t) -> Result<$t, DataError> {
                match self.checked_rem(divisor) {
                    Some(remainder) => Ok(remainder),
                    None if divisor == 0 => Err(DataError::DivisionByZero),
                    None => Ok(0),
                }
            }

            #[inline]
            fn modulo(self, divisor: $t) -> Result<$t, DataError> {
                if divisor == 0 { Err(DataError::DivisionByZero) } else { Ok(self.modulo_nonzero(divisor)) }
            }

            #[inline]
            fn modulo_nonzero(self, divisor: $t) -> $t {
                let remainder = self.checked_rem(divisor).unwrap_or(0);
                // The exclusive or is negative if the signs differ.
                if remainder != 0 && (remainder ^ divisor) < 0 { remainder.wrapping_add(divisor) } else { remainder }
            }

            #[inline]
            fn power(self, exponent: $t) -> $t {
                let (mut power, mut square, mut left): ($t, $t, $t) = (1, self, exponent);
                if left < 0 {
                    let is_unit = self == 1 || self.wrapping_add(1) == 0;
                    // 1 and -1 are their own reciprocals; the parity of the exponent gives the sign.
                    return if !is_unit { 0 } else if left & 1 == 0 { 1 } else { self };
                }
                while left > 0 {
                    if left & 1 == 1 {
                        power = power.wrapping_mul(square);
                    }
                    square = square.wrapping_mul(square);
                    left >>= 1;
                }
                power
            }

            #[inline]
            fn shift_left(self, distance: $t) -> $t {
                u32::try_from(distance).ok().and_then(|d| self.checked_shl(d)).unwrap_or(0)
            }

            #[inline]
            fn shift_right(self, distance: $t) -> $t {
                u32::try_from(distance).ok().and_then(|d| self.checked_shr(d)).unwrap_or(0)
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);
