//! Walks a model: inputs, initializers, nodes in topological order, outputs; inlines functions and constant branches.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Diagnostic, codes};
use crate::ir::ValueId;
use crate::ir::eval::Reference;
use crate::onnx::proto::{FunctionProto, ModelProto, NodeProto, OperatorSetIdProto};

use super::builder::Builder;
use super::node::{At, Fault, Imported, NodeCx};
use super::nodes::topological;
use super::place::{origin, place, qualified};
use super::scope::{Binding, Scope};
use super::{Import, Options, dims, halves, registry, signature};

/// The state of one translation.
pub(super) struct Importer<'a> {
    pub(super) model: &'a ModelProto,
    pub(super) options: &'a Options,
    pub(super) builder: Builder,
    pub(super) scope: Scope,
    /// Functions by domain, name and overload.
    pub(super) functions: BTreeMap<[&'a str; 3], &'a FunctionProto>,
    pub(super) opsets: BTreeMap<String, i64>,
    pub(super) faults: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) used_dims: BTreeSet<String>,
    pub(super) used_bounds: BTreeSet<String>,
    /// Names of dimensions that are the batch, and those of them that were taken as 1.
    pub(super) batches: BTreeSet<String>,
    pub(super) assumed: BTreeSet<String>,
    /// The functions and branches that are being inlined, outermost first.
    pub(super) inside: Vec<String>,
    pub(super) depth: usize,
    /// The core graphs around the one that is being built, outermost first.
    pub(super) enclosing: Vec<super::within::Enclosing>,
    /// What inlined functions have added so far.
    pub(super) expanded: super::inline::Expanded,
    /// Whether a limit was exceeded, so that nothing more is read.
    pub(super) stopped: bool,
}

