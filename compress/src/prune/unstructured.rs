//! Single weights become zero, and the others are solved again.

use crate::Outcome;
use crate::gram::{Budget, Gram, measure};
use crate::layer::{Form, Layer, layers};
use crate::linalg::least_squares;
use crate::method::Bench;
use crate::net::Net;

/// Rounds of conjugate gradients, and the share of the mean diagonal that is added to it.
const ROUNDS: usize = 24;
const DAMPING: f32 = 0.01;

/// Sets such a share of the weights of all layers to zero, and solves the others of each layer again so that its output on the examples
/// changes least (as optimal brain compression does; Frantar and Alistarh, 2022). Depthwise layers stay as they are: they have few weights.
///
/// A weight's importance is its size times that of its input; the least important ones of each layer go. Small layers, which cost little,
/// lose a smaller share than large ones.
///
/// # Errors
/// A model that does not compile or run on the examples.
pub fn unstructured(net: &Net, percent: u32, bench: &Bench<'_>) -> Outcome<Net> {
    let mut changed = net.clone();
    let found = pruned_layers(net, &mut changed);
    let shares = shares(&found, f64::from(percent) / 100.0);
    let start = changed.clone();
    measure(&start, &found, bench.data, Budget::default(), &mut |at, grams| {
        (bench.progress)(&format!("pruning {}", found[at].name));
        prune(&mut changed, &found[at], &grams, shares[at]);
        Ok(())
    })?;
    changed.sweep();
    Ok(changed)
}

/// As many zeros in the same layers, without a look at any example: what is smallest goes. It tells how many bytes are left.
pub(crate) fn by_size(net: &Net, percent: u32) -> Net {
    let mut changed = net.clone();
    let found = pruned_layers(net, &mut changed);
    let shares = shares(&found, f64::from(percent) / 100.0);
    for (layer, share) in found.iter().zip(shares) {
        let mut weights = layer.weights(&changed);
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by(|a, b| weights[*a].abs().total_cmp(&weights[*b].abs()).then(a.cmp(b)));
        let gone = (share * weights.len() as f64) as usize;
        order.iter().take(gone).for_each(|at| weights[*at] = 0.0);
        layer.set_weights(&mut changed, &weights);
    }
    changed.sweep();
    changed
}

/// The layers that lose weights, each with constants of its own.
fn pruned_layers(net: &Net, changed: &mut Net) -> Vec<Layer> {
    layers(net)
        .into_iter()
        .filter(|l| !l.is_depthwise() && l.depth > 1 && !matches!(l.form, Form::ConvTranspose { .. }))
        .map(|layer| layer.with_own_constants(changed))
        .collect()
}

/// The share of zeros of each layer, so that all together have the wanted one: in proportion, but no layer more than its size allows. A layer
/// of the mean size has the wanted share; what layers below a hundredth of it keep is made up for by the others.
fn shares(layers: &[Layer], wanted: f64) -> Vec<f64> {
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

/// Prunes one layer.
fn prune(net: &mut Net, layer: &Layer, grams: &[Gram], share: f64) {
    let depth = layer.depth;
    let (mut rows, mut biases) = (layer.weights(net), layer.biases(net));
    let each = layer.outputs / layer.groups;
    for (group, (rows, gram)) in rows.chunks_mut(each * depth).zip(grams).enumerate() {
        // Without a bias nothing takes up means.
        let mean = if layer.bias.is_some() { gram.mean() } else { vec![0.0; depth] };
        let spread = spread(gram, &mean);
        let kept = mask(rows, depth, &spread, share);
        let solved = solve(rows, depth, &spread, &kept);
        gram.correct(&mut biases[group * each..][..each], rows, &solved);
        rows.copy_from_slice(&solved);
    }
    layer.set_weights(net, &rows);
    layer.set_biases(net, &biases);
}

/// The covariance of what a layer reads where its bias takes up means, as floats.
fn spread(gram: &Gram, mean: &[f64]) -> Vec<f32> {
    let n = gram.n;
    let rows = gram.rows.max(1) as f64;
    (0..n * n).map(|at| (gram.sums[at] / rows - mean[at / n] * mean[at % n]) as f32).collect()
}

/// The weights that stay: the most important ones of the layer.
fn mask(rows: &[f32], depth: usize, spread: &[f32], share: f64) -> Vec<bool> {
    let size: Vec<f32> = (0..depth).map(|i| spread[i * depth + i].max(0.0).sqrt()).collect();
    let floor = size.iter().sum::<f32>() / depth as f32 * 0.05;
    let importance = |at: usize| rows[at].abs() * (size[at % depth] + floor);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| importance(a).total_cmp(&importance(b)).then(a.cmp(&b)));
    let gone = ((rows.len() as f64 * share).round() as usize).min(rows.len());
    let mut kept = vec![true; rows.len()];
    order[..gone].iter().for_each(|&at| kept[at] = false);
    kept
}

/// The weights that are kept, solved again.
fn solve(rows: &[f32], depth: usize, spread: &[f32], kept: &[bool]) -> Vec<f32> {
    let diagonal = (0..depth).map(|i| spread[i * depth + i]).sum::<f32>() / depth as f32;
    if !spread.iter().all(|v| v.is_finite()) || diagonal <= 0.0 {
        return rows.iter().zip(kept).map(|(w, kept)| if *kept { *w } else { 0.0 }).collect();
    }
    let outputs = rows.len() / depth;
    let right = crate::linalg::multiply(rows, spread, [outputs, depth, depth]);
    least_squares(spread, &right, rows, kept, depth, DAMPING * diagonal, ROUNDS)
}

#[cfg(test)]
mod tests {
    use super::{mask, solve};

    #[test]
    fn what_is_important_stays_and_takes_over() {
        // The second input is twice the first; the third goes its own way.
        let spread = [1.0, 2.0, 0.0, 2.0, 4.0, 0.0, 0.0, 0.0, 1.0];
        let rows = [0.5, 1.0, 1.0];
        let kept = mask(&rows, 3, &spread, 0.34);
        assert_eq!(kept, [false, true, true]);
        let solved = solve(&rows, 3, &spread, &kept);
        // 0.5 x + 1.0 (2 x) is 1.25 (2 x).
        assert_eq!(solved[0], 0.0);
        assert!((solved[1] - 1.25).abs() < 0.02 && (solved[2] - 1.0).abs() < 0.02, "{solved:?}");
    }

    #[test]
    fn inputs_that_never_vary_leave_weights_as_they_are() {
        assert_eq!(solve(&[1.0, 2.0], 2, &[0.0; 4], &[true, false]), [1.0, 0.0]);
    }
}
