//! Cross-layer equalisation: channels of one value that differ much in size are brought nearer to each other.
//!
//! All channels of a value share one scale, so a small channel beside a large one has few codes. Where a channel only runs through
//! operators with f(s x) = s f(x) for s > 0, what makes it can be multiplied by s and what reads it divided by s, and the model computes
//! the same. Makers and readers are found through the whole graph, sums with shortcuts included, as for pruning. The idea for a pair of
//! layers: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019. Here weights have a scale for each
//! row, so that only the values and the readers' columns count, and factors are powers of two, so that floats keep their bits.

use std::collections::BTreeMap;

use super::MOST;
use crate::Outcome;
use crate::method::Bench;
use crate::net::Net;
use crate::probe::Probe;
use crate::prune::cut::{What, own};
use crate::prune::groups::{Channels, Groups};

/// Examples that channels are measured by.
const EXAMPLES: usize = 128;

/// The largest factor is two to this.
const MOST_DOUBLINGS: i32 = 8;

/// Steps between the codes of an activation.
const STEPS: f64 = 255.0;

/// What is known of a unit of channels.
#[derive(Clone, Copy, Debug, Default)]
struct Unit {
    /// The least, over the values it is in, of the value's range by the channel's: it can grow so much and nothing else has fewer codes.
    room: Option<f64>,
    /// The mean square of its elements, the largest over values.
    power: f64,
    /// The sum over values of the square of a step between codes.
    step: f64,
    /// The squares of all weights that read it.
    weights: f64,
    /// The sum over all weights that read it of the square of a step between codes.
    weight_steps: f64,
}

impl Unit {
    /// How often the channel is doubled. Rounding of values harms by `step * weights / s^2`, rounding of weights by `weight_steps * power *
    /// s^2`: the sum is least at the fourth root of their ratio.
    fn doublings(&self) -> i32 {
        let (values, weights) = (self.step * self.weights, self.weight_steps * self.power);
        let room = self.room.unwrap_or(1.0);
        if !(values > 0.0 && weights > 0.0 && room > 1.0) {
            return 0;
        }
        let best = ((values / weights).log2() / 4.0).round();
        best.clamp(0.0, room.log2().floor()).min(f64::from(MOST_DOUBLINGS)) as i32
    }
}

/// The model with its channels equalised, whose float results are the same; `ranges` are those of the values that become bytes. Says how
/// many units of channels were scaled.
///
/// # Errors
/// The model does not compile, or does not run on the examples.
pub(super) fn equalise(net: &mut Net, ranges: &BTreeMap<String, (f32, f32)>, bench: &Bench<'_>) -> Outcome<usize> {
    let groups = Groups::find(net)?;
    let mut units: BTreeMap<usize, Unit> = groups
        .groups
        .iter()
        .flat_map(|group| &group.units)
        .filter(|id| !groups.bent.contains(id))
        .map(|id| (*id, Unit::default()))
        .collect();
    if units.is_empty() {
        return Ok(0);
    }
    look_at_values(net, &groups, ranges, bench, &mut units)?;
    look_at_weights(net, &groups, &mut units);
    let factors: BTreeMap<usize, f32> = units
        .iter()
        .map(|(id, unit)| (*id, unit.doublings()))
        .filter(|(_, doublings)| *doublings > 0)
        .map(|(id, doublings)| (id, (doublings as f32).exp2()))
        .collect();
    scale(net, &groups, &factors);
    Ok(factors.len())
}

