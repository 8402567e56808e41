//! How far an output is from its reference, and whether that is near enough.

use crate::ir::{DType, Scalar, Tensor};

use super::quanta::Measure;

/// Largest error of float outputs that passes, as a part of the output's largest magnitude.
pub const DEFAULT_TOLERANCE: f64 = 1e-4;

/// Of a quantized output, one element of so many may be off by one quantum: an accumulator in integers is exact, one in
/// floats is not, and a number in the middle between two quanta then falls to the other side.
pub const ELEMENTS_PER_QUANTUM: usize = 1000;

/// What a quantum is off by where it is computed in f32.
const QUANTUM_ROUNDING: f64 = 0.01;

/// What passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// For float outputs: part of the output's largest magnitude.
    pub relative: f64,
    /// For quantized outputs: quanta by which every element may be off; `None` for one quantum in one element of
    /// [`ELEMENTS_PER_QUANTUM`].
    pub quanta: Option<f64>,
}

impl Default for Tolerance {
    fn default() -> Tolerance {
        Tolerance { relative: DEFAULT_TOLERANCE, quanta: None }
    }
}

impl std::fmt::Display for Tolerance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "floats within {:e} of the output's largest magnitude, quantized outputs within ", self.relative)?;
        match self.quanta {
            None => write!(f, "1 quantum in at most one element of {ELEMENTS_PER_QUANTUM}")?,
            Some(quanta) => write!(f, "{quanta} quanta")?,
        }
        f.write_str(", other integers equal")
    }
}

/// The distance of an output from its reference.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Distance {
    /// Number of elements.
    pub elements: usize,
    /// How many are not equal.
    pub unequal: usize,
    /// How many are NaN or infinite on one side, and another value on the other.
    pub unequal_not_finite: usize,
    /// The largest absolute error; infinite (`null` in JSON) where there is one of those.
    pub max_absolute: f64,
    /// The same as a part of the reference's largest magnitude.
    pub max_relative: f64,
    /// The largest error in quanta, of outputs that are quantized.
    pub max_quanta: Option<f64>,
    /// The largest number of representable values from one to the other, of float outputs that nothing quantized is before.
    pub max_ulps: Option<u64>,
    /// The root of the mean square of the errors.
    pub rmse: f64,
    /// The cosine of the angle between both, taken as vectors; `None` where one of them has no direction, or an element that is
    /// not finite.
    pub cosine: Option<f64>,
    /// Rows (along the last dimension) whose largest element is at the same place, and rows there are; `None` where rows
    /// have one element.
    pub arg_max: Option<(usize, usize)>,
    /// Whether it is within the tolerance.
    pub pass: bool,
}

/// Sums over pairs of elements.
#[derive(Default)]
struct Sums {
    squares: f64,
    products: f64,
    reference: f64,
    output: f64,
    /// The largest finite magnitude of the reference.
    magnitude: f64,
    not_finite: bool,
}

impl Sums {
    fn add(&mut self, r: f64, o: f64, error: f64) {
        self.squares += error * error;
        self.not_finite |= !(r.is_finite() && o.is_finite());
        self.products += r * o;
        self.reference += r * r;
        self.output += o * o;
        if r.is_finite() {
            self.magnitude = self.magnitude.max(r.abs());
        }
    }

    fn cosine(&self) -> Option<f64> {
        // One root keeps the cosine of equal vectors 1; two do where the product leaves the range of f64.
        let product = self.reference * self.output;
        let lengths = if product.is_normal() { product.sqrt() } else { self.reference.sqrt() * self.output.sqrt() };
        let sound = !self.not_finite && lengths > 0.0 && lengths.is_finite();
        sound.then(|| (self.products / lengths).clamp(-1.0, 1.0))
    }
}

/// Compares an output with its reference; `None` where their types differ.
pub fn compare(reference: &Tensor, output: &Tensor, measure: &Measure, tolerance: &Tolerance) -> Option<Distance> {
    if reference.ty() != output.ty() {
        return None;
    }
    let mut d = Distance {
        elements: reference.len(),
        unequal: 0,
        unequal_not_finite: 0,
        max_absolute: 0.0,
        max_relative: 0.0,
        max_quanta: matches!(measure, Measure::Quanta(_)).then_some(0.0),
        max_ulps: (*measure == Measure::Floats { rounded: false }).then_some(0),
        rmse: 0.0,
        cosine: None,
        arg_max: arg_max(reference, output),
        pass: false,
    };
    let mut sums = Sums::default();
    for (i, (r, o)) in reference.scalars().zip(output.scalars()).enumerate() {
        let absolute = error(r, o);
        sums.add(r.to_f64(), o.to_f64(), absolute);
        if absolute == 0.0 {
            continue;
        }
        d.unequal += 1;
        d.unequal_not_finite += usize::from(absolute.is_infinite());
        d.max_absolute = d.max_absolute.max(absolute);
        if let Some(most) = &mut d.max_ulps {
            *most = (*most).max(ulps(r, o));
        }
        if let (Some(most), Measure::Quanta(quanta)) = (&mut d.max_quanta, measure) {
            *most = most.max(in_quanta(absolute, quanta.at(i)));
        }
    }
    d.max_relative = if d.max_absolute == 0.0 { 0.0 } else { d.max_absolute / sums.magnitude };
    d.rmse = if d.unequal == 0 { 0.0 } else { (sums.squares / d.elements as f64).sqrt() };
    d.cosine = if reference.dtype() == DType::Bool { None } else { sums.cosine() };
    d.pass = passes(&d, measure, tolerance);
    Some(d)
}