impl<'a> Importer<'a> {
    pub(super) fn new(model: &'a ModelProto, options: &'a Options) -> Importer<'a> {
        Importer {
            model,
            options,
            builder: Builder::new(Reference { numerics: options.numerics }),
            scope: Scope::default(),
            functions: BTreeMap::new(),
            opsets: BTreeMap::new(),
            faults: Vec::new(),
            warnings: Vec::new(),
            used_dims: BTreeSet::new(),
            used_bounds: BTreeSet::new(),
            batches: dims::batches(&model.graph),
            assumed: BTreeSet::new(),
            inside: Vec::new(),
            depth: 0,
            enclosing: Vec::new(),
            expanded: Default::default(),
            stopped: false,
        }
    }

    pub(super) fn run(mut self) -> Result<Import, Vec<Diagnostic>> {
        let graph = &self.model.graph;
        self.builder.graph.name = graph.name.clone();
        self.operator_sets();
        self.index_functions();
        if !self.faults.is_empty() {
            // Without operator sets and functions nothing is known of any node.
            return Err(self.faults);
        }
        self.scope.push(0);
        self.initializers(graph);
        self.inputs(graph);
        self.nodes(&graph.node);
        if !self.stopped {
            self.outputs(graph);
            self.builder.graph.meanings = super::meaning::meanings(graph);
        }
        self.unused_dims();
        self.note_batch();
        if self.faults.is_empty() {
            Ok(Import { graph: self.builder.graph, warnings: self.warnings })
        } else {
            self.faults.extend(self.warnings);
            Err(self.faults)
        }
    }

    /// Reads the versions of the operator sets, of which models before IR version 3 name none: they are of version 1.
    fn operator_sets(&mut self) {
        let mut opsets = match read_opsets(&self.model.opset_import) {
            Ok(opsets) => opsets,
            Err(fault) => return self.fault_without_node(fault),
        };
        if self.model.ir_version < 3 {
            opsets.entry(String::new()).or_insert(1);
        }
        if let Err(fault) = asks_for_version(&self.model.graph.node, &opsets) {
            self.fault_without_node(fault);
        }
        self.opsets = opsets;
    }

    pub(super) fn bind(&mut self, name: &str, binding: Binding) {
        if name.is_empty() {
            // The empty name stands for an operand that is left out.
            self.faults.push(Diagnostic::error(codes::MALFORMED_GRAPH, "an input or an initializer has no name"));
            return;
        }
        if !self.scope.bind(name, binding) {
            let message = format!("the name `{}` is defined twice", name.escape_debug());
            self.faults.push(Diagnostic::error(codes::MALFORMED_GRAPH, message));
        }
    }

    /// Translates nodes, operands first whatever their order in the file.
    pub(super) fn nodes(&mut self, nodes: &[NodeProto]) {
        let (order, cyclic) = topological(nodes);
        for index in order {
            if self.stopped {
                return;
            }
            let node = &nodes[index];
            let results = self.node(index, node);
            if let Err(Some(fault)) = &results {
                self.fault_at(index, node, fault);
            }
            self.bind_results(node, &results.unwrap_or_default());
        }
        for index in cyclic {
            let fault = Fault::new(codes::MALFORMED_GRAPH, "the node depends on its own result");
            self.fault_at(index, &nodes[index], &fault);
            self.bind_results(&nodes[index], &[]);
        }
    }

    fn fault_at(&mut self, index: usize, node: &NodeProto, fault: &Fault) {
        let mut at = place(index, node, fault);
        at.scope.extend(self.inside.iter().rev().take(MAX_SCOPES).cloned());
        let mut d = Diagnostic::error(fault.code, fault.message.clone()).at(at);
        d.help = if fault.help.is_empty() { vec![remedy(fault.code)] } else { fault.help.clone() };
        self.faults.push(d);
    }

    /// Names the results of a node; those that there are not have failed.
    fn bind_results(&mut self, node: &NodeProto, results: &[Binding]) {
        for (i, name) in node.output.iter().enumerate().filter(|(_, n)| !n.is_empty()) {
            let binding = results.get(i).copied().unwrap_or(Binding::Failed);
            if let Binding::Value(v) = binding {
                let slot = &mut self.builder.graph.values[v.index()].name;
                // A result that is another value as it stands keeps that value's name.
                if slot.is_empty() || self.builder.origin.last().is_some_and(|o| o.name == *slot) {
                    slot.clone_from(name);
                }
            }
            self.bind(name, binding);
        }
    }

    /// Translates one node. `Err(None)`: an operand has failed, which has been reported.
    fn node(&mut self, index: usize, node: &NodeProto) -> Result<Vec<Binding>, Option<Fault>> {
        let mut inputs = Vec::with_capacity(node.input.len());
        for (i, name) in node.input.iter().enumerate() {
            inputs.push(match self.lookup(name) {
                _ if name.is_empty() => None,
                Some(Binding::Value(v)) => Some(v),
                Some(Binding::Absent) => None,
                Some(Binding::Unset) => {
                    return Err(Some(unset(&format!("input `{}`", name.escape_debug())).at(At::Input(i))));
                }
                Some(Binding::Failed) => {
                    // Operators that are unknown anyway are reported even behind a failed operand.
                    return Err(self.unsupported(node).map(Some).unwrap_or(None));
                }
                None => {
                    let message = format!("input `{}` is defined nowhere", name.escape_debug());
                    return Err(Some(Fault::new(codes::MALFORMED_GRAPH, message).at(At::Input(i))));
                }
            });
        }
        signature::once(node)?;
        if let Some(f) = self.function(node) {
            return self.within("the function of", index, node, |importer| importer.call(f, node, &inputs));
        }
        if let Some(fault) = self.unsupported(node) {
            return Err(Some(fault));
        }
        let opset = self.opset(&node.domain);
        if is_onnx(&node.domain) {
            signature::check(node, opset)?;
        }
        match Control::of(node) {
            Some(Control::If) => {
                return self.within("a branch of", index, node, |importer| importer.branch(index, node, &inputs));
            }
            Some(Control::Loop) => {
                return self.within("the body of", index, node, |importer| importer.repeat(index, node, &inputs));
            }
            Some(Control::Scan) => {
                return self.within("the body of", index, node, |importer| importer.scan(index, node, &inputs));
            }
            None => {}
        }
        self.translate(index, node, inputs)
    }

    /// Translates the nodes that stand behind one; faults in them say so.
    fn within<T>(&mut self, what: &str, index: usize, node: &NodeProto, translate: impl FnOnce(&mut Self) -> T) -> T {
        self.inside.push(format!("{what} node {index} `{}` ({})", origin(index, node).name, qualified(node)));
        let translated = translate(self);
        self.inside.pop();
        translated
    }

    /// Translates one node of an operator that is in the registry.
    fn translate(
        &mut self,
        index: usize,
        node: &NodeProto,
        mut inputs: Vec<Option<ValueId>>,
    ) -> Result<Vec<Binding>, Option<Fault>> {
        let entry = registry::find(&node.domain, &node.op_type).expect("the caller has looked");
        let import = entry.import.expect("operators with graphs are translated elsewhere");
        self.begin(index, node);
        let opset = self.opset(&node.domain);
        let half = halves::widen(&mut self.builder, node, &mut inputs).map_err(Fault::from)?;
        let mut cx = NodeCx { b: &mut self.builder, node, opset, inputs, outputs: Vec::new() };
        let first = import(&mut cx)?;
        cx.set(0, first);
        if let Some(half) = half {
            halves::round(&mut cx, half)?;
        }
        super::labels::carry(&mut cx)?;
        let outputs = cx.outputs;
        if self.builder.budget.is_exhausted() {
            self.stopped = true;
            return Err(Some(Fault::new(codes::TOO_LARGE, "the constants made up to here are too large together")));
        }
        let bindings = (0..node.output.len()).map(|i| outputs.get(i).copied().flatten());
        Ok(bindings.map(|o| o.map_or(Binding::Unset, Binding::Value)).collect())
    }

    /// Notes the node that is being translated as the origin of what it becomes, unless it stands in a body that is inlined. In a graph
    /// within a node it has that node's position.
    pub(super) fn begin(&mut self, index: usize, node: &NodeProto) {
        if self.depth == self.enclosing.len() {
            let around = self.builder.origin.first().map_or(index, |o| o.index);
            let index = if self.depth == 0 { index } else { around };
            self.builder.origin = vec![origin(index, node)];
        }
    }

    /// The version of a domain's operators that the model asks for.
    pub(super) fn opset(&self, domain: &str) -> i64 {
        self.opsets.get(if is_onnx(domain) { "" } else { domain }).copied().unwrap_or(1)
    }

    /// What to say where there is no translation of a node.
    fn unsupported(&self, node: &NodeProto) -> Option<Fault> {
        if registry::find(&node.domain, &node.op_type).is_some() || self.function(node).is_some() {
            return None;
        }
        let name = qualified(node);
        let fault = Fault::new(
            codes::UNSUPPORTED_OPERATOR,
            format!("operator `{}` (opset {}) is not supported", name.escape_debug(), self.opset(&node.domain)),
        )
        .at(At::Operator);
        Some(fault.help(
            "`zantc ops` lists what is supported; rewrite the node in terms of those, or export the part without it",
        ))
    }

    pub(super) fn fault_without_node(&mut self, fault: Fault) {
        let mut d = Diagnostic::error(fault.code, fault.message);
        d.help = fault.help;
        self.faults.push(d);
    }
}

