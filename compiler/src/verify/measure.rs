//! How far an output is from its reference, and whether that is near enough.

use crate::ir::{DType, Scalar, Tensor};

/// Largest error of float outputs that passes, as a part of the output's largest magnitude.
pub const DEFAULT_TOLERANCE: f64 = 1e-4;

/// Of a quantized model's integer outputs, one element of so many may be off by one quantum.
const ELEMENTS_PER_QUANTUM: usize = 1000;

/// What passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// For float outputs: part of the output's largest magnitude.
    pub relative: f64,
    /// The model is quantized: integer outputs may be off by one quantum here and there.
    pub quantized: bool,
}

impl std::fmt::Display for Tolerance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "floats within {:e} of the output's largest magnitude, ", self.relative)?;
        match self.quantized {
            true => write!(f, "integers within one quantum in at most one element of {ELEMENTS_PER_QUANTUM}"),
            false => f.write_str("integers equal"),
        }
    }
}

/// The distance of an output from its reference.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Distance {
    /// Number of elements.
    pub elements: usize,
    /// How many are not equal.
    pub unequal: usize,
    /// The largest absolute error; infinite where one is NaN and the other is not.
    pub max_absolute: f64,
    /// The same as a part of the reference's largest magnitude.
    pub max_relative: f64,
    /// The largest number of representable values from one to the other; for integers the absolute error.
    pub max_ulps: u64,
    /// Rows (along the last dimension) whose largest element is at the same place, and rows there are; `None` where rows
    /// have one element.
    pub arg_max: Option<(usize, usize)>,
    /// Whether it is within the tolerance.
    pub pass: bool,
}

/// Compares an output with its reference; `None` where their types differ.
pub fn compare(reference: &Tensor, output: &Tensor, tolerance: &Tolerance) -> Option<Distance> {
    if reference.ty() != output.ty() {
        return None;
    }
    let mut d = Distance {
        elements: reference.len(),
        unequal: 0,
        max_absolute: 0.0,
        max_relative: 0.0,
        max_ulps: 0,
        arg_max: arg_max(reference, output),
        pass: false,
    };
    let mut magnitude = 0f64;
    for (r, o) in reference.scalars().zip(output.scalars()) {
        let absolute = error(r, o);
        d.unequal += usize::from(absolute != 0.0);
        d.max_absolute = d.max_absolute.max(absolute);
        d.max_ulps = d.max_ulps.max(if absolute == 0.0 { 0 } else { ulps(r, o) });
        let size = r.to_f64().abs();
        if size.is_finite() {
            magnitude = magnitude.max(size);
        }
    }
    d.max_relative = if d.max_absolute == 0.0 { 0.0 } else { d.max_absolute / magnitude };
    d.pass = if reference.dtype().is_float() {
        d.max_relative <= tolerance.relative
    } else if tolerance.quantized {
        d.max_absolute <= 1.0 && d.unequal * ELEMENTS_PER_QUANTUM <= d.elements
    } else {
        d.unequal == 0
    };
    Some(d)
}

/// The absolute difference: 0 for equal values, two NaNs and both zeros, infinite for NaN and a number.
fn error(a: Scalar, b: Scalar) -> f64 {
    if !a.dtype().is_float() {
        return exact(a).abs_diff(exact(b)) as f64;
    }
    let (a, b) = (a.to_f64(), b.to_f64());
    match (a.is_nan(), b.is_nan()) {
        (true, true) => 0.0,
        (false, false) if a == b => 0.0,
        (false, false) => (a - b).abs(),
        (true, false) | (false, true) => f64::INFINITY,
    }
}

/// An integer without loss: unsigned 64-bit ones do not fit into signed ones.
fn exact(v: Scalar) -> i128 {
    if v.dtype() == DType::U64 { i128::from(v.bits()) } else { i128::from(v.to_i64()) }
}

/// Steps from one value to the other through the values that their type has.
fn ulps(a: Scalar, b: Scalar) -> u64 {
    if !a.dtype().is_float() {
        return u64::try_from(exact(a).abs_diff(exact(b))).unwrap_or(u64::MAX);
    }
    if a.to_f64().is_nan() || b.to_f64().is_nan() {
        return u64::MAX;
    }
    u64::try_from(rank(a).abs_diff(rank(b))).unwrap_or(u64::MAX)
}

