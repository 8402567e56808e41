//! Small models for tests, written node by node.
#![allow(dead_code, reason = "each test file uses a part")]

use std::path::Path;

use zant_compress::data::{Data, Transform};
use zant_compress::method::Bench;
use zant_compress::net::Net;
use zant_compress::probe::Probe;
use zantc::import::to_raw;
use zantc::ir::{Tensor, text};
use zantc::onnx::Model;
use zantc::onnx::proto::{
    AttributeProto, Dimension, DimensionValue, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto, TensorType,
    TypeProto, TypeValue, ValueInfoProto,
};

/// A model that is being written.
pub(crate) struct Builder {
    proto: ModelProto,
    seed: u64,
}

impl Builder {
    /// With an input `x` of floats.
    pub(crate) fn new(opset: i64, input: &[i64]) -> Builder {
        let dim = |v: &i64| Dimension { value: Some(DimensionValue::Value(*v)), ..Dimension::default() };
        let shape = TensorShapeProto { dim: input.iter().map(dim).collect() };
        let tensor = TensorType { elem_type: 1, shape: Some(shape) };
        let ty = TypeProto { value: Some(TypeValue::Tensor(tensor)), ..TypeProto::default() };
        let mut proto = ModelProto { ir_version: 8, ..ModelProto::default() };
        proto.opset_import.push(OperatorSetIdProto { domain: String::new(), version: opset });
        proto.graph.name = "small".into();
        proto.graph.input.push(ValueInfoProto { name: "x".into(), ty: Some(ty), ..ValueInfoProto::default() });
        Builder { proto, seed: 7 }
    }

    /// A number from -1 to 1.
    pub(crate) fn random(&mut self) -> f32 {
        self.seed = self.seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.seed >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// A constant of random numbers up to a size.
    pub(crate) fn weights(mut self, name: &str, shape: &[usize], size: f32) -> Builder {
        let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| self.random() * size).collect();
        self.constant(name, &Tensor::from_elements(shape.to_vec(), &numbers))
    }

    /// A constant.
    pub(crate) fn constant(mut self, name: &str, tensor: &Tensor) -> Builder {
        self.proto.graph.initializer.push(to_raw(name, tensor).to_proto());
        self
    }

    /// A node with attributes of integers.
    pub(crate) fn node(mut self, op: &str, inputs: &[&str], output: &str, attributes: &[(&str, &[i64])]) -> Builder {
        let attribute = |(name, ints): &(&str, &[i64])| match *name {
            "group" | "axis" | "transB" => AttributeProto {
                name: (*name).into(),
                kind: AttributeProto::INT,
                i: Some(ints[0]),
                ..AttributeProto::default()
            },
            _ => AttributeProto {
                name: (*name).into(),
                kind: AttributeProto::INTS,
                ints: ints.to_vec(),
                ..AttributeProto::default()
            },
        };
        self.proto.graph.node.push(NodeProto {
            input: inputs.iter().map(|i| (*i).into()).collect(),
            output: vec![output.into()],
            name: format!("{op} of {output}"),
            op_type: op.into(),
            attribute: attributes.iter().map(attribute).collect(),
            ..NodeProto::default()
        });
        self
    }

    /// The model with an output.
    pub(crate) fn output(mut self, name: &str) -> Model {
        self.proto.graph.output.push(ValueInfoProto { name: name.into(), ..ValueInfoProto::default() });
        Model { proto: self.proto, file: bytes::Bytes::new(), external_files: Vec::new() }
    }
}

/// A network with all that real ones have: a depthwise convolution whose channels differ in size by thousands, squeeze and excitation, a hard
/// swish, a residual sum, a Concat, a Flatten into a product.
pub(crate) fn network() -> Model {
    let channels: Vec<f32> =
        (0..8 * 9).map(|i| [0.001f32, 4.0][i / 9 % 2] * (((i * 7) % 9) as f32 - 4.0) / 4.0).collect();
    Builder::new(14, &[1, 3, 8, 8])
        .weights("w1", &[8, 3, 3, 3], 0.4)
        .weights("b1", &[8], 0.2)
        .node("Conv", &["x", "w1", "b1"], "c1", &[("pads", &[1, 1, 1, 1])])
        .node("HardSwish", &["c1"], "h1", &[])
        .constant("w2", &Tensor::from_elements([8, 1, 3, 3], &channels))
        .weights("b2", &[8], 0.01)
        .node("Conv", &["h1", "w2", "b2"], "d", &[("pads", &[1, 1, 1, 1]), ("group", &[8])])
        .node("Relu", &["d"], "r", &[])
        .node("GlobalAveragePool", &["r"], "g", &[])
        .weights("w3", &[4, 8, 1, 1], 0.6)
        .node("Conv", &["g", "w3"], "s1", &[])
        .node("Relu", &["s1"], "s2", &[])
        .weights("w4", &[8, 4, 1, 1], 0.6)
        .weights("b4", &[8], 0.6)
        .node("Conv", &["s2", "w4", "b4"], "s3", &[])
        .node("Sigmoid", &["s3"], "s4", &[])
        .node("Mul", &["r", "s4"], "m", &[])
        .weights("w5", &[8, 8, 1, 1], 0.5)
        .weights("b5", &[8], 0.2)
        .node("Conv", &["m", "w5", "b5"], "p", &[])
        .node("Add", &["p", "h1"], "a", &[])
        .node("Concat", &["a", "m"], "cat", &[("axis", &[1])])
        .node("MaxPool", &["cat"], "pool", &[("kernel_shape", &[2, 2]), ("strides", &[2, 2])])
        .node("Flatten", &["pool"], "f", &[])
        .weights("w6", &[10, 256], 0.1)
        .weights("b6", &[10], 0.1)
        .node("Gemm", &["f", "w6", "b6"], "y", &[("transB", &[1])])
        .output("y")
}

/// Random examples of a shape in a file.
pub(crate) fn examples(folder: &Path, shape: &[usize]) -> std::path::PathBuf {
    let path = folder.join("examples.npy");
    let ty = zantc::ir::Type::new(zantc::ir::DType::F32, shape.to_vec());
    to_raw("", &text::random(&ty, 11)).write_npy(&path).unwrap();
    path
}

/// Opens examples for a model.
pub(crate) fn open(net: &Net, path: &Path) -> Data {
    let compiled = zantc::pipeline::compile(&net.to_model(), &zantc::Config::new()).unwrap();
    Data::open(path, None, &Transform::default(), &compiled.program).unwrap()
}

/// What a method works with.
pub(crate) fn bench(data: &Data) -> Bench<'_> {
    Bench { data, progress: &|_| {} }
}

/// A value of a model for all examples.
pub(crate) fn values(net: &Net, name: &str, data: &Data) -> Vec<f32> {
    let mut found = Vec::new();
    let probe = Probe::new(net, &[name.to_string()]).unwrap();
    probe.each(data, 0..data.len(), &mut |v| found.extend(v[0].to_vec::<f32>().unwrap())).unwrap();
    found
}

/// How far numbers are from others, as a share of them.
pub(crate) fn distance(from: &[f32], to: &[f32]) -> f64 {
    assert_eq!(from.len(), to.len());
    let sum = |of: &mut dyn Iterator<Item = f64>| of.map(|v| v * v).sum::<f64>().sqrt();
    let error = sum(&mut from.iter().zip(to).map(|(a, b)| f64::from(a - b)));
    error / sum(&mut from.iter().map(|a| f64::from(*a)))
}
