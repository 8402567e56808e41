//! Floats of four and eight bits: stored, moved and converted, never computed with.

use zant_runtime::math::minifloat as math;

/// Makes the formats of a line for each: its name here, the name in text, the functions of the runtime.
macro_rules! minifloats {
    ($($(#[$doc:meta])* $name:ident = $text:literal: $from:ident, $to:ident, $largest:expr;)*) => {
        /// A format of floats of at most eight bits. Those of four lie in the low bits of a byte.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Minifloat {
            $($(#[$doc])* $name,)*
        }

        impl Minifloat {
            /// Every format, in a fixed order.
            pub const ALL: [Minifloat; [$($text),*].len()] = [$(Minifloat::$name),*];

            /// The name in text.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Minifloat::$name => $text,)*
                }
            }

            /// The largest number.
            pub const fn largest(self) -> f32 {
                match self {
                    $(Minifloat::$name => $largest,)*
                }
            }

            /// The number with some bits; exact.
            pub fn decode(self, code: u8) -> f32 {
                match self {
                    $(Minifloat::$name => math::$from(code),)*
                }
            }

            /// The bits of the nearest number, ties to even (of [`Minifloat::E8M0`] the next one that is not below). What is beyond the
            /// largest becomes infinity where there is one, else NaN, else the largest.
            pub fn encode(self, x: f32) -> u8 {
                match self {
                    $(Minifloat::$name => math::$to(x),)*
                }
            }

            /// The runtime's function from the bits to f32, and back.
            pub(crate) const fn functions(self) -> [(&'static str, &'static str); 2] {
                match self {
                    $(Minifloat::$name => [
                        (stringify!($from), concat!("math::minifloat::", stringify!($from))),
                        (stringify!($to), concat!("math::minifloat::", stringify!($to))),
                    ],)*
                }
            }
        }
    };
}

minifloats! {
    /// Four bits of exponent, three of mantissa; NaN, no infinity.
    E4M3FN = "f8e4m3fn": from_f8e4m3fn, to_f8e4m3fn, 448.0;
    /// Four bits of exponent, three of mantissa; one NaN, no infinity, no -0.
    E4M3FNUZ = "f8e4m3fnuz": from_f8e4m3fnuz, to_f8e4m3fnuz, 240.0;
    /// Five bits of exponent, two of mantissa; NaN and infinities.
    E5M2 = "f8e5m2": from_f8e5m2, to_f8e5m2, 57344.0;
    /// Five bits of exponent, two of mantissa; one NaN, no infinity, no -0.
    E5M2FNUZ = "f8e5m2fnuz": from_f8e5m2fnuz, to_f8e5m2fnuz, 57344.0;
    /// Powers of two, and NaN.
    E8M0 = "f8e8m0": from_f8e8m0, to_f8e8m0, 1.701_411_8e38;
    /// Two bits of exponent, one of mantissa; neither NaN nor infinity.
    E2M1 = "f4e2m1": from_f4e2m1, to_f4e2m1, 6.0;
}
