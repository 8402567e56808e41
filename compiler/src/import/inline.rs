//! Functions of the model and branches with a constant condition, in the place of the nodes that stand for them.
//!
//! Inlining ends: bodies lie at most [`MAX_DEPTH`] deep in each other, and what they add up to is counted before each of them
//! is read.

use std::collections::BTreeSet;

use prost::Message;

use crate::diag::codes;
use crate::ir::{Tensor, ValueId};
use crate::onnx::AttributeValue;
use crate::onnx::proto::{FunctionProto, GraphProto, NodeProto};

use super::graph::{Importer, asks_for_version, read_opsets, unset};
use super::node::{Fault, Imported};
use super::nodes::{MAX_DEPTH, bind_attributes};
use super::scope::Binding;
use super::signature;

/// Nodes that inlined functions may add up to.
const MAX_NODES: usize = 100_000;
/// Bytes that inlined functions may add up to, as they lie in the file.
const MAX_BYTES: usize = 512 << 20;

/// What inlined functions add up to.
#[derive(Default)]
pub(super) struct Expanded {
    nodes: usize,
    bytes: usize,
}

impl<'a> Importer<'a> {
    /// Reads the names of the model's functions and the operator sets they ask for.
    pub(super) fn index_functions(&mut self) {
        for f in &self.model.functions {
            let name = f.name.escape_debug();
            if self.functions.insert([&f.domain, &f.name, &f.overload], f).is_some() {
                let message = format!("the function `{name}` is defined twice");
                self.fault_without_node(Fault::new(codes::MALFORMED_GRAPH, message));
            }
            let opsets = read_opsets(&f.opset_import).map(|own| self.opsets.clone().into_iter().chain(own).collect());
            if let Err(fault) = opsets.and_then(|opsets| asks_for_version(&f.node, &opsets)) {
                let message = format!("function `{name}`: {}", fault.message);
                self.fault_without_node(Fault { message, ..fault });
            }
        }
    }

