// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The stated error bounds of the f32 functions of one argument, over a sample and over all f32.

mod math_reference;

use std::ops::Range;

use math_reference::{self as reference, Worst};
use zant_runtime::math;

/// A function, its reference and the error in ULP that its documentation states.
struct Case {
    name: &'static str,
    f: fn(f32) -> f32,
    /// The largest error over every n-th of the bit patterns.
    measure: fn(Range<u64>, usize) -> Worst,
    symmetry: Symmetry,
    bound: f64,
}

/// What the function promises for -x, to the bit.
#[derive(Clone, Copy)]
enum Symmetry {
    None,
    Odd,
    Even,
}
use Symmetry::{Even, None, Odd};

macro_rules! case {
    ($name:ident, $exact:path, $symmetry:ident, $bound:literal) => {
        Case {
            name: stringify!($name),
            f: math::$name,
            measure: |patterns, step| reference::worst(math::$name, $exact, patterns, step),
            symmetry: $symmetry,
            bound: $bound,
        }
    };
}

const CASES: &[Case] = &[
    case!(exp, f64::exp, None, 2.0),
    case!(expm1, f64::exp_m1, None, 2.0),
    case!(log, f64::ln, None, 2.0),
    case!(log1p, f64::ln_1p, None, 2.0),
    case!(tanh, f64::tanh, Odd, 2.0),
    case!(erf, reference::erf, Odd, 2.0),
    case!(sigmoid, reference::sigmoid, None, 2.0),
    case!(softplus, reference::softplus, None, 4.0),
    case!(sin, f64::sin, Odd, 2.0),
    case!(cos, f64::cos, Even, 2.0),
    case!(tan, f64::tan, Odd, 4.0),
    case!(asin, f64::asin, Odd, 4.0),
    case!(acos, f64::acos, None, 4.0),
    case!(atan, f64::atan, Odd, 4.0),
    case!(sinh, f64::sinh, Odd, 4.0),
    case!(cosh, f64::cosh, Even, 4.0),
    case!(asinh, reference::asinh, Odd, 4.0),
    case!(acosh, reference::acosh, None, 4.0),
    case!(atanh, reference::atanh, Odd, 4.0),
    // 0.5 is the bound of a correctly rounded result.
    case!(sqrt, f64::sqrt, None, 0.5),
    // Exact.
    case!(floor, f64::floor, None, 0.0),
    case!(ceil, f64::ceil, None, 0.0),
    case!(trunc, f64::trunc, Odd, 0.0),
    case!(round_even, f64::round_ties_even, Odd, 0.0),
];

/// A prime, so that every exponent and all kinds of mantissas are met: some two million inputs.
const STRIDE: usize = 2039;

fn report(measure: impl Fn(&Case) -> Worst) {
    let mut failures = Vec::new();
    for case in CASES {
        let worst = measure(case);
        println!("{:12} {:.4} ULP at {:e} ({:#010x})", case.name, worst.ulp, worst.at, worst.at.to_bits());
        if worst.ulp > case.bound {
            failures.push(format!("{}: {worst:?}, bound {}", case.name, case.bound));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn sampled_errors_are_within_the_stated_bounds() {
    report(|case| (case.measure)(0..1 << 32, STRIDE));
}

#[test]
#[ignore = "exhaustive, minutes"]
fn all_errors_are_within_the_stated_bounds() {
    report(|case| {
        let (f, symmetry) = (case.f, case.symmetry);
        match symmetry {
            None => reference::worst_of_all(case.measure, 1 << 32),
            Odd | Even => {
                // The other half is equal to the bit.
                for bits in 0..1 << 31 {
                    let x = f32::from_bits(bits);
                    let mirrored = if matches!(symmetry, Odd) { -f(x) } else { f(x) };
                    assert!(
                        f(-x).to_bits() == mirrored.to_bits() || f(x).is_nan() && f(-x).is_nan(),
                        "{} at {x:e}",
                        case.name
                    );
                }
                reference::worst_of_all(case.measure, 1 << 31)
            }
        }
    });
}
