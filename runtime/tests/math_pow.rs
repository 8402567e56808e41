// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `math::pow`: its stated error bound over a sample, exact powers, and the special cases of IEEE 754.

mod math_reference;
mod values;

use math_reference::{Patterns, ulp_error};
use values::reduced;
use zant_runtime::math::pow;

/// Asserts the stated error of pairs with a finite result, more often than not.
fn check_errors(count: usize) {
    let mut patterns = Patterns(5);
    // Of normal and of subnormal results, which are rounded twice.
    let mut worst = [(0.0, 0.0, 0.0); 2];
    for i in 0..reduced(count, 500) {
        // Bases of all sizes, of few binades, and near 1 from both sides.
        let bits = patterns.next() as u32;
        let near = f32::from_bits((bits & 0x007f_ffff) | ((126 - (bits >> 28)) << 23));
        let x = match i % 4 {
            0 => f32::from_bits(bits >> 1),
            1 => f32::from_bits((bits & 0x01ff_ffff) | 0x3f00_0000),
            2 => 1.0 + near,
            _ => 1.0 - 0.5 * near,
        };
        if !x.is_finite() || x <= 0.0 || x == 1.0 {
            continue;
        }
        // Results from below the smallest subnormal to above the largest number.
        let unit = patterns.next() as i64 as f64 * (1.0 / 9.3e18);
        let y = match i % 8 {
            0..4 => (unit * 105.0 / f64::from(x).ln()) as f32,
            4 => (unit * 20.0).round_ties_even() as f32,
            _ => (unit * 8.0).round_ties_even() as f32 * 0.5,
        };
        let exact = f64::from(x).powf(f64::from(y));
        let ulp = ulp_error(pow(x, y), exact);
        let worst = &mut worst[usize::from(exact < f64::from(f32::MIN_POSITIVE))];
        if ulp > worst.0 {
            *worst = (ulp, x, y);
        }
    }
    println!("pow: normal and subnormal results {worst:?}");
    assert!(worst[0].0 <= 0.6 && worst[1].0 <= 1.0, "{worst:?}");
}

#[test]
fn sampled_errors_are_within_the_stated_bound() {
    check_errors(2_000_000);
}

#[test]
#[ignore = "long sample, minutes"]
fn errors_of_a_long_sample_are_within_the_stated_bound() {
    check_errors(300_000_000);
}

#[test]
fn powers_that_are_numbers_are_exact() {
    let step = reduced(1, 37);
    for i in (1..=4096_u16).step_by(step) {
        let x = f32::from(i);
        assert_eq!(pow(x, 2.0), x * x, "{x}^2");
        assert_eq!(pow(x * x, 0.5), x, "{x}^2^0.5");
        assert_eq!(pow(-x, 2.0), x * x, "(-{x})^2");
    }
    for i in (1..=256_u16).step_by(step) {
        let x = f32::from(i);
        assert_eq!(pow(x, 3.0), x * x * x, "{x}^3");
        assert_eq!(pow(-x, 3.0), -x * x * x, "(-{x})^3");
    }
    for n in (-149..=127_i16).step_by(step) {
        let exact = f64::from(n).exp2() as f32;
        assert_eq!(pow(2.0, f32::from(n)), exact, "2^{n}");
        assert_eq!(pow(0.5, f32::from(-n)), exact, "0.5^{}", -n);
    }
    let mut patterns = Patterns(6);
    for _ in 0..reduced(1_000_000, 500) {
        let x = patterns.any_f32();
        if x > 0.0 {
            assert_eq!(pow(x, 1.0), x, "{x:e}^1");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri's functions of std are inexact on purpose")]
fn special_values_are_those_of_std() {
    let mut numbers = vec![0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.5, 1e30, 1e-30, f32::MAX, f32::INFINITY, f32::NAN];
    numbers.extend([f32::from_bits(1), f32::MIN_POSITIVE, 8_388_609.0, 16_777_215.0, 16_777_216.0, 33_554_432.0]);
    numbers.extend([1f32.next_up(), 1f32.next_down(), 0.5f32.next_down()]);
    let negative: Vec<f32> = numbers.iter().map(|x| -x).collect();
    numbers.extend(negative);
    for &x in &numbers {
        for &y in &numbers {
            let (ours, exact) = (pow(x, y), f64::from(x).powf(f64::from(y)));
            let theirs = x.powf(y);
            let same = ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan();
            let sign = ours.is_sign_negative() == theirs.is_sign_negative();
            assert!(same || sign && ulp_error(ours, exact) <= 1.0, "pow({x:e}, {y:e}) = {ours:e}, std {theirs:e}");
        }
    }
}