/// Measures the channels of all values that become bytes.
fn look_at_values(
    net: &Net,
    groups: &Groups,
    ranges: &BTreeMap<String, (f32, f32)>,
    bench: &Bench<'_>,
    units: &mut BTreeMap<usize, Unit>,
) -> Outcome<()> {
    let seen: Vec<(&String, &Channels, (f32, f32))> = ranges
        .iter()
        .filter_map(|(name, range)| Some((name, groups.values.get(name)?, *range)))
        .filter(|(_, channels, _)| channels.ids.iter().any(|id| units.contains_key(id)))
        .collect();
    let names: Vec<String> = seen.iter().map(|(name, ..)| (*name).clone()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let probe = Probe::new(net, &names)?;
    let inner: Vec<usize> =
        probe.types().iter().zip(&seen).map(|(ty, (_, c, _))| ty.shape[c.axis + 1..].iter().product()).collect();
    // For each value and channel: the largest element, the sum of squares, how many.
    let mut sums: Vec<Vec<(f64, f64, f64)>> = seen.iter().map(|(_, c, _)| vec![(0.0, 0.0, 0.0); c.ids.len()]).collect();
    probe.each(bench.data, 0..EXAMPLES, &mut |values| {
        for ((value, sums), inner) in values.iter().zip(&mut sums).zip(&inner) {
            for (at, row) in value.to_vec::<f32>().unwrap_or_default().chunks(*inner.max(&1)).enumerate() {
                let channel = at % sums.len();
                let (most, squares, count) = &mut sums[channel];
                for x in row.iter().map(|x| f64::from(*x)) {
                    *most = most.max(x.abs());
                    *squares += x * x;
                }
                *count += row.len() as f64;
            }
        }
    })?;
    for ((_, channels, (low, high)), sums) in seen.iter().zip(&sums) {
        let (low, high) = (f64::from(*low), f64::from(*high));
        let (range, step) = (low.abs().max(high.abs()), (high - low) / STEPS);
        let mut once: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for (id, (most, squares, count)) in channels.ids.iter().zip(sums) {
            let entry = once.entry(*id).or_default();
            *entry = (entry.0.max(*most), entry.1.max(squares / count.max(1.0)));
        }
        for (id, (most, power)) in once {
            let Some(unit) = units.get_mut(&id) else { continue };
            let room = if most > 0.0 { range / most } else { 1.0 };
            unit.room = Some(unit.room.map_or(room, |known| known.min(room)));
            unit.power = unit.power.max(power);
            unit.step += step * step;
        }
    }
    Ok(())
}

/// Looks at the weights that read each unit.
fn look_at_weights(net: &Net, groups: &Groups, units: &mut BTreeMap<usize, Unit>) {
    for (at, ids) in &groups.reads {
        let layer = &groups.layers[*at];
        let (rows, each) = (layer.weights(net), layer.outputs / layer.groups.max(1));
        let channels = ids.len() / layer.groups.max(1);
        let taps = layer.depth / channels.max(1);
        for (o, row) in rows.chunks(layer.depth.max(1)).enumerate() {
            let most = row.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
            let step = f64::from(most) / f64::from(MOST);
            let first = o / each.max(1) * channels;
            for (weights, id) in row.chunks(taps.max(1)).zip(&ids[first..]) {
                let Some(unit) = units.get_mut(id) else { continue };
                unit.weights += weights.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>();
                unit.weight_steps += step * step * weights.len() as f64;
            }
        }
    }
}

/// Multiplies what makes channels by their factors, and divides what reads them.
pub(crate) fn scale(net: &mut Net, groups: &Groups, factors: &BTreeMap<usize, f32>) {
    for cut in &groups.cuts {
        let What::Axis { operand, axis } = cut.what else { continue };
        let of = |id: &usize| factors.get(id).copied().unwrap_or(1.0);
        if cut.ids.iter().all(|id| of(id) == 1.0) {
            continue;
        }
        let layer = groups.layers.iter().find(|layer| layer.node == cut.node);
        let factors: Vec<f32> = match layer {
            Some(layer) if operand == 1 && layer.is_depthwise() => continue,
            Some(layer) if operand == 1 && Some(axis) != layer.axis() => {
                cut.ids.iter().map(|id| of(id).recip()).collect()
            }
            Some(_) => cut.ids.iter().map(of).collect(),
            // What is added grows with the channels; slopes and factors do not.
            None if matches!(net.nodes()[cut.node].op_type.as_str(), "Add" | "Sub" | "Sum" | "Mean") => {
                cut.ids.iter().map(of).collect()
            }
            None => continue,
        };
        let name = own(net, cut.node, operand);
        let Some((shape, mut elements)) = net.floats(&name) else { continue };
        let inner: usize = shape[axis + 1..].iter().product();
        for (at, element) in elements.iter_mut().enumerate() {
            *element *= factors[at / inner.max(1) % factors.len()];
        }
        net.set_floats(&name, &shape, &elements);
    }
}
