//! Layers solved again after channels have gone, so that they give what they gave.

use std::collections::BTreeSet;

use zantc::ir::Tensor;

use crate::Outcome;
use crate::data::Data;
use crate::gram::Patches;
use crate::layer::{Form, Layer, layers};
use crate::method::Bench;
use crate::net::{Links, Net, is_onnx};
use crate::probe::Probe;
use crate::prune::cut::What;
use crate::prune::groups::Groups;
use crate::prune::prefix::Prefix;
use crate::prune::regression::{Sums, solved};
use crate::prune::structured::Options;

/// Bytes of responses of the original that are held at once.
const HELD: usize = 512 << 20;
/// Rows that are added at once.
const ROWS: usize = 512;
/// One of so many runs is held back, to judge what the others solve.
const APART: usize = 5;
/// Examples of layers that have many rows in each.
const FEW: usize = 256;
/// Bytes of values of the smaller model that are held at once, about.
const VALUES: usize = 1 << 30;

/// A layer that is solved again.
struct Task {
    layer: Layer,
    /// Which outputs of the original are left.
    kept: Vec<usize>,
    /// Which weights may be other than zero, `[outputs][depth]`; all where nothing is said.
    mask: Option<Vec<bool>>,
    /// What the original is to be met in: the layer's output, or a sum with it.
    target: String,
    /// What the sum adds to it.
    shortcut: Option<String>,
    examples: usize,
    /// Every how many rows one is taken.
    apart: usize,
    rows: usize,
}

/// Solves all layers that read something else than in the original, in their order: each gives what the original gave, as nearly as it can
/// from what the layers before it, solved already, leave it. Where its output is only added to a shortcut, the sum is met, so that errors
/// of the shortcut are made good too.
pub(crate) fn repair(
    original: &Net,
    groups: &Groups,
    gone: &BTreeSet<usize>,
    mut net: Net,
    options: &Options,
    bench: &Bench<'_>,
) -> Outcome<Net> {
    let options = &within_memory(options, groups.largest, bench.data);
    let tasks = tasks(original, groups, gone, &mut net, options, bench.data)?;
    solve_all(original, &tasks, net, options, bench)
}

/// Solves all layers of a model of which some weights have become zero and stay so, in the same way; but for those that have fewer rows than a
/// column has weights.
pub(crate) fn repair_sparse(original: &Net, mut net: Net, options: &Options, bench: &Bench<'_>) -> Outcome<Net> {
    let options = &within_memory(options, Groups::find(original)?.largest, bench.data);
    let links = net.links();
    let found: Vec<Layer> =
        layers(&net).into_iter().filter(|layer| !matches!(layer.form, Form::ConvTranspose { .. })).collect();
    let found: Vec<Layer> = found.into_iter().map(|layer| layer.with_own_constants(&mut net)).collect();
    let types = Types::of(original, &found)?;
    let task = |layer: Layer| {
        let mask = layer.weights(&net).iter().map(|w| *w != 0.0).collect();
        let kept = (0..layer.outputs).collect();
        let each = types.elements(&layer)? / layer.outputs.max(1);
        let task = Task::new(layer, kept, Some(mask), each, (&net, &links), options, bench.data);
        // Fewer rows than weights of a column say less than the weights themselves, which are solved by what the original reads.
        (task.rows >= task.layer.depth).then_some(task)
    };
    let tasks: Vec<Task> = found.into_iter().filter_map(task).collect();
    solve_all(original, &tasks, net, options, bench)
}

/// The options with as many examples as memory has room for: `largest` is the number of elements of the largest value.
fn within_memory(options: &Options, largest: usize, data: &Data) -> Options {
    let fit = (VALUES / (largest * size_of::<f32>()).max(1)).max(FEW / 4) * data.batch();
    Options { examples: options.examples.min(fit), ..*options }
}

/// Solves layers in their order.
fn solve_all(original: &Net, tasks: &[Task], mut net: Net, options: &Options, bench: &Bench<'_>) -> Outcome<Net> {
    let mut prefix = Prefix::new(&net, bench.data, options.examples)?;
    let mut open = tasks;
    while !open.is_empty() {
        let mut held = 0;
        let fits = |task: &&Task| {
            held += task.rows * task.kept.len() * size_of::<f32>();
            held <= HELD
        };
        let (now, later) = open.split_at(open.iter().take_while(fits).count().max(1));
        let targets = targets(original, now, bench)?;
        for (task, targets) in now.iter().zip(targets) {
            (bench.progress)(&format!("solving `{}` again", task.layer.name.escape_debug()));
            prefix.advance(&net, task.layer.node)?;
            solve(&mut net, task, &targets, options, &prefix, bench.data.batch());
        }
        open = later;
    }
    Ok(net)
}

