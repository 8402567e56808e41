// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sums of two f32: exact sums and products without a fused operation (Dekker, Knuth), about 48 bits.
//!
//! A value is (hi, lo) with |lo| at most half an ULP of hi or so. Exact while nothing overflows or underflows.

/// The exact sum of `a` and `b`, if |a| >= |b| or a is zero.
#[inline]
pub(super) fn fast_two_sum(a: f32, b: f32) -> (f32, f32) {
    let s = a + b;
    (s, b - (s - a))
}

/// The exact sum of `a` and `b`.
#[inline]
pub(super) fn two_sum(a: f32, b: f32) -> (f32, f32) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

/// `a` as the sum of two numbers of 12 bits (Veltkamp, 2^12 + 1).
#[inline]
fn split(a: f32) -> (f32, f32) {
    let c = 4097.0 * a;
    let hi = c - (c - a);
    (hi, a - hi)
}

/// The exact product of `a` and `b`.
#[inline]
pub(super) fn two_product(a: f32, b: f32) -> (f32, f32) {
    let p = a * b;
    let (ah, al) = split(a);
    let (bh, bl) = split(b);
    (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

/// The product of two such sums, with a relative error near 2^-44.
#[inline]
pub(super) fn product(a: (f32, f32), b: (f32, f32)) -> (f32, f32) {
    let (p, e) = two_product(a.0, b.0);
    fast_two_sum(p, e + (a.0 * b.1 + a.1 * b.0))
}

/// The sum of a number and such a sum, if |a| >= |b| or a is zero.
#[inline]
pub(super) fn sum(a: f32, b: (f32, f32)) -> (f32, f32) {
    let (s, e) = fast_two_sum(a, b.0);
    fast_two_sum(s, e + b.1)
}
