//! The numbers that values have, counted over examples, and the range of integers for them.

use std::fmt;

use zantc::ir::Scalar;
use zantc::ir::Tensor;

/// How the range of a value is chosen from what it was seen to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Calibration {
    /// The one of those below, with or without equalised channels, with which other examples come out nearest to the float model's results.
    Best,
    /// From the least to the largest.
    MinMax,
    /// Without such a share of the numbers at each end, in percent.
    Percentile(f64),
    /// With the least mean of squared errors.
    Mse,
    /// With the least divergence of the distributions (Kullback and Leibler; Migacz, 2017); of too few numbers for one as [`Calibration::Mse`].
    Entropy,
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Calibration::Best => f.write_str("best"),
            Calibration::MinMax => f.write_str("minmax"),
            Calibration::Percentile(share) => write!(f, "percentile {share}"),
            Calibration::Mse => f.write_str("mse"),
            Calibration::Entropy => f.write_str("entropy"),
        }
    }
}

/// The integers that activations become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activations {
    /// -128 to 127.
    Int8,
    /// 0 to 255.
    Uint8,
    /// -32767 to 32767, with 0 for 0.
    Int16,
}

/// Integers for numbers: `real = (integer - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// The distance of neighbours.
    pub scale: f32,
    /// The integer that is 0.
    pub zero: i32,
    /// The integers.
    pub of: Activations,
}

impl Levels {
    /// Integers that hold 0 exactly and the range as well as can be.
    pub fn for_range(low: f32, high: f32, of: Activations) -> Levels {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let (least, width) = match of {
            Activations::Int8 => (-128, (f64::from(high) - f64::from(low)) / 255.0),
            Activations::Uint8 => (0, (f64::from(high) - f64::from(low)) / 255.0),
            Activations::Int16 => (0, f64::from(high.max(-low)) / 32767.0),
        };
        // Nothing but zeros: any scale will do.
        let scale = if width > 1e-30 && width.is_finite() { width as f32 } else { 1.0 };
        let zero = match of {
            Activations::Int16 => 0,
            Activations::Int8 | Activations::Uint8 => {
                let zero = (f64::from(least) - f64::from(low) / f64::from(scale)).round_ties_even() as i32;
                zero.clamp(least, least + 255)
            }
        };
        Levels { scale, zero, of }
    }

    /// The least and the largest integer.
    pub const fn ends(&self) -> (i32, i32) {
        match self.of {
            Activations::Int8 => (-128, 127),
            Activations::Uint8 => (0, 255),
            Activations::Int16 => (-32768, 32767),
        }
    }

    /// The zero point as an operand of QuantizeLinear, whose type is that of the integers.
    pub(super) fn zero_point(&self) -> Tensor {
        match self.of {
            Activations::Int8 => Tensor::from_elements([], &[self.zero as i8]),
            Activations::Uint8 => Tensor::from_elements([], &[self.zero as u8]),
            Activations::Int16 => Tensor::from_elements([], &[self.zero as i16]),
        }
    }

    /// The number that a number becomes.
    pub fn rounded(&self, v: f64) -> f64 {
        let scale = f64::from(self.scale);
        let (least, most) = self.ends();
        let integer = ((v / scale).round_ties_even() + f64::from(self.zero)).clamp(f64::from(least), f64::from(most));
        (integer - f64::from(self.zero)) * scale
    }
}

/// Counts of equal parts of a range.
const BINS: usize = 2048;

/// So many numbers for each part say how all are distributed.
const FEW: u64 = 32 * BINS as u64;

/// The least and the largest number, then how many fell into each part of that range.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    pub(super) low: f32,
    pub(super) high: f32,
    pub(super) counts: Vec<u64>,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { low: f32::INFINITY, high: f32::NEG_INFINITY, counts: vec![0; BINS] }
    }
}

impl Histogram {
    /// Widens the range.
    pub(super) fn widen(&mut self, value: &Tensor) {
        for v in floats(value) {
            self.low = self.low.min(v);
            self.high = self.high.max(v);
        }
    }

    /// Counts; the range is known.
    pub(super) fn count(&mut self, value: &Tensor) {
        let width = self.width();
        for v in floats(value) {
            let bin = (f64::from(v) - f64::from(self.low)) / width;
            self.counts[(bin as usize).min(BINS - 1)] += 1;
        }
    }

    /// The width of a part.
    fn width(&self) -> f64 {
        ((f64::from(self.high) - f64::from(self.low)) / BINS as f64).max(f64::MIN_POSITIVE)
    }

