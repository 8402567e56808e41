//! Channels that can only go together, through the whole graph.
//!
//! A channel of a convolution is a channel of everything behind it that treats channels one by one: activations, poolings, depthwise
//! convolutions, sums with a shortcut. What must go together is one unit. Units of the same layers are a group, and a group is what a share
//! to remove is given for.

use std::collections::{BTreeMap, BTreeSet};

use crate::Outcome;
use crate::layer::{Layer, layers};
use crate::net::{Links, Net};
use crate::probe::Probe;
use crate::prune::cut::{Cut, remove};
use crate::prune::flow;
use crate::prune::homogeneous::homogeneous;

/// Channels that kernels compute at once on every target.
const VECTOR: usize = 4;

/// From so many units on a group keeps whole vectors: rounding changes it by a sixteenth at most.
const LARGE: usize = 32;

/// The channels of a model that can be removed.
#[derive(Clone, Debug)]
pub struct Groups {
    /// The groups, in the order of the model.
    pub groups: Vec<Group>,
    /// All layers of the model.
    pub layers: Vec<Layer>,
    /// Elements of the largest value inside of the model.
    pub(crate) largest: usize,
    /// What is cut when units go.
    pub(crate) cuts: Vec<Cut>,
    /// The units of the channels that a layer multiplies and adds up, by its place in `layers`; depthwise convolutions are not there.
    pub(crate) reads: BTreeMap<usize, Vec<usize>>,
    /// The units of the channels that a layer makes, by its place in `layers`.
    pub(crate) makes: BTreeMap<usize, Vec<usize>>,
    /// The units of the channels of each value.
    pub(crate) values: BTreeMap<String, Channels>,
    /// Units that run through an operator in which twice the input is not twice the output.
    pub(crate) bent: BTreeSet<usize>,
}

/// Units that the same layers make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The first layer that makes them.
    pub name: String,
    /// What goes together or stays, each by a number of its own.
    pub units: Vec<usize>,
    /// The layers that make them, by their places in [`Groups::layers`].
    pub makers: Vec<usize>,
    /// The layers that multiply them by weights for each pair of channels.
    pub readers: Vec<usize>,
}

/// The channels of a value: the dimension that counts them, and a number for each; those of one unit are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Channels {
    pub(crate) axis: usize,
    pub(crate) ids: Vec<usize>,
}

/// A walk through a model, in which channels are numbered and joined.
pub(crate) struct Walk<'n> {
    pub(crate) net: &'n Net,
    pub(crate) links: Links,
    shapes: BTreeMap<String, Vec<usize>>,
    /// Each layer's place by its node.
    pub(crate) layers: BTreeMap<usize, Layer>,
    values: BTreeMap<String, Channels>,
    pub(crate) cuts: Vec<Cut>,
    pub(crate) reads: BTreeMap<usize, Vec<usize>>,
    pub(crate) makes: BTreeMap<usize, Vec<usize>>,
    /// Joined numbers lead to the same smallest one.
    parents: Vec<usize>,
    /// The node that made each number.
    makers: Vec<usize>,
    fixed: BTreeSet<usize>,
    bent: BTreeSet<usize>,
}

impl Groups {
    /// Finds what can be removed. A channel that reaches an output of the model, or an operator that is not known here, is in no group.
    ///
    /// # Errors
    /// The model does not compile.
    pub fn find(net: &Net) -> Outcome<Groups> {
        let links = net.links();
        let made = net.nodes().iter().flat_map(|node| &node.output);
        let names: Vec<String> =
            made.filter(|o| !o.is_empty() && (!links.readers(o).is_empty() || links.is_output(o))).cloned().collect();
        let probe = Probe::new(net, &names)?;
        let mut shapes: BTreeMap<String, Vec<usize>> =
            names.into_iter().zip(probe.types()).map(|(name, ty)| (name, ty.shape)).collect();
        let inputs = probe.compiled().program.model_inputs();
        shapes.extend(inputs.into_iter().map(|port| (port.name, port.ty.shape)));
        shapes.extend(net.constants().iter().map(|c| (c.name.clone(), c.dims.clone())));
        let all = layers(net);
        let mut walk = Walk {
            net,
            links,
            shapes,
            layers: all.iter().map(|layer| (layer.node, layer.clone())).collect(),
            values: BTreeMap::new(),
            cuts: Vec::new(),
            reads: BTreeMap::new(),
            makes: BTreeMap::new(),
            parents: Vec::new(),
            makers: Vec::new(),
            fixed: BTreeSet::new(),
            bent: BTreeSet::new(),
        };
        for at in 0..net.nodes().len() {
            walk.node(at);
        }
        Ok(walk.finish(all))
    }

    /// The model without such units, its other weights as they were. Of all that is cut something is to stay: see [`Groups::empties`].
    pub fn remove(&self, net: &Net, units: &BTreeSet<usize>) -> Net {
        remove(net, self, units)
    }

    /// Whether without such units some layer would have no channels.
    pub fn empties(&self, units: &BTreeSet<usize>) -> bool {
        self.cuts.iter().any(|cut| cut.ids.iter().all(|id| units.contains(id)))
    }

    /// How many units stay of each group when such shares of them (0 to 1) are removed: at least one. Of a large group whole vectors stay,
    /// since a layer of 45 channels takes longer than one of 48.
    pub fn kept(&self, removed: &[f64]) -> Vec<usize> {
        let kept = |(group, share): (&Group, &f64)| {
            let units = group.units.len();
            let step = if units < LARGE { 1 } else { VECTOR };
            let steps = ((1.0 - share.clamp(0.0, 1.0)) * units as f64 / step as f64).round() as usize;
            if *share > 0.0 { (steps * step).clamp(step.min(units), units.max(1)) } else { units.max(1) }
        };
        self.groups.iter().zip(removed).map(kept).collect()
    }
}

