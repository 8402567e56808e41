//! Grows a model node by node, each tried by the import on its own.

use zantc::diag::codes;
use zantc::import::{Import, Options, import};
use zantc::ir::{Graph, Op, Tensor};
use zantc::onnx::proto::{
    AttributeProto, Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};

use super::draft::{Draft, Operand, Value, code};
use super::ops::{Entry, OPERATORS, PATTERNS};
use super::tally::Event;
use super::{Random, caught, listing};

/// The newest opset.
pub(crate) const NEWEST: i64 = 28;
/// Elements of the largest value.
const MAX_ELEMENTS: usize = 3000;

/// A model with inputs for it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What it was made of.
    pub seed: u64,
    /// The model.
    pub model: ModelProto,
    /// Values of its inputs.
    pub inputs: Vec<Tensor>,
    /// What was proposed on the way, and what became of it.
    pub events: Vec<Event>,
    /// Panics of the import on the way.
    pub faults: Vec<String>,
    /// Infinities, NaN and the largest numbers are among the data.
    pub wild: bool,
}

/// A model in the making.
#[derive(Debug)]
pub struct Grower {
    /// Chance.
    pub r: Random,
    /// Of the model.
    pub opset: i64,
    wild: bool,
    values: Vec<Value>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    inputs: Vec<(ValueInfoProto, Tensor)>,
    events: Vec<Event>,
    faults: Vec<String>,
}

/// The model of a seed.
pub fn sample(seed: u64) -> Sample {
    let mut r = Random::new(seed);
    // Each operator is the first of as many models as every other.
    let count = OPERATORS.len() + PATTERNS.len();
    let first = (seed % count as u64) as usize;
    let opset = match OPERATORS.get(first) {
        Some(entry) => r.within(entry.since.max(7) as usize, entry.until.min(NEWEST) as usize) as i64,
        None => r.within(10, NEWEST as usize) as i64,
    };
    let mut g = Grower {
        wild: r.one_in(6),
        r,
        opset,
        values: vec![],
        nodes: vec![],
        initializers: vec![],
        inputs: vec![],
        events: vec![],
        faults: vec![],
    };
    for _ in 0..4 {
        let grown = match OPERATORS.get(first) {
            Some(entry) => g.entry(entry, &[]).is_some(),
            None => PATTERNS[first - OPERATORS.len()].1(&mut g).is_some(),
        };
        if grown {
            break;
        }
    }
    let nodes = g.nodes.len() + g.r.pick(&[0, 1, 2, 3, 5, 8, 12]);
    for _ in 0..2 * nodes {
        if g.nodes.len() >= nodes {
            break;
        }
        g.any();
    }
    g.finish(seed)
}

/// The operators of an opset.
fn entries(opset: i64) -> impl Iterator<Item = &'static Entry> {
    OPERATORS.iter().filter(move |e| (e.since..=e.until).contains(&opset))
}

impl Grower {
    fn any(&mut self) {
        if self.opset >= 10 && self.r.one_in(10) {
            let (_, pattern) = self.r.pick(PATTERNS);
            pattern(self);
            return;
        }
        let count = entries(self.opset).count();
        let at = self.r.below(count);
        if let Some(entry) = entries(self.opset).nth(at) {
            self.entry(entry, &[]);
        }
    }

    /// The type of a value.
    pub fn ty(&self, value: usize) -> &zantc::ir::Type {
        &self.values[value].ty
    }

