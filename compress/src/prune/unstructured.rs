//! Single weights become zero, and the others are solved again.

use crate::Outcome;
use crate::gram::{Budget, Gram, measure};
use crate::layer::{Form, Layer, layers};
use crate::linalg::least_squares;
use crate::method::Bench;
use crate::net::Net;
use crate::prune::repair::repair_sparse;
use crate::prune::{shares, structured};

/// Rounds of conjugate gradients, and the share of the mean diagonal that is added to it.
const ROUNDS: usize = 24;
const DAMPING: f32 = 0.01;

/// How single weights are chosen, and what becomes of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What makes a weight important.
    pub importance: Weight,
    /// Whether weights are compared across layers, so that layers which bear it lose more, or in their layer alone.
    pub global: bool,
    /// Whether the weights that stay are solved again.
    pub repair: bool,
}

/// What makes a weight important.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Its size.
    Magnitude,
    /// Its size times how much what it multiplies varies.
    Activation,
}

impl Default for Options {
    fn default() -> Options {
        Options { importance: Weight::Activation, global: true, repair: true }
    }
}

/// What takes the smallest weights of each layer and leaves the others as they are: what a repair is compared with.
pub const PLAIN: Options = Options { importance: Weight::Magnitude, global: false, repair: false };

/// Examples and rows by which importances across layers are told.
const GLANCE: Budget = Budget { examples: 128, rows: 4096, bytes: 700 << 20 };

/// Sets such a share of the weights of all layers to zero, and solves the others of each layer again so that its output on the examples
/// changes least (as optimal brain compression does; Frantar and Alistarh, 2022); then all layers once more, from first to last, so that with
/// what the layers before it give now, each makes what it made. Depthwise layers lose nothing: they have few weights.
///
/// # Errors
/// A model that does not compile or run on the examples.
pub fn unstructured(net: &Net, percent: u32, options: Options, bench: &Bench<'_>) -> Outcome<Net> {
    let mut changed = net.clone();
    let found = pruned_layers(net, &mut changed);
    let wanted = f64::from(percent) / 100.0;
    let start = changed.clone();
    let shares = if options.global {
        shares::across_layers(&mut importances(&start, &found, options.importance, bench)?, wanted)
    } else {
        shares::by_size(&found, wanted)
    };
    if options.importance == Weight::Magnitude && !options.repair {
        smallest_gone(&mut changed, &found, &shares);
        changed.sweep();
        return Ok(changed);
    }
    measure(&start, &found, bench.data, Budget::default(), &mut |at, grams| {
        (bench.progress)(&format!("pruning {}", found[at].name));
        prune(&mut changed, &found[at], &grams, shares[at], options);
        Ok(())
    })?;
    changed.sweep();
    if options.repair { repair_sparse(&start, changed, &structured::Options::default(), bench) } else { Ok(changed) }
}

/// The squares of the importances of each layer's weights.
fn importances(net: &Net, layers: &[Layer], importance: Weight, bench: &Bench<'_>) -> Outcome<Vec<Vec<f32>>> {
    if importance == Weight::Magnitude {
        return Ok(squares(net, layers));
    }
    let mut found = vec![Vec::new(); layers.len()];
    measure(net, layers, bench.data, GLANCE, &mut |at, grams| {
        let layer = &layers[at];
        let each = (layer.outputs / layer.groups * layer.depth).max(1);
        for (rows, gram) in layer.weights(net).chunks(each).zip(&grams) {
            let sizes = sizes(&spread(gram, &means(layer, gram)), layer.depth);
            found[at].extend(rows.iter().enumerate().map(|(i, w)| {
                let importance = w * sizes[i % layer.depth];
                importance * importance
            }));
        }
        Ok(())
    })?;
    Ok(found)
}

/// The squares of each layer's weights.
fn squares(net: &Net, layers: &[Layer]) -> Vec<Vec<f32>> {
    layers.iter().map(|layer| layer.weights(net).iter().map(|w| w * w).collect()).collect()
}

/// As many zeros, without a look at any example: what is smallest goes. It tells how many bytes are left.
pub(crate) fn by_size(net: &Net, percent: u32) -> Net {
    let mut changed = net.clone();
    let found = pruned_layers(net, &mut changed);
    let shares = shares::across_layers(&mut squares(net, &found), f64::from(percent) / 100.0);
    smallest_gone(&mut changed, &found, &shares);
    changed.sweep();
    changed
}

