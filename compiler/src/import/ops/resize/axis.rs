//! Which places of the operand make up each place of the result along one dimension.
//!
//! Formulas: ONNX's text of Resize. Only sums, products, quotients and roundings of f64 are used, so that the tables are
//! the same on every machine.

use super::sizes::AxisSize;
use crate::import::node::Imported;
use crate::import::ops::pieces::table;

/// ONNX's `coordinate_transformation_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    /// Up to opset 12.
    TfHalfPixelForNn,
    CropAndResize,
}

/// Which element a place between two of them is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nearest {
    HalfDown,
    HalfUp,
    Floor,
    Ceil,
    /// The operator of opset 10 does not say; as the runtimes of its time: up where the result is smaller, else down.
    FloorOrCeil,
}

/// ONNX's `mode`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Filter {
    Nearest(Nearest),
    Linear { antialias: bool, exclude_outside: bool },
    Cubic { antialias: bool, exclude_outside: bool, a: f64 },
}

impl Filter {
    /// Plain linear interpolation.
    pub(super) fn linear(antialias: bool) -> Filter {
        Filter::Linear { antialias, exclude_outside: false }
    }
}

/// For each place of the result one place of the operand and its weight.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tap {
    pub(super) places: Vec<usize>,
    pub(super) weights: Vec<f64>,
}

/// All taps; the result is the sum of the weighted elements.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    pub(super) taps: Vec<Tap>,
    /// Which places of the result lie outside the operand, with [`Places::CropAndResize`].
    pub(super) outside: Vec<bool>,
}

impl Table {
    /// The table of one dimension, or `None` where it changes nothing.
    pub(super) fn new(filter: &Filter, places: Places, size: &AxisSize) -> Imported<Option<Table>> {
        let &AxisSize { input, output, scale, .. } = size;
        if input == 0 || output == 0 {
            return Ok((input != output).then(|| Table { taps: vec![Tap::default()], outside: Vec::new() }));
        }
        // Its places are right for lengths that change alone: this one stays, as in onnxruntime.
        if places == Places::TfHalfPixelForNn && scale == 1.0 && input == output {
            return Ok(None);
        }
        let (first, count) = filter.footprint(scale);
        table(output.checked_mul(count), "the filter of Resize")?;
        let mut taps = vec![Tap::default(); count];
        let mut outside = Vec::with_capacity(output);
        for r in 0..output {
            let place = place(places, size, r);
            outside.push(places == Places::CropAndResize && !(0.0..=(input - 1) as f64).contains(&place));
            let (base, weights) = filter.weights(place, size, (first, count));
            for (i, (tap, weight)) in taps.iter_mut().zip(weights).enumerate() {
                let at = (base + i as f64).clamp(0.0, (input - 1) as f64);
                tap.places.push(at as usize);
                tap.weights.push(weight);
            }
        }
        // Taps without weight anywhere are those of places that hit elements exactly.
        taps.retain(|t| t.weights.iter().any(|&w| w != 0.0));
        let whole = |t: &Tap| t.places.iter().enumerate().all(|(i, &p)| i == p) && t.weights.iter().all(|&w| w == 1.0);
        let same = input == output && !outside.contains(&true) && matches!(taps.as_slice(), [t] if whole(t));
        Ok((!same).then_some(Table { taps, outside }))
    }
}

/// The place in the operand of place `r` of the result.
fn place(places: Places, size: &AxisSize, r: usize) -> f64 {
    let (input, output) = (size.input as f64, size.output as f64);
    let r = r as f64;
    match places {
        Places::HalfPixel => size.shrink(r + 0.5) - 0.5,
        Places::HalfPixelSymmetric => {
            let adjustment = output / size.exact_output();
            input / 2.0 * (1.0 - adjustment) + size.shrink(r + 0.5) - 0.5
        }
        Places::PytorchHalfPixel if size.output > 1 => size.shrink(r + 0.5) - 0.5,
        Places::PytorchHalfPixel => 0.0,
        // The divisor is the fractional length that scale asks for.
        Places::AlignCorners if size.exact_output() == 1.0 || size.output == 1 => 0.0,
        Places::AlignCorners => r * (input - 1.0) / (size.exact_output() - 1.0),
        Places::Asymmetric => size.shrink(r),
        Places::TfHalfPixelForNn => size.shrink(r + 0.5),
        Places::CropAndResize => {
            let [start, end] = size.roi;
            if size.output > 1 {
                start * (input - 1.0) + r * (end - start) * (input - 1.0) / (output - 1.0)
            } else {
                0.5 * (start + end) * (input - 1.0)
            }
        }
    }
}

