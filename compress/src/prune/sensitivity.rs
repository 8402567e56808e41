//! Shares that remove most where least is lost.

use std::collections::BTreeMap;

use crate::layer::Form;
use crate::prune::groups::Groups;
use crate::prune::importance::Ranking;

/// Into how many steps a group is divided.
const STEPS: usize = 32;
/// A group keeps such a share of its units at least, as errors of many layers are more than their sum.
const LEAST: f64 = 0.1;

/// A share for each group, so that as many weights are left as when all groups lose `percent`, and the sum of the errors that the rankings
/// expect is small: step by step the group gives units that loses least for each weight.
pub fn by_sensitivity(groups: &Groups, rankings: &[Ranking], percent: u32) -> Vec<f64> {
    let uniform = vec![f64::from(percent.min(100)) / 100.0; groups.groups.len()];
    let sizes = Sizes::of(groups);
    let goal = sizes.weights(&uniform);
    let mut shares = vec![0.0; groups.groups.len()];
    let error = |at: usize, share: f64| {
        let errors = &rankings[at].errors;
        let place = share * (errors.len().saturating_sub(1)) as f64;
        errors.get(place.round() as usize).copied().unwrap_or(0.0)
    };
    let mut left = sizes.weights(&shares);
    while left > goal {
        let mut best: Option<(f64, usize, f64, f64)> = None;
        for at in 0..shares.len() {
            let next = shares[at] + (1.0 / STEPS as f64).max(1.0 / groups.groups[at].units.len() as f64);
            if next > 1.0 - LEAST {
                continue;
            }
            let mut tried = shares.clone();
            tried[at] = next;
            let weights = sizes.weights(&tried);
            let price = (error(at, next) - error(at, shares[at])).max(0.0) / (left - weights).max(1.0);
            if best.is_none_or(|(known, ..)| price < known) {
                best = Some((price, at, next, weights));
            }
        }
        // All groups have given what they may.
        let Some((_, at, next, weights)) = best else { return uniform };
        shares[at] = next;
        left = weights;
    }
    shares
}

/// How many weights layers have, by what is left of each group.
struct Sizes {
    /// For each layer: its taps, and how many outputs and inputs each group has in it; those in no group are of number `groups`.
    layers: Vec<(usize, Vec<usize>, Vec<usize>)>,
}

impl Sizes {
    fn of(groups: &Groups) -> Sizes {
        let none = groups.groups.len();
        let units: BTreeMap<usize, usize> =
            groups.groups.iter().enumerate().flat_map(|(at, g)| g.units.iter().map(move |unit| (*unit, at))).collect();
        let counts = |ids: Option<&Vec<usize>>, whole: usize| {
            let mut counts = vec![0; none + 1];
            match ids {
                Some(ids) => ids.iter().for_each(|id| counts[units.get(id).copied().unwrap_or(none)] += 1),
                None => counts[none] = whole,
            }
            counts
        };
        let layer = |(at, layer): (usize, &crate::layer::Layer)| {
            let taps = match &layer.form {
                Form::Conv(window) => window.kernel[0] * window.kernel[1],
                Form::ConvTranspose { taps } => *taps,
                Form::Rows | Form::Columns => 1,
            };
            let inputs = layer.depth / taps.max(1) * layer.groups;
            (taps, counts(groups.makes.get(&at), layer.outputs), counts(groups.reads.get(&at), inputs))
        };
        // Depthwise convolutions are small.
        let layers = groups.layers.iter().enumerate().filter(|(_, l)| !l.is_depthwise()).map(layer).collect();
        Sizes { layers }
    }

    /// The weights when such shares of the groups are gone.
    fn weights(&self, shares: &[f64]) -> f64 {
        let left = |counts: &[usize]| -> f64 {
            counts.iter().enumerate().map(|(at, n)| *n as f64 * (1.0 - shares.get(at).copied().unwrap_or(0.0))).sum()
        };
        self.layers.iter().map(|(taps, outputs, inputs)| *taps as f64 * left(outputs) * left(inputs)).sum()
    }
}
