// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The special values that the functions of `math` document, their symmetries, and the references of the
//! accuracy tests against numbers from tables.

mod math_reference;
mod values;

use math_reference::Patterns;
use values::reduced;
use zant_runtime::math;
use zant_runtime::math::{clamp, max, min};

type Function = fn(f32) -> f32;

const INF: f32 = f32::INFINITY;
const NAN: f32 = f32::NAN;
/// The smallest subnormal number.
const TINY: f32 = f32::from_bits(1);
/// The largest f32 whose hyperbolic sine is one.
const LARGE: f32 = 89.415_985;

#[track_caller]
fn check(name: &str, computed: f32, expected: f32) {
    let same = computed.to_bits() == expected.to_bits() || computed.is_nan() && expected.is_nan();
    assert!(same, "{name}: {computed:e}, not {expected:e}");
}

/// Results at NaN, inf, -inf, +0 and -0.
#[test]
fn results_at_nan_infinities_and_zeros() {
    let half_pi = std::f32::consts::FRAC_PI_2;
    let ln_2 = std::f32::consts::LN_2;
    let cases: &[(&str, Function, [f32; 5])] = &[
        ("exp", math::exp, [NAN, INF, 0.0, 1.0, 1.0]),
        ("expm1", math::expm1, [NAN, INF, -1.0, 0.0, -0.0]),
        ("log", math::log, [NAN, INF, NAN, -INF, -INF]),
        ("log1p", math::log1p, [NAN, INF, NAN, 0.0, -0.0]),
        ("tanh", math::tanh, [NAN, 1.0, -1.0, 0.0, -0.0]),
        ("erf", math::erf, [NAN, 1.0, -1.0, 0.0, -0.0]),
        ("sigmoid", math::sigmoid, [NAN, 1.0, 0.0, 0.5, 0.5]),
        ("softplus", math::softplus, [NAN, INF, 0.0, ln_2, ln_2]),
        ("sin", math::sin, [NAN, NAN, NAN, 0.0, -0.0]),
        ("cos", math::cos, [NAN, NAN, NAN, 1.0, 1.0]),
        ("tan", math::tan, [NAN, NAN, NAN, 0.0, -0.0]),
        ("asin", math::asin, [NAN, NAN, NAN, 0.0, -0.0]),
        ("acos", math::acos, [NAN, NAN, NAN, half_pi, half_pi]),
        ("atan", math::atan, [NAN, half_pi, -half_pi, 0.0, -0.0]),
        ("sinh", math::sinh, [NAN, INF, -INF, 0.0, -0.0]),
        ("cosh", math::cosh, [NAN, INF, INF, 1.0, 1.0]),
        ("asinh", math::asinh, [NAN, INF, -INF, 0.0, -0.0]),
        ("acosh", math::acosh, [NAN, INF, NAN, NAN, NAN]),
        ("atanh", math::atanh, [NAN, NAN, NAN, 0.0, -0.0]),
        ("sqrt", math::sqrt, [NAN, INF, NAN, 0.0, -0.0]),
        ("floor", math::floor, [NAN, INF, -INF, 0.0, -0.0]),
        ("ceil", math::ceil, [NAN, INF, -INF, 0.0, -0.0]),
        ("trunc", math::trunc, [NAN, INF, -INF, 0.0, -0.0]),
        ("round_even", math::round_even, [NAN, INF, -INF, 0.0, -0.0]),
    ];
    for &(name, f, expected) in cases {
        for (x, expected) in [NAN, INF, -INF, 0.0, -0.0].into_iter().zip(expected) {
            check(&format!("{name}({x})"), f(x), expected);
        }
        // A NaN of any sign and payload.
        for bits in [0x7f80_0001, 0x7fff_ffff, 0xff80_0001, 0xffc0_0000, 0xffff_ffff] {
            check(&format!("{name}({bits:#x})"), f(f32::from_bits(bits)), NAN);
        }
    }
}

