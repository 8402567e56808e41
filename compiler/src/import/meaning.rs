//! What the numbers of inputs and outputs mean: how integers stand for real numbers, and in which order an image's dimensions are.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::tensor::import_tensor;
use crate::ir::{ImageOrder, Meaning, Quantization};
use crate::onnx::proto::{AttributeProto, GraphProto, NodeProto};

/// Values that are looked at for an input or output.
const LIMIT: usize = 64;

/// The meanings of a graph's inputs and outputs by their names, as far as its nodes tell.
pub(super) fn meanings(graph: &GraphProto) -> BTreeMap<String, Meaning> {
    let net = Net::new(graph);
    let inputs = graph.input.iter().map(|port| {
        let meaning = Meaning {
            quantization: net.near(&port.name, Net::readers, Net::read_as),
            order: net.near(&port.name, Net::readers, |_, node, name| read_in(node, name)),
        };
        (port.name.clone(), meaning)
    });
    let outputs = graph.output.iter().map(|port| {
        let meaning = Meaning {
            quantization: net.near(&port.name, Net::makers, Net::made_as),
            order: net.near(&port.name, Net::makers, |_, node, _| made_in(node)),
        };
        (port.name.clone(), meaning)
    });
    // Where an input is an output too, its readers tell.
    outputs.chain(inputs).filter(|(_, meaning)| *meaning != Meaning::default()).collect()
}

struct Net<'a> {
    makers: HashMap<&'a str, &'a NodeProto>,
    readers: HashMap<&'a str, Vec<&'a NodeProto>>,
    graph: &'a GraphProto,
}

impl<'a> Net<'a> {
    fn new(graph: &'a GraphProto) -> Net<'a> {
        let (mut makers, mut readers) = (HashMap::new(), HashMap::<&str, Vec<&NodeProto>>::new());
        for node in &graph.node {
            makers.extend(node.output.iter().map(|name| (name.as_str(), node)));
            for name in &node.input {
                readers.entry(name).or_default().push(node);
            }
        }
        Net { makers, readers, graph }
    }

    fn makers(&self, name: &str) -> Vec<&'a NodeProto> {
        self.makers.get(name).copied().into_iter().collect()
    }

    fn readers(&self, name: &str) -> Vec<&'a NodeProto> {
        self.readers.get(name).cloned().unwrap_or_default()
    }

    /// What the nodes next to a value say, or those behind nodes that leave numbers and dimensions as they are.
    fn near<T>(
        &self,
        name: &str,
        next: impl Fn(&Net<'a>, &str) -> Vec<&'a NodeProto>,
        says: impl Fn(&Net<'a>, &NodeProto, &str) -> Said<T>,
    ) -> Option<T> {
        let (mut open, mut known) = (vec![name.to_string()], HashSet::new());
        while let Some(name) = open.pop() {
            if known.len() == LIMIT || !known.insert(name.clone()) {
                continue;
            }
            for node in next(self, &name) {
                match says(self, node, &name) {
                    Said::This(meaning) => return Some(meaning),
                    Said::Nothing => {}
                    Said::AskOn => {
                        let (ins, outs) = (node.input.first(), node.output.first());
                        open.extend(ins.into_iter().chain(outs).filter(|n| !n.is_empty()).cloned());
                    }
                }
            }
        }
        None
    }

    /// The scale and the zero point that a node is told at these positions, where they are constants and each one number.
    fn told(&self, node: &NodeProto, [scale, zero]: [usize; 2]) -> Said<Quantization> {
        let number = |at: usize| node.input.get(at).filter(|name| !name.is_empty()).map(|name| self.number(name));
        let (Some(Some(scale)), zero) = (number(scale), number(zero)) else { return Said::Nothing };
        match zero {
            Some(None) => Said::Nothing,
            Some(Some(zero)) => Said::This(Quantization { scale: scale as f32, zero: zero as i32 }),
            None => Said::This(Quantization { scale: scale as f32, zero: 0 }),
        }
    }

    /// A constant of one number.
    fn number(&self, name: &str) -> Option<f64> {
        let of_node = |node: &&'a NodeProto| {
            let value = |a: &&'a AttributeProto| a.name == "value";
            node.attribute.iter().find(value).and_then(|a| a.t.as_deref())
        };
        let stored = self.graph.initializer.iter().find(|t| t.name == name);
        let made = self.makers.get(name).filter(|node| node.op_type == "Constant");
        let tensor = import_tensor(stored.or_else(|| made.and_then(of_node))?).ok()?;
        (tensor.len() == 1).then(|| tensor.get(0).to_f64())
    }

    /// How a node takes the numbers of an operand.
    fn read_as(&self, node: &NodeProto, name: &str) -> Said<Quantization> {
        let position = node.input.iter().position(|n| n == name).unwrap_or(0);
        match (node.op_type.as_str(), position) {
            ("DequantizeLinear" | "QLinearConv" | "QLinearMatMul" | "QLinearAdd" | "QLinearMul" | "QGemm", 0)
            | (
                "QLinearGlobalAveragePool"
                | "QLinearAveragePool"
                | "QLinearSigmoid"
                | "QLinearLeakyRelu"
                | "QLinearSoftmax",
                0,
            ) => self.told(node, [1, 2]),
            ("QLinearMatMul" | "QLinearAdd" | "QLinearMul", 3) => self.told(node, [4, 5]),
            (op, 0) if keeps_numbers(op) => Said::AskOn,
            _ => Said::Nothing,
        }
    }

    /// How a node makes its numbers.
    fn made_as(&self, node: &NodeProto, _: &str) -> Said<Quantization> {
        match node.op_type.as_str() {
            "QuantizeLinear" => self.told(node, [1, 2]),
            "QLinearConv" | "QLinearMatMul" | "QLinearAdd" | "QLinearMul" => self.told(node, [6, 7]),
            "QLinearGlobalAveragePool"
            | "QLinearAveragePool"
            | "QLinearSigmoid"
            | "QLinearLeakyRelu"
            | "QLinearSoftmax" => self.told(node, [3, 4]),
            "QGemm" => self.told(node, [7, 8]),
            op if keeps_numbers(op) => Said::AskOn,
            _ => Said::Nothing,
        }
    }
}