/// The position of a float among those of its type: sign and magnitude become one ascending integer, both zeros the same.
fn rank(v: Scalar) -> i128 {
    let sign = 1u64 << (8 * v.dtype().size() - 1);
    let magnitude = i128::from(v.bits() & (sign - 1));
    if v.bits() & sign == 0 { magnitude } else { -magnitude }
}

fn arg_max(reference: &Tensor, output: &Tensor) -> Option<(usize, usize)> {
    let row = *reference.shape().last()?;
    if row < 2 || reference.is_empty() {
        return None;
    }
    let largest = |t: &Tensor, from: usize| {
        let mut best = from;
        for i in from + 1..from + row {
            if t.get(i).to_f64() > t.get(best).to_f64() {
                best = i;
            }
        }
        best
    };
    let rows = reference.len() / row;
    let agree = (0..rows).filter(|r| largest(reference, r * row) == largest(output, r * row)).count();
    Some((agree, rows))
}

#[cfg(test)]
mod tests {
    use super::{Tolerance, compare};
    use crate::ir::Tensor;

    const PLAIN: Tolerance = Tolerance { relative: 1e-4, quantized: false };

    fn floats(v: &[f32]) -> Tensor {
        Tensor::from_elements([v.len()], v)
    }

    #[test]
    fn floats_are_measured_against_the_largest() {
        let d = compare(&floats(&[100.0, 0.0]), &floats(&[100.0, 0.009]), &PLAIN).unwrap();
        assert!(d.pass && d.unequal == 1 && d.arg_max == Some((1, 1)));
        let d = compare(&floats(&[100.0, 0.0]), &floats(&[100.0, 0.011]), &PLAIN).unwrap();
        assert!(!d.pass);
        assert!(!compare(&floats(&[0.0]), &floats(&[1e-30]), &PLAIN).unwrap().pass);
        assert!(compare(&floats(&[0.0]), &floats(&[-0.0]), &PLAIN).unwrap().pass);
    }

    #[test]
    fn ulps_count_values_between() {
        let next = f32::from_bits(1.0f32.to_bits() + 3);
        assert_eq!(compare(&floats(&[1.0]), &floats(&[next]), &PLAIN).unwrap().max_ulps, 3);
        let (a, b) = (f32::from_bits(1), -f32::from_bits(1));
        assert_eq!(compare(&floats(&[a]), &floats(&[b]), &PLAIN).unwrap().max_ulps, 2);
    }

    #[test]
    fn what_is_not_finite_must_match() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        assert!(compare(&floats(&[nan, inf]), &floats(&[nan, inf]), &PLAIN).unwrap().pass);
        assert!(!compare(&floats(&[1.0]), &floats(&[nan]), &PLAIN).unwrap().pass);
        assert!(!compare(&floats(&[nan]), &floats(&[1.0]), &PLAIN).unwrap().pass);
        assert!(!compare(&floats(&[1.0, inf]), &floats(&[1.0, -inf]), &PLAIN).unwrap().pass);
    }

    #[test]
    fn integers_are_equal_or_a_quantum_off() {
        let zeros = vec![0i8; 2000];
        let off = |n: usize, by: i8| {
            let mut v = zeros.clone();
            v[..n].fill(by);
            Tensor::from_elements([2000], &v)
        };
        let quantized = Tolerance { quantized: true, ..PLAIN };
        assert!(compare(&off(0, 0), &off(2, 1), &quantized).unwrap().pass);
        assert!(!compare(&off(0, 0), &off(3, 1), &quantized).unwrap().pass);
        assert!(!compare(&off(0, 0), &off(1, 2), &quantized).unwrap().pass);
        assert!(!compare(&off(0, 0), &off(1, 1), &PLAIN).unwrap().pass);
        let big = |v: u64| Tensor::from_elements([1], &[v]);
        assert_eq!(compare(&big(u64::MAX), &big(u64::MAX - 1), &PLAIN).unwrap().max_ulps, 1);
    }

    #[test]
    fn other_types_cannot_be_compared() {
        assert_eq!(compare(&floats(&[1.0]), &floats(&[1.0, 2.0]), &PLAIN), None);
    }
}