    /// The number in the middle of a part. A part that holds 0 is 0: what a Relu made is exact.
    fn middle(&self, bin: usize) -> f64 {
        let left = f64::from(self.low) + bin as f64 * self.width();
        if left <= 0.0 && left + self.width() >= 0.0 { 0.0 } else { left + self.width() / 2.0 }
    }

    /// The mean of the squared errors with such integers.
    pub(super) fn error(&self, levels: &Levels) -> f64 {
        let total: u64 = self.counts.iter().sum();
        let error = |(bin, n): (usize, &u64)| (self.middle(bin) - levels.rounded(self.middle(bin))).powi(2) * *n as f64;
        self.counts.iter().enumerate().filter(|(_, n)| **n > 0).map(error).sum::<f64>() / total.max(1) as f64
    }

    /// The range that a calibration chooses. Where nothing was seen it is one of zeros.
    pub(super) fn range(&self, by: Calibration, of: Activations) -> (f32, f32) {
        if self.low > self.high {
            return (0.0, 0.0);
        }
        match by {
            Calibration::MinMax => (self.low, self.high),
            Calibration::Percentile(share) => self.without(share),
            Calibration::Best | Calibration::Mse => {
                self.best(|low, high| self.error(&Levels::for_range(low, high, of)))
            }
            // A few numbers are no distribution.
            Calibration::Entropy if self.counts.iter().sum::<u64>() >= FEW => {
                self.best(|low, high| self.divergence(low, high))
            }
            Calibration::Entropy => self.range(Calibration::Mse, of),
        }
    }

    /// The range without a share of the numbers at each end, in percent.
    fn without(&self, share: f64) -> (f32, f32) {
        let total: u64 = self.counts.iter().sum();
        let most = (total as f64 * (share / 100.0).clamp(0.0, 0.5)) as u64;
        let cut = |mut bins: Box<dyn Iterator<Item = usize>>| {
            let mut seen = 0;
            bins.find(|&bin| {
                seen += self.counts[bin];
                seen > most
            })
        };
        let first = cut(Box::new(0..BINS)).unwrap_or(0);
        let last = cut(Box::new((0..BINS).rev())).unwrap_or(BINS - 1);
        let at = |bin: usize| f64::from(self.low) + bin as f64 * self.width();
        (at(first) as f32, at(last + 1) as f32)
    }

    /// The range with the least cost, each end in turn drawn in by steps of a hundredth.
    fn best(&self, cost: impl Fn(f32, f32) -> f64) -> (f32, f32) {
        /// To a third of the range.
        const STEPS: usize = 66;
        let (mut low, mut high) = (self.low, self.high);
        let mut least = cost(low, high);
        let at = |end: f32, step: usize| end * (1.0 - step as f32 / 100.0);
        for _ in 0..2 {
            for step in 0..=STEPS {
                let found = cost(low, at(self.high, step));
                if found < least {
                    (least, high) = (found, at(self.high, step));
                }
            }
            for step in 0..=STEPS {
                let found = cost(at(self.low, step), high);
                if found < least {
                    (least, low) = (found, at(self.low, step));
                }
            }
        }
        (low, high)
    }

    /// How far the counts are from those of 256 equal parts of the range, with what is beyond at its ends.
    fn divergence(&self, low: f32, high: f32) -> f64 {
        const PARTS: usize = 256;
        let total: u64 = self.counts.iter().sum();
        let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
        let width = ((high - low) / PARTS as f64).max(f64::MIN_POSITIVE);
        let part = |bin: usize| (((self.middle(bin) - low) / width) as usize).min(PARTS - 1);
        let inside = |bin: usize| self.middle(bin) >= low && self.middle(bin) <= high;
        // What is beyond the ends is part of the distribution, not of its approximation.
        let mut real = vec![0.0f64; BINS];
        let (mut sums, mut filled) = (vec![0.0f64; PARTS], vec![0usize; PARTS]);
        let (mut first, mut last) = (None, 0);
        for bin in (0..BINS).filter(|&bin| inside(bin)) {
            first = first.or(Some(bin));
            last = bin;
            real[bin] += self.counts[bin] as f64;
            sums[part(bin)] += self.counts[bin] as f64;
            filled[part(bin)] += usize::from(self.counts[bin] > 0);
        }
        let Some(first) = first else { return f64::INFINITY };
        for bin in 0..BINS {
            if !inside(bin) {
                real[if self.middle(bin) < low { first } else { last }] += self.counts[bin] as f64;
            }
        }
        let kept: f64 = sums.iter().sum::<f64>().max(1.0);
        let term = |bin: usize| {
            let p = real[bin] / total.max(1) as f64;
            let n = filled[part(bin)];
            let q = if n == 0 { 0.0 } else { sums[part(bin)] / n as f64 / kept };
            if p == 0.0 { 0.0 } else { p * (p / q.max(1e-12)).ln() }
        };
        (first..=last).map(term).sum()
    }
}

