// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The stated error bounds of the f32 functions of one argument, over a sample and over all f32.

mod math_reference;

use math_reference as reference;
use zant_runtime::math;

/// A function, its reference and the error in ULP that its documentation states.
struct Case {
    name: &'static str,
    f: fn(f32) -> f32,
    exact: fn(f64) -> f64,
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

const CASES: &[Case] = &[
    Case { name: "exp", f: math::exp, exact: f64::exp, symmetry: None, bound: 2.0 },
    Case { name: "expm1", f: math::expm1, exact: f64::exp_m1, symmetry: None, bound: 2.0 },
    Case { name: "log", f: math::log, exact: f64::ln, symmetry: None, bound: 2.0 },
    Case { name: "log1p", f: math::log1p, exact: f64::ln_1p, symmetry: None, bound: 2.0 },
    Case { name: "tanh", f: math::tanh, exact: f64::tanh, symmetry: Odd, bound: 2.0 },
    Case { name: "erf", f: math::erf, exact: reference::erf, symmetry: Odd, bound: 2.0 },
    Case { name: "sigmoid", f: math::sigmoid, exact: reference::sigmoid, symmetry: None, bound: 2.0 },
    Case { name: "softplus", f: math::softplus, exact: reference::softplus, symmetry: None, bound: 4.0 },
    Case { name: "sin", f: math::sin, exact: f64::sin, symmetry: Odd, bound: 2.0 },
    Case { name: "cos", f: math::cos, exact: f64::cos, symmetry: Even, bound: 2.0 },
    Case { name: "tan", f: math::tan, exact: f64::tan, symmetry: Odd, bound: 4.0 },
    Case { name: "asin", f: math::asin, exact: f64::asin, symmetry: Odd, bound: 4.0 },
    Case { name: "acos", f: math::acos, exact: f64::acos, symmetry: None, bound: 4.0 },
    Case { name: "atan", f: math::atan, exact: f64::atan, symmetry: Odd, bound: 4.0 },
    Case { name: "sinh", f: math::sinh, exact: f64::sinh, symmetry: Odd, bound: 4.0 },
    Case { name: "cosh", f: math::cosh, exact: f64::cosh, symmetry: Even, bound: 4.0 },
    Case { name: "asinh", f: math::asinh, exact: reference::asinh, symmetry: Odd, bound: 4.0 },
    Case { name: "acosh", f: math::acosh, exact: reference::acosh, symmetry: None, bound: 4.0 },
    Case { name: "atanh", f: math::atanh, exact: reference::atanh, symmetry: Odd, bound: 4.0 },
    // 0.5 is the bound of a correctly rounded result.
    Case { name: "sqrt", f: math::sqrt, exact: f64::sqrt, symmetry: None, bound: 0.5 },
    // Exact.
    Case { name: "floor", f: math::floor, exact: f64::floor, symmetry: None, bound: 0.0 },
    Case { name: "ceil", f: math::ceil, exact: f64::ceil, symmetry: None, bound: 0.0 },
    Case { name: "trunc", f: math::trunc, exact: f64::trunc, symmetry: Odd, bound: 0.0 },
    Case { name: "round_even", f: math::round_even, exact: f64::round_ties_even, symmetry: Odd, bound: 0.0 },
];

/// A prime, so that every exponent and all kinds of mantissas are met: some two million inputs.
const STRIDE: usize = 2039;

fn report(measure: impl Fn(&Case) -> reference::Worst) {
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
    report(|case| reference::worst(case.f, case.exact, 0..1 << 32, STRIDE));
}

#[test]
#[ignore = "exhaustive, minutes"]
fn all_errors_are_within_the_stated_bounds() {
    report(|case| {
        let (f, symmetry) = (case.f, case.symmetry);
        match symmetry {
            None => reference::worst_of_all(f, case.exact, 1 << 32),
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
                reference::worst_of_all(f, case.exact, 1 << 31)
            }
        }
    });
}
