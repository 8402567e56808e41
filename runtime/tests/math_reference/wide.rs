// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sums of two f64, some 100 bits: the reference for the f64 functions.

/// 2^n, a normal number. What `powi` gives is not exact everywhere: Miri adds an error of its own.
pub(crate) fn power_of_two(n: i32) -> f64 {
    assert!((-1022..=1023).contains(&n), "2^{n}");
    f64::from_bits(((n + 1023) as u64) << 52)
}

/// hi + lo, |lo| at most half an ULP of hi.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wide {
    hi: f64,
    lo: f64,
}

/// ln 2 to 106 bits.
const LN_2: Wide = Wide { hi: std::f64::consts::LN_2, lo: 2.319_046_813_846_299_6e-17 };

impl Wide {
    pub(crate) fn from(x: f64) -> Wide {
        Wide { hi: x, lo: 0.0 }
    }

    fn add(self, other: Wide) -> Wide {
        let s = self.hi + other.hi;
        let t = s - self.hi;
        let e = (self.hi - (s - t)) + (other.hi - t);
        let lo = e + (self.lo + other.lo);
        Wide { hi: s + lo, lo: lo - ((s + lo) - s) }
    }

    fn mul(self, other: Wide) -> Wide {
        let p = self.hi * other.hi;
        let e = self.hi.mul_add(other.hi, -p);
        let lo = e + (self.hi * other.lo + self.lo * other.hi);
        Wide { hi: p + lo, lo: lo - ((p + lo) - p) }
    }

    fn neg(self) -> Wide {
        Wide { hi: -self.hi, lo: -self.lo }
    }

    fn div(self, other: Wide) -> Wide {
        let q = Wide::from(self.hi / other.hi);
        let rest = self.add(q.mul(other).neg());
        q.add(Wide::from(rest.hi / other.hi))
    }

    fn scale(self, power: i32) -> Wide {
        Wide { hi: self.hi * power_of_two(power), lo: self.lo * power_of_two(power) }
    }

    /// (e, n) with exp(self) = (1 + e) 2^n, and e to full relative precision where n is 0.
    fn exp_parts(self) -> (Wide, i32) {
        let n = (self.hi / LN_2.hi).round_ties_even();
        let r = self.add(Wide::from(-n).mul(LN_2)).scale(-9);
        // expm1 of r / 512 by its series, 14 terms; then expm1(2r) = 2 expm1(r) + expm1(r)^2.
        let mut e = Wide::from(0.0);
        for k in (1..=14).rev() {
            e = r.mul(Wide::from(1.0).add(e)).div(Wide::from(f64::from(k)));
        }
        for _ in 0..9 {
            e = e.add(e).add(e.mul(e));
        }
        (e, n as i32)
    }

    /// (y, n) with exp(self) = y 2^n.
    pub(crate) fn exp(self) -> (Wide, i32) {
        let (e, n) = self.exp_parts();
        (Wide::from(1.0).add(e), n)
    }

    /// The logarithm of a positive finite number, by the series of atanh.
    pub(crate) fn ln(x: f64) -> Wide {
        let x_scaled = if x < f64::MIN_POSITIVE { x * power_of_two(64) } else { x };
        let e = ((x_scaled.to_bits() >> 52) as i32) - 1023;
        let m = f64::from_bits((x_scaled.to_bits() & ((1 << 52) - 1)) | (1023 << 52));
        let (m, e) = if m > std::f64::consts::SQRT_2 { (0.5 * m, e + 1) } else { (m, e) };
        let e = if x < f64::MIN_POSITIVE { e - 64 } else { e };
        let s = Wide::from(m - 1.0).div(Wide::from(m).add(Wide::from(1.0)));
        let z = s.mul(s);
        let mut sum = Wide::from(0.0);
        for k in (0..25).rev() {
            sum = sum.mul(z).add(Wide::from(2.0).div(Wide::from(f64::from(2 * k + 1))));
        }
        Wide::from(f64::from(e)).mul(LN_2).add(s.mul(sum))
    }

    /// The hyperbolic tangent of a number of absolute value below 300.
    pub(crate) fn tanh(x: f64) -> Wide {
        let (e, n) = Wide::from(2.0 * x).exp_parts();
        let s = Wide::from(power_of_two(n));
        let e = s.mul(e).add(s.add(Wide::from(-1.0)));
        e.div(e.add(Wide::from(2.0)))
    }

    /// (y, n) with x^y = y 2^n, for a positive finite x.
    pub(crate) fn pow(x: f64, y: f64) -> (Wide, i32) {
        Wide::ln(x).mul(Wide::from(y)).exp()
    }
}

/// The error of an f64 result against exact * 2^n, in ULP as for f32.
pub(crate) fn ulp_error(computed: f64, (exact, n): (Wide, i32)) -> f64 {
    let exponent = (((exact.hi.to_bits() >> 52) & 0x7ff) as i32) - 1023;
    if exponent + n > 1023 {
        return if computed == f64::INFINITY.copysign(exact.hi) { 0.0 } else { f64::INFINITY };
    }
    if exponent + n < -1100 {
        return if computed == 0.0 { 0.0 } else { f64::INFINITY };
    }
    // Everything times 2^-n, which is exact: in two factors, since n may be -1100.
    let half = n / 2;
    let scaled = computed * power_of_two(-half) * power_of_two(half - n);
    let ulp = power_of_two((exponent - 52).max(-1074 - n));
    Wide::from(scaled).add(exact.neg()).hi.abs() / ulp
}
