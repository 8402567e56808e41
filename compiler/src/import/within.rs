//! Graphs within a node that become graphs within a core operator: both branches of an `If` whose condition is data, and bodies.
//!
//! What such a graph reads of those around it is captured: constants are copied into it, which shares their bytes; any other value
//! becomes an input of it and an operand of its node.

use std::collections::BTreeMap;

use crate::ir::{Branches, Graph, Labels, Op, Type, ValueId};
use crate::onnx::ElementType;
use crate::onnx::proto::{GraphProto, NodeProto};

use super::graph::{Importer, unset};
use super::node::Fault;
use super::scope::Binding;
use super::signature;
use crate::diag::codes;

/// A core graph while one within it is being built.
pub(super) struct Enclosing {
    graph: Graph,
    narrow: BTreeMap<ValueId, ElementType>,
    labels: BTreeMap<ValueId, Labels>,
    /// What values of this graph are in the one within.
    captured: BTreeMap<ValueId, ValueId>,
    /// The values that are inputs of the one within, in their order.
    operands: Vec<ValueId>,
}

/// A graph within, built.
pub(super) struct Inner {
    pub(super) graph: Graph,
    /// The values around that its last inputs stand for.
    pub(super) captured: Vec<ValueId>,
}

impl Importer<'_> {
    /// What a name stands for; a value of a graph around this one is captured.
    pub(super) fn lookup(&mut self, name: &str) -> Option<Binding> {
        let (binding, level) = self.scope.get(name)?;
        let Binding::Value(mut v) = binding else { return Some(binding) };
        for around in level..self.enclosing.len() {
            v = self.capture(around, v);
        }
        Some(Binding::Value(v))
    }

    /// The value of the graph at one level in the one within it.
    fn capture(&mut self, level: usize, v: ValueId) -> ValueId {
        if let Some(&known) = self.enclosing[level].captured.get(&v) {
            return known;
        }
        let around = &self.enclosing[level];
        let value = around.graph.value(v).clone();
        let (stored, narrow, labels) =
            (around.graph.stored.get(&v).cloned(), around.narrow.get(&v).copied(), around.labels.get(&v).cloned());
        let (graph, narrows, labelled) = match self.enclosing.get_mut(level + 1) {
            Some(e) => (&mut e.graph, &mut e.narrow, &mut e.labels),
            None => (&mut self.builder.graph, &mut self.builder.narrow, &mut self.builder.labels),
        };
        let is_constant = value.data.is_some();
        let id = match value.data {
            Some(data) => graph.add_constant(value.name, data),
            None => {
                let id = graph.add_value(value.name, value.ty);
                graph.inputs.push(id);
                id
            }
        };
        graph.stored.extend(stored.map(|s| (id, s)));
        narrows.extend(narrow.map(|n| (id, n)));
        labelled.extend(labels.map(|l| (id, l)));
        let around = &mut self.enclosing[level];
        around.captured.insert(v, id);
        around.operands.extend((!is_constant).then_some(v));
        id
    }

    /// Translates a graph within a node. `bind` makes its inputs; the values that it gives come first among the outputs.
    pub(super) fn inner(
        &mut self,
        (index, node): (usize, &NodeProto),
        graph: &GraphProto,
        bind: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<Inner, Option<Fault>> {
        self.enter(index, node)?;
        let outer_origin = self.builder.origin.clone();
        let builder = &mut self.builder;
        self.enclosing.push(Enclosing {
            graph: std::mem::take(&mut builder.graph),
            narrow: std::mem::take(&mut builder.narrow),
            labels: std::mem::take(&mut builder.labels),
            captured: BTreeMap::new(),
            operands: Vec::new(),
        });
        self.scope.push(self.enclosing.len());
        let built = self.build(graph, bind);
        self.scope.pop();
        let around = self.enclosing.pop().expect("it was put there above");
        let builder = &mut self.builder;
        let inner = std::mem::replace(&mut builder.graph, around.graph);
        (builder.narrow, builder.labels, builder.origin) = (around.narrow, around.labels, outer_origin);
        self.depth -= 1;
        built.map(|()| Inner { graph: inner, captured: around.operands })
    }

    fn build(
        &mut self,
        graph: &GraphProto,
        bind: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Option<Fault>> {
        self.builder.graph.name.clone_from(&graph.name);
        self.initializers(graph);
        bind(self)?;
        self.nodes(&graph.node);
        if self.stopped {
            return Err(None);
        }
        for o in &graph.output {
            let name = o.name.escape_debug();
            match self.lookup(&o.name) {
                Some(Binding::Value(value)) => {
                    self.builder.graph.outputs.push(crate::ir::Output { name: o.name.clone(), value });
                }
                Some(Binding::Failed) => return Err(None),
                Some(Binding::Unset) => return Err(Some(unset(&format!("output `{name}` of its body")))),
                Some(Binding::Absent) | None => {
                    let message = format!("output `{name}` is made by no node of its body");
                    return Err(Some(Fault::new(codes::MALFORMED_GRAPH, message)));
                }
            }
        }
        Ok(())
    }

    /// Adds an input to the graph within that is being built, and names it.
    pub(super) fn inner_input(&mut self, name: &str, ty: Type) -> ValueId {
        let id = self.builder.graph.add_value(name, ty);
        self.builder.graph.inputs.push(id);
        if !name.is_empty() {
            self.bind(name, Binding::Value(id));
        }
        id
    }

    /// Both branches of an `If`.
    pub(super) fn conditional(
        &mut self,
        index: usize,
        node: &NodeProto,
        (condition, branches): (ValueId, [&GraphProto; 2]),
    ) -> Result<Vec<Binding>, Option<Fault>> {
        let mut built = Vec::new();
        for (name, branch) in ["then_branch", "else_branch"].into_iter().zip(branches) {
            signature::count(node.output.len(), branch.output.len(), "outputs", name)?;
            let mut inner = self.inner((index, node), branch, |_| Ok(()));
            // Both are read, so that all that is wrong is reported.
            if let Ok(inner) = &mut inner {
                inner.graph.outputs.truncate(node.output.len());
            }
            built.push(inner);
        }
        let (otherwise, then) = (built.pop(), built.pop());
        let (Some(then), Some(otherwise)) = (then, otherwise) else { return Err(None) };
        let (mut then, mut otherwise) = (then?, otherwise?);
        for ((a, b), name) in then.graph.outputs.iter().zip(&otherwise.graph.outputs).zip(&node.output) {
            let (a, b) = (then.graph.ty(a.value), otherwise.graph.ty(b.value));
            if a != b {
                let name = name.escape_debug();
                let message = format!("one branch gives `{name}` as {a}, the other as {b}: its size is data");
                let help = "pad the smaller one in its branch, or give the condition as a constant (`zantc` then takes one branch)";
                return Err(Some(Fault::new(codes::NOT_CONSTANT, message).help(help)));
            }
        }
        let mut captured = then.captured.clone();
        captured.extend(otherwise.captured.iter().filter(|v| !then.captured.contains(v)));
        for inner in [&mut then, &mut otherwise] {
            self.read_all(inner, &captured);
        }
        let operands: Vec<ValueId> = [condition].into_iter().chain(captured).collect();
        let branches = Branches { then: then.graph, otherwise: otherwise.graph };
        self.begin(index, node);
        let results = self.builder.emit(Op::If(Box::new(branches)), &operands).map_err(Fault::from)?;
        Ok(results.into_iter().map(Binding::Value).collect())
    }

    /// Gives a branch an input for each of the captured values, also for those that the other branch alone reads.
    fn read_all(&mut self, inner: &mut Inner, captured: &[ValueId]) {
        let own: BTreeMap<ValueId, ValueId> =
            inner.captured.iter().copied().zip(inner.graph.inputs.iter().copied()).collect();
        let input = |&v: &ValueId| {
            let value = self.builder.graph.value(v);
            own.get(&v).copied().unwrap_or_else(|| inner.graph.add_value(value.name.clone(), value.ty.clone()))
        };
        inner.graph.inputs = captured.iter().map(input).collect();
        inner.captured = captured.to_vec();
    }
}
