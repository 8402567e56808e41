//! Ensembles of decision trees: the operator of opset 5, and the two that it replaced.

use std::collections::BTreeMap;

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, classical};
use crate::ir::formula::{num, x};
use crate::ir::trees::{Comparison, Place, Test};
use crate::ir::{DType, Meeting, Op, Scalar, Tensor, Type, ValueId};

use super::super::movement::part;
use super::super::pieces::concat;
use super::rows;
use super::scores::{Classes, Post, above, largest, pair, plus_row};

mod ensemble;

use self::ensemble::Tables;

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    classical("TreeEnsemble", ensemble::import, ""),
    classical("TreeEnsembleClassifier", classifier, "without PROBIT of a single score"),
    classical("TreeEnsembleRegressor", regressor, ""),
];

/// How ONNX joins the results of trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

/// Numbers that are floats, or a tensor of their own where they are doubles.
fn numbers(cx: &NodeCx<'_>, name: &str) -> Imported<Vec<f64>> {
    if let Some(t) = cx.tensor_opt(&format!("{name}_as_tensor"))? {
        return Ok(t.scalars().map(|s| s.to_f64()).collect());
    }
    Ok(cx.floats_opt(name)?.unwrap_or_default().into_iter().map(f64::from).collect())
}

/// A list that must be as long as another.
fn list<T>(found: Option<Vec<T>>, name: &str, len: usize) -> Imported<Vec<T>> {
    let found = found.ok_or_else(|| Fault::missing(name))?;
    if found.len() == len {
        Ok(found)
    } else {
        Err(Fault::attribute(name, format!("has {} values, not {len}", found.len())))
    }
}

/// The trees of the older operators, whose leaves' attributes begin with `target` or `class`.
fn stored(cx: &NodeCx<'_>, leaf: &str) -> Imported<Tables> {
    let trees = cx.ints_opt("nodes_treeids")?.ok_or_else(|| Fault::missing("nodes_treeids"))?;
    let n = trees.len();
    let ints = |name: &str| list(cx.ints_opt(name)?, name, n);
    let (ids, features) = (ints("nodes_nodeids")?, ints("nodes_featureids")?);
    let (yes, no) = (ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?);
    let modes = list(cx.strings_opt("nodes_modes")?, "nodes_modes", n)?;
    let values = list(Some(numbers(cx, "nodes_values")?), "nodes_values", n)?;
    let missing = cx.ints_opt("nodes_missing_value_tracks_true")?.filter(|m| !m.is_empty());
    let missing = missing.map_or(Ok(vec![0; n]), |m| list(Some(m), "nodes_missing_value_tracks_true", n))?;
    let mut known = BTreeMap::new();
    for (i, key) in trees.iter().zip(&ids).enumerate() {
        if known.insert((*key.0, *key.1), i).is_some() {
            return Err(Fault::form(format!("node {} of tree {} is there twice", key.1, key.0)));
        }
    }
    let find = |tree: i64, id: i64| {
        let missing = || Fault::form(format!("tree {tree} has no node {id}"));
        known.get(&(tree, id)).copied().ok_or_else(missing)
    };
    let mut tables = Tables::default();
    let mut places = Vec::with_capacity(n);
    for mode in &modes {
        let comparison = match mode.as_str() {
            "LEAF" => {
                tables.leaves.push(Vec::new());
                places.push(Place::Leaf(tables.leaves.len() - 1));
                continue;
            }
            "BRANCH_LEQ" => Comparison::Le,
            "BRANCH_LT" => Comparison::Lt,
            "BRANCH_GTE" => Comparison::Ge,
            "BRANCH_GT" => Comparison::Gt,
            "BRANCH_EQ" => Comparison::Eq,
            "BRANCH_NEQ" => Comparison::Ne,
            other => return Err(Fault::attribute("nodes_modes", format!("has the mode `{}`", other.escape_debug()))),
        };
        let i = places.len();
        places.push(Place::Node(tables.nodes.len()));
        tables.nodes.push((features[i], Test { comparison, passes_nan: missing[i] != 0 }, values[i]));
    }
    let mut is_child = vec![false; n];
    for i in (0..n).filter(|&i| matches!(places[i], Place::Node(_))) {
        let children = [find(trees[i], yes[i])?, find(trees[i], no[i])?];
        children.iter().for_each(|&c| is_child[c] = true);
        tables.children.push(children.map(|c| places[c]));
    }
    let mut seen = std::collections::BTreeSet::new();
    for i in (0..n).filter(|&i| !is_child[i]) {
        if !seen.insert(trees[i]) {
            return Err(Fault::form(format!("tree {} has two roots", trees[i])));
        }
        tables.roots.push(places[i]);
    }
    let names = ["treeids", "nodeids", "ids"].map(|what| format!("{leaf}_{what}"));
    let weights = numbers(cx, &format!("{leaf}_weights"))?;
    let [of, at, ids] = names.map(|name| list(cx.ints_opt(&name)?, &name, weights.len()));
    for (((tree, node), target), weight) in of?.iter().zip(at?).zip(ids?).zip(weights) {
        let Place::Leaf(leaf) = places[find(*tree, node)?] else {
            return Err(Fault::form(format!("node {node} of tree {tree} has a weight and is no leaf")));
        };
        tables.leaves[leaf].push((target, weight));
    }
    Ok(tables)
}