/// Functions and branches around a node that are shown.
const MAX_SCOPES: usize = 4;

/// What to do about a node where nothing more is known than the code.
fn remedy(code: &str) -> String {
    match code {
        codes::SHAPE_MISMATCH => {
            "check the values given by `--dim`; `onnx.shape_inference.infer_shapes(model, strict_mode=True)` says more"
                .into()
        }
        codes::MALFORMED_GRAPH | codes::BAD_ATTRIBUTE | codes::MISSING_INPUT => {
            "`onnx.checker.check_model(model, full_check=True)` says more; export the model again".into()
        }
        codes::UNSUPPORTED_TYPE => "convert the model to float32, or to 8 bits by `zantc quantize`".into(),
        _ => format!("`zantc explain {code}` says more"),
    }
}

/// The newest opset whose operator texts have been read for this importer.
const MAX_OPSET: i64 = 28;

/// Whether a domain is ONNX's own, which has two names.
pub(super) fn is_onnx(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// The operators that have graphs within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Control {
    If,
    Loop,
    Scan,
}

impl Control {
    fn of(node: &NodeProto) -> Option<Control> {
        let named = match node.op_type.as_str() {
            "If" => Some(Control::If),
            "Loop" => Some(Control::Loop),
            "Scan" => Some(Control::Scan),
            _ => None,
        };
        named.filter(|_| is_onnx(&node.domain))
    }
}

/// What to say of a result that is used and that the translation of its operator does not give.
pub(super) fn unset(what: &str) -> Fault {
    Fault::new(codes::UNSUPPORTED_FORM, format!("{what} is an output that is not supported of the node that makes it"))
}

/// Operator set versions by domain, ONNX's own under the empty name.
pub(super) fn read_opsets(imports: &[OperatorSetIdProto]) -> Imported<BTreeMap<String, i64>> {
    let mut opsets = BTreeMap::new();
    for o in imports {
        let domain = if is_onnx(&o.domain) { "" } else { o.domain.as_str() };
        if domain.is_empty() && !(1..=MAX_OPSET).contains(&o.version) {
            let fault = Fault::new(codes::UNSUPPORTED_OPERATOR, format!("opset {} is not known", o.version));
            let help = format!("opsets 1 to {MAX_OPSET} are; convert the model with onnx.version_converter");
            return Err(fault.help(help));
        }
        if opsets.insert(domain.to_string(), o.version).is_some_and(|other| other != o.version) {
            let message = format!("two versions of the operator set `{}` are asked for", o.domain.escape_debug());
            return Err(Fault::new(codes::MALFORMED_GRAPH, message));
        }
    }
    Ok(opsets)
}

/// Refuses nodes of ONNX's own operators where no version says what they mean.
pub(super) fn asks_for_version(nodes: &[NodeProto], opsets: &BTreeMap<String, i64>) -> Imported<()> {
    match nodes.iter().find(|n| is_onnx(&n.domain)) {
        Some(n) if !opsets.contains_key("") => {
            let name = n.op_type.escape_debug();
            let message = format!("no version of ONNX's operator set is asked for, which says what `{name}` means");
            Err(Fault::new(codes::MALFORMED_GRAPH, message).help("add it to `opset_import`"))
        }
        Some(_) | None => Ok(()),
    }
}
