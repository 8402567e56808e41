//! Decision trees: every test becomes `x <= t` of ranks, and nodes become slots (see the kernel's page).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Fault, Lowered, Lowering};
use crate::ir::trees::{Comparison, Forest, Place, Test};
use crate::ir::{DType, Meeting, Node, Tensor, Type};
use crate::program::kernels::TreesCall;
use crate::program::{Access, Arg};

mod pack;

use self::pack::{Packed, Slots};

impl Lowering<'_> {
    pub(super) fn trees(&mut self, node: &Node, meeting: Meeting) -> Lowered {
        let (x, y) = (self.ty(node.inputs[0]).clone(), self.ty(node.outputs[0]).clone());
        let unsound = |why: String| Fault::form(format!("these trees are unsound: {why}"), "export the model again");
        let tables: Option<Vec<&Tensor>> = node.inputs[1..].iter().map(|&v| self.data(v)).collect();
        let tables = tables.ok_or_else(|| unsound("a table is not constant".into()))?;
        let (features, targets) = (x.shape[1], y.shape[1]);
        let forest = Forest::read(&tables, features, targets).map_err(unsound)?;
        let tests = Tests::of(&forest, x.dtype == DType::F32);
        let packed = Packed::of(&forest, &tests, targets, meeting).ok_or_else(|| {
            Fault::form(
                "these trees have more nodes, leaves or features than a table holds",
                "train fewer or smaller trees",
            )
        })?;
        let window = packed.window();
        let ranks = if window.is_some() { 256 } else { tests.columns.len() };
        let call = TreesCall {
            dtype: x.dtype,
            rows: x.shape[0],
            features,
            targets,
            depth: packed.depth,
            meeting: match meeting {
                Meeting::Sum => 0,
                Meeting::Min => 1,
                Meeting::Max => 2,
            },
            trees: forest.roots.len(),
            window,
        };
        let slots = match &packed.slots {
            Slots::Narrow(slots) => Tensor::from_elements([slots.len()], slots),
            Slots::Wide(slots) => Tensor::from_elements([slots.len()], slots),
        };
        let list = |v: &[u32]| Tensor::from_elements([v.len()], v);
        let of = Tensor::from_elements([packed.targets.len()], &packed.targets);
        let thresholds = tests.columns.values().flat_map(|c| c.thresholds.iter().copied());
        let constants = [
            ("columns", list(&tests.table()), 0),
            ("thresholds", numbers(thresholds, x.dtype), 2),
            ("slots", slots, 1),
            ("roots", list(&packed.roots), 3),
            ("targets", of, 5),
            ("weights", numbers(packed.weights.iter().copied(), x.dtype), 6),
        ];
        let mut args = vec![self.operand(node.inputs[0])];
        for (what, data, from) in constants {
            let value = (from > 0).then(|| node.inputs[from]);
            let name = format!("{}_{what}", self.graph.value(node.outputs[0]).name);
            args.push(if data.is_empty() {
                Arg::Empty(data.dtype())
            } else {
                Arg::Weight(self.new_weight(&name, data, value))
            });
        }
        // Tests are in the ranks of slots, and which entries a leaf has is in its number.
        node.inputs[1..].iter().for_each(|&v| self.traces.fold(node, v));
        let ranks = self.new_temporary(&Type::new(DType::U32, [ranks]));
        args.push(Arg::Buffer(ranks, Access::Write));
        args.push(Arg::Buffer(self.result(node.outputs[0]), Access::Write));
        self.call(node, Arc::new(call), args);
        Ok(())
    }
}

/// Numbers in an element type.
fn numbers(v: impl Iterator<Item = f64>, dtype: DType) -> Tensor {
    if dtype == DType::F32 {
        let all: Vec<f32> = v.map(|v| v as f32).collect();
        Tensor::from_elements([all.len()], &all)
    } else {
        let all: Vec<f64> = v.collect();
        Tensor::from_elements([all.len()], &all)
    }
}

/// The most thresholds of a column.
const MAX_RANK: usize = 2047;

/// A column of ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    feature: usize,
    /// Whether NaN passes.
    passes_nan: bool,
    /// Which of the columns of that feature, where its thresholds need several.
    part: usize,
}

/// What stands behind a key.
#[derive(Debug, Default)]
struct Column {
    position: usize,
    thresholds: Vec<f64>,
}