/// Results elsewhere: the ends of domains and ranges.
#[test]
fn results_at_ends() {
    let pi = std::f32::consts::PI;
    let cases: &[(&str, Function, f32, f32)] = &[
        ("exp", math::exp, 88.722_84, INF),
        ("exp", math::exp, f32::MAX, INF),
        ("exp", math::exp, -103.972_09, 0.0),
        ("exp", math::exp, -103.972_07, TINY),
        ("exp", math::exp, f32::MIN, 0.0),
        ("expm1", math::expm1, 88.722_84, INF),
        ("expm1", math::expm1, TINY, TINY),
        ("expm1", math::expm1, -TINY, -TINY),
        ("expm1", math::expm1, f32::MIN, -1.0),
        ("log", math::log, 1.0, 0.0),
        ("log", math::log, -TINY, NAN),
        ("log", math::log, TINY, -103.278_93),
        ("log1p", math::log1p, -1.0, -INF),
        ("log1p", math::log1p, -1f32.next_up(), NAN),
        ("log1p", math::log1p, TINY, TINY),
        ("log1p", math::log1p, -TINY, -TINY),
        ("tanh", math::tanh, TINY, TINY),
        ("tanh", math::tanh, 9.1, 1.0),
        ("erf", math::erf, f32::MAX, 1.0),
        ("erf", math::erf, TINY, TINY),
        ("sigmoid", math::sigmoid, -103.972_09, 0.0),
        ("sigmoid", math::sigmoid, -103.972_07, TINY),
        ("sigmoid", math::sigmoid, f32::MAX, 1.0),
        ("sigmoid", math::sigmoid, f32::MIN, 0.0),
        ("softplus", math::softplus, f32::MAX, f32::MAX),
        ("softplus", math::softplus, -103.972_07, TINY),
        ("sin", math::sin, -TINY, -TINY),
        ("tan", math::tan, -TINY, -TINY),
        ("asin", math::asin, 1.0, 0.5 * pi),
        ("asin", math::asin, -1.0, -0.5 * pi),
        ("asin", math::asin, 1f32.next_up(), NAN),
        ("asin", math::asin, f32::MIN, NAN),
        ("acos", math::acos, 1.0, 0.0),
        ("acos", math::acos, -1.0, pi),
        ("acos", math::acos, 1f32.next_up(), NAN),
        ("acos", math::acos, f32::MAX, NAN),
        ("sinh", math::sinh, LARGE.next_up(), INF),
        ("cosh", math::cosh, -LARGE.next_up(), INF),
        ("acosh", math::acosh, 1.0, 0.0),
        ("acosh", math::acosh, 1f32.next_down(), NAN),
        ("atanh", math::atanh, 1.0, INF),
        ("atanh", math::atanh, -1.0, -INF),
        ("atanh", math::atanh, 1f32.next_up(), NAN),
        ("atanh", math::atanh, f32::MIN, NAN),
        ("sqrt", math::sqrt, -TINY, NAN),
        ("sqrt", math::sqrt, -1.0, NAN),
        ("floor", math::floor, -TINY, -1.0),
        ("ceil", math::ceil, -0.5, -0.0),
        ("ceil", math::ceil, TINY, 1.0),
        ("trunc", math::trunc, -0.9, -0.0),
        ("round_even", math::round_even, 0.5, 0.0),
        ("round_even", math::round_even, -0.5, -0.0),
        ("round_even", math::round_even, 2.5, 2.0),
        ("round_even", math::round_even, 8_388_607.5, 8_388_608.0),
    ];
    assert!(math::sinh(LARGE).is_finite() && math::cosh(LARGE).is_finite());
    for &(name, f, x, expected) in cases {
        check(&format!("{name}({x:e})"), f(x), expected);
    }
}

#[test]
fn odd_and_even_functions_are_so_to_the_bit() {
    let odd: [(&str, Function); 9] = [
        ("tanh", math::tanh),
        ("erf", math::erf),
        ("sin", math::sin),
        ("tan", math::tan),
        ("asin", math::asin),
        ("atan", math::atan),
        ("sinh", math::sinh),
        ("asinh", math::asinh),
        ("atanh", math::atanh),
    ];
    let even: [(&str, Function); 2] = [("cos", math::cos), ("cosh", math::cosh)];
    let mut patterns = Patterns(7);
    for _ in 0..reduced(300_000, 100) {
        let x = patterns.any_f32();
        for (name, f) in odd {
            check(&format!("{name}(-{x:e})"), f(-x), -f(x));
        }
        for (name, f) in even {
            check(&format!("{name}(-{x:e})"), f(-x), f(x));
        }
    }
}