/// Sets such a share of the weights of each layer to zero: the smallest.
fn smallest_gone(changed: &mut Net, layers: &[Layer], shares: &[f64]) {
    for (layer, share) in layers.iter().zip(shares) {
        let mut weights = layer.weights(changed);
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by(|a, b| weights[*a].abs().total_cmp(&weights[*b].abs()).then(a.cmp(b)));
        let gone = (share * weights.len() as f64) as usize;
        order.iter().take(gone).for_each(|at| weights[*at] = 0.0);
        layer.set_weights(changed, &weights);
    }
}

/// The layers that lose weights, each with constants of its own.
fn pruned_layers(net: &Net, changed: &mut Net) -> Vec<Layer> {
    layers(net)
        .into_iter()
        .filter(|l| !l.is_depthwise() && l.depth > 1 && !matches!(l.form, Form::ConvTranspose { .. }))
        .map(|layer| layer.with_own_constants(changed))
        .collect()
}

/// Prunes one layer.
fn prune(net: &mut Net, layer: &Layer, grams: &[Gram], share: f64, options: Options) {
    let depth = layer.depth;
    let (mut rows, mut biases) = (layer.weights(net), layer.biases(net));
    let each = layer.outputs / layer.groups;
    for (group, (rows, gram)) in rows.chunks_mut(each * depth).zip(grams).enumerate() {
        let spread = spread(gram, &means(layer, gram));
        let sizes = match options.importance {
            Weight::Activation => sizes(&spread, depth),
            Weight::Magnitude => vec![1.0; depth],
        };
        let kept = mask(rows, &sizes, share);
        let solved = solve(rows, depth, &spread, &kept, options.repair);
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

/// The means that a layer's bias takes up: without a bias nothing does.
fn means(layer: &Layer, gram: &Gram) -> Vec<f64> {
    if layer.bias.is_some() { gram.mean() } else { vec![0.0; layer.depth] }
}

/// How much each number that a layer reads varies, and a little more, so that no weight counts for nothing.
fn sizes(spread: &[f32], depth: usize) -> Vec<f32> {
    let size: Vec<f32> = (0..depth).map(|i| spread[i * depth + i].max(0.0).sqrt()).collect();
    let floor = size.iter().sum::<f32>() / depth as f32 * 0.05;
    size.iter().map(|size| size + floor).collect()
}

/// The weights that stay: the most important ones of the layer.
fn mask(rows: &[f32], sizes: &[f32], share: f64) -> Vec<bool> {
    let importance = |at: usize| rows[at].abs() * sizes[at % sizes.len()];
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| importance(a).total_cmp(&importance(b)).then(a.cmp(&b)));
    let gone = ((rows.len() as f64 * share).round() as usize).min(rows.len());
    let mut kept = vec![true; rows.len()];
    order[..gone].iter().for_each(|&at| kept[at] = false);
    kept
}

/// The weights that are kept, solved again where that is wanted.
fn solve(rows: &[f32], depth: usize, spread: &[f32], kept: &[bool], again: bool) -> Vec<f32> {
    let diagonal = (0..depth).map(|i| spread[i * depth + i]).sum::<f32>() / depth as f32;
    if !again || !spread.iter().all(|v| v.is_finite()) || diagonal <= 0.0 {
        return rows.iter().zip(kept).map(|(w, kept)| if *kept { *w } else { 0.0 }).collect();
    }
    let outputs = rows.len() / depth;
    let right = crate::linalg::multiply(rows, spread, [outputs, depth, depth]);
    least_squares(spread, &right, rows, kept, depth, DAMPING * diagonal, ROUNDS)
}

#[cfg(test)]
mod tests {
    use super::{mask, sizes, solve};

    #[test]
    fn what_is_important_stays_and_takes_over() {
        // The second input is twice the first; the third goes its own way.
        let spread = [1.0, 2.0, 0.0, 2.0, 4.0, 0.0, 0.0, 0.0, 1.0];
        let rows = [0.5, 1.0, 1.0];
        let kept = mask(&rows, &sizes(&spread, 3), 0.34);
        assert_eq!(kept, [false, true, true]);
        let solved = solve(&rows, 3, &spread, &kept, true);
        // 0.5 x + 1.0 (2 x) is 1.25 (2 x).
        assert_eq!(solved[0], 0.0);
        assert!((solved[1] - 1.25).abs() < 0.02 && (solved[2] - 1.0).abs() < 0.02, "{solved:?}");
    }

    #[test]
    fn inputs_that_never_vary_leave_weights_as_they_are() {
        assert_eq!(solve(&[1.0, 2.0], 2, &[0.0; 4], &[true, false], true), [1.0, 0.0]);
    }
}
