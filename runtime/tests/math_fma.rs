// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `math::fma` against the fused multiply-add of std, to the bit.

mod math_reference;
mod values;

use math_reference::Patterns;
use values::reduced;
use zant_runtime::math::fma;

/// Equal to the bit, or both NaN.
#[track_caller]
fn check(a: f32, b: f32, c: f32) {
    let (ours, exact) = (fma(a, b, c), a.mul_add(b, c));
    assert!(
        ours.to_bits() == exact.to_bits() || ours.is_nan() && exact.is_nan(),
        "fma({a:e}, {b:e}, {c:e}) = {ours:e}, exact {exact:e}"
    );
}

/// Numbers at which something changes, of both signs.
fn corners() -> Vec<f32> {
    let mut numbers = vec![
        0.0,
        f32::from_bits(1),
        f32::from_bits(2),
        f32::from_bits(3),
        f32::from_bits(0x007f_ffff),
        f32::MIN_POSITIVE,
        f32::from_bits(0x0080_0001),
        f32::MAX,
        f32::from_bits(0x7f7f_fffe),
        f32::INFINITY,
        f32::NAN,
    ];
    for exponent in [-126_i32, -75, -74, -64, -50, -25, -24, -23, -12, -1, 0, 1, 12, 23, 24, 25, 63, 64, 103, 127] {
        // Two to that power, exactly, which Miri's `powi` is not.
        let power = f32::from_bits(((exponent + 127) as u32) << 23);
        numbers.extend([power, power.next_up(), power.next_down(), 1.5 * power]);
    }
    let negative: Vec<f32> = numbers.iter().map(|x| -x).collect();
    numbers.extend(negative);
    numbers
}

#[test]
fn corners_agree() {
    let numbers = corners();
    let n = numbers.len();
    // The step has no divisor in common with their number.
    for at in (0..n * n * n).step_by(reduced(1, 3001)) {
        check(numbers[at / n / n], numbers[at / n % n], numbers[at % n]);
    }
}

#[test]
fn any_patterns_agree() {
    let mut patterns = Patterns(1);
    for _ in 0..reduced(4_000_000, 2_000) {
        check(patterns.any_f32(), patterns.any_f32(), patterns.any_f32());
    }
}

/// The sum nearly cancels, or lies near halfway between two f32, or in the subnormal range: c is chosen near
/// the product, or so far from it that the two barely overlap.
#[test]
fn hard_sums_agree() {
    let mut patterns = Patterns(2);
    for _ in 0..reduced(4_000_000, 500) {
        let bits = patterns.next();
        let magnitude = |b: u64| f32::from_bits(b as u32 & 0x7fff_ffff);
        let a = f32::from_bits((bits as u32 & 0x807f_ffff) | 0x3f80_0000);
        // Exponents from subnormal products to overflow.
        let b = magnitude(patterns.next());
        let product = a * b;
        let shift = (patterns.next() % 64) as i32 - 32;
        let near = product.to_bits().wrapping_add(((shift / 8) << 23) as u32).wrapping_add((shift % 8) as u32);
        for c in [f32::from_bits(near), -f32::from_bits(near), -product, product.next_up(), -product.next_down()] {
            check(a, b, c);
        }
        // A product of few bits, so that halfway cases occur.
        let few = f32::from_bits(b.to_bits() & 0xffff_f000);
        let half_ulp = f32::from_bits(few.to_bits().wrapping_sub(24 << 23));
        check(f32::from_bits(a.to_bits() & 0xffff_f000), few, half_ulp);
        check(1.0, few, half_ulp);
        check(-1.0, few, half_ulp.next_up());
        check(1.0, few.next_up(), half_ulp);
    }
}