impl Walk<'_> {
    /// The extents of a value.
    pub(crate) fn shape(&self, name: &str) -> Option<&Vec<usize>> {
        self.shapes.get(name)
    }

    /// The channels of a value, where they are known.
    pub(crate) fn channels(&self, name: &str) -> Option<&Channels> {
        self.values.get(name)
    }

    /// New channels that a node makes.
    pub(crate) fn fresh(&mut self, node: usize, count: usize) -> Vec<usize> {
        let first = self.parents.len();
        self.parents.extend(first..first + count);
        self.makers.resize(first + count, node);
        (first..first + count).collect()
    }

    /// The number that stands for all that are joined with it.
    fn root(&self, mut id: usize) -> usize {
        while self.parents[id] != id {
            id = self.parents[id];
        }
        id
    }

    /// Makes two channels go together.
    pub(crate) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        self.parents[high] = low;
        // The shortest way from now on.
        self.parents[b] = low;
        self.parents[a] = low;
    }

    /// Makes channels stay.
    pub(crate) fn fix(&mut self, ids: &[usize]) {
        self.fixed.extend(ids);
    }

    /// Follows channels through a node.
    fn node(&mut self, at: usize) {
        let node = &self.net.nodes()[at];
        if let Some(found) = flow::through(self, at) {
            for (output, channels) in node.output.iter().zip(found).filter(|(output, _)| !output.is_empty()) {
                self.made(at, output, channels);
            }
            return;
        }
        // Not understood: all that it reads stays, in graphs inside of it too.
        let read: Vec<usize> = self
            .values
            .iter()
            .filter(|(name, _)| self.links.readers(name).contains(&at))
            .flat_map(|(_, channels)| channels.ids.clone())
            .collect();
        self.fix(&read);
    }

    /// Takes down the channels of a value that a node makes.
    fn made(&mut self, at: usize, output: &str, channels: Channels) {
        let fits = self.shape(output).is_some_and(|s| s.get(channels.axis) == Some(&channels.ids.len()));
        if self.links.is_output(output) || !fits {
            self.fix(&channels.ids);
        }
        if !homogeneous(self, at) {
            self.bent.extend(&channels.ids);
        }
        if fits {
            self.values.insert(output.into(), channels);
        }
    }

    /// Gathers groups when all nodes are done.
    fn finish(mut self, layers: Vec<Layer>) -> Groups {
        let fixed: BTreeSet<usize> = self.fixed.iter().map(|id| self.root(*id)).collect();
        let place: BTreeMap<usize, usize> = layers.iter().enumerate().map(|(at, layer)| (layer.node, at)).collect();
        // Makers of one unit are of one group: the smallest unit of the first stands for it.
        let mut first_of: BTreeMap<usize, usize> = BTreeMap::new();
        let mut group_of: BTreeMap<usize, usize> = self.makers.iter().map(|node| (*node, *node)).collect();
        let find = |group_of: &BTreeMap<usize, usize>, mut node: usize| {
            while group_of[&node] != node {
                node = group_of[&node];
            }
            node
        };
        for id in 0..self.parents.len() {
            let maker = find(&group_of, self.makers[id]);
            let other = find(&group_of, *first_of.entry(self.root(id)).or_insert(maker));
            group_of.insert(maker.max(other), maker.min(other));
        }
        let mut units: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for id in 0..self.parents.len() {
            let root = self.root(id);
            if !fixed.contains(&root) {
                units.entry(find(&group_of, self.makers[id])).or_default().insert(root);
            }
        }
        let resolve = |walk: &Walk<'_>, ids: &[usize]| ids.iter().map(|id| walk.root(*id)).collect::<Vec<usize>>();
        let by_layer = |walk: &Walk<'_>, of: &BTreeMap<usize, Vec<usize>>| -> BTreeMap<usize, Vec<usize>> {
            of.iter().map(|(node, ids)| (place[node], resolve(walk, ids))).collect()
        };
        let (reads, makes) = (by_layer(&self, &self.reads), by_layer(&self, &self.makes));
        let mut cuts = std::mem::take(&mut self.cuts);
        cuts.iter_mut().for_each(|cut| cut.ids = resolve(&self, &cut.ids));
        let touching = |of: &BTreeMap<usize, Vec<usize>>, units: &BTreeSet<usize>| -> Vec<usize> {
            of.iter().filter(|(_, ids)| ids.iter().any(|id| units.contains(id))).map(|(at, _)| *at).collect()
        };
        let group = |(maker, units): (&usize, &BTreeSet<usize>)| Group {
            name: layers[place[maker]].name.clone(),
            units: units.iter().copied().collect(),
            makers: touching(&makes, units),
            readers: touching(&reads, units),
        };
        let made = self.net.nodes().iter().flat_map(|node| &node.output).filter_map(|o| self.shapes.get(o));
        let bent = self.bent.iter().map(|id| self.root(*id)).collect();
        let values =
            self.values.iter().map(|(name, c)| (name.clone(), Channels { axis: c.axis, ids: resolve(&self, &c.ids) }));
        let values = values.collect();
        let largest = made.map(|shape| shape.iter().product()).max().unwrap_or(0);
        let groups: Vec<Group> = units.iter().filter(|(_, units)| units.len() > 1).map(group).collect();
        Groups { groups, layers, largest, cuts, reads, makes, values, bent }
    }
}
