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

/// Distances of an output.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    /// From the program to the reference.
    pub distance: Apart,
    /// The largest between two evaluations of the graph as the model writes it, the program among them.
    pub spread: Apart,
    /// Evaluations that were made.
    pub evaluations: usize,
}

/// How far two results lie apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Apart {
    /// The root of the mean square of the differences, as a part of the reference's own root mean square.
    pub rms: f64,
    /// The largest difference.
    pub max: f64,
}

impl Apart {
    fn larger(self, other: Apart) -> Apart {
        Apart { rms: self.rms.max(other.rms), max: self.max.max(other.max) }
    }
}

impl Spread {
    /// Whether the reference is no farther away than the evaluations are from each other.
    pub fn holds(&self) -> bool {
        let within = self.distance.rms <= self.spread.rms && self.distance.max <= self.spread.max;
        within && self.spread.rms <= LARGEST
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
        let size = rms(reference.get(i)?.scalars().map(|v| v.to_f64())).filter(|&size| size > 0.0)?;
        let results: Vec<&Tensor> = results.iter().map(|r| &r[i]).collect();
        let mut spread = Apart::default();
        for (k, a) in results.iter().enumerate() {
            for b in &results[..k] {
                spread = spread.larger(apart(a, b, size)?);
            }
        }
        let distance = apart(program.get(i)?, reference.get(i)?, size)?;
        Some(Spread { distance, spread, evaluations: results.len() })
    };
    Ok((0..program.len()).map(of).collect())
}

/// The root of the mean square; `None` where that is not finite, or of nothing.
fn rms(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, n), v| (sum + v * v, n + 1));
    let mean: f64 = sum / count as f64;
    mean.is_finite().then(|| mean.sqrt())
}

/// How far two tensors lie apart; `size` is the reference's root mean square.
fn apart(a: &Tensor, b: &Tensor, size: f64) -> Option<Apart> {
    if a.ty() != b.ty() || a.dtype() == crate::ir::DType::Bool {
        return None;
    }
    let differences = || a.scalars().zip(b.scalars()).map(|(a, b)| (a.to_f64() - b.to_f64()).abs());
    Some(Apart { rms: rms(differences())? / size, max: differences().fold(0.0, f64::max) })
}

#[cfg(test)]
mod tests {
    use super::{Apart, Spread, apart, rms};
    use crate::ir::Tensor;

    #[test]
    fn distances_are_root_mean_squares_and_largest_ones() {
        let (a, b) = (Tensor::from_elements([2], &[1.0f32, 5.0]), Tensor::from_elements([2], &[4.0f32, 1.0]));
        assert_eq!(apart(&a, &b, 2.0), Some(Apart { rms: 12.5f64.sqrt() / 2.0, max: 4.0 }));
        assert_eq!(apart(&a, &Tensor::from_elements([1], &[1.0f32]), 1.0), None);
        assert_eq!(rms([f64::NAN].into_iter()), None);
        assert_eq!(rms([].into_iter()), None);
    }

    #[test]
    fn nothing_is_concluded_from_a_spread_of_everything() {
        let spread = |rms, max, of: [f64; 2]| Spread {
            distance: Apart { rms, max },
            spread: Apart { rms: of[0], max: of[1] },
            evaluations: 8,
        };
        assert!(spread(0.1, 3.0, [0.1, 3.0]).holds());
        assert!(!spread(0.11, 3.0, [0.1, 3.0]).holds());
        assert!(!spread(0.1, 4.0, [0.1, 3.0]).holds(), "one element that is far away is no tie");
        assert!(!spread(0.1, 3.0, [0.6, 3.0]).holds());
    }
}