    /// Proposes a node of an operator whose first operands are known; its results where the import takes it.
    pub fn op(&mut self, name: &str, forced: &[usize], make: fn(&mut Draft<'_>) -> Option<()>) -> Option<Vec<usize>> {
        let entry = OPERATORS.iter().find(|e| e.name == name).filter(|e| (e.since..=e.until).contains(&self.opset))?;
        self.entry(&Entry { make, ..*entry }, forced)
    }

    /// Proposes a node as its entry makes it.
    pub fn named(&mut self, name: &str, forced: &[usize]) -> Option<Vec<usize>> {
        let entry = OPERATORS.iter().find(|e| e.name == name).filter(|e| (e.since..=e.until).contains(&self.opset))?;
        self.entry(entry, forced)
    }

    /// A node on constants; they stay constants.
    pub fn made(&mut self, name: &str, operands: &[Tensor], int: Option<(&str, i64)>) -> Option<Vec<usize>> {
        let entry = OPERATORS.iter().find(|e| e.name == name)?;
        let make = |d: &mut Draft<'_>| {
            operands.iter().for_each(|t| d.constant(t.clone()));
            if let Some((name, v)) = int {
                d.int(name, v);
            }
            Some(())
        };
        self.proposed(entry, &[], &make)
    }

    fn entry(&mut self, entry: &Entry, forced: &[usize]) -> Option<Vec<usize>> {
        self.proposed(entry, forced, &entry.make)
    }

