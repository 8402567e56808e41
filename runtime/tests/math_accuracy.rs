// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The error bounds that the f32 functions of one argument document, over a sample and over all f32, and the symmetry
//! of the odd and even ones over all f32.

mod math_reference;

use math_reference as reference;

/// A prime, so that every exponent and all kinds of mantissas are met: some two million inputs.
const STRIDE: usize = if cfg!(miri) { 2039 << 10 } else { 2039 };

/// What a function promises for -x, to the bit.
enum Symmetry {
    None,
    Odd,
    Even,
}

/// Whether f(-x) is f(x), or -f(x), for all x.
#[inline(always)]
fn is_symmetric(f: impl Fn(f32) -> f32, odd: bool) -> bool {
    let sign = if odd { 0x8000_0000 } else { 0 };
    (0..1_u32 << 31).all(|bits| {
        let (y, mirrored) = (f(f32::from_bits(bits)), f(f32::from_bits(bits | 0x8000_0000)));
        y.to_bits() ^ sign == mirrored.to_bits() || y.is_nan() && mirrored.is_nan()
    })
}

fn check(name: &str, worst: reference::Worst, bound: f64) {
    println!("{name:12} {:.4} ULP at {:e} ({:#010x})", worst.ulp, worst.at, worst.at.to_bits());
    assert!(worst.ulp <= bound, "{name}: {worst:?}, bound {bound}");
}

macro_rules! accuracy {
    ($($name:ident($exact:path, $symmetry:ident) <= $bound:literal;)*) => { $(
        mod $name {
            use super::{Symmetry, check, is_symmetric, reference};
            use zant_runtime::math::$name as f;

            #[test]
            fn the_sampled_error_is_within_the_stated_bound() {
                check(stringify!($name), reference::worst(f, $exact, 0..1 << 32, super::STRIDE), $bound);
            }

            #[test]
            #[ignore = "exhaustive, minutes"]
            fn the_error_over_all_f32_is_within_the_stated_bound() {
                // Of an odd or even function the other half is equal to the bit.
                let end = match Symmetry::$symmetry {
                    Symmetry::None => 1 << 32,
                    Symmetry::Odd => {
                        assert!(is_symmetric(f, true), "not odd");
                        1 << 31
                    }
                    Symmetry::Even => {
                        assert!(is_symmetric(f, false), "not even");
                        1 << 31
                    }
                };
                let worst = reference::worst_of_all(|range, step| reference::worst(f, $exact, range, step), end);
                check(stringify!($name), worst, $bound);
            }
        }
    )* };
}

accuracy! {
    exp(f64::exp, None) <= 0.99;
    expm1(f64::exp_m1, None) <= 1.46;
    log(f64::ln, None) <= 0.84;
    log1p(f64::ln_1p, None) <= 0.84;
    tanh(f64::tanh, Odd) <= 1.34;
    erf(reference::erf, Odd) <= 1.65;
    sigmoid(reference::sigmoid, None) <= 1.75;
    softplus(reference::softplus, None) <= 1.68;
    sin(f64::sin, Odd) <= 0.83;
    cos(f64::cos, Even) <= 0.83;
    tan(f64::tan, Odd) <= 2.32;
    asin(f64::asin, Odd) <= 0.73;
    acos(f64::acos, None) <= 0.79;
    atan(f64::atan, Odd) <= 1.93;
    sinh(f64::sinh, Odd) <= 1.62;
    cosh(f64::cosh, Even) <= 1.44;
    asinh(reference::asinh, Odd) <= 1.78;
    acosh(reference::acosh, None) <= 2.01;
    atanh(reference::atanh, Odd) <= 1.72;
    // 0.5 is the bound of a correctly rounded result.
    sqrt(f64::sqrt, None) <= 0.5;
    // Exact.
    floor(f64::floor, None) <= 0.0;
    ceil(f64::ceil, None) <= 0.0;
    trunc(f64::trunc, Odd) <= 0.0;
    round_even(f64::round_ties_even, Odd) <= 0.0;
}
