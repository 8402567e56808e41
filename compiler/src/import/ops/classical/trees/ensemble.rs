//! TreeEnsemble of opset 5, and the tables that all ensembles become.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::ir::trees::{Comparison, Place, Test};
use crate::ir::{DType, Tensor};

use super::super::scores::Post;
use super::{Aggregate, list, operand, table, walk};

/// Trees before they are tensors.
#[derive(Default)]
pub(super) struct Tables {
    /// Feature, test and threshold.
    pub(super) nodes: Vec<(i64, Test, f64)>,
    /// Where each node leads.
    pub(super) children: Vec<[Place; 2]>,
    pub(super) roots: Vec<Place>,
    /// Targets and weights.
    pub(super) leaves: Vec<Vec<(i64, f64)>>,
}

impl Tables {
    /// Operands 1 to 6 of the core operator.
    pub(super) fn tensors(&self, dtype: DType, targets: usize, features: usize) -> Imported<[Tensor; 6]> {
        let mut nodes = Vec::with_capacity(self.nodes.len() * 4);
        for (&(feature, test, _), &[yes, no]) in self.nodes.iter().zip(&self.children) {
            let inside = usize::try_from(feature).ok().filter(|&f| f < features);
            let inside = inside.ok_or_else(|| Fault::form(format!("a node tests feature {feature} of {features}")))?;
            nodes.extend([inside as i32, test.code(), yes.code(), no.code()]);
        }
        let (mut ends, mut of, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for &(target, weight) in self.leaves.iter().flat_map(|leaf| {
            ends.push(0);
            leaf
        }) {
            let inside = usize::try_from(target).ok().filter(|&t| t < targets);
            of.push(inside.ok_or_else(|| Fault::form(format!("a leaf has target {target} of {targets}")))? as i32);
            weights.push(weight);
        }
        let mut end = 0;
        for (place, leaf) in ends.iter_mut().zip(&self.leaves) {
            end += leaf.len() as i32;
            *place = end;
        }
        let thresholds: Vec<f64> = self.nodes.iter().map(|n| n.2).collect();
        let roots: Vec<i32> = self.roots.iter().map(|r| r.code()).collect();
        let ints = |v: &[i32]| Tensor::from_elements([v.len()], v);
        Ok([
            Tensor::from_elements([self.nodes.len(), 4], &nodes),
            table(dtype, &thresholds),
            ints(&roots),
            ints(&ends),
            ints(&of),
            table(dtype, &weights),
        ])
    }
}

/// A tensor attribute as numbers.
fn tensor(cx: &NodeCx<'_>, name: &str) -> Imported<Option<Vec<f64>>> {
    Ok(cx
        .tensor_opt(name)?
        .map(|t| t.scalars().map(|s| if t.dtype().is_float() { s.to_f64() } else { s.to_i64() as f64 }).collect()))
}

/// ONNX `TreeEnsemble`.
pub(super) fn import(cx: &mut NodeCx<'_>) -> Imported {
    let result = cx.dtype(cx.input(0)?);
    let v = operand(cx)?;
    let tables = read(cx)?;
    let aggregates = [Aggregate::Average, Aggregate::Sum, Aggregate::Min, Aggregate::Max];
    let posts = [Post::None, Post::Softmax, Post::Logistic, Post::SoftmaxZero, Post::Probit];
    let aggregate = numbered(cx, "aggregate_function", 1, &aggregates)?;
    let post = numbered(cx, "post_transform", 0, &posts)?;
    let targets = cx.int_opt("n_targets")?.ok_or_else(|| Fault::missing("n_targets"))?;
    let targets = usize::try_from(targets).map_err(|_| Fault::attribute("n_targets", "is negative"))?;
    let y = walk(cx, v, &tables, targets, aggregate)?;
    let y = if targets == 1 && post != Post::Probit { y } else { post.apply(cx, y)? };
    cx.cast(y, result)
}

/// An attribute that is a number of something.
fn numbered<T: Copy>(cx: &NodeCx<'_>, name: &str, default: i64, all: &[T]) -> Imported<T> {
    let v = cx.int(name, default)?;
    usize::try_from(v).ok().and_then(|v| all.get(v).copied()).ok_or_else(|| Fault::attribute(name, format!("is {v}")))
}

fn read(cx: &NodeCx<'_>) -> Imported<Tables> {
    let features = cx.ints_opt("nodes_featureids")?.ok_or_else(|| Fault::missing("nodes_featureids"))?;
    let n = features.len();
    let ints = |name: &str| list(cx.ints_opt(name)?, name, n);
    let modes = list(tensor(cx, "nodes_modes")?, "nodes_modes", n)?;
    let splits = list(tensor(cx, "nodes_splits")?, "nodes_splits", n)?;
    let [yes, yes_is_leaf] = [ints("nodes_truenodeids")?, ints("nodes_trueleafs")?];
    let [no, no_is_leaf] = [ints("nodes_falsenodeids")?, ints("nodes_falseleafs")?];
    let missing = cx.ints_opt("nodes_missing_value_tracks_true")?.filter(|m| !m.is_empty());
    let missing = missing.map_or(Ok(vec![0; n]), |m| list(Some(m), "nodes_missing_value_tracks_true", n))?;
    let weights = tensor(cx, "leaf_weights")?.ok_or_else(|| Fault::missing("leaf_weights"))?;
    let targets = list(cx.ints_opt("leaf_targetids")?, "leaf_targetids", weights.len())?;
    let leaves = targets.into_iter().zip(weights).map(|entry| vec![entry]).collect();
    let mut tables = Tables { leaves, ..Tables::default() };
    let place = |at: i64, is_leaf: i64, leaves: usize| {
        let len = if is_leaf != 0 { leaves } else { n };
        let at = usize::try_from(at).ok().filter(|&a| a < len);
        let at = at.ok_or_else(|| Fault::form("a node leads nowhere"))?;
        Ok::<Place, Fault>(if is_leaf != 0 { Place::Leaf(at) } else { Place::Node(at) })
    };
    let members = tensor(cx, "membership_values")?.unwrap_or_default();
    let mut sets = members.split(|v| v.is_nan());
    // A node of a set becomes a chain of comparisons, whose first stands in its place.
    let mut chains = Vec::new();
    for i in 0..n {
        let count = tables.leaves.len();
        let children = [place(yes[i], yes_is_leaf[i], count)?, place(no[i], no_is_leaf[i], count)?];
        let (comparison, threshold) = match modes[i] as i64 {
            0 => (Comparison::Le, splits[i]),
            1 => (Comparison::Lt, splits[i]),
            2 => (Comparison::Ge, splits[i]),
            3 => (Comparison::Gt, splits[i]),
            4 => (Comparison::Eq, splits[i]),
            5 => (Comparison::Ne, splits[i]),
            6 => {
                let set = sets.next().ok_or_else(|| Fault::form("there are fewer sets than nodes that ask for one"))?;
                let (&first, rest) = set.split_first().unwrap_or((&f64::NAN, &[]));
                chains.push((i, rest));
                (Comparison::Eq, first)
            }
            mode => return Err(Fault::attribute("nodes_modes", format!("has the mode {mode}"))),
        };
        tables.nodes.push((features[i], Test { comparison, passes_nan: missing[i] != 0 }, threshold));
        tables.children.push(children);
    }
    for (first, rest) in chains {
        let (feature, test, _) = tables.nodes[first];
        let mut last = first;
        for &member in rest {
            let next = tables.nodes.len();
            tables.nodes.push((feature, test, member));
            tables.children.push(tables.children[last]);
            tables.children[last][1] = Place::Node(next);
            last = next;
        }
    }
    let roots = cx.ints_opt("tree_roots")?.ok_or_else(|| Fault::missing("tree_roots"))?;
    for root in roots {
        tables.roots.push(place(root, 0, 0)?);
    }
    Ok(tables)
}
