//! Which constants a reader can absorb, and its bias once it has.

use crate::ir::Tensor;

use super::known::Known;
use super::product::{Product, numbers};

/// For each input channel of a reader, whether it can go.
pub(super) fn absorbable(reader: &Product<'_>, known: &Known) -> Vec<bool> {
    let weights = reader.along(reader.input_axis);
    (0..known.len())
        .map(|j| match known.get(j) {
            None => weights.zero[j],
            Some(c) if !c.is_finite() => false,
            // Where some outputs see fewer taps, only a zero adds the same to all.
            Some(c) => weights.zero[j] || (weights.finite[j] && (!reader.is_padded || c == reader.zero())),
        })
        .collect()
}

/// A reader's bias with what the channels that go add to its sums, where that is anything.
///
/// # Errors
/// Where the bias would leave the range of its type.
pub(super) fn bias(reader: &Product<'_>, known: &Known, keep: &[bool]) -> Result<Option<Tensor>, ()> {
    let shape = reader.weights.shape();
    let inner = |axis: usize| shape[axis + 1..].iter().product::<usize>();
    let (inputs, outputs) = (inner(reader.input_axis), inner(reader.output_axis));
    let added: Vec<f64> = (0..known.len())
        .map(|j| known.get(j).filter(|_| !keep[j % keep.len()]).map_or(0.0, |c| c - reader.zero()))
        .collect();
    // Products of bytes and their sums are whole numbers far below 2^53: f64 is exact.
    let mut sums = vec![0.0; reader.outputs()];
    for (i, w) in numbers(reader.weights).enumerate() {
        let c = added[i / inputs % added.len()];
        if c != 0.0 && w != 0.0 {
            sums[i / outputs % reader.outputs()] += c * w;
        }
    }
    if sums.iter().all(|&s| s == 0.0) {
        return Ok(None);
    }
    let old = reader.bias.map_or_else(|| vec![0.0; sums.len()], |b| numbers(b).collect());
    let new = old.iter().zip(&sums).map(|(b, s)| b + s);
    let bias = match reader.multiplier {
        Some(_) => whole(new).map(|b| Tensor::from_elements([b.len()], &b)),
        None => finite(new).map(|b| Tensor::from_elements([b.len()], &b)),
    };
    bias.map(Some).ok_or(())
}

/// Numbers as i32, where all are in its range.
fn whole(numbers: impl Iterator<Item = f64>) -> Option<Vec<i32>> {
    let inside = |v: f64| (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&v);
    numbers.map(|v| inside(v).then_some(v as i32)).collect()
}

/// Numbers as f32, where all are finite.
fn finite(numbers: impl Iterator<Item = f64>) -> Option<Vec<f32>> {
    numbers.map(|v| Some(v as f32).filter(|v| v.is_finite())).collect()
}
