//! Large models of few kinds of nodes: what grows with the square of a model's size shows in them.

use prost::Message;
use zantc::ir::{DType, Tensor};
use zantc::onnx::proto::{
    AttributeProto, Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};

/// A model that can be made in any size.
pub struct Scaled {
    /// What it is.
    pub name: &'static str,
    /// The size at which it must compile within [`SECONDS`] and [`BYTES`].
    pub full: usize,
    /// Makes it.
    make: fn(usize) -> ModelProto,
}

impl Scaled {
    /// The encoded model of a size.
    pub fn bytes(&self, n: usize) -> Vec<u8> {
        (self.make)(n).encode_to_vec()
    }
}

/// Seconds that `zantc compile` of a model of full size may take, as a release build.
pub const SECONDS: u64 = 10;
/// Bytes of memory that it may take.
pub const BYTES: u64 = 300_000_000;

/// The models.
pub const SCALED: &[Scaled] = &[
    Scaled { name: "chain_of_relus", full: 100_000, make: relus },
    Scaled { name: "matmuls_and_softmaxes", full: 20_000, make: matmuls },
    Scaled { name: "concat_of_one_value", full: 20_000, make: concat },
    Scaled { name: "concat_of_parts", full: 20_000, make: concat_of_parts },
    Scaled { name: "outputs", full: 12_000, make: outputs },
    Scaled { name: "outputs_with_weights", full: 12_000, make: outputs_with_weights },
];

fn node(op_type: &str, input: Vec<String>, output: Vec<String>) -> NodeProto {
    NodeProto { op_type: op_type.into(), input, output, ..NodeProto::default() }
}

fn on_axis(node: NodeProto, axis: i64) -> NodeProto {
    let axis = AttributeProto { name: "axis".into(), kind: 2, i: Some(axis), ..AttributeProto::default() };
    NodeProto { attribute: vec![axis], ..node }
}

fn port(name: String, shape: &[usize]) -> ValueInfoProto {
    let dimension = |&d: &usize| Dimension { value: Some(DimensionValue::Value(d as i64)), ..Dimension::default() };
    let shape = Some(TensorShapeProto { dim: shape.iter().map(dimension).collect() });
    let value = Some(TypeValue::Tensor(TensorType { elem_type: 1, shape }));
    ValueInfoProto { name, ty: Some(TypeProto { value, ..TypeProto::default() }), ..ValueInfoProto::default() }
}

fn constant(name: String, shape: &[usize], values: &[f32]) -> TensorProto {
    let tensor = Tensor::from_elements(shape.to_vec(), values);
    assert_eq!(tensor.dtype(), DType::F32);
    let dims = shape.iter().map(|&d| d as i64).collect();
    let raw_data = Some(tensor.data().to_vec().into());
    TensorProto { name, data_type: 1, dims, raw_data, ..TensorProto::default() }
}

fn model(
    node: Vec<NodeProto>,
    input: ValueInfoProto,
    output: Vec<ValueInfoProto>,
    initializer: Vec<TensorProto>,
) -> ModelProto {
    let graph = GraphProto { node, input: vec![input], output, initializer, ..GraphProto::default() };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 17 }];
    ModelProto { ir_version: 8, opset_import, graph, ..ModelProto::default() }
}

fn v(i: usize) -> String {
    format!("v{i}")
}

/// `n` Relus, one behind the other.
fn relus(n: usize) -> ModelProto {
    let nodes = (0..n).map(|i| node("Relu", vec![v(i)], vec![v(i + 1)])).collect();
    model(nodes, port(v(0), &[1, 8]), vec![port(v(n), &[1, 8])], Vec::new())
}

/// `n` times a product with the same weights and a Softmax, one behind the other.
fn matmuls(n: usize) -> ModelProto {
    let pair = |i: usize| {
        let product = node("MatMul", vec![v(i), "w".into()], vec![format!("m{i}")]);
        [product, node("Softmax", vec![format!("m{i}")], vec![v(i + 1)])]
    };
    let weights: Vec<f32> = (0..16).map(|i| (i as f32 * 0.7).sin()).collect();
    let weights = vec![constant("w".into(), &[4, 4], &weights)];
    model((0..n).flat_map(pair).collect(), port(v(0), &[1, 4]), vec![port(v(n), &[1, 4])], weights)
}

/// A Concat of `n` times the same value.
fn concat(n: usize) -> ModelProto {
    let nodes = vec![on_axis(node("Concat", vec!["x".into(); n], vec!["y".into()]), 0)];
    model(nodes, port("x".into(), &[4]), vec![port("y".into(), &[4 * n])], Vec::new())
}

/// A Split into `n` parts, a function of each, and a Concat of the results.
fn concat_of_parts(n: usize) -> ModelProto {
    let names = |prefix: &str| (0..n).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>();
    let (parts, results) = (names("p"), names("q"));
    let mut nodes = vec![on_axis(node("Split", vec!["x".into()], parts.clone()), 1)];
    nodes.extend(parts.into_iter().zip(&results).map(|(p, q)| node("Sigmoid", vec![p], vec![q.clone()])));
    nodes.push(on_axis(node("Concat", results, vec!["y".into()]), 1));
    model(nodes, port("x".into(), &[1, n]), vec![port("y".into(), &[1, n])], Vec::new())
}

/// Two chains of functions, each of whose results is an output.
fn outputs(n: usize) -> ModelProto {
    let y = |i: usize| format!("y{i}");
    let step = |i: usize| {
        let from = if i < 2 { "x".into() } else { y(i - 2) };
        node(if i % 2 == 1 { "Relu" } else { "Sigmoid" }, vec![from], vec![y(i)])
    };
    let ports = (0..n).map(|i| port(y(i), &[1, 4])).collect();
    model((0..n).map(step).collect(), port("x".into(), &[1, 4]), ports, Vec::new())
}

/// Sums of the input and `n` constants, each an output.
fn outputs_with_weights(n: usize) -> ModelProto {
    let step = |i: usize| node("Add", vec!["x".into(), format!("w{i}")], vec![format!("y{i}")]);
    let ports = (0..n).map(|i| port(format!("y{i}"), &[1, 4])).collect();
    let weight = |i: usize| constant(format!("w{i}"), &[1, 4], &[0.0, 1.0, 2.0, 3.0].map(|w| w + i as f32));
    model((0..n).map(step).collect(), port("x".into(), &[1, 4]), ports, (0..n).map(weight).collect())
}