/// The operand's rows in the type in which trees compute: f64 where the operand is, else f32.
fn operand(cx: &mut NodeCx<'_>) -> Imported {
    let v = rows(cx)?;
    let dtype = if cx.dtype(v) == DType::F64 { DType::F64 } else { DType::F32 };
    cx.cast(v, dtype)
}

/// The operator itself.
fn walk(cx: &mut NodeCx<'_>, v: ValueId, tables: &Tables, targets: usize, aggregate: Aggregate) -> Imported {
    let dtype = cx.dtype(v);
    let meeting = match aggregate {
        Aggregate::Sum | Aggregate::Average => Meeting::Sum,
        Aggregate::Min => Meeting::Min,
        Aggregate::Max => Meeting::Max,
    };
    if meeting != Meeting::Sum && tables.leaves.iter().flatten().any(|(_, w)| !w.is_finite()) {
        return Err(Fault::form("the least or greatest of weights that are not finite"));
    }
    let mut operands = vec![v];
    for table in tables.tensors(dtype, targets, cx.shape(v)[1])? {
        cx.b.reserve(table.data().len(), "the tables of trees")?;
        operands.push(cx.add_constant(table));
    }
    let y = cx.emit(Op::Trees { targets, meeting }, &operands)?;
    if aggregate != Aggregate::Average {
        return Ok(y);
    }
    cx.map((x(0) / num(tables.roots.len() as f64)).expr(dtype), &[y])
}

fn regressor(cx: &mut NodeCx<'_>) -> Imported {
    let v = operand(cx)?;
    let aggregate = cx.word(
        "aggregate_function",
        &[("SUM", Aggregate::Sum), ("AVERAGE", Aggregate::Average), ("MIN", Aggregate::Min), ("MAX", Aggregate::Max)],
    )?;
    let (tables, post) = (stored(cx, "target")?, Post::of(cx)?);
    let targets = cx.int("n_targets", 1)?;
    let targets = usize::try_from(targets).map_err(|_| Fault::attribute("n_targets", "is negative"))?;
    let mut y = walk(cx, v, &tables, targets, aggregate)?;
    let base = numbers(cx, "base_values")?;
    if base.len() == targets && !base.is_empty() {
        y = plus_row(cx, y, &base)?;
    } else if !base.is_empty() {
        return Err(Fault::attribute("base_values", format!("has {} values for {targets} targets", base.len())));
    }
    // Of one number there is nothing but PROBIT.
    let y = if targets == 1 && post != Post::Probit { y } else { post.apply(cx, y)? };
    cx.cast(y, DType::F32)
}

