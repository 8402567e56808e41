//! Which channels a model misses least.

use std::collections::{BTreeMap, BTreeSet};

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use crate::Outcome;
use crate::gram::{Budget, Gram, measure};
use crate::layer::{Form, Layer};
use crate::linalg::{Cholesky, multiply, pivots};
use crate::method::Bench;
use crate::net::Net;
use crate::prune::groups::{Group, Groups};

/// How channels are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Importance {
    /// By the squares of the weights that make them; no example is looked at.
    Magnitude,
    /// By the squares of what each gives to the layers that read it.
    Activation,
    /// Those go first whose loss the others make good best, one after the other, the others taking over each time.
    #[default]
    SecondOrder,
    /// Those stay that explain most of what all give, one after the other.
    Dependence,
}

/// The order in which the units of a group go.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Places in [`Group::units`], the first to go first.
    pub order: Vec<usize>,
    /// The error when so many have gone, as a share of what the readers give; known by [`Importance::SecondOrder`] only, else zeros.
    pub errors: Vec<f64>,
}

/// Ranks the units of all groups.
///
/// # Errors
/// The model does not run on the examples.
pub fn rank(net: &Net, groups: &Groups, by: Importance, budget: Budget, bench: &Bench<'_>) -> Outcome<Vec<Ranking>> {
    let shared = if by == Importance::Magnitude { Vec::new() } else { contributions(net, groups, budget, bench)? };
    let ranking = |(at, group): (usize, &Group)| {
        let n = group.units.len();
        let products = shared.get(at).filter(|h| (0..n).any(|i| h[i * n + i] > 0.0));
        match (by, products) {
            (Importance::Activation, Some(h)) => by_size(&(0..n).map(|i| h[i * n + i]).collect::<Vec<f64>>()),
            (Importance::SecondOrder, Some(h)) => by_loss(h, n),
            (Importance::Dependence, Some(h)) => {
                let mut order = pivots(h, n, n);
                order.reverse();
                Ranking { order, errors: vec![0.0; n + 1] }
            }
            // Nobody reads them in a way that can be measured.
            (Importance::Magnitude, _) | (_, None) => by_size(&magnitudes(net, groups, group)),
        }
    };
    Ok(groups.groups.iter().enumerate().map(ranking).collect())
}

/// Smaller ones go first.
fn by_size(sizes: &[f64]) -> Ranking {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|a, b| sizes[*a].total_cmp(&sizes[*b]).then(a.cmp(b)));
    Ranking { order, errors: vec![0.0; sizes.len() + 1] }
}

/// The squares of the weights that make each unit.
fn magnitudes(net: &Net, groups: &Groups, group: &Group) -> Vec<f64> {
    let place: BTreeMap<usize, usize> = group.units.iter().enumerate().map(|(at, unit)| (*unit, at)).collect();
    let mut sizes = vec![0.0; group.units.len()];
    for maker in &group.makers {
        let layer = &groups.layers[*maker];
        let weights = layer.weights(net);
        let whole: f64 = weights.iter().map(|w| f64::from(*w).powi(2)).sum();
        for (row, unit) in weights.chunks(layer.depth.max(1)).zip(&groups.makes[maker]) {
            if let Some(at) = place.get(unit) {
                sizes[*at] += row.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>() / whole.max(f64::MIN_POSITIVE);
            }
        }
    }
    sizes
}

/// For each group `[n][n]`: the products of what its units give to the layers that read them, each layer's outputs taken together and
/// scaled to a sum of one.
fn contributions(net: &Net, groups: &Groups, budget: Budget, bench: &Bench<'_>) -> Outcome<Vec<Vec<f64>>> {
    let mut sums: Vec<Vec<f64>> = groups.groups.iter().map(|g| vec![0.0; g.units.len() * g.units.len()]).collect();
    let readers: BTreeSet<usize> = groups.groups.iter().flat_map(|g| g.readers.iter().copied()).collect();
    let readers: Vec<usize> = readers.into_iter().collect();
    let layers: Vec<Layer> = readers.iter().map(|at| groups.layers[*at].clone()).collect();
    measure(net, &layers, bench.data, budget, &mut |at, grams| {
        let (layer, reads) = (&layers[at], &groups.reads[&readers[at]]);
        let weights = layer.weights(net);
        let each = layer.outputs / layer.groups;
        for (part, gram) in grams.iter().enumerate() {
            let products = weighted(gram, &weights[part * each * layer.depth..][..each * layer.depth]);
            let whole: f64 = products.iter().map(|v| f64::from(*v)).sum();
            if whole.is_nan() || whole <= 0.0 {
                continue;
            }
            let inputs = &reads[part * reads.len() / layer.groups..][..reads.len() / layer.groups];
            for (group, sums) in groups.groups.iter().zip(&mut sums) {
                if group.readers.contains(&readers[at]) {
                    gather(group, inputs, layer, &products, 1.0 / (whole * layer.groups as f64), sums);
                }
            }
        }
        Ok(())
    })?;
    Ok(sums)
}

