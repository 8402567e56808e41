//! A model that is being changed: ONNX nodes, and the constants that they read.

mod fold;
mod opset;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use prost::Message;
use zantc::diag::{Diagnostic, codes};
use zantc::import::{from_raw, to_raw};
use zantc::ir::Tensor;
use zantc::onnx::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto};
use zantc::onnx::{AttributeValue, Limits, Model, RawTensor};

use crate::Outcome;

/// A model whose nodes and constants are changed by methods, and which becomes an ONNX file again.
#[derive(Clone, Debug)]
pub struct Net {
    /// Everything but the constants.
    proto: ModelProto,
    /// Constants in the order of the file, then those that were added.
    constants: Vec<RawTensor>,
    /// Where each constant is, by name.
    places: BTreeMap<String, usize>,
    /// Names that are in use.
    taken: BTreeSet<String>,
    /// Nodes that read constants alone and wait to be put before all others, so that the places of the others stay.
    pub(crate) before: Vec<NodeProto>,
}

/// Who makes and who reads each value.
#[derive(Clone, Debug, Default)]
pub struct Links {
    makers: BTreeMap<String, usize>,
    readers: BTreeMap<String, Vec<usize>>,
    outputs: BTreeSet<String>,
}

impl Links {
    /// The node that makes a value; none makes inputs and constants.
    pub fn maker(&self, value: &str) -> Option<usize> {
        self.makers.get(value).copied()
    }

    /// The nodes that read a value, once for each operand.
    pub fn readers(&self, value: &str) -> &[usize] {
        self.readers.get(value).map_or(&[], Vec::as_slice)
    }

    /// Whether the model gives the value to its caller.
    pub fn is_output(&self, value: &str) -> bool {
        self.outputs.contains(value)
    }

    /// The one node that reads a value, where nothing else does.
    pub fn only_reader(&self, value: &str) -> Option<usize> {
        match self.readers(value) {
            [one] if !self.is_output(value) => Some(*one),
            _ => None,
        }
    }
}

impl Net {
    /// Takes a model apart. Constants of nodes become initializers, what does nothing in inference vanishes (Identity, Dropout), and batch
    /// normalisations become part of the convolution or product before them.
    ///
    /// # Errors
    /// A constant that cannot be read, or an operator set that is too old and cannot be raised.
    pub fn open(model: &Model) -> Outcome<Net> {
        let mut proto = model.proto.clone();
        let mut net = Net {
            constants: Vec::new(),
            places: BTreeMap::new(),
            taken: names(&proto),
            before: Vec::new(),
            proto: ModelProto::default(),
        };
        for tensor in std::mem::take(&mut proto.graph.initializer) {
            let raw =
                RawTensor::decode(&tensor, &Limits::default()).map_err(|e| unreadable(&tensor.name, &e.to_string()))?;
            net.insert(raw);
        }
        // Types that were written for the model as it was.
        proto.graph.value_info.clear();
        proto.graph.quantization_annotation.clear();
        let named: BTreeSet<&String> = net.places.keys().collect();
        proto.graph.input.retain(|input| !named.contains(&input.name));
        net.proto = proto;
        net.raise()?;
        net.fold()?;
        Ok(net)
    }

    /// The nodes, operands before users.
    pub fn nodes(&self) -> &[NodeProto] {
        &self.proto.graph.node
    }

    /// The nodes; whoever changes them keeps their order.
    pub fn nodes_mut(&mut self) -> &mut Vec<NodeProto> {
        &mut self.proto.graph.node
    }

    /// The inputs that are not constants.
    pub fn inputs(&self) -> &[ValueInfoProto] {
        &self.proto.graph.input
    }

    /// The outputs.
    pub fn outputs(&self) -> &[ValueInfoProto] {
        &self.proto.graph.output
    }

    /// The version of ONNX's own operator set.
    pub fn opset(&self) -> i64 {
        self.proto.opset_import.iter().find(|set| is_onnx(&set.domain)).map_or(1, |set| set.version)
    }

    /// Sets the version of ONNX's own operator set.
    pub(crate) fn set_opset(&mut self, version: i64) {
        match self.proto.opset_import.iter_mut().find(|set| is_onnx(&set.domain)) {
            Some(set) => set.version = version,
            None => self.proto.opset_import.push(OperatorSetIdProto { domain: String::new(), version }),
        }
    }