#[test]
fn max_and_min_order_zeros_and_keep_nan() {
    let numbers =
        [0.0, -0.0, TINY, -TINY, 1.0, -1.0, f32::MAX, f32::MIN, INF, -INF, NAN, -NAN, f32::from_bits(0x7f80_0001)];
    for a in numbers {
        for b in numbers {
            let nan = a.is_nan() || b.is_nan();
            // Of numbers, the order of IEEE totalOrder.
            let (low, high) = if a.total_cmp(&b).is_lt() { (a, b) } else { (b, a) };
            check(&format!("max({a:e}, {b:e})"), max(a, b), if nan { NAN } else { high });
            check(&format!("min({a:e}, {b:e})"), min(a, b), if nan { NAN } else { low });
        }
    }
}

#[test]
fn clamp_keeps_what_lies_within() {
    check("inside", clamp(0.5, 0.0, 1.0), 0.5);
    check("below", clamp(-0.5, 0.0, 1.0), 0.0);
    check("above", clamp(1.5, 0.0, 1.0), 1.0);
    check("-0 at +0", clamp(-0.0, 0.0, 1.0), -0.0);
    check("+0 at -0", clamp(0.0, -1.0, -0.0), 0.0);
    check("NaN", clamp(NAN, 0.0, 1.0), NAN);
    check("inf", clamp(INF, 0.0, INF), INF);
    check("-inf", clamp(-INF, 0.0, 6.0), 0.0);
    check("no lower bound", clamp(-INF, NAN, 6.0), -INF);
    check("empty interval", clamp(0.5, 2.0, 1.0), 1.0);
}

/// Values of the error function to 16 digits, from the relations to the incomplete gamma function in 50 digits.
#[test]
#[cfg_attr(miri, ignore = "Miri's functions of std are inexact on purpose")]
fn the_reference_error_function_agrees_with_a_table() {
    let table = [
        (1e-8, 1.128_379_167_095_512_5e-8),
        (0.1, 0.112_462_916_018_284_89),
        (0.5, 0.520_499_877_813_046_5),
        (1.0, 0.842_700_792_949_714_9),
        (1.5, 0.966_105_146_475_310_8),
        (2.0, 0.995_322_265_018_952_7),
        (2.9, 0.999_958_902_121_900_5),
        (3.1, 0.999_988_351_342_632_8),
        (4.0, 0.999_999_984_582_742_1),
    ];
    for (x, exact) in table {
        let error = (math_reference::erf(x) - exact).abs() / exact;
        assert!(error < 1e-15, "erf({x}): relative error {error:e}");
        assert_eq!(math_reference::erf(-x), -math_reference::erf(x));
    }
}

/// Quantizing gives what its operations give one by one, for numbers of all sizes, ties and those that are no numbers.
#[test]
fn quantizing_is_rounding_adding_and_clamping() {
    let ranges = [(-128, 127), (0, 255), (-128, 60), (3, 200)];
    let near = (-1200..1200).step_by(reduced(1, 7)).map(|i| i as f32 / 4.0);
    let special = [NAN, INF, -INF, 1e10, -1e10, 3e9, 8_388_609.0, f32::MAX, TINY, -TINY, -0.0];
    let all = (0..reduced(200_000, 200)).map(|i: u32| f32::from_bits(i.wrapping_mul(2_654_435_761)));
    for x in near.chain(special).chain(all) {
        for (lo, hi) in ranges {
            for zero in [lo, hi, (lo + hi) / 2] {
                let steps = min(max(math::round_even(x) + zero as f32, lo as f32), hi as f32) as i32;
                assert_eq!(math::quantize(x, zero, lo, hi), steps, "{x:e} + {zero} in {lo}..={hi}");
            }
        }
    }
}