/// What a node tells of a value.
enum Said<T> {
    /// Its meaning.
    This(T),
    /// That of its first operand and of its first result are the same.
    AskOn,
    /// Nothing.
    Nothing,
}

/// Whether an operator moves or chooses numbers.
fn keeps_numbers(op: &str) -> bool {
    matches!(
        op,
        "Reshape" | "Flatten" | "Transpose" | "Squeeze" | "Unsqueeze" | "Identity" | "MaxPool" | "Slice" | "Relu"
    )
}

/// Whether an operator takes images as batch, channels, height and width.
fn is_of_images(op: &str) -> bool {
    matches!(
        op,
        "Conv"
            | "ConvInteger"
            | "ConvTranspose"
            | "QLinearConv"
            | "MaxPool"
            | "AveragePool"
            | "GlobalAveragePool"
            | "GlobalMaxPool"
            | "BatchNormalization"
            | "InstanceNormalization"
            | "QLinearAveragePool"
            | "QLinearGlobalAveragePool"
    )
}

/// Whether an operator works on each number by itself.
fn is_elementwise(op: &str) -> bool {
    matches!(
        op,
        "DequantizeLinear"
            | "QuantizeLinear"
            | "Cast"
            | "Mul"
            | "Add"
            | "Sub"
            | "Div"
            | "Clip"
            | "Relu"
            | "Identity"
            | "Pad"
            | "Pow"
            | "Neg"
            | "Sigmoid"
            | "Tanh"
            | "Softmax"
    )
}

/// Whether a node transposes in this way.
fn transposes(node: &NodeProto, order: [i64; 4]) -> bool {
    node.op_type == "Transpose" && node.attribute.iter().any(|a| a.name == "perm" && a.ints == order)
}

fn read_in(node: &NodeProto, name: &str) -> Said<ImageOrder> {
    let is_first = node.input.first().is_some_and(|first| first == name);
    match node.op_type.as_str() {
        op if is_of_images(op) && is_first => Said::This(ImageOrder::Nchw),
        _ if transposes(node, [0, 3, 1, 2]) => Said::This(ImageOrder::Nhwc),
        op if is_elementwise(op) && is_first => Said::AskOn,
        _ => Said::Nothing,
    }
}

fn made_in(node: &NodeProto) -> Said<ImageOrder> {
    match node.op_type.as_str() {
        op if is_of_images(op) => Said::This(ImageOrder::Nchw),
        _ if transposes(node, [0, 2, 3, 1]) => Said::This(ImageOrder::Nhwc),
        op if is_elementwise(op) => Said::AskOn,
        _ => Said::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::meanings;
    use crate::ir::{ImageOrder, Quantization};
    use crate::onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};

    fn node(op: &str, input: &[&str], output: &str, perm: &[i64]) -> NodeProto {
        let text = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let perm = AttributeProto { name: "perm".into(), ints: perm.to_vec(), ..AttributeProto::default() };
        let attribute = if perm.ints.is_empty() { Vec::new() } else { vec![perm] };
        NodeProto { op_type: op.into(), input: text(input), output: text(&[output]), attribute, ..NodeProto::default() }
    }

    fn port(name: &str) -> ValueInfoProto {
        ValueInfoProto { name: name.into(), ..ValueInfoProto::default() }
    }

    #[test]
    fn quantization_and_order_are_read_off_the_nodes_around() {
        let scale = TensorProto { name: "s".into(), data_type: 1, float_data: vec![0.5], ..TensorProto::default() };
        let zero = TensorProto { name: "z".into(), data_type: 3, int32_data: vec![-3], ..TensorProto::default() };
        let graph = GraphProto {
            input: vec![port("x"), port("u")],
            output: vec![port("y"), port("v")],
            initializer: vec![scale, zero],
            node: vec![
                node("Transpose", &["x"], "a", &[0, 3, 1, 2]),
                node("DequantizeLinear", &["a", "s", "z"], "b", &[]),
                node("Conv", &["b", "w"], "c", &[]),
                node("QuantizeLinear", &["c", "s"], "d", &[]),
                node("Reshape", &["d", "shape"], "y", &[]),
                node("Add", &["u", "one"], "v", &[]),
            ],
            ..GraphProto::default()
        };
        let found = meanings(&graph);
        assert_eq!(found["x"].quantization, Some(Quantization { scale: 0.5, zero: -3 }));
        assert_eq!(found["x"].order, Some(ImageOrder::Nhwc));
        assert_eq!(found["y"].quantization, Some(Quantization { scale: 0.5, zero: 0 }));
        assert!(!found.contains_key("u") && !found.contains_key("v"), "they are plain numbers");
    }
}