    pub(super) fn function(&self, node: &NodeProto) -> Option<&'a FunctionProto> {
        self.functions.get(&[node.domain.as_str(), &node.op_type, &node.overload]).copied()
    }

    pub(super) fn enter(&mut self, index: usize, node: &NodeProto) -> Imported<()> {
        self.begin(index, node);
        if self.depth == MAX_DEPTH {
            return Err(Fault::new(codes::MALFORMED_GRAPH, "functions or branches are nested too deep"));
        }
        self.depth += 1;
        Ok(())
    }

    /// Counts a function that is about to be inlined. Beyond the limits the whole translation stops: a function that calls
    /// another twice doubles what there is, so going on could take for ever.
    fn expand(&mut self, f: &FunctionProto) -> Imported<()> {
        self.expanded.nodes = self.expanded.nodes.saturating_add(count_nodes(&f.node, 0));
        // The operator sets in force are copied for each call.
        let bytes = f.encoded_len().saturating_add(self.opsets.len() * size_of::<(String, i64)>());
        self.expanded.bytes = self.expanded.bytes.saturating_add(bytes);
        let limit = match &self.expanded {
            Expanded { nodes, .. } if *nodes > MAX_NODES => format!("{MAX_NODES} nodes"),
            Expanded { bytes, .. } if *bytes > MAX_BYTES => format!("{MAX_BYTES} bytes"),
            Expanded { .. } => return Ok(()),
        };
        self.stopped = true;
        Err(Fault::new(codes::TOO_LARGE, format!("functions expand to more than {limit}")))
    }

    /// Inlines a function of the model.
    pub(super) fn call(
        &mut self,
        f: &'a FunctionProto,
        node: &NodeProto,
        inputs: &[Option<ValueId>],
    ) -> Result<Vec<Binding>, Option<Fault>> {
        check_call(f, node)?;
        self.expand(f)?;
        let own = read_opsets(&f.opset_import)?;
        self.enter(0, node)?;
        let body = bind_attributes(f, node);
        let outer = self.scope.isolate();
        let outer_opsets = self.opsets.clone();
        self.opsets.extend(own);
        self.scope.push(self.enclosing.len());
        for (i, name) in f.input.iter().enumerate() {
            let operand = inputs.get(i).copied().flatten();
            self.bind(name, operand.map_or(Binding::Absent, Binding::Value));
        }
        self.nodes(&body);
        let results = self.results(node, f.output.iter());
        self.scope.restore(outer);
        self.opsets = outer_opsets;
        self.depth -= 1;
        results
    }

    /// Inlines the branch that a constant condition chooses; of a condition that is data, translates both.
    pub(super) fn branch(
        &mut self,
        index: usize,
        node: &NodeProto,
        inputs: &[Option<ValueId>],
    ) -> Result<Vec<Binding>, Option<Fault>> {
        let condition = inputs.first().copied().flatten();
        let condition = condition.ok_or_else(|| Fault::new(codes::MISSING_INPUT, "the condition is missing"))?;
        let [then_branch, else_branch] = [graph_of(node, "then_branch")?, graph_of(node, "else_branch")?];
        let Some(known) = self.builder.graph.data(condition).and_then(Tensor::uniform) else {
            return self.conditional(index, node, (condition, [then_branch, else_branch]));
        };
        let graph = if known.bits() != 0 { then_branch } else { else_branch };
        signature::count(node.output.len(), graph.output.len(), "outputs", "the branch")?;
        self.enter(0, node)?;
        self.scope.push(self.enclosing.len());
        self.initializers(graph);
        self.nodes(&graph.node);
        let results = self.results(node, graph.output.iter().map(|o| &o.name));
        self.scope.pop();
        self.depth -= 1;
        results
    }

    /// What the results of an inlined body are, by their names in it.
    fn results<'n>(
        &mut self,
        node: &NodeProto,
        names: impl Iterator<Item = &'n String>,
    ) -> Result<Vec<Binding>, Option<Fault>> {
        if self.stopped {
            return Err(None);
        }
        let mut results = Vec::new();
        for (name, wanted) in names.zip(&node.output) {
            results.push(match self.lookup(name) {
                Some(Binding::Absent) | None if !wanted.is_empty() => {
                    let message = format!("output `{}` is made by no node of its body", name.escape_debug());
                    return Err(Some(Fault::new(codes::MALFORMED_GRAPH, message)));
                }
                Some(Binding::Unset) if !wanted.is_empty() => {
                    return Err(Some(unset(&format!("output `{}` of its body", name.escape_debug()))));
                }
                Some(binding @ (Binding::Value(_) | Binding::Failed | Binding::Absent | Binding::Unset)) => binding,
                None => Binding::Absent,
            });
        }
        Ok(results)
    }
}

/// Refuses a call with more operands, results or attributes than the function has.
fn check_call(f: &FunctionProto, call: &NodeProto) -> Imported<()> {
    signature::count(call.input.len(), f.input.len(), "inputs", &f.name)?;
    signature::count(call.output.len(), f.output.len(), "outputs", &f.name)?;
    let names: BTreeSet<&str> =
        f.attribute.iter().chain(f.attribute_proto.iter().map(|a| &a.name)).map(String::as_str).collect();
    match call.attribute.iter().find(|a| !names.contains(a.name.as_str())) {
        Some(a) => Err(Fault::attribute(&a.name, format!("is not one of the function `{}`", f.name.escape_debug()))),
        None => Ok(()),
    }
}

/// Nodes of a body, those of its branches included.
fn count_nodes(nodes: &[NodeProto], depth: usize) -> usize {
    if depth > MAX_DEPTH {
        return 0;
    }
    let graphs = nodes.iter().flat_map(|n| &n.attribute).filter_map(|a| a.g.as_deref());
    graphs.map(|g| count_nodes(&g.node, depth + 1)).fold(nodes.len(), usize::saturating_add)
}

pub(super) fn graph_of<'n>(node: &'n NodeProto, name: &str) -> Imported<&'n GraphProto> {
    match node.attribute.iter().find(|a| a.name == name).and_then(|a| a.value()) {
        Some(AttributeValue::Graph(g)) => Ok(g),
        Some(_) | None => Err(Fault::attribute(name, "must be a graph")),
    }
}
