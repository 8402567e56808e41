//! Removes channels that say nothing: those whose weights are zero, so that each is one constant which its readers can
//! absorb, and those that every reader multiplies by zero.
//!
//! A channel is made by a convolution or matrix product (the *maker*), goes through operators that work on each channel by
//! itself (`flow`), and ends in convolutions and matrix products (the *readers*). It is removed from all of them at once
//! (`cut`). What is not understood on the way keeps all channels of the maker.
//!
//! What a constant adds to a sum goes into the reader's bias. Where the constant is zero nothing is added, and sums keep their
//! bits (but for the sign of a zero). Of floats, another constant is added in f64 and rounded once; of bytes, it is exact. A
//! reader with padding does not see the constant at the border, so that it absorbs zeros alone.
//! As everywhere, a product with a weight of zero counts as zero: the NaN that an infinity would make of it is not kept.

mod absorb;
mod cut;
mod flow;
mod known;
mod product;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::ir::{Evaluate, Graph, Tensor};

use self::flow::Flow;
use self::product::Product;

/// How often the pass looks again: what it removes may leave other channels without readers, or constant.
const ROUNDS: usize = 8;

/// Channels are kept by whole groups of this many: kernels read four bytes at once, and what is left over costs more than it
/// saves.
const GROUP: usize = 4;

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    run_by(GROUP, graph, evaluate)
}

/// The same with groups of another size.
fn run_by(group: usize, graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    let mut changed = false;
    for _ in 0..ROUNDS {
        let flow = Flow::of(graph, evaluate);
        let plan = Plan::of(group, graph, &flow);
        if plan.kept.iter().all(Option::is_none) {
            break;
        }
        cut::cut(graph, &flow, &plan);
        super::dead::run(graph, evaluate);
        changed = true;
    }
    changed
}

/// What is removed.
struct Plan {
    /// For each maker, which channels stay; `None` where all do.
    kept: Vec<Option<Vec<bool>>>,
    /// The new biases of readers, by node.
    biases: BTreeMap<usize, Tensor>,
}

impl Plan {
    fn of(group: usize, graph: &Graph, flow: &Flow) -> Plan {
        let mut plan = Plan { kept: vec![None; flow.makers.len()], biases: BTreeMap::new() };
        for (maker, kept) in flow.makers.iter().zip(&mut plan.kept) {
            if maker.keeps_all || maker.readers.is_empty() {
                continue;
            }
            let Some((keep, biases)) = removal(group, graph, flow, maker) else { continue };
            *kept = Some(keep);
            plan.biases.extend(biases);
        }
        plan
    }
}

/// The channels of a maker that stay, and the new biases of readers by their nodes.
type Removal = (Vec<bool>, Vec<(usize, Tensor)>);

/// What is removed of a maker's channels; nothing where all stay.
fn removal(group: usize, graph: &Graph, flow: &Flow, maker: &flow::Maker) -> Option<Removal> {
    let mut keep = vec![false; maker.channels];
    for &n in &maker.readers {
        let (product, known) = (Product::of(graph, &graph.nodes[n])?, flow.known(graph.nodes[n].inputs[0])?);
        for (j, goes) in absorb::absorbable(&product, known).into_iter().enumerate() {
            keep[j % maker.channels] |= !goes;
        }
    }
    fill_up(&mut keep, group);
    if !keep.contains(&false) {
        return None;
    }
    let mut biases = Vec::new();
    for &n in &maker.readers {
        let (product, known) = (Product::of(graph, &graph.nodes[n])?, flow.known(graph.nodes[n].inputs[0])?);
        biases.extend(absorb::bias(&product, known, &keep).ok()?.map(|bias| (n, bias)));
    }
    Some((keep, biases))
}

/// Keeps some of the dead channels, so that whole groups stay, and at least one: a map without channels would be another kind
/// of model.
fn fill_up(keep: &mut [bool], group: usize) {
    let count = keep.iter().filter(|&&k| k).count().max(1);
    let missing = count.next_multiple_of(group).min(keep.len()) - keep.iter().filter(|&&k| k).count();
    for k in keep.iter_mut().filter(|k| !**k).take(missing) {
        *k = true;
    }
}
