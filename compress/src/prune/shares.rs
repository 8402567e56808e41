//! How many weights each layer loses.

use crate::layer::Layer;

/// The share of zeros of each layer, so that all together have the wanted one: in proportion, but no layer more than its size allows. A layer
/// of the mean size has the wanted share; what layers below a hundredth of it keep is made up for by the others.
pub(super) fn by_size(layers: &[Layer], wanted: f64) -> Vec<f64> {
    /// A layer below this part of the mean size is left nearly dense.
    const SMALL: f64 = 0.01;
    let sizes: Vec<f64> = layers.iter().map(|l| (l.outputs * l.depth) as f64).collect();
    let total: f64 = sizes.iter().sum();
    let mean = total / sizes.len().max(1) as f64;
    let own: Vec<f64> = sizes.iter().map(|s| wanted * (s / (SMALL * mean)).min(1.0).powf(0.5)).collect();
    let reached: f64 = own.iter().zip(&sizes).map(|(share, size)| share * size).sum::<f64>() / total.max(1.0);
    // A share that is missing is a share of the weights that are left.
    let more = if reached > 0.0 && reached < 1.0 { (1.0 - wanted) / (1.0 - reached) } else { 1.0 };
    own.iter()
        .zip(&sizes)
        .map(|(share, size)| if *size < SMALL * mean { *share } else { 1.0 - (1.0 - share) * more })
        .collect()
}

/// The share of zeros of each layer where weights are compared across layers: the least `wanted` of all go. `importances` has those of each
/// layer's weights, as squares.
///
/// A weight counts as the part that it has in all of its layer's that are not less important (LAMP; Lee et al., "Layer-adaptive sparsity for
/// the magnitude-based pruning", 2021): that is what a layer's output changes by, and no layer loses all.
pub(super) fn across_layers(importances: &mut [Vec<f32>], wanted: f64) -> Vec<f64> {
    let mut all: Vec<f32> = Vec::with_capacity(importances.iter().map(Vec::len).sum());
    for layer in importances.iter_mut() {
        layer.sort_unstable_by(f32::total_cmp);
        let mut above = 0.0f64;
        for square in layer.iter_mut().rev() {
            above += f64::from(*square);
            *square = if above > 0.0 { (f64::from(*square) / above) as f32 } else { 0.0 };
        }
        all.extend_from_slice(layer);
    }
    let gone = ((all.len() as f64 * wanted) as usize).min(all.len().saturating_sub(1));
    if all.is_empty() {
        return Vec::new();
    }
    let (_, threshold, _) = all.select_nth_unstable_by(gone, f32::total_cmp);
    let share =
        |layer: &Vec<f32>| layer.iter().filter(|score| **score < *threshold).count() as f64 / layer.len().max(1) as f64;
    importances.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::across_layers;

    #[test]
    fn layers_with_few_large_weights_lose_more() {
        let mut importances = vec![vec![1.0; 10], vec![9.0, 9.0, 0.01, 0.02, 0.01, 0.02, 0.01, 0.01, 0.01, 0.01]];
        let shares = across_layers(&mut importances, 0.4);
        assert_eq!(shares, [0.0, 0.8]);
        assert_eq!(across_layers(&mut [], 0.5), Vec::<f64>::new());
        // Nothing is taken of a layer of one weight.
        assert_eq!(across_layers(&mut [vec![3.0], vec![1.0, 2.0, 3.0]], 0.5), [0.0, 2.0 / 3.0]);
    }
}