/// An error in quanta; whole where it is one but for the rounding of f32.
fn in_quanta(absolute: f64, quantum: f64) -> f64 {
    let quanta = absolute / quantum;
    if (quanta - quanta.round()).abs() <= QUANTUM_ROUNDING { quanta.round() } else { quanta }
}

fn passes(d: &Distance, measure: &Measure, tolerance: &Tolerance) -> bool {
    if d.unequal_not_finite > 0 {
        return false;
    }
    match (measure, tolerance.quanta) {
        (Measure::Exact, _) => d.unequal == 0,
        (Measure::Floats { .. }, _) => d.max_relative <= tolerance.relative,
        (Measure::Quanta(_), Some(quanta)) => d.max_quanta.is_some_and(|most| most <= quanta),
        (Measure::Quanta(_), None) => {
            d.max_quanta.is_some_and(|most| most <= 1.0) && d.unequal.saturating_mul(ELEMENTS_PER_QUANTUM) <= d.elements
        }
    }
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

/// Steps from one float to the other through the values that their type has.
fn ulps(a: Scalar, b: Scalar) -> u64 {
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

/// Whether one value is larger than another; NaN is larger than every number.
fn is_larger(a: Scalar, b: Scalar) -> bool {
    if !a.dtype().is_float() {
        return exact(a) > exact(b);
    }
    let (a, b) = (a.to_f64(), b.to_f64());
    a > b || (a.is_nan() && !b.is_nan())
}

fn arg_max(reference: &Tensor, output: &Tensor) -> Option<(usize, usize)> {
    let row = *reference.shape().last()?;
    if row < 2 || reference.is_empty() {
        return None;
    }
    let largest = |t: &Tensor, from: usize| {
        let mut best = from;
        for i in from + 1..from + row {
            if is_larger(t.get(i), t.get(best)) {
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
    use crate::verify::quanta::{Measure, Quanta};

    const DEFAULT: Tolerance = Tolerance { relative: 1e-4, quanta: None };
    const PLAIN: Measure = Measure::Floats { rounded: false };
    const BYTES: Measure = Measure::Quanta(Quanta::Uniform(1.0));

    fn floats(v: &[f32]) -> Tensor {
        Tensor::from_elements([v.len()], v)
    }

    fn plain(reference: &[f32], output: &[f32]) -> super::Distance {
        compare(&floats(reference), &floats(output), &PLAIN, &DEFAULT).unwrap()
    }

    #[test]
    fn floats_are_measured_against_the_largest() {
        let d = plain(&[100.0, 0.0], &[100.0, 0.009]);
        assert!(d.pass && d.unequal == 1 && d.arg_max == Some((1, 1)));
        assert!(!plain(&[100.0, 0.0], &[100.0, 0.011]).pass);
        assert!(!plain(&[0.0], &[1e-30]).pass);
        assert!(plain(&[0.0], &[-0.0]).pass);
    }

    #[test]
    fn what_people_read_is_what_a_hand_computes() {
        // Errors 1, 0, 2, 0: mean square 5/4. Products 3 * 4 + 4 * 4 + 0 + 0 = 28, lengths 5 and 6.
        let d = plain(&[3.0, 4.0, 0.0, 0.0], &[4.0, 4.0, 2.0, 0.0]);
        assert!((d.rmse - 1.25f64.sqrt()).abs() < 1e-15, "{}", d.rmse);
        assert!((d.cosine.unwrap() - 28.0 / 30.0).abs() < 1e-15, "{:?}", d.cosine);
        assert_eq!((d.unequal, d.max_absolute, d.max_relative), (2, 2.0, 0.5));
        assert_eq!(plain(&[1.0, 0.0], &[0.0, 1.0]).cosine, Some(0.0));
        assert_eq!(plain(&[1.0, 2.0], &[-1.0, -2.0]).cosine, Some(-1.0));
        assert_eq!(plain(&[1.0, 2.0], &[1.0, 2.0]).rmse, 0.0);
    }

    #[test]
    fn what_has_no_direction_has_no_cosine() {
        assert_eq!(plain(&[0.0, 0.0], &[0.0, 1.0]).cosine, None);
        assert_eq!(plain(&[0.0, 0.0], &[0.0, 0.0]).cosine, None);
        assert_eq!(plain(&[f32::NAN, 1.0], &[f32::NAN, 1.0]).cosine, None);
        assert_eq!(plain(&[f32::INFINITY, 1.0], &[f32::INFINITY, 1.0]).cosine, None);
        let nothing = plain(&[], &[]);
        assert!(nothing.pass && nothing.cosine.is_none() && nothing.rmse == 0.0 && nothing.arg_max.is_none());
    }

    #[test]
    fn ulps_count_values_between_where_they_mean_something() {
        let next = f32::from_bits(1.0f32.to_bits() + 3);
        assert_eq!(plain(&[1.0], &[next]).max_ulps, Some(3));
        let (a, b) = (f32::from_bits(1), -f32::from_bits(1));
        assert_eq!(plain(&[a], &[b]).max_ulps, Some(2));
        let behind = Measure::Floats { rounded: true };
        assert_eq!(compare(&floats(&[1.0]), &floats(&[next]), &behind, &DEFAULT).unwrap().max_ulps, None);
    }

    #[test]
    fn what_is_not_finite_must_match() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let d = plain(&[nan, inf], &[nan, inf]);
        assert!(d.pass && d.unequal == 0 && d.unequal_not_finite == 0);
        for (r, o) in [(1.0, nan), (nan, 1.0), (inf, -inf), (1.0, inf), (inf, nan)] {
            let anything = Tolerance { relative: f64::MAX, quanta: Some(f64::MAX) };
            let d = compare(&floats(&[2.0, r]), &floats(&[2.0, o]), &PLAIN, &anything).unwrap();
            assert!(!d.pass && d.unequal_not_finite == 1 && d.max_absolute.is_infinite(), "{r} {o}");
        }
    }

    #[test]
    fn integers_are_equal_or_a_quantum_off() {
        let zeros = vec![0i8; 2000];
        let off = |n: usize, by: i8| {
            let mut v = zeros.clone();
            v[..n].fill(by);
            Tensor::from_elements([2000], &v)
        };
        let against = |n, by, measure, tolerance| compare(&off(0, 0), &off(n, by), measure, tolerance).unwrap();
        assert!(against(2, 1, &BYTES, &DEFAULT).pass);
        assert!(!against(3, 1, &BYTES, &DEFAULT).pass, "two of two thousand may be off");
        assert!(!against(1, 2, &BYTES, &DEFAULT).pass);
        assert!(!against(1, 1, &Measure::Exact, &DEFAULT).pass, "an index is no quantum");
        let three = Tolerance { quanta: Some(3.0), ..DEFAULT };
        assert!(against(2000, 3, &BYTES, &three).pass && !against(1, 4, &BYTES, &three).pass);
        assert_eq!(against(1, 3, &BYTES, &DEFAULT).max_quanta, Some(3.0));
        let big = |v: u64| Tensor::from_elements([1], &[v]);
        let d = compare(&big(u64::MAX), &big(u64::MAX - 1), &Measure::Exact, &DEFAULT).unwrap();
        assert_eq!((d.max_absolute, d.unequal, d.pass), (1.0, 1, false), "f64 does not tell them apart");
    }

    #[test]
    fn dequantized_floats_are_measured_in_their_scale() {
        let (reference, mut v) = (vec![0.3f32; 1000], vec![0.3f32; 1000]);
        v[7] = 0.4;
        let tenth = Measure::Quanta(Quanta::Uniform(0.1));
        let d = compare(&floats(&reference), &floats(&v), &tenth, &DEFAULT).unwrap();
        assert!(d.pass && d.max_quanta == Some(1.0) && d.max_ulps.is_none(), "{d:?}");
        let each: Vec<f32> = (0..1000).map(|i| if i == 7 { 0.05 } else { 0.1 }).collect();
        let each = Measure::Quanta(Quanta::Each(floats(&each)));
        let d = compare(&floats(&reference), &floats(&v), &each, &DEFAULT).unwrap();
        assert!(!d.pass && d.max_quanta == Some(2.0), "{d:?}");
    }

    #[test]
    fn truth_values_are_equal_or_not() {
        let (a, b) = (Tensor::from_bools([2], &[true, false]), Tensor::from_bools([2], &[true, true]));
        let d = compare(&a, &b, &Measure::Exact, &DEFAULT).unwrap();
        assert!(!d.pass && d.unequal == 1 && d.cosine.is_none());
        assert!(compare(&a, &a, &Measure::Exact, &DEFAULT).unwrap().pass);
    }

    #[test]
    fn other_types_cannot_be_compared() {
        assert_eq!(compare(&floats(&[1.0]), &floats(&[1.0, 2.0]), &PLAIN, &DEFAULT), None);
    }
}