    fn proposed(
        &mut self,
        entry: &Entry,
        forced: &[usize],
        make: &dyn Fn(&mut Draft<'_>) -> Option<()>,
    ) -> Option<Vec<usize>> {
        let node = NodeProto { op_type: entry.name.into(), domain: entry.domain.into(), ..NodeProto::default() };
        let mut d = Draft {
            r: &mut self.r,
            opset: self.opset,
            wild: self.wild,
            values: &self.values,
            forced: forced.to_vec(),
            misfit: false,
            node,
            operands: vec![],
            outputs: 1,
            captures: 0,
        };
        make(&mut d)?;
        let Draft { node, operands, outputs, misfit, captures, .. } = d;
        if misfit {
            return None;
        }
        let mut one = OneNode::new(self, node, operands, (outputs, captures));
        let mut event = Event { operator: entry.name, dtypes: one.dtypes(self), refused: None };
        let options = Options::default();
        let import = match caught(|| import(&one.model, &options)) {
            Ok(Ok(import)) => import,
            Ok(Err(diagnostics)) => {
                event.refused = diagnostics.first().map(|d| (d.code, d.message.clone()));
                self.events.push(event);
                return None;
            }
            Err(why) => {
                let sample =
                    Sample { seed: 0, model: one.model, inputs: vec![], events: vec![], faults: vec![], wild: false };
                self.faults.push(format!("import: {why}\n{}", listing(&sample)));
                return None;
            }
        };
        if import.graph.outputs.iter().any(|o| import.graph.ty(o.value).elements() > MAX_ELEMENTS) {
            event.refused = Some(("large", "a result is too large for a test".into()));
            self.events.push(event);
            return None;
        }
        if let Some(why) = without_kernel(&import.graph) {
            event.refused = Some((codes::UNSUPPORTED_TYPE, why));
            self.events.push(event);
            return None;
        }
        self.events.push(event);
        Some(self.keep(&mut one, &import))
    }

    /// Adds the node with what is new about it; its results.
    fn keep(&mut self, one: &mut OneNode, import: &Import) -> Vec<usize> {
        let known = |name: &str, values: &[Value]| values.iter().any(|v| v.name == name);
        for (name, operand) in &one.fresh {
            let Operand::Fresh { data, proto, input } = operand else { continue };
            if known(name, &self.values) {
                continue;
            }
            if *input {
                self.inputs.push((info(name, data.ty().shape.as_slice(), proto.data_type), data.clone()));
            } else if self.r.one_in(8) && proto.data_type == code(data.dtype()) {
                let t = Some(proto.clone());
                let attribute = vec![AttributeProto { name: "value".into(), kind: 4, t, ..AttributeProto::default() }];
                let (op_type, output) = ("Constant".into(), vec![name.clone()]);
                self.nodes.push(NodeProto { op_type, output, attribute, ..NodeProto::default() });
            } else {
                self.initializers.push(TensorProto { name: name.clone(), ..(**proto).clone() });
            }
            let data_known = (!input).then(|| data.clone());
            let (ty, element) = (data.ty().clone(), proto.data_type);
            self.values.push(Value { name: name.clone(), ty, element, data: data_known });
        }
        let narrow = one.narrow;
        let first = self.values.len();
        for (name, output) in one.node.output.iter().zip(&import.graph.outputs) {
            let (ty, data) = (import.graph.ty(output.value).clone(), import.graph.data(output.value).cloned());
            // Of a type narrower than a byte only the operators know that look at it.
            let element = if narrow { -1 } else { code(ty.dtype) };
            self.values.push(Value { name: name.clone(), ty, element, data });
        }
        self.nodes.push(one.node.clone());
        (first..self.values.len()).collect()
    }

    fn finish(mut self, seed: u64) -> Sample {
        let plain: Vec<usize> = (0..self.values.len()).filter(|&i| self.values[i].element >= 0).collect();
        let mut outputs: Vec<usize> = plain.last().copied().into_iter().collect();
        if !plain.is_empty() {
            for _ in 0..self.r.pick(&[0, 0, 1, 2, 3, 5]) {
                let at = self.r.below(plain.len());
                outputs.push(plain[at]);
            }
        }
        let mut seen: Vec<usize> = vec![];
        let mut infos = vec![];
        for v in outputs {
            let mut value = self.values[v].clone();
            // A value that is an output already becomes another one by an Identity, as exporters write it.
            if seen.contains(&v) || self.r.one_in(12) {
                let name = format!("{}_again{}", value.name, infos.len());
                let node = NodeProto {
                    op_type: "Identity".into(),
                    input: vec![value.name.clone()],
                    output: vec![name.clone()],
                    ..NodeProto::default()
                };
                self.nodes.push(node);
                value.name = name;
            }
            seen.push(v);
            let typed = !self.r.one_in(4);
            let full = info(&value.name, &value.ty.shape, value.element);
            infos.push(if typed { full } else { ValueInfoProto { ty: None, ..full } });
        }
        let (input, inputs) = self.inputs.into_iter().unzip();
        let graph = GraphProto {
            name: format!("seed {seed}"),
            node: self.nodes,
            initializer: self.initializers,
            input,
            output: infos,
            ..GraphProto::default()
        };
        let model = model(graph, self.opset);
        Sample { seed, model, inputs, events: self.events, faults: self.faults, wild: self.wild }
    }
}

/// The first formula of a graph that has no kernel: not every function has one for every type of float.
fn without_kernel(graph: &Graph) -> Option<String> {
    graph.nodes.iter().find_map(|n| match &n.op {
        Op::Map { expr } => {
            let dtypes: Vec<_> = n.inputs.iter().map(|&i| graph.ty(i).dtype).collect();
            zantc::program::unsupported(expr, &dtypes).map(|u| format!("{u:?}"))
        }
        _ => None,
    })
}

/// A model of a graph.
pub fn model(graph: GraphProto, opset: i64) -> ModelProto {
    let set = |domain: &str, version| OperatorSetIdProto { domain: domain.into(), version };
    ModelProto {
        ir_version: 10,
        opset_import: vec![set("", opset), set("com.microsoft", 1), set("ai.onnx.ml", 5)],
        graph,
        ..ModelProto::default()
    }
}

/// The type of an input or output.
pub fn info(name: &str, shape: &[usize], element: i32) -> ValueInfoProto {
    let dim = |&d: &usize| Dimension { value: Some(DimensionValue::Value(d as i64)), ..Dimension::default() };
    let shape = Some(TensorShapeProto { dim: shape.iter().map(dim).collect() });
    let value = Some(TypeValue::Tensor(TensorType { elem_type: element, shape }));
    let ty = Some(TypeProto { value, ..TypeProto::default() });
    ValueInfoProto { name: name.into(), ty, ..ValueInfoProto::default() }
}

/// A node with names for all it reads and gives, and the model of it alone.
struct OneNode {
    node: NodeProto,
    fresh: Vec<(String, Operand)>,
    model: ModelProto,
    narrow: bool,
}

impl OneNode {
    fn new(g: &Grower, mut node: NodeProto, operands: Vec<Operand>, (outputs, captures): (usize, usize)) -> OneNode {
        let number = g.values.len();
        let (mut input, mut initializer, mut fresh) = (vec![], vec![], vec![]);
        for (i, operand) in operands.into_iter().enumerate() {
            let name = match &operand {
                Operand::None => String::new(),
                Operand::Known(v) => g.values[*v].name.clone(),
                Operand::Fresh { .. } => format!("v{number}_{i}"),
            };
            let twice = !name.is_empty() && node.input.contains(&name);
            node.input.push(name.clone());
            let (ty, element, data) = match &operand {
                Operand::Known(v) if !twice => (&g.values[*v].ty, g.values[*v].element, g.values[*v].data.clone()),
                Operand::Fresh { data, proto, input: at_run_time } => {
                    fresh.push((name.clone(), operand.clone()));
                    if !at_run_time {
                        initializer.push(TensorProto { name, ..(**proto).clone() });
                        continue;
                    }
                    (data.ty(), proto.data_type, None)
                }
                Operand::None | Operand::Known(_) => continue,
            };
            match data {
                Some(data) => {
                    let proto = zantc::import::to_raw(&name, &data).to_proto();
                    initializer.push(TensorProto { data_type: element, ..proto });
                }
                None => input.push(info(&name, &ty.shape, element)),
            }
        }
        let captured = node.input.split_off(node.input.len().saturating_sub(captures));
        node.attribute.iter_mut().filter_map(|a| a.g.as_deref_mut()).for_each(|graph| capture(graph, &captured));
        while node.input.last().is_some_and(String::is_empty) {
            node.input.pop();
        }
        node.output = (0..outputs).map(|i| format!("r{number}_{i}")).collect();
        let narrow = makes_narrow(&node, &fresh);
        let output = node.output.iter().map(|o| ValueInfoProto { name: o.clone(), ..ValueInfoProto::default() });
        let graph = GraphProto {
            name: "one node".into(),
            output: output.collect(),
            node: vec![node.clone()],
            initializer,
            input,
            ..GraphProto::default()
        };
        OneNode { node, fresh, model: model(graph, g.opset), narrow }
    }

