// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Floats of four and eight bits, as ONNX defines them, to f32 and back: `from_f8e4m3fn`, `to_f8e4m3fn` and so on.
//!
//! Conversions to them round to nearest, ties to even, but for `f8e8m0`, which rounds up; numbers beyond the largest become
//! infinity where the format has one, else NaN, else (`f4e2m1`) the largest number.

/// A format with a sign.
struct Format {
    /// Bits of the mantissa.
    mantissa: u32,
    /// What is added to exponents.
    bias: u32,
    /// The bits of the largest number.
    largest: u32,
    /// The bits of what is beyond it.
    beyond: u32,
    /// The bits of NaN, without the sign.
    nan: u32,
    /// Whether the bits of -0 are NaN.
    unsigned_zero: bool,
}

const F8E4M3FN: Format = Format { mantissa: 3, bias: 7, largest: 0x7e, beyond: 0x7f, nan: 0x7f, unsigned_zero: false };
const F8E4M3FNUZ: Format = Format { mantissa: 3, bias: 8, largest: 0x7f, beyond: 0x80, nan: 0x80, unsigned_zero: true };
const F8E5M2: Format = Format { mantissa: 2, bias: 15, largest: 0x7b, beyond: 0x7c, nan: 0x7e, unsigned_zero: false };
const F8E5M2FNUZ: Format =
    Format { mantissa: 2, bias: 16, largest: 0x7f, beyond: 0x80, nan: 0x80, unsigned_zero: true };

impl Format {
    #[inline(always)]
    fn to_f32(&self, code: u8) -> f32 {
        let magnitude = code as u32 & 0x7f;
        let (exponent, fraction) = (magnitude >> self.mantissa, magnitude & ((1 << self.mantissa) - 1));
        let least = f32::from_bits((128 - self.bias - self.mantissa) << 23);
        let subnormal = fraction as f32 * least;
        let normal = f32::from_bits((exponent + 127 - self.bias) << 23 | fraction << (23 - self.mantissa));
        let number = if exponent == 0 { subnormal } else { normal };
        let beyond = if magnitude == self.beyond && self.beyond != self.nan { f32::INFINITY } else { f32::NAN };
        let magnitude = if magnitude > self.largest { beyond } else { number };
        let signed = if code & 0x80 != 0 { -magnitude } else { magnitude };
        if self.unsigned_zero && code == 0x80 { f32::NAN } else { signed }
    }

    #[inline(always)]
    fn of_f32(&self, x: f32) -> u8 {
        let bits = x.to_bits();
        let magnitude = bits & 0x7fff_ffff;
        let dropped = 23 - self.mantissa;
        let up = (1 << (dropped - 1)) - 1 + (magnitude >> dropped & 1);
        let normal = (magnitude.wrapping_add(up) >> dropped).wrapping_sub((127 - self.bias) << self.mantissa);
        // A number whose neighbours are as far apart as the least ones of the format.
        let ruler = f32::from_bits((128 - self.bias - self.mantissa + 23) << 23);
        let small = (f32::from_bits(magnitude) + ruler).to_bits().wrapping_sub(ruler.to_bits());
        let finite = if magnitude < (128 - self.bias) << 23 { small } else { normal };
        let bounded = if finite > self.largest { self.beyond } else { finite };
        let number = if magnitude > 0x7f80_0000 { self.nan } else { bounded };
        let sign = bits >> 24 & 0x80;
        let signed = if self.unsigned_zero && number == 0 { 0 } else { number | sign };
        signed as u8
    }
}

macro_rules! formats {
    ($($(#[$doc:meta])* $format:ident: $from:ident, $to:ident;)*) => { $(
        /// The number with the bits `code`; exact.
        $(#[$doc])*
        #[inline]
        pub fn $from(code: u8) -> f32 {
            $format.to_f32(code)
        }

        /// The bits of the number nearest to `x`, ties to even.
        $(#[$doc])*
        #[inline]
        pub fn $to(x: f32) -> u8 {
            $format.of_f32(x)
        }
    )* };
}

formats! {
    /// Four bits of exponent, three of mantissa; up to 448, NaN, no infinity.
    F8E4M3FN: from_f8e4m3fn, to_f8e4m3fn;
    /// Four bits of exponent, three of mantissa; up to 240, one NaN, no infinity, no -0.
    F8E4M3FNUZ: from_f8e4m3fnuz, to_f8e4m3fnuz;
    /// Five bits of exponent, two of mantissa; up to 57344, infinities and NaN.
    F8E5M2: from_f8e5m2, to_f8e5m2;
    /// Five bits of exponent, two of mantissa; up to 57344, one NaN, no infinity, no -0.
    F8E5M2FNUZ: from_f8e5m2fnuz, to_f8e5m2fnuz;
}

/// The number with the low four bits of `code`: 0, 1/2, 1, 3/2, 2, 3, 4 or 6, or its negative; exact.
#[inline]
pub fn from_f4e2m1(code: u8) -> f32 {
    let (exponent, fraction) = (code as u32 >> 1 & 3, code as u32 & 1);
    let normal = f32::from_bits((exponent + 126) << 23 | fraction << 22);
    let magnitude = if exponent == 0 { fraction as f32 * 0.5 } else { normal };
    if code & 8 != 0 { -magnitude } else { magnitude }
}

/// The bits of the number nearest to `x`, ties to even; beyond 6 it is 6, and NaN, which there is none of, gives -0.
#[inline]
pub fn to_f4e2m1(x: f32) -> u8 {
    let bits = x.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    let normal = (magnitude.wrapping_add(0x001f_ffff + (magnitude >> 22 & 1)) >> 22).wrapping_sub(126 << 1);
    // Neighbours of 2^22 are 1/2 apart.
    let ruler = 4_194_304.0_f32;
    let small = (f32::from_bits(magnitude) + ruler).to_bits().wrapping_sub(ruler.to_bits());
    let finite = if magnitude < 127 << 23 { small } else { normal };
    let bounded = if finite > 7 { 7 } else { finite };
    let signed = bounded | bits >> 28 & 8;
    let number = if magnitude > 0x7f80_0000 { 8 } else { signed };
    number as u8
}

/// 2 to the power of `code` - 127; NaN where the code is 255.
#[inline]
pub fn from_f8e8m0(code: u8) -> f32 {
    let bits = (code as u32) << 23;
    // The least of them is a subnormal f32.
    let number = f32::from_bits(if code == 0 { 0x0040_0000 } else { bits });
    if code == 255 { f32::NAN } else { number }
}

/// The exponent of the least power of two that is not below |`x`|; of numbers beyond 2^127, and of NaN, 255. Of 0 it is
/// that of the least power of two, 0.
#[inline]
pub fn to_f8e8m0(x: f32) -> u8 {
    let magnitude = x.to_bits() & 0x7fff_ffff;
    let exponent = magnitude >> 23;
    // The least of them is the subnormal f32 of this fraction.
    let rest = if exponent == 0 { magnitude > 0x0040_0000 } else { magnitude & 0x007f_ffff != 0 };
    let up = if rest && exponent != 255 { 1 } else { 0 };
    (exponent + up) as u8
}