/// The finite numbers of a value.
fn floats(value: &Tensor) -> impl Iterator<Item = f32> + '_ {
    let number = |v: Scalar| v.to_f64() as f32;
    value.scalars().map(number).filter(|v| v.is_finite())
}

#[cfg(test)]
mod tests {
    use super::{Activations, Calibration, Histogram, Levels};
    use zantc::ir::Tensor;

    fn histogram(numbers: &[f32]) -> Histogram {
        let value = Tensor::from_elements([numbers.len()], numbers);
        let mut histogram = Histogram::default();
        histogram.widen(&value);
        histogram.count(&value);
        histogram
    }

    const ALL: [Calibration; 4] =
        [Calibration::MinMax, Calibration::Percentile(0.01), Calibration::Mse, Calibration::Entropy];

    #[test]
    fn integers_hold_zero_and_both_ends() {
        for (low, high) in [(-1.0, 1.0), (0.0, 6.0), (2.0, 3.0), (-5.0, -1.0), (0.0, 0.0), (-1e-3, 1e3)] {
            for of in [Activations::Int8, Activations::Uint8, Activations::Int16] {
                let levels = Levels::for_range(low, high, of);
                assert_eq!(levels.rounded(0.0), 0.0);
                let (least, most) = levels.ends();
                assert!((least..=most).contains(&levels.zero), "{levels:?}");
                for end in [low, high] {
                    assert!((levels.rounded(f64::from(end)) - f64::from(end)).abs() <= f64::from(levels.scale) * 1.001);
                }
            }
        }
    }

    #[test]
    fn every_calibration_gives_a_range_for_all_that_can_be_seen() {
        let spread: Vec<f32> = (0..5000).map(|i| ((i * 37) % 1000) as f32 / 500.0 - 1.0).collect();
        for numbers in [&spread[..], &[0.0; 9], &[3.0], &[-2.0, -2.0], &[f32::NAN], &[1e-38, -1e-38], &[1e38, -1e38]] {
            for by in ALL {
                let (low, high) = histogram(numbers).range(by, Activations::Int8);
                let levels = Levels::for_range(low, high, Activations::Int8);
                assert!(levels.scale > 0.0 && levels.scale.is_finite(), "{by:?} {numbers:?}");
            }
        }
        // Nothing was counted at all.
        assert_eq!(Histogram::default().range(Calibration::Mse, Activations::Int8), (0.0, 0.0));
    }

    #[test]
    fn one_outlier_is_cut_as_far_as_it_pays() {
        let mut numbers: Vec<f32> = (0..80_000).map(|i| ((i * 7919) % 80_000) as f32 / 40_000.0 - 1.0).collect();
        numbers.push(40.0);
        let range = |by| histogram(&numbers).range(by, Activations::Int8);
        assert_eq!(range(Calibration::MinMax), (-1.0, 40.0));
        assert!(range(Calibration::Percentile(0.01)).1 < 1.1);
        // The square of one error of five weighs as much as those of 80,000 numbers in steps of a sixth.
        let (low, high) = range(Calibration::Mse);
        assert!(low == -1.0 && (30.0..38.0).contains(&high), "{low} {high}");
    }

    #[test]
    fn a_long_thin_tail_is_cut_by_divergence() {
        let numbers: Vec<f32> = (1..200_000).map(|i| (i as f32 / 200_000.0).ln().powi(3)).collect();
        let (low, high) = histogram(&numbers).range(Calibration::Entropy, Activations::Int8);
        assert!(low > -1_700.0 && low < -20.0 && high <= 0.0, "{low} {high}");
    }

    #[test]
    fn percentages_count_from_the_ends() {
        let numbers: Vec<f32> = (0..=1000).map(|i| i as f32 / 10.0).collect();
        let (low, high) = histogram(&numbers).range(Calibration::Percentile(1.0), Activations::Int8);
        assert!((low - 1.0).abs() < 0.2 && (high - 99.0).abs() < 0.2, "{low} {high}");
    }
}
