// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What the accuracy tests of `math` share: the error in ULP and references that std lacks.
//!
//! An error is |computed - exact| / ulp(exact), where ulp(exact) is the distance of neighbouring numbers in the
//! binade of the exact value (the smallest subnormal below the normal numbers): a correctly rounded result
//! has at most 0.5.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod wide;

use std::ops::Range;

/// The error of an f32 result against a reference in f64, in ULP; infinite for a NaN or infinity out of place.
pub(crate) fn ulp_error(computed: f32, exact: f64) -> f64 {
    if exact.is_nan() || computed.is_nan() {
        return if exact.is_nan() && computed.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if exact.is_infinite() {
        return if f64::from(computed) == exact { 0.0 } else { f64::INFINITY };
    }
    let two_128 = wide::power_of_two(128);
    let value = if computed.is_infinite() { two_128.copysign(f64::from(computed)) } else { f64::from(computed) };
    // From here on infinity is the correct result.
    if computed.is_infinite() && exact.abs() >= two_128 && (computed > 0.0) == (exact > 0.0) {
        return 0.0;
    }
    let exponent = (((exact.to_bits() >> 52) & 0x7ff) as i32 - 1023).clamp(-126, 127);
    let ulp = f64::from_bits(((exponent - 23 + 1023) as u64) << 52);
    (value - exact).abs() / ulp
}

/// The largest error found, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worst {
    pub(crate) ulp: f64,
    pub(crate) at: f32,
}

/// The largest error of `f` over every `step`-th bit pattern of `patterns`.
///
/// In batches, so that loops over `f` and over the errors are vectorised; what is not plainly within the worst so far
/// (infinities and NaN too) goes through [`ulp_error`].
#[inline(always)]
pub(crate) fn worst(f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64, patterns: Range<u64>, step: usize) -> Worst {
    const BATCH: usize = 512;
    let mut worst = Worst { ulp: 0.0, at: 0.0 };
    let (mut x, mut y, mut e, mut error) = ([0.0; BATCH], [0.0; BATCH], [0.0; BATCH], [0.0; BATCH]);
    for first in patterns.clone().step_by(step * BATCH) {
        for (i, x) in x.iter_mut().enumerate() {
            // Beyond the end the last one again.
            let bits = (first + (i * step) as u64).min(patterns.end - 1);
            *x = f32::from_bits(bits as u32);
        }
        for (y, x) in y.iter_mut().zip(x) {
            *y = f(x);
        }
        for (e, x) in e.iter_mut().zip(x) {
            *e = exact(f64::from(x));
        }
        for (error, (y, e)) in error.iter_mut().zip(y.into_iter().zip(e)) {
            let exponent = ((e.to_bits() >> 52) & 0x7ff).max(1023 - 126);
            let inverse_ulp = f64::from_bits((2046 + 23 - exponent) << 52);
            *error = (f64::from(y) - e).abs() * inverse_ulp;
        }
        for i in 0..BATCH {
            let within = error[i] <= worst.ulp;
            if !within {
                let ulp = ulp_error(y[i], e[i]);
                if ulp > worst.ulp {
                    worst = Worst { ulp, at: x[i] };
                }
            }
        }
    }
    worst
}

/// The largest of what `measure` finds in the parts of 0..end, on every core.
pub(crate) fn worst_of_all(measure: fn(Range<u64>, usize) -> Worst, end: u64) -> Worst {
    let parts = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let workers: Vec<_> =
        (0..parts).map(|part| std::thread::spawn(move || measure(part..end, parts as usize))).collect();
    workers
        .into_iter()
        .map(|worker| worker.join().expect("no function panics"))
        .max_by(|a, b| a.ulp.total_cmp(&b.ulp))
        .expect("at least one worker")
}

/// The error function in f64, to some 1e-15 relative.
///
/// Below 3 by 2/sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!, whose terms are all positive; from there on
/// by the continued fraction of erfc (Abramowitz and Stegun 7.1.6 and 7.1.14).
pub(crate) fn erf(x: f64) -> f64 {
    let a = x.abs();
    let y = if a.is_nan() {
        a
    } else if a < 3.0 {
        let mut term = a;
        let mut sum = a;
        let mut n = 1.0;
        while term > sum * 1e-17 {
            term *= 2.0 * a * a / (2.0 * n + 1.0);
            sum += term;
            n += 1.0;
        }
        std::f64::consts::FRAC_2_SQRT_PI * (-a * a).exp() * sum
    } else if a < 6.0 {
        let fraction = (1..60).rev().fold(a, |tail, k| a + f64::from(k) * 0.5 / tail);
        1.0 - (-a * a).exp() / fraction / std::f64::consts::PI.sqrt()
    } else {
        1.0
    };
    y.copysign(x)
}

/// The logistic function in f64.
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// log(1 + exp(x)) in f64.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The inverse hyperbolic functions in f64; those of std lose digits.
pub(crate) fn asinh(x: f64) -> f64 {
    let a = x.abs();
    (a + a * a / (1.0 + (a * a + 1.0).sqrt())).ln_1p().copysign(x)
}

/// See [`asinh`].
pub(crate) fn acosh(x: f64) -> f64 {
    let t = x - 1.0;
    if t < 0.0 {
        return f64::NAN;
    }
    (t + (t * (t + 2.0)).sqrt()).ln_1p()
}

/// See [`asinh`].
pub(crate) fn atanh(x: f64) -> f64 {
    0.5 * (2.0 * x / (1.0 - x)).ln_1p()
}

/// A sequence of well-mixed 64-bit patterns (splitmix64).
pub(crate) struct Patterns(pub(crate) u64);

impl Patterns {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Any f32 pattern.
    pub(crate) fn any_f32(&mut self) -> f32 {
        f32::from_bits(self.next() as u32)
    }

    /// Any f64 pattern.
    pub(crate) fn any_f64(&mut self) -> f64 {
        f64::from_bits(self.next())
    }
}
