//! How far results of one quantized graph lie apart that differ in rounding ties alone.
//!
//! A reference that was computed by another program sums in another order, so that some of its ties fall the other way; its
//! intermediate values are not known. What can be known is how much that matters: the graph as the model writes it is
//! evaluated with fused products, with separate ones, and several times with each tie rounded by lot.

use crate::ir::{Numerics, Tensor};

use super::literal::{Literal, Tie};

/// Evaluations with ties rounded by lot.
const DRAWS: u64 = 4;

/// How far from the middle numbers lie that are rounded by lot, in quanta: by so much every order of summation is off.
const BY_LOT: f64 = 1.0 / 32768.0;

/// Largest spread, as a part of the reference's root mean square, from which anything is concluded: beyond it the reference
/// says next to nothing of the model.
const LARGEST: f64 = 0.5;

/// Distances of an output, as root mean squares, in parts of the reference's own root mean square.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    /// From the program to the reference.
    pub distance: f64,
    /// The largest between two evaluations of the graph as the model writes it, the program among them.
    pub spread: f64,
    /// Evaluations that were made.
    pub evaluations: usize,
}

impl Spread {
    /// Whether the reference lies among the evaluations.
    pub fn holds(&self) -> bool {
        self.distance <= self.spread && self.spread <= LARGEST
    }
}

/// The spread of each output; `None` for outputs that have none.
///
/// # Errors
/// What the reference says of a node that fails.
pub(super) fn spread(
    literal: &Literal,
    inputs: &[Tensor],
    own: &[Tensor],
    program: &[Tensor],
    reference: &[Tensor],
) -> Result<Vec<Option<Spread>>, String> {
    let mut results = vec![own.to_vec(), program.to_vec()];
    for numerics in [Numerics::Fused, Numerics::Separate] {
        let mut none = |_: Tie| false;
        results.push(literal.outputs_flipped(inputs, numerics, &mut none)?);
    }
    for draw in 0..DRAWS {
        let mut lot =
            |t: Tie| t.from_middle <= BY_LOT && super::seeded::hash(draw, t.node as u64, t.element as u64) >> 63 == 1;
        results.push(literal.outputs_flipped(inputs, Numerics::Separate, &mut lot)?);
    }
    let of = |i: usize| {
        let size = rms(reference.get(i)?.scalars().map(|v| v.to_f64()))?;
        let results: Vec<&Tensor> = results.iter().map(|r| &r[i]).collect();
        let mut widest = 0f64;
        for (k, a) in results.iter().enumerate() {
            for b in &results[..k] {
                widest = widest.max(distance(a, b)?);
            }
        }
        let part = |d: f64| (size > 0.0).then(|| d / size);
        let distance = part(distance(program.get(i)?, reference.get(i)?)?)?;
        Some(Spread { distance, spread: part(widest)?, evaluations: results.len() })
    };
    Ok((0..program.len()).map(of).collect())
}

/// The root of the mean square; `None` where that is not finite, or of nothing.
fn rms(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, n), v| (sum + v * v, n + 1));
    let mean: f64 = sum / count as f64;
    mean.is_finite().then(|| mean.sqrt())
}

fn distance(a: &Tensor, b: &Tensor) -> Option<f64> {
    let same = a.ty() == b.ty() && a.dtype() != crate::ir::DType::Bool;
    same.then(|| rms(a.scalars().zip(b.scalars()).map(|(a, b)| a.to_f64() - b.to_f64())))?
}

#[cfg(test)]
mod tests {
    use super::{Spread, distance, rms};
    use crate::ir::Tensor;

    #[test]
    fn distances_are_root_mean_squares() {
        let (a, b) = (Tensor::from_elements([2], &[1.0f32, 5.0]), Tensor::from_elements([2], &[4.0f32, 1.0]));
        assert_eq!(distance(&a, &b), Some(12.5f64.sqrt()));
        assert_eq!(distance(&a, &Tensor::from_elements([1], &[1.0f32])), None);
        assert_eq!(rms([f64::NAN].into_iter()), None);
        assert_eq!(rms([].into_iter()), None);
    }

    #[test]
    fn nothing_is_concluded_from_a_spread_of_everything() {
        let spread = |distance, spread| Spread { distance, spread, evaluations: 8 };
        assert!(spread(0.1, 0.1).holds() && !spread(0.11, 0.1).holds() && !spread(0.1, 0.6).holds());
    }
}