    /// The domain of onnxruntime's operators, which the model then imports.
    pub(crate) fn import_contributed(&mut self) -> &'static str {
        const DOMAIN: &str = "com.microsoft";
        let sets = &mut self.proto.opset_import;
        if sets.iter().all(|set| set.domain != DOMAIN) {
            sets.push(OperatorSetIdProto { domain: DOMAIN.into(), version: 1 });
        }
        DOMAIN
    }

    /// Who makes and who reads each value, as the model is now. What graphs inside of nodes read is read by those nodes.
    pub fn links(&self) -> Links {
        let mut links = Links::default();
        for (at, node) in self.nodes().iter().enumerate() {
            for output in node.output.iter().filter(|o| !o.is_empty()) {
                links.makers.insert(output.clone(), at);
            }
            let mut reads: Vec<&String> = node.input.iter().filter(|i| !i.is_empty()).collect();
            node.attribute.iter().for_each(|a| reads_inside(a, &mut reads));
            for read in reads {
                links.readers.entry(read.clone()).or_default().push(at);
            }
        }
        links.outputs = self.outputs().iter().map(|o| o.name.clone()).collect();
        links
    }

    /// Whether a value is a constant.
    pub fn is_constant(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// A constant as it is stored.
    pub fn constant(&self, name: &str) -> Option<&RawTensor> {
        self.places.get(name).map(|&at| &self.constants[at])
    }

    /// All constants.
    pub fn constants(&self) -> &[RawTensor] {
        &self.constants
    }

    /// A constant of 32-bit floats: extents and elements, row-major.
    pub fn floats(&self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        let tensor = from_raw(self.constant(name)?).ok()?;
        Some((tensor.shape().to_vec(), tensor.to_vec::<f32>()?))
    }

    /// A constant of integers.
    pub fn integers(&self, name: &str) -> Option<Vec<i64>> {
        from_raw(self.constant(name)?).ok()?.to_i64s()
    }

    /// Gives a constant new elements of any type and shape, or adds it.
    pub fn set(&mut self, name: &str, tensor: &Tensor) {
        self.insert(to_raw(name, tensor));
    }

    /// The same of floats.
    pub fn set_floats(&mut self, name: &str, shape: &[usize], elements: &[f32]) {
        self.set(name, &Tensor::from_elements(shape.to_vec(), elements));
    }

    /// Stores a constant under its name.
    pub fn insert(&mut self, raw: RawTensor) {
        match self.places.get(&raw.name) {
            Some(&at) => self.constants[at] = raw,
            None => {
                self.taken.insert(raw.name.clone());
                self.places.insert(raw.name.clone(), self.constants.len());
                self.constants.push(raw);
            }
        }
    }

    /// A name that nothing has: the wanted one, or that with a number behind it.
    pub fn fresh(&mut self, wanted: &str) -> String {
        let numbered = (1..).map(|n| format!("{wanted}_{n}"));
        let name = std::iter::once(wanted.to_string()).chain(numbered).find(|n| !self.taken.contains(n));
        let name = name.expect("there is a number for every name");
        self.taken.insert(name.clone());
        name
    }

    /// Makes readers of one value read another, the model's outputs excepted.
    pub fn redirect(&mut self, from: &str, to: &str) {
        for node in &mut self.proto.graph.node {
            node.input.iter_mut().filter(|i| *i == from).for_each(|i| *i = to.to_string());
        }
    }

    /// Removes nodes whose results nobody reads, and constants that nobody reads.
    pub fn sweep(&mut self) {
        let links = self.links();
        let mut wanted: BTreeSet<String> = links.outputs.clone();
        let mut keep = vec![false; self.nodes().len()];
        for (at, node) in self.nodes().iter().enumerate().rev() {
            if node.output.iter().any(|o| wanted.contains(o)) {
                keep[at] = true;
                let mut reads: Vec<&String> = node.input.iter().collect();
                node.attribute.iter().for_each(|a| reads_inside(a, &mut reads));
                wanted.extend(reads.into_iter().cloned());
            }
        }
        let mut keep = keep.into_iter();
        self.nodes_mut().retain(|_| keep.next().unwrap_or(true));
        self.constants.retain(|c| wanted.contains(&c.name));
        self.places = self.constants.iter().enumerate().map(|(at, c)| (c.name.clone(), at)).collect();
    }

    /// The same model with other values as its outputs, whose types are left to inference.
    pub fn with_outputs(&self, names: &[String]) -> Net {
        let mut net = self.clone();
        let output = |name: &String| ValueInfoProto { name: name.clone(), ..ValueInfoProto::default() };
        net.proto.graph.output = names.iter().map(output).collect();
        net.sweep();
        net
    }

    /// A part of the model: some of its nodes, what they read of others as inputs, and what is wanted of them as outputs.
    pub(crate) fn part(&self, nodes: std::ops::Range<usize>, inputs: Vec<ValueInfoProto>, outputs: &[String]) -> Net {
        let mut net = self.clone();
        net.proto.graph.node = self.nodes()[nodes].to_vec();
        net.proto.graph.input = inputs;
        net.with_outputs(outputs)
    }

    /// The model as the compiler takes it.
    pub fn to_model(&self) -> Model {
        let mut proto = self.proto.clone();
        proto.graph.initializer = self.constants.iter().map(RawTensor::to_proto).collect();
        Model { proto, file: Bytes::new(), external_files: Vec::new() }
    }

    /// The bytes of an ONNX file; the same model gives the same bytes.
    pub fn encode(&self) -> Vec<u8> {
        self.to_model().proto.encode_to_vec()
    }
}