/// A test `x <= threshold`, which NaN fails or passes.
#[derive(Clone, Copy, Debug)]
struct Step {
    feature: usize,
    passes_nan: bool,
    threshold: f64,
    yes: Place,
    no: Place,
}

/// All tests of a forest.
struct Tests {
    steps: Vec<Step>,
    columns: BTreeMap<Key, Column>,
}

impl Tests {
    /// Tests as comparisons of one kind: the steps of the nodes, then those that equality needs besides.
    fn of(forest: &Forest, is_f32: bool) -> Tests {
        let mut steps = Vec::with_capacity(forest.nodes.len());
        let mut further = Vec::new();
        for node in &forest.nodes {
            let (feature, threshold, Test { comparison, passes_nan }) = (node.feature, node.threshold, node.test);
            let below = next_below(threshold, is_f32);
            let at_most =
                |threshold, passes_nan, [yes, no]: [Place; 2]| Step { feature, passes_nan, threshold, yes, no };
            // Where the test is turned round, NaN has to fail what it passed.
            steps.push(match comparison {
                Comparison::Le => at_most(threshold, passes_nan, [node.yes, node.no]),
                Comparison::Lt => at_most(below, passes_nan, [node.yes, node.no]),
                Comparison::Ge => at_most(below, !passes_nan, [node.no, node.yes]),
                Comparison::Gt => at_most(threshold, !passes_nan, [node.no, node.yes]),
                Comparison::Eq | Comparison::Ne => {
                    let is_eq = comparison == Comparison::Eq;
                    let (equal, other) = if is_eq { (node.yes, node.no) } else { (node.no, node.yes) };
                    // NaN is not equal, whatever else is said.
                    let nan_is_equal = is_eq && passes_nan;
                    let second = Place::Node(forest.nodes.len() + further.len());
                    further.push(at_most(below, !nan_is_equal, [other, equal]));
                    at_most(threshold, nan_is_equal, [second, other])
                }
            });
        }
        steps.extend(further);
        let columns = columns(&steps);
        Tests { steps, columns }
    }

    /// The column of a step and the rank from which on it fails.
    fn rank(&self, step: &Step) -> (usize, usize) {
        let key = |part| Key { feature: step.feature, passes_nan: step.passes_nan, part };
        let wanted = order(step.threshold);
        let mut parts = self.columns.range(key(0)..=key(usize::MAX)).map(|(_, column)| column);
        let found = parts.find_map(|column| {
            let rank = column.thresholds.binary_search_by_key(&wanted, |&t| order(t)).ok()?;
            Some((column.position, rank + 1))
        });
        found.expect("each step's threshold is in a column")
    }

    /// As the kernel reads it.
    fn table(&self) -> Vec<u32> {
        let mut end = 0;
        let columns = self.columns.iter().flat_map(|(key, column)| {
            end += column.thresholds.len() as u32;
            [key.feature as u32 | u32::from(key.passes_nan) << 31, end]
        });
        columns.collect()
    }
}

/// The thresholds of each feature, those that NaN passes and those that it does not apart.
fn columns(steps: &[Step]) -> BTreeMap<Key, Column> {
    let mut sorted: BTreeMap<(usize, bool), BTreeMap<i64, f64>> = BTreeMap::new();
    for step in steps {
        sorted.entry((step.feature, step.passes_nan)).or_default().insert(order(step.threshold), step.threshold);
    }
    let mut columns = BTreeMap::new();
    for ((feature, passes_nan), thresholds) in sorted {
        let thresholds: Vec<f64> = thresholds.into_values().collect();
        for (part, thresholds) in thresholds.chunks(MAX_RANK).enumerate() {
            let column = Column { position: columns.len(), thresholds: thresholds.to_vec() };
            columns.insert(Key { feature, passes_nan, part }, column);
        }
    }
    columns
}

/// The order of thresholds: numbers ascend, both zeros are one; before them NaN, which no number is at most.
fn order(threshold: f64) -> i64 {
    if threshold.is_nan() {
        return i64::MIN;
    }
    let bits = (threshold + 0.0).to_bits() as i64;
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// The greatest number below another; NaN below what no number is below.
fn next_below(t: f64, is_f32: bool) -> f64 {
    match (t == f64::NEG_INFINITY, is_f32) {
        (true, _) => f64::NAN,
        (false, true) => f64::from((t as f32).next_down()),
        (false, false) => t.next_down(),
    }
}