impl Filter {
    /// The first tap, counted from the element at or before the place, and the number of taps.
    fn footprint(&self, scale: f64) -> (f64, usize) {
        let (reach, antialias) = match *self {
            Filter::Nearest(_) => return (0.0, 1),
            Filter::Linear { antialias, .. } => (1.0, antialias),
            Filter::Cubic { antialias, .. } => (2.0, antialias),
        };
        let scale = if antialias { scale.min(1.0) } else { 1.0 };
        let first = (-reach / scale).floor() + 1.0;
        (first, (2.0 - 2.0 * first) as usize)
    }

    /// The place of the first tap and the weights of all.
    fn weights(&self, place: f64, size: &AxisSize, (first, count): (f64, usize)) -> (f64, Vec<f64>) {
        let (antialias, exclude_outside) = match *self {
            Filter::Nearest(nearest) => return (nearest.of(place, size), vec![1.0]),
            Filter::Linear { antialias, exclude_outside } => (antialias, exclude_outside),
            Filter::Cubic { antialias, exclude_outside, .. } => (antialias, exclude_outside),
        };
        let squeeze = if antialias { size.scale.min(1.0) } else { 1.0 };
        let left = place.ceil() - 1.0;
        let ratio = place - left;
        let base = left + first;
        let mut weights: Vec<f64> = (0..count).map(|i| self.kernel(((first + i as f64) - ratio) * squeeze)).collect();
        if exclude_outside {
            let inside = |i: usize| (0.0..size.input as f64).contains(&(base + i as f64));
            weights.iter_mut().enumerate().filter(|(i, _)| !inside(*i)).for_each(|(_, w)| *w = 0.0);
        }
        if exclude_outside || antialias {
            let sum: f64 = weights.iter().sum();
            weights.iter_mut().for_each(|w| *w /= sum);
        }
        (base, weights)
    }

    /// The weight of an element at a distance.
    fn kernel(&self, distance: f64) -> f64 {
        let d = distance.abs();
        match *self {
            Filter::Nearest(_) => 1.0,
            Filter::Linear { .. } => (1.0 - d).max(0.0),
            Filter::Cubic { a, .. } if d <= 1.0 => ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0,
            Filter::Cubic { a, .. } if d < 2.0 => ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a,
            Filter::Cubic { .. } => 0.0,
        }
    }
}

impl Nearest {
    fn of(self, place: f64, size: &AxisSize) -> f64 {
        match self {
            Nearest::HalfDown => (place - 0.5).ceil(),
            Nearest::HalfUp => (place + 0.5).floor(),
            Nearest::Floor => place.floor(),
            Nearest::Ceil => place.ceil(),
            Nearest::FloorOrCeil if size.scale < 1.0 => place.ceil(),
            Nearest::FloorOrCeil => place.floor(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(input: usize, output: usize) -> AxisSize {
        AxisSize { input, output, scale: output as f64 / input as f64, given: None, roi: [0.0, 1.0] }
    }

    #[test]
    fn nothing_changes_where_the_length_stays() {
        for filter in [Filter::linear(true), Filter::linear(false), Filter::Nearest(Nearest::HalfDown)] {
            assert_eq!(Table::new(&filter, Places::HalfPixel, &size(5, 5)).unwrap(), None);
        }
    }

    #[test]
    fn linear_weights_halve_the_way() {
        let t = Table::new(&Filter::linear(false), Places::HalfPixel, &size(2, 4)).unwrap().unwrap();
        assert_eq!(t.taps[0].places, [0, 0, 0, 1]);
        assert_eq!(t.taps[1].places, [0, 1, 1, 1]);
        assert_eq!(t.taps[1].weights, [0.75, 0.25, 0.75, 0.25]);
    }

    #[test]
    fn a_filter_beyond_the_limit_is_refused() {
        let tiny = AxisSize { input: 1 << 30, output: 2, scale: 1e-9, given: None, roi: [0.0, 1.0] };
        assert!(Table::new(&Filter::linear(true), Places::HalfPixel, &tiny).is_err());
    }
}
