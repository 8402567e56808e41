// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The f64 functions: exact ones against std to the bit, the others within the error that their documentation
//! states, against sums of two f64.

mod math_reference;
mod values;

use math_reference::Patterns;
use math_reference::wide::{Wide, ulp_error};
use values::reduced;
use zant_runtime::math;

/// Any pattern, and numbers of moderate size, which are where the functions do something.
fn inputs(count: usize) -> impl Iterator<Item = f64> {
    let mut patterns = Patterns(3);
    let corners = [0.0, f64::from_bits(1), f64::MIN_POSITIVE, 0.5, 1.0, 1.5, 2.5, f64::MAX, f64::INFINITY, f64::NAN];
    let corners = corners.into_iter().flat_map(|x| [x, -x, x.next_up(), x.next_down()]);
    corners.chain((0..reduced(count, 200)).map(move |i| {
        let bits = patterns.next();
        if i % 2 == 0 {
            f64::from_bits(bits)
        } else {
            // Exponents of -31 to 32.
            let exponent = 1023 - 31 + ((bits >> 52) & 63);
            f64::from_bits((bits & 0x800f_ffff_ffff_ffff) | (exponent << 52))
        }
    }))
}

type Function = fn(f64) -> f64;

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

#[test]
fn exact_functions_equal_std() {
    let functions: [(&str, Function, Function); 5] = [
        ("sqrt", math::sqrt_f64, f64::sqrt),
        ("floor", math::floor_f64, f64::floor),
        ("ceil", math::ceil_f64, f64::ceil),
        ("trunc", math::trunc_f64, f64::trunc),
        ("round_even", math::round_even_f64, f64::round_ties_even),
    ];
    for x in inputs(1_000_000) {
        for (name, f, exact) in functions {
            assert!(same(f(x), exact(x)), "{name}({x:e}) = {:e}, exact {:e}", f(x), exact(x));
        }
        // 2x and 2 are the only terms left.
        if x.abs() < 1e-17 {
            assert!(same(math::tanh_f64(x), x), "tanh({x:e}) = {:e}", math::tanh_f64(x));
        }
    }
}

/// The largest error over `inputs` that `keep` lets pass.
fn worst(
    name: &str,
    f: fn(f64) -> f64,
    keep: impl Fn(f64) -> bool,
    exact: impl Fn(f64) -> (Wide, i32),
    count: usize,
) -> f64 {
    let mut worst = (0.0, 0.0);
    for x in inputs(count).filter(|&x| keep(x)) {
        let ulp = ulp_error(f(x), exact(x));
        if ulp > worst.0 {
            worst = (ulp, x);
        }
    }
    println!("{name}: {:.4} ULP at {:e}", worst.0, worst.1);
    worst.0
}

fn measure(count: usize) {
    let exp = worst("exp", math::exp_f64, |x| x.abs() < 800.0, |x| Wide::from(x).exp(), count);
    let log = worst("log", math::log_f64, |x| x > 0.0 && x.is_finite() && x != 1.0, |x| (Wide::ln(x), 0), count);
    let tanh = worst("tanh", math::tanh_f64, |x| x.abs() > 1e-250 && x.abs() < 30.0, |x| (Wide::tanh(x), 0), count);
    assert!(exp <= 1.0, "exp {exp}");
    assert!(log <= 1.0, "log {log}");
    assert!(tanh <= 3.0, "tanh {tanh}");
}

#[test]
fn errors_are_within_the_stated_bounds() {
    measure(50_000);
}

#[test]
#[ignore = "long sample, minutes"]
fn errors_of_a_long_sample_are_within_the_stated_bounds() {
    measure(10_000_000);
}

fn worst_pow(count: usize) {
    let mut patterns = Patterns(4);
    // Of normal and of subnormal results, which are rounded twice.
    let mut worst = [(0.0, 0.0, 0.0); 2];
    for i in 0..reduced(count, 200) {
        // Bases of all sizes and near 1, exponents such that the result is finite more often than not.
        let bits = patterns.next();
        let x = match i % 3 {
            0 => f64::from_bits(bits >> 1),
            1 => 1.0 + f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | ((1023 - 1 - (bits >> 58)) << 52)),
            _ => 1.0 - f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | ((1023 - 2 - (bits >> 58)) << 52)),
        };
        if !x.is_finite() || x == 0.0 || x == 1.0 {
            continue;
        }
        let unit = patterns.next() as i64 as f64 * (1.0 / 9.3e18);
        let y = unit * 760.0 / x.ln();
        let computed = math::pow_f64(x, y);
        let ulp = ulp_error(computed, Wide::pow(x, y));
        let worst = &mut worst[usize::from(computed < f64::MIN_POSITIVE)];
        if ulp > worst.0 {
            *worst = (ulp, x, y);
        }
    }
    println!("pow: normal and subnormal results {worst:?}");
    assert!(worst[0].0 <= 0.6 && worst[1].0 <= 1.0, "pow: {worst:?}");
}

#[test]
fn errors_of_pow_are_within_the_stated_bound() {
    worst_pow(50_000);
}

#[test]
#[ignore = "long sample, minutes"]
fn errors_of_pow_in_a_long_sample_are_within_the_stated_bound() {
    worst_pow(10_000_000);
}

#[test]
fn special_values() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let cases: &[(Function, f64, f64)] = &[
        (math::exp_f64, inf, inf),
        (math::exp_f64, -inf, 0.0),
        (math::exp_f64, nan, nan),
        (math::exp_f64, -0.0, 1.0),
        (math::exp_f64, 709.79, inf),
        (math::exp_f64, -745.14, 0.0),
        (math::exp_f64, -745.13, f64::from_bits(1)),
        (math::log_f64, 0.0, -inf),
        (math::log_f64, -0.0, -inf),
        (math::log_f64, -1.0, nan),
        (math::log_f64, -inf, nan),
        (math::log_f64, nan, nan),
        (math::log_f64, inf, inf),
        (math::log_f64, 1.0, 0.0),
        (math::tanh_f64, inf, 1.0),
        (math::tanh_f64, -inf, -1.0),
        (math::tanh_f64, -0.0, -0.0),
        (math::tanh_f64, nan, nan),
        (math::tanh_f64, f64::from_bits(1), f64::from_bits(1)),
    ];
    for &(f, x, y) in cases {
        assert!(same(f(x), y), "at {x:e}: {:e}, not {y:e}", f(x));
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri's functions of std are inexact on purpose")]
fn special_values_of_pow_are_those_of_std() {
    let mut numbers = vec![0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 1e300, 1e-300, 1e17, f64::MAX, f64::INFINITY, f64::NAN];
    numbers.extend([f64::from_bits(1), f64::MIN_POSITIVE, 9_007_199_254_740_991.0, 9_007_199_254_740_992.0]);
    let negative: Vec<f64> = numbers.iter().map(|x| -x).collect();
    numbers.extend(negative);
    for &x in &numbers {
        for &y in &numbers {
            let (ours, theirs) = (math::pow_f64(x, y), x.powf(y));
            let close = (ours - theirs).abs() <= theirs.abs() * f64::EPSILON;
            assert!(same(ours, theirs) || close, "pow({x:e}, {y:e}) = {ours:e}, std {theirs:e}");
        }
    }
}