/// The types of what layers of the original give.
struct Types {
    names: Vec<String>,
    elements: Vec<usize>,
}

impl Types {
    fn of(original: &Net, layers: &[Layer]) -> Outcome<Types> {
        let mut names: Vec<String> = layers.iter().map(|layer| layer.output.clone()).collect();
        names.sort();
        names.dedup();
        let types = if names.is_empty() { Vec::new() } else { Probe::new(original, &names)?.types() };
        Ok(Types { names, elements: types.iter().map(zantc::ir::Type::elements).collect() })
    }

    /// Elements of a layer's output.
    fn elements(&self, layer: &Layer) -> Option<usize> {
        Some(self.elements[self.names.binary_search(&layer.output).ok()?])
    }
}

impl Task {
    /// A layer whose outputs have `each` places in the original.
    fn new(
        layer: Layer,
        kept: Vec<usize>,
        mask: Option<Vec<bool>>,
        each: usize,
        (net, links): (&Net, &Links),
        options: &Options,
        data: &Data,
    ) -> Task {
        let runs = |examples: usize| (examples.min(data.len()) / data.batch()).max(1);
        let examples = (2 * options.rows * data.batch() / each.max(1)).max(FEW).min(options.examples);
        let apart = (each * runs(examples)).div_ceil(options.rows.max(1)) | 1;
        let rows = (each * runs(examples)).div_ceil(apart);
        let (target, shortcut) = sum(net, links, &layer)
            .map_or_else(|| (layer.output.clone(), None), |(target, shortcut)| (target, Some(shortcut)));
        Task { layer, kept, mask, target, shortcut, examples, apart, rows }
    }
}

/// The layers to solve.
fn tasks(
    original: &Net,
    groups: &Groups,
    gone: &BTreeSet<usize>,
    net: &mut Net,
    options: &Options,
    data: &Data,
) -> Outcome<Vec<Task>> {
    let links = net.links();
    let changed = changed(net, groups, gone);
    let found: Vec<Layer> = layers(net)
        .into_iter()
        .filter(|layer| changed.contains(&layer.input) && !matches!(layer.form, Form::ConvTranspose { .. }))
        .collect();
    let found: Vec<Layer> = found.into_iter().map(|layer| layer.with_own_constants(net)).collect();
    let types = Types::of(original, &found)?;
    let task = |layer: Layer| {
        let cut = groups.cuts.iter().find(|cut| {
            cut.node == layer.node && matches!(cut.what, What::Axis { operand: 1, axis } if Some(axis) == layer.axis())
        })?;
        let kept: Vec<usize> = (0..cut.ids.len()).filter(|at| !gone.contains(&cut.ids[*at])).collect();
        let each = types.elements(&layer)? / cut.ids.len().max(1);
        (kept.len() == layer.outputs).then(|| Task::new(layer, kept, None, each, (net, &links), options, data))
    };
    Ok(found.into_iter().filter_map(task).collect())
}

/// The values that are not those of the original.
fn changed(net: &Net, groups: &Groups, gone: &BTreeSet<usize>) -> BTreeSet<String> {
    let cut: BTreeSet<usize> =
        groups.cuts.iter().filter(|cut| cut.ids.iter().any(|id| gone.contains(id))).map(|cut| cut.node).collect();
    let mut changed = BTreeSet::new();
    for (at, node) in net.nodes().iter().enumerate() {
        if cut.contains(&at) || node.input.iter().any(|i| changed.contains(i)) {
            changed.extend(node.output.iter().cloned());
        }
    }
    changed
}

/// The sum that a layer's output is added to a shortcut for, where nothing else reads it and the shortcut is known before the layer.
fn sum(net: &Net, links: &Links, layer: &Layer) -> Option<(String, String)> {
    let add = &net.nodes()[links.only_reader(&layer.output)?];
    let [a, b] = add.input.as_slice() else { return None };
    let other = if *a == layer.output { b } else { a };
    let before = links.maker(other).is_some_and(|maker| maker < layer.node);
    (add.op_type == "Add" && is_onnx(&add.domain) && before && *other != layer.output)
        .then(|| (add.output[0].clone(), other.clone()))
}