fn classifier(cx: &mut NodeCx<'_>) -> Imported {
    let v = operand(cx)?;
    let (tables, post) = (stored(cx, "class")?, Post::of(cx)?);
    let classes = Classes::needed(cx, "classlabels_strings", "classlabels_int64s")?;
    let base = numbers(cx, "base_values")?;
    let y = walk(cx, v, &tables, classes.len().max(2), Aggregate::Sum)?;
    let has_score = |class: i64| tables.leaves.iter().flatten().any(|&(c, _)| c == class);
    let (label, scores) = if classes.len() > 2 {
        let mut scores = y;
        if base.len() > classes.len() {
            return Err(Fault::attribute(
                "base_values",
                format!("has {} values for {} classes", base.len(), classes.len()),
            ));
        }
        if !base.is_empty() {
            let padded: Vec<f64> = (0..classes.len()).map(|i| base.get(i).copied().unwrap_or(0.0)).collect();
            scores = plus_row(cx, scores, &padded)?;
        }
        // A class that no leaf names is never chosen.
        let absent: Vec<f64> = (0..classes.len())
            .map(|i| if i < base.len() || has_score(i as i64) { 0.0 } else { f64::NEG_INFINITY })
            .collect();
        let chosen = if absent.iter().all(|&a| a == 0.0) { scores } else { plus_row(cx, scores, &absent)? };
        let index = largest(cx, chosen)?;
        (classes.label(cx, index)?, post.apply(cx, scores)?)
    } else {
        let positive = tables.leaves.iter().flatten().all(|&(_, w)| w >= 0.0);
        let has = [has_score(0), has_score(1)];
        two_classes(cx, y, &classes, Two { post, base: &base, has, positive })?
    };
    let scores = cx.cast(scores, DType::F32)?;
    cx.set(1, scores);
    Ok(label)
}

/// What is known of trees for two classes, or one.
struct Two<'a> {
    post: Post,
    base: &'a [f64],
    /// Which of the classes leaves name.
    has: [bool; 2],
    /// Whether no weight is negative.
    positive: bool,
}

/// Label and scores of two classes, of which leaves may name one alone. What follows is ONNX Runtime's reading.
fn two_classes(cx: &mut NodeCx<'_>, y: ValueId, classes: &Classes, two: Two<'_>) -> Imported<(ValueId, ValueId)> {
    let [first, second] = [part(cx, y, 1, 0, 1)?, part(cx, y, 1, 1, 1)?];
    let plus = |cx: &mut NodeCx<'_>, v: ValueId, base: f64| {
        if base == 0.0 { Ok(v) } else { plus_row(cx, v, &[base]) }
    };
    if classes.len() == 1 {
        if two.base.len() > 1 || two.post == Post::Probit {
            return Err(Fault::form("one class with two base values or PROBIT"));
        }
        let score = plus(cx, first, two.base.first().copied().unwrap_or(0.0))?;
        return Ok((above(cx, score, 0.0)?, score));
    }
    let least = if two.positive { 0.5 } else { 0.0 };
    match (two.has[1], two.base) {
        (false, &[] | &[_]) => {
            let score = plus(cx, first, two.base.first().copied().unwrap_or(0.0))?;
            let index = above(cx, score, least)?;
            Ok((classes.label(cx, index)?, pair(cx, score, two.post, two.positive)?))
        }
        (false, &[base, _]) => {
            let score = plus(cx, first, base)?;
            let index = above(cx, score, least)?;
            let scores = concat(cx, 1, &[score, second])?;
            Ok((classes.label(cx, index)?, two.post.apply(cx, scores)?))
        }
        (true, base) => {
            let (mut scores, mut decides) = (y, second);
            match *base {
                [] => {}
                [base] if two.has[0] => scores = plus_row(cx, y, &[base, 0.0])?,
                [_] => {}
                [_, base] => {
                    decides = plus(cx, first, base)?;
                    let dtype = cx.dtype(first);
                    let other = if two.has[0] { cx.map((num(0.0) - x(0)).expr(dtype), &[decides])? } else { first };
                    scores = concat(cx, 1, &[other, decides])?;
                }
                _ => return Err(Fault::attribute("base_values", format!("has {} values for two classes", base.len()))),
            }
            // Where leaves name both classes, labels are plainly 1 and 0.
            let is_both = two.has[0];
            let index = above(cx, decides, if is_both { 0.0 } else { least })?;
            let label = match classes {
                Classes::Numbers(_) if is_both => index,
                Classes::Numbers(_) | Classes::Names(_) => classes.label(cx, index)?,
            };
            Ok((label, two.post.apply(cx, scores)?))
        }
        (false, base) => Err(Fault::attribute("base_values", format!("has {} values for two classes", base.len()))),
    }
}

/// A scalar's tensor, for tables.
fn table(dtype: DType, numbers: &[f64]) -> Tensor {
    Tensor::from_scalars(Type::new(dtype, [numbers.len()]), numbers.iter().map(|&v| Scalar::from_f64(v, dtype)))
}