/// Whether a domain is that of ONNX's own operators.
pub(crate) fn is_onnx(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

/// An attribute of a node.
pub(crate) fn attribute<'n>(node: &'n NodeProto, name: &str) -> Option<AttributeValue<'n>> {
    node.attribute.iter().find(|a| a.name == name).and_then(AttributeProto::value)
}

/// An attribute that is one integer.
pub(crate) fn integer(node: &NodeProto, name: &str, default: i64) -> i64 {
    match attribute(node, name) {
        Some(AttributeValue::Int(i)) => i,
        _ => default,
    }
}

/// An attribute that is a list of integers.
pub(crate) fn integers(node: &NodeProto, name: &str) -> Option<Vec<i64>> {
    match attribute(node, name) {
        Some(AttributeValue::Ints(ints)) => Some(ints.to_vec()),
        _ => None,
    }
}

/// An attribute that is one float.
pub(crate) fn float(node: &NodeProto, name: &str, default: f32) -> f32 {
    match attribute(node, name) {
        Some(AttributeValue::Float(f)) => f,
        _ => default,
    }
}

/// A dimension of a value of so many, which may be counted from the end.
pub(crate) fn dimension(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(axis).ok().filter(|axis| *axis < rank)
}

/// An attribute of one integer.
pub(crate) fn with_integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), kind: AttributeProto::INT, i: Some(value), ..AttributeProto::default() }
}

/// A node of ONNX's own operators.
pub(crate) fn node(op: &str, name: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|i| i.to_string()).collect(),
        output: vec![output.to_string()],
        name: name.to_string(),
        op_type: op.to_string(),
        attribute,
        ..NodeProto::default()
    }
}

fn unreadable(name: &str, why: &str) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::MALFORMED_GRAPH, format!("the constant `{}`: {why}", name.escape_debug()))]
}

/// All names that a graph uses.
fn names(proto: &ModelProto) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    names_in(&proto.graph, &mut found);
    found
}

fn names_in(graph: &GraphProto, found: &mut BTreeSet<String>) {
    found.extend(graph.initializer.iter().map(|t| t.name.clone()));
    found.extend(graph.input.iter().chain(&graph.output).map(|v| v.name.clone()));
    for node in &graph.node {
        found.extend(node.input.iter().chain(&node.output).cloned());
        for graph in node.attribute.iter().flat_map(|a| a.g.as_deref().into_iter().chain(&a.graphs)) {
            names_in(graph, found);
        }
    }
}

/// Names that the graphs of an attribute read; some of them may be their own.
fn reads_inside<'a>(attribute: &'a AttributeProto, reads: &mut Vec<&'a String>) {
    for graph in attribute.g.as_deref().into_iter().chain(&attribute.graphs) {
        reads.extend(graph.output.iter().map(|o| &o.name));
        for node in &graph.node {
            reads.extend(node.input.iter().filter(|i| !i.is_empty()));
            node.attribute.iter().for_each(|a| reads_inside(a, reads));
        }
    }
}