/// What the original gives at the places that are taken, `[rows][kept outputs]` for each layer.
fn targets(original: &Net, tasks: &[Task], bench: &Bench<'_>) -> Outcome<Vec<Vec<f32>>> {
    let mut names: Vec<String> = tasks.iter().map(|task| task.target.clone()).collect();
    names.sort();
    names.dedup();
    let probe = Probe::new(original, &names)?;
    let mut found: Vec<Vec<f32>> = tasks.iter().map(|task| Vec::with_capacity(task.rows * task.kept.len())).collect();
    let mut seen = vec![0; tasks.len()];
    let mut run = 0;
    let examples = tasks.iter().map(|task| task.examples).max().unwrap_or(0);
    probe.each(bench.data, 0..examples, &mut |values| {
        for (at, task) in tasks.iter().enumerate() {
            if run * bench.data.batch() >= task.examples {
                continue;
            }
            let value = &values[names.binary_search(&task.target).expect("all names are there")];
            let Some(responses) = Responses::of(&task.layer, value) else { continue };
            for place in places(&mut seen[at], responses.count, task.apart) {
                found[at].extend(task.kept.iter().map(|channel| responses.at(place, *channel)));
            }
        }
        run += 1;
    })?;
    Ok(found)
}

/// The places of a run that are taken, every so many of all runs.
fn places(seen: &mut usize, count: usize, apart: usize) -> std::iter::StepBy<std::ops::Range<usize>> {
    let first = (apart - *seen % apart) % apart;
    *seen += count;
    (first..count.max(first)).step_by(apart)
}

/// What a layer gives, place by place.
struct Responses {
    value: Vec<f32>,
    channels: usize,
    /// Places of one picture; rows have one.
    pixels: usize,
    count: usize,
}

impl Responses {
    fn of(layer: &Layer, value: &Tensor) -> Option<Responses> {
        let (channels, pixels) = match (&layer.form, value.shape()) {
            (Form::Rows | Form::Columns, [.., channels]) => (*channels, 1),
            (Form::Conv(_), [_, channels, space @ ..]) => (*channels, space.iter().product()),
            _ => return None,
        };
        let value = value.to_vec::<f32>()?;
        let count = value.len().checked_div(channels)?;
        Some(Responses { value, channels, pixels, count })
    }

    fn at(&self, place: usize, channel: usize) -> f32 {
        let (picture, pixel) = (place / self.pixels, place % self.pixels);
        self.value[(picture * self.channels + channel) * self.pixels + pixel]
    }
}

/// Rows of a group that wait to be added, and the sums of those that were.
struct Waiting {
    rows: Vec<f32>,
    wanted: Vec<f32>,
    sums: Sums,
}

/// Solves one layer.
fn solve(net: &mut Net, task: &Task, targets: &[f32], options: &Options, prefix: &Prefix, batch: usize) {
    let layer = &task.layer;
    let (each, outputs) = (layer.outputs / layer.groups, layer.outputs);
    let waiting = || Waiting { rows: Vec::new(), wanted: Vec::new(), sums: Sums::new(layer.depth, each) };
    // Of each group what is solved by, and what is held back.
    let mut groups: Vec<[Waiting; 2]> = (0..layer.groups).map(|_| [waiting(), waiting()]).collect();
    let (mut seen, mut targets) = (0, targets.chunks(outputs.max(1)));
    for run in (0..prefix.runs()).take_while(|run| run * batch < task.examples) {
        let Some(patches) = prefix.value(&layer.input, run).and_then(|value| Patches::of(layer, value)) else { return };
        let shortcut = task.shortcut.as_ref().and_then(|name| Responses::of(layer, prefix.value(name, run)?));
        let held = usize::from(run % APART == APART - 1);
        for place in places(&mut seen, patches.count(), task.apart) {
            let Some(target) = targets.next() else { break };
            for (group, parts) in groups.iter_mut().enumerate() {
                patches.push(place, group, &mut parts[held].rows);
                let known = |o: usize| shortcut.as_ref().map_or(0.0, |shortcut| shortcut.at(place, o));
                parts[held].wanted.extend((group * each..(group + 1) * each).map(|o| target[o] - known(o)));
            }
        }
        for Waiting { rows, wanted, sums } in groups.iter_mut().map(|parts| &mut parts[held]) {
            if rows.len() >= ROWS * layer.depth {
                sums.add(rows, wanted);
            }
        }
    }
    let (mut weights, mut biases) = (layer.weights(net), layer.biases(net));
    for (group, parts) in groups.into_iter().enumerate() {
        let [fitted, held] = parts.map(|Waiting { mut rows, mut wanted, mut sums }| {
            sums.add(&mut rows, &mut wanted);
            sums
        });
        let range = group * each * layer.depth..(group + 1) * each * layer.depth;
        let mask = task.mask.as_ref().map(|mask| &mask[range.clone()]);
        let own = (&mut weights[range], &mut biases[group * each..][..each]);
        solved(fitted, held, own, mask, layer.bias.is_some(), options);
    }
    layer.set_weights(net, &weights);
    layer.set_biases(net, &biases);
}