/// `G * (W^T W)`, element by element, of the centred Gram matrix: the share that two inputs have together in the variance of the outputs.
fn weighted(gram: &Gram, weights: &[f32]) -> Vec<f32> {
    let n = gram.n;
    let m = weights.len() / n.max(1);
    let turned: Vec<f32> = (0..n).flat_map(|k| (0..m).map(move |o| weights[o * n + k])).collect();
    let mut products = multiply(&turned, weights, [n, m, n]);
    let mean = gram.mean();
    let rows = gram.rows.max(1) as f64;
    for i in 0..n {
        for j in 0..n {
            let centred = gram.sums[i * n + j] / rows - mean[i] * mean[j];
            products[i * n + j] *= centred as f32;
        }
    }
    products
}

/// Adds up what belongs to the same two units.
fn gather(group: &Group, inputs: &[usize], layer: &Layer, products: &[f32], scale: f64, sums: &mut [f64]) {
    let n = group.units.len();
    let place: BTreeMap<usize, usize> = group.units.iter().enumerate().map(|(at, unit)| (*unit, at)).collect();
    let taps = match &layer.form {
        Form::Conv(window) => window.kernel[0] * window.kernel[1],
        Form::ConvTranspose { .. } | Form::Rows | Form::Columns => 1,
    };
    let units: Vec<Option<usize>> = (0..layer.depth).map(|k| place.get(&inputs[k / taps]).copied()).collect();
    for (i, row) in products.chunks(layer.depth).enumerate() {
        let Some(unit) = units[i] else { continue };
        for (value, other) in row.iter().zip(&units) {
            if let Some(other) = other {
                sums[unit * n + other] += f64::from(*value) * scale;
            }
        }
    }
}

/// How much of the mean of the diagonal is added to it, so that the matrix can be inverted.
const DAMPING: f64 = 1e-3;

/// Removes the unit whose loss costs least, lets the others take over (each by a factor), and again (optimal brain surgeon; Hassibi and
/// Stork, 1993).
fn by_loss(products: &[f64], n: usize) -> Ranking {
    let mean = (0..n).map(|i| products[i * n + i]).sum::<f64>() / n as f64;
    let mut damped = products.to_vec();
    (0..n).for_each(|i| damped[i * n + i] += DAMPING * mean);
    let Some(cholesky) = Cholesky::new(damped, n) else {
        return by_size(&(0..n).map(|i| products[i * n + i]).collect::<Vec<f64>>());
    };
    let mut inverse = vec![0.0; n * n];
    inverse.par_chunks_mut(n).enumerate().for_each(|(at, column)| {
        column[at] = 1.0;
        cholesky.solve(column);
    });
    let mut factors = vec![1.0; n];
    let mut open: Vec<usize> = (0..n).collect();
    let (mut order, mut errors) = (Vec::with_capacity(n), vec![0.0]);
    while let Some((place, loss)) = open
        .iter()
        .map(|i| factors[*i] * factors[*i] / inverse[i * n + i])
        .enumerate()
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
    {
        let gone = open.remove(place);
        order.push(gone);
        errors.push(errors[errors.len() - 1] + loss.max(0.0));
        let row: Vec<f64> = inverse[gone * n..][..n].to_vec();
        let step = factors[gone] / row[gone];
        for i in &open {
            factors[*i] -= step * row[*i];
            let share = row[*i] / row[gone];
            inverse[i * n..][..n].iter_mut().zip(&row).for_each(|(v, r)| *v -= share * r);
        }
    }
    Ranking { order, errors }
}

#[cfg(test)]
mod tests {
    use super::{by_loss, by_size};

    #[test]
    fn what_others_give_too_goes_first() {
        // The third is the sum of the first two; the fourth is small and alone.
        let x = [[1.0, 0.0, 1.0, 0.1], [0.0, 2.0, 2.0, -0.1], [3.0, 0.0, 3.0, 0.1], [0.0, 1.0, 1.0, 0.3]];
        let h: Vec<f64> = (0..16).map(|at| x.iter().map(|row: &[f64; 4]| row[at / 4] * row[at % 4]).sum()).collect();
        let ranking = by_loss(&h, 4);
        assert_eq!(ranking.order.len(), 4);
        assert!(ranking.errors.windows(2).all(|pair| pair[0] <= pair[1]));
        // One of the three goes for almost nothing.
        assert!(ranking.order[0] < 3 && ranking.errors[1] < 0.1, "{ranking:?}");
    }

    #[test]
    fn equal_sizes_go_in_their_order() {
        assert_eq!(by_size(&[2.0, 1.0, 1.0, 3.0]).order, [1, 2, 0, 3]);
    }
}
