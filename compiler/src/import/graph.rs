//! Walks a model: inputs, initializers, nodes in topological order, outputs; inlines functions and constant branches.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Diagnostic, codes};
use crate::ir::eval::Reference;
use crate::ir::{Output, Tensor, Type, ValueId};
use crate::onnx::proto::{DimensionValue, FunctionProto, GraphProto, ModelProto, NodeProto, TypeValue, ValueInfoProto};
use crate::onnx::{AttributeValue, ElementType};

use super::builder::Builder;
use super::node::{Fault, Imported, NodeCx};
use super::nodes::{MAX_DEPTH, bind_attributes, topological};
use super::place::{origin, place, qualified};
use super::scope::{Binding, Scope};
use super::tensor::{dtype_of_code, import_tensor, narrow};
use super::{Import, Options, registry};

/// Nodes that inlined functions may add up to.
const MAX_NODES: usize = 1_000_000;

/// The state of one translation.
pub(super) struct Importer<'a> {
    model: &'a ModelProto,
    options: &'a Options,
    builder: Builder,
    scope: Scope,
    opsets: BTreeMap<String, i64>,
    faults: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    used_dims: BTreeSet<String>,
    depth: usize,
    nodes_seen: usize,
}

impl<'a> Importer<'a> {
    pub(super) fn new(model: &'a ModelProto, options: &'a Options) -> Importer<'a> {
        Importer {
            model,
            options,
            builder: Builder::new(Reference { numerics: options.numerics }),
            scope: Scope::default(),
            opsets: opsets(model),
            faults: Vec::new(),
            warnings: Vec::new(),
            used_dims: BTreeSet::new(),
            depth: 0,
            nodes_seen: 0,
        }
    }

    pub(super) fn run(mut self) -> Result<Import, Vec<Diagnostic>> {
        let graph = &self.model.graph;
        self.builder.graph.name = graph.name.clone();
        self.check_opsets();
        self.scope.push();
        self.initializers(graph);
        self.inputs(graph);
        self.nodes(&graph.node);
        self.outputs(graph);
        self.unused_dims();
        if self.faults.is_empty() {
            Ok(Import { graph: self.builder.graph, warnings: self.warnings })
        } else {
            self.faults.extend(self.warnings);
            Err(self.faults)
        }
    }

    fn check_opsets(&mut self) {
        for (domain, &version) in &self.opsets {
            if domain.is_empty() && !(1..=MAX_OPSET).contains(&version) {
                self.faults.push(
                    Diagnostic::error(codes::UNSUPPORTED_OPERATOR, format!("opset {version} is not known"))
                        .help(format!("opsets 1 to {MAX_OPSET} are; convert the model with onnx.version_converter")),
                );
            }
        }
    }

    fn bind(&mut self, name: &str, binding: Binding) {
        if !self.scope.bind(name, binding) {
            let message = format!("the name `{}` is defined twice", name.escape_debug());
            self.faults.push(Diagnostic::error(codes::MALFORMED_GRAPH, message));
        }
    }

    /// Remembers that ONNX holds a value in a type narrower than a byte, where it does.
    fn mark_narrow(&mut self, id: ValueId, code: i32) {
        if let Some(element) = ElementType::from_code(code).filter(|&e| narrow(e).is_some()) {
            self.builder.narrow.insert(id, element);
        }
    }

    fn initializers(&mut self, graph: &GraphProto) {
        for t in &graph.initializer {
            let binding = match import_tensor(t) {
                Ok(data) => {
                    let id = self.builder.graph.add_constant(t.name.clone(), data);
                    self.mark_narrow(id, t.data_type);
                    Binding::Value(id)
                }
                Err(fault) => {
                    let message = format!("initializer `{}`: {}", t.name.escape_debug(), fault.message);
                    self.fault_without_node(Fault { message, ..fault });
                    Binding::Failed
                }
            };
            self.bind(&t.name, binding);
        }
        for s in &graph.sparse_initializer {
            let name = s.values.as_ref().map(|v| v.name.clone()).unwrap_or_default();
            let message = format!("initializer `{}` is sparse", name.escape_debug());
            self.fault_without_node(Fault::new(codes::UNSUPPORTED_TYPE, message).help("store it as a dense tensor"));
            self.bind(&name, Binding::Failed);
        }
    }

    fn inputs(&mut self, graph: &GraphProto) {
        for input in &graph.input {
            // Up to IR version 3 initializers are listed among the inputs; later that makes them defaults.
            if graph.initializer.iter().any(|t| t.name == input.name) {
                continue;
            }
            let binding = match self.input(input) {
                Ok(id) => Binding::Value(id),
                Err(fault) => {
                    let message = format!("input `{}`: {}", input.name.escape_debug(), fault.message);
                    self.fault_without_node(Fault { message, ..fault });
                    Binding::Failed
                }
            };
            self.bind(&input.name, binding);
        }
    }

    fn input(&mut self, input: &ValueInfoProto) -> Imported<ValueId> {
        let ty = self.input_type(input)?;
        let id = match self.options.constants.get(&input.name) {
            Some(t) if *t.ty() != ty => {
                return Err(Fault::shape(format!("the constant given for it is {}, the model says {ty}", t.ty())));
            }
            Some(t) => self.builder.graph.add_constant(input.name.clone(), t.clone()),
            None => {
                let id = self.builder.graph.add_value(input.name.clone(), ty);
                self.builder.graph.inputs.push(id);
                id
            }
        };
        if let Some(TypeValue::Tensor(t)) = input.ty.as_ref().and_then(|t| t.value.as_ref()) {
            self.mark_narrow(id, t.elem_type);
        }
        Ok(id)
    }

    /// The type of an input, with symbolic dimensions replaced by their values.
    fn input_type(&mut self, input: &ValueInfoProto) -> Imported<Type> {
        let kind =
            |k: &str| Err(Fault::new(codes::UNSUPPORTED_TYPE, format!("it is a {k}; only tensors are supported")));
        let tensor = match input.ty.as_ref().and_then(|t| t.value.as_ref()) {
            Some(TypeValue::Tensor(t)) => t,
            Some(TypeValue::Sequence(_)) => return kind("sequence"),
            Some(TypeValue::Map(_)) => return kind("map"),
            Some(TypeValue::Optional(_)) => return kind("optional value"),
            Some(TypeValue::SparseTensor(_)) => return kind("sparse tensor"),
            Some(TypeValue::Opaque(_)) => return kind("value of an opaque type"),
            None => return Err(Fault::new(codes::MALFORMED_GRAPH, "it has no type")),
        };
        let dtype = dtype_of_code(tensor.elem_type)?;
        let dims = &tensor.shape.as_ref().ok_or_else(|| {
            Fault::new(codes::UNBOUND_DIMENSION, "its rank is unknown").help("export the model with input shapes")
        })?;
        let mut shape = Vec::with_capacity(dims.dim.len());
        for (axis, dim) in dims.dim.iter().enumerate() {
            shape.push(match &dim.value {
                Some(DimensionValue::Value(v)) if *v >= 0 => {
                    usize::try_from(*v).map_err(|_| Fault::new(codes::TOO_LARGE, format!("dimension {axis} is {v}")))?
                }
                Some(DimensionValue::Param(name)) if !name.is_empty() => self.dimension(name, &input.name, axis)?,
                _ => self.dimension(&format!("{}[{axis}]", input.name), &input.name, axis)?,
            });
        }
        if crate::ir::checked_elements(&shape).is_none() {
            return Err(Fault::new(codes::TOO_LARGE, format!("its shape {shape:?} is too large")));
        }
        Ok(Type::new(dtype, shape))
    }

    /// The value of a symbolic dimension: by its name, else by input and axis.
    fn dimension(&mut self, name: &str, input: &str, axis: usize) -> Imported<usize> {
        let by_place = format!("{input}[{axis}]");
        for key in [name, &by_place] {
            if let Some(&k) = self.options.dims.get(key) {
                self.used_dims.insert(key.to_string());
                return Ok(k);
            }
        }
        let shown = name.escape_debug();
        Err(Fault::new(codes::UNBOUND_DIMENSION, format!("dimension {axis} is symbolic (`{shown}`) and has no value"))
            .help(format!("bind it with `--dim '{shown}=1'` (or another size)")))
    }

    fn unused_dims(&mut self) {
        let unused = self.options.dims.keys().filter(|k| !self.used_dims.contains(*k));
        for name in unused {
            let message = format!("the model has no symbolic dimension `{}`", name.escape_debug());
            self.warnings.push(Diagnostic::warning(codes::UNBOUND_DIMENSION, message));
        }
    }

    fn outputs(&mut self, graph: &GraphProto) {
        if graph.output.is_empty() {
            self.faults.push(Diagnostic::error(codes::MALFORMED_GRAPH, "the model has no output"));
        }
        for o in &graph.output {
            match self.scope.get(&o.name) {
                Some(Binding::Value(value)) => {
                    self.builder.graph.outputs.push(Output { name: o.name.clone(), value });
                }
                Some(Binding::Failed) => {}
                Some(Binding::Absent) | None => {
                    let message = format!("output `{}` is made by no node", o.name.escape_debug());
                    self.faults.push(Diagnostic::error(codes::MALFORMED_GRAPH, message));
                }
            }
        }
    }

    /// Translates nodes, operands first whatever their order in the file.
    fn nodes(&mut self, nodes: &[NodeProto]) {
        self.nodes_seen = self.nodes_seen.saturating_add(nodes.len());
        if self.nodes_seen > MAX_NODES {
            let message = format!("functions expand to more than {MAX_NODES} nodes");
            self.faults.push(Diagnostic::error(codes::TOO_LARGE, message));
            return;
        }
        let (order, cyclic) = topological(nodes);
        for index in order {
            let node = &nodes[index];
            let result = self.node(index, node);
            if let Err(Some(fault)) = &result {
                let at = place(index, node, fault);
                let mut d = Diagnostic::error(fault.code, fault.message.clone()).at(at);
                d.help.clone_from(&fault.help);
                self.faults.push(d);
            }
            self.bind_results(node, result.unwrap_or_default());
        }
        for index in cyclic {
            let fault = Fault::new(codes::MALFORMED_GRAPH, "the node depends on its own result");
            let at = place(index, &nodes[index], &fault);
            self.faults.push(Diagnostic::error(fault.code, fault.message).at(at));
            self.bind_results(&nodes[index], Vec::new());
        }
    }

    /// Names the results of a node; those it did not set have failed.
    fn bind_results(&mut self, node: &NodeProto, results: Vec<Option<ValueId>>) {
        for (i, name) in node.output.iter().enumerate().filter(|(_, n)| !n.is_empty()) {
            let value = results.get(i).copied().flatten();
            if let Some(v) = value {
                let slot = &mut self.builder.graph.values[v.index()].name;
                // A result that is another value as it stands keeps that value's name.
                if slot.is_empty() || self.builder.origin.last().is_some_and(|o| o.name == *slot) {
                    slot.clone_from(name);
                }
            }
            self.bind(name, value.map_or(Binding::Failed, Binding::Value));
        }
    }

    /// Translates one node. `Err(None)`: an operand has failed, which has been reported.
    fn node(&mut self, index: usize, node: &NodeProto) -> Result<Vec<Option<ValueId>>, Option<Fault>> {
        let mut inputs = Vec::with_capacity(node.input.len());
        for name in &node.input {
            inputs.push(match self.scope.get(name) {
                _ if name.is_empty() => None,
                Some(Binding::Value(v)) => Some(v),
                Some(Binding::Absent) => None,
                Some(Binding::Failed) => {
                    // Operators that are unknown anyway are reported even behind a failed operand.
                    return Err(self.unsupported(node).map(Some).unwrap_or(None));
                }
                None => {
                    let message = format!("input `{}` is defined nowhere", name.escape_debug());
                    return Err(Some(Fault::new(codes::MALFORMED_GRAPH, message).at(name.clone())));
                }
            });
        }
        if let Some(f) = self.function(node) {
            return self.call(f, node, &inputs);
        }
        if node.op_type == "If" && matches!(node.domain.as_str(), "" | "ai.onnx") {
            return self.branch(node, &inputs);
        }
        if let Some(fault) = self.unsupported(node) {
            return Err(Some(fault));
        }
        let entry = registry::find(&node.domain, &node.op_type).expect("checked just above");
        if self.depth == 0 {
            self.builder.origin = vec![origin(index, node)];
        }
        let opset = self.opset(&node.domain);
        let mut cx = NodeCx { b: &mut self.builder, node, opset, inputs, outputs: Vec::new() };
        (entry.import)(&mut cx)?;
        Ok(cx.outputs)
    }

    /// The version of a domain's operators that the model asks for.
    fn opset(&self, domain: &str) -> i64 {
        let domain = if domain == "ai.onnx" { "" } else { domain };
        self.opsets.get(domain).copied().unwrap_or(1)
    }

    /// What to say where there is no translation of a node.
    fn unsupported(&self, node: &NodeProto) -> Option<Fault> {
        if registry::find(&node.domain, &node.op_type).is_some()
            || self.function(node).is_some()
            || (node.op_type == "If" && matches!(node.domain.as_str(), "" | "ai.onnx"))
        {
            return None;
        }
        let name = qualified(node);
        let fault = Fault::new(
            codes::UNSUPPORTED_OPERATOR,
            format!("operator `{}` (opset {}) is not supported", name.escape_debug(), self.opset(&node.domain)),
        )
        .at(name);
        Some(fault.help(
            "`zantc ops` lists what is supported; rewrite the node in terms of those, or export the part without it",
        ))
    }

    fn function(&self, node: &NodeProto) -> Option<&'a FunctionProto> {
        self.model
            .functions
            .iter()
            .find(|f| f.name == node.op_type && f.domain == node.domain && f.overload == node.overload)
    }

    fn enter(&mut self, index: usize, node: &NodeProto) -> Result<(), Option<Fault>> {
        if self.depth == 0 {
            self.builder.origin = vec![origin(index, node)];
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.depth -= 1;
            return Err(Some(Fault::new(codes::MALFORMED_GRAPH, "functions or branches are nested too deep")));
        }
        Ok(())
    }

    /// Inlines a function of the model.
    fn call(
        &mut self,
        f: &'a FunctionProto,
        node: &NodeProto,
        inputs: &[Option<ValueId>],
    ) -> Result<Vec<Option<ValueId>>, Option<Fault>> {
        self.enter(0, node)?;
        let body = bind_attributes(f, node);
        let outer = self.scope.isolate();
        let outer_opsets = self.opsets.clone();
        self.opsets.extend(f.opset_import.iter().map(|o| (o.domain.clone(), o.version)));
        self.scope.push();
        for (i, name) in f.input.iter().enumerate() {
            let operand = inputs.get(i).copied().flatten();
            self.bind(name, operand.map_or(Binding::Absent, Binding::Value));
        }
        self.nodes(&body);
        let results = f.output.iter().map(|o| match self.scope.get(o) {
            Some(Binding::Value(v)) => Some(v),
            _ => None,
        });
        let results = results.collect();
        self.scope.restore(outer);
        self.opsets = outer_opsets;
        self.depth -= 1;
        Ok(results)
    }

    /// Inlines the branch that a constant condition chooses.
    fn branch(&mut self, node: &NodeProto, inputs: &[Option<ValueId>]) -> Result<Vec<Option<ValueId>>, Option<Fault>> {
        let condition =
            inputs.first().copied().flatten().and_then(|v| self.builder.graph.data(v)).and_then(Tensor::uniform);
        let condition = condition.ok_or_else(|| {
            Fault::new(codes::NOT_CONSTANT, "the condition of If must be known at compile time")
                .help("export the model for inference, without branches that depend on data")
        })?;
        let name = if condition.bits() != 0 { "then_branch" } else { "else_branch" };
        let graph = node.attribute.iter().find(|a| a.name == name).and_then(|a| match a.value() {
            Some(AttributeValue::Graph(g)) => Some(g),
            _ => None,
        });
        let graph = graph.ok_or_else(|| Fault::attribute(name, "must be a graph"))?;
        self.enter(0, node)?;
        self.scope.push();
        self.initializers(graph);
        self.nodes(&graph.node);
        let results = graph.output.iter().map(|o| match self.scope.get(&o.name) {
            Some(Binding::Value(v)) => Some(v),
            _ => None,
        });
        let results = results.collect();
        self.scope.pop();
        self.depth -= 1;
        Ok(results)
    }

    fn fault_without_node(&mut self, fault: Fault) {
        let mut d = Diagnostic::error(fault.code, fault.message);
        d.help = fault.help;
        self.faults.push(d);
    }
}

/// The newest opset whose operator texts have been read for this importer.
const MAX_OPSET: i64 = 28;

/// Operator set versions by domain. Models before IR version 3 name none: they are of version 1.
fn opsets(model: &ModelProto) -> BTreeMap<String, i64> {
    let name = |d: &str| if d == "ai.onnx" { String::new() } else { d.to_string() };
    let mut opsets: BTreeMap<String, i64> = model.opset_import.iter().map(|o| (name(&o.domain), o.version)).collect();
    opsets.entry(String::new()).or_insert(1);
    opsets
}