    /// Element types of the operands.
    fn dtypes(&self, g: &Grower) -> Vec<zantc::ir::DType> {
        let of = |name: &String| {
            let fresh = self.fresh.iter().find_map(|(n, o)| match o {
                Operand::Fresh { data, .. } if n == name => Some(data.dtype()),
                _ => None,
            });
            fresh.or_else(|| g.values.iter().find(|v| v.name == *name).map(|v| v.ty.dtype))
        };
        self.node.input.iter().filter_map(of).collect()
    }
}

/// Gives what a graph within a node reads from around it its names.
fn capture(graph: &mut GraphProto, names: &[String]) {
    for name in graph.node.iter_mut().flat_map(|n| &mut n.input) {
        let at = name.strip_prefix('@').and_then(|n| n.parse::<usize>().ok());
        if let Some(captured) = at.and_then(|at| names.get(at)) {
            name.clone_from(captured);
        }
    }
}

/// Whether the result is of a type narrower than a byte.
fn makes_narrow(node: &NodeProto, fresh: &[(String, Operand)]) -> bool {
    let is_narrow = |code: i64| matches!(code, 21 | 22 | 25 | 26);
    let named = |name: &str| node.attribute.iter().any(|a| a.name == name && a.i.is_some_and(is_narrow));
    let operand = fresh.iter().any(|(_, o)| match o {
        Operand::Fresh { proto, .. } => is_narrow(proto.data_type.into()),
        _ => false,
    });
    (node.op_type == "QuantizeLinear" && (operand || named("output_dtype")))
        || (node.op_type.starts_with("Cast") && named("to"))
        || (operand && node.op_type != "DequantizeLinear")
}
