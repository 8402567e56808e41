//! Models whose judgement is tested.

use std::path::Path;

use prost::Message as _;
use zantc::config::Config;
use zantc::import::{Options, import};
use zantc::ir::{Graph, Tensor};
use zantc::onnx::proto::{
    Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TensorType, TypeProto, TypeValue, ValueInfoProto,
};
use zantc::onnx::{Limits, load, load_bytes};
use zantc::pipeline::{Compiled, compile};
use zantc::verify::data::{folders, read_set};

/// ONNX's numbers of element types.
const F32: i32 = 1;
const I8: i32 = 3;
const I64: i32 = 7;

/// A model and its graph before all passes.
pub(crate) struct Net {
    pub(crate) proto: ModelProto,
    pub(crate) graph: Graph,
}

impl Net {
    pub(crate) fn read(path: &Path) -> Net {
        Net::of(load(path, &Limits::default()).expect("it is a model").proto)
    }

    pub(crate) fn of(proto: ModelProto) -> Net {
        let graph = import(&proto, &Options::default()).unwrap_or_else(|d| panic!("{d:?}")).graph;
        Net { proto, graph }
    }

    pub(crate) fn compiled(&self) -> Compiled {
        let model = load_bytes(self.proto.encode_to_vec().into(), None, &Limits::default()).expect("it is a model");
        compile(&model, &Config::new()).unwrap_or_else(|d| panic!("{d:?}"))
    }

    /// Inputs and outputs of the data sets in a folder.
    pub(crate) fn sets(&self, folder: &Path) -> Vec<(Vec<Tensor>, Vec<Tensor>)> {
        let program = self.compiled().program;
        let read = |folder: std::path::PathBuf| {
            let set = read_set(&folder, &program).unwrap_or_else(|d| panic!("{d:?}"));
            (set.inputs, set.outputs.into_iter().map(|o| o.expect("it has outputs")).collect())
        };
        folders(folder).into_iter().map(read).collect()
    }
}

fn port(name: &str, elem_type: i32, shape: &[i64]) -> ValueInfoProto {
    let dim = |&d: &i64| Dimension { value: Some(DimensionValue::Value(d)), ..Dimension::default() };
    let shape = Some(TensorShapeProto { dim: shape.iter().map(dim).collect() });
    let value = Some(TypeValue::Tensor(TensorType { elem_type, shape }));
    let ty = Some(TypeProto { value, ..TypeProto::default() });
    ValueInfoProto { name: name.into(), ty, ..ValueInfoProto::default() }
}

fn constant(name: &str, data_type: i32, dims: &[i64], bytes: Vec<u8>) -> TensorProto {
    let raw_data = Some(bytes.into());
    TensorProto { name: name.into(), data_type, dims: dims.to_vec(), raw_data, ..TensorProto::default() }
}

fn node(op_type: &str, input: &[&str], output: &str) -> NodeProto {
    let input = input.iter().map(|i| (*i).to_string()).collect();
    let output = vec![output.to_string()];
    NodeProto { op_type: op_type.into(), name: output[0].clone(), input, output, ..NodeProto::default() }
}

fn model(graph: GraphProto) -> ModelProto {
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 13 }];
    ModelProto { ir_version: 8, opset_import, graph, ..ModelProto::default() }
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Small whole numbers that look random.
fn numbers(count: usize, seed: u32, most: i8) -> Vec<i8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) % (2 * most as u32 + 1)) as i8 - most
    };
    (0..count).map(|_| next()).collect()
}

/// Inputs of [`residual`].
pub(crate) fn inputs() -> Vec<Tensor> {
    vec![Tensor::from_elements([1, 16, 4, 4], &numbers(256, 1, 8))]
}

/// `a = conv(x)`, `b = conv(conv(a))`, `a + b`, quantized. The scales of `b` make half of its sums lie in the middle between two
/// quanta, and one quantum of it is three of the sum's.
pub(crate) fn residual() -> Net {
    let scales = [("sx", 0.1f32), ("sw", 0.3), ("sa", 0.1), ("sb", 0.06), ("sy", 0.02)];
    let mut initializer: Vec<TensorProto> = scales.iter().map(|(n, s)| constant(n, F32, &[], floats(&[*s]))).collect();
    let bytes = |v: Vec<i8>| v.into_iter().map(|b| b as u8).collect::<Vec<u8>>();
    initializer.push(constant("zero", I8, &[], vec![0]));
    initializer.push(constant("zero_a", I8, &[], vec![0]));
    initializer.push(constant("w3", I8, &[8, 8, 1, 1], bytes(numbers(64, 4, 1))));
    initializer.push(constant("w1", I8, &[8, 16, 1, 1], bytes(numbers(128, 2, 2))));
    initializer.push(constant("w2", I8, &[8, 8, 1, 1], bytes(numbers(64, 3, 1))));
    let nodes = vec![
        node("DequantizeLinear", &["x", "sx", "zero"], "xr"),
        node("DequantizeLinear", &["w1", "sw", "zero"], "w1r"),
        node("Conv", &["xr", "w1r"], "ar"),
        node("QuantizeLinear", &["ar", "sa", "zero_a"], "a"),
        node("DequantizeLinear", &["a", "sa", "zero_a"], "ad"),
        node("DequantizeLinear", &["w3", "sw", "zero"], "w3r"),
        node("Conv", &["ad", "w3r"], "cr"),
        node("QuantizeLinear", &["cr", "sa", "zero"], "c"),
        node("DequantizeLinear", &["c", "sa", "zero"], "cd"),
        node("DequantizeLinear", &["w2", "sw", "zero"], "w2r"),
        node("Conv", &["cd", "w2r"], "br"),
        node("QuantizeLinear", &["br", "sb", "zero"], "b"),
        node("DequantizeLinear", &["b", "sb", "zero"], "bd"),
        node("Add", &["bd", "ad"], "sum"),
        node("QuantizeLinear", &["sum", "sy", "zero"], "y"),
    ];
    Net::of(model(GraphProto {
        node: nodes,
        input: vec![port("x", I8, &[1, 16, 4, 4])],
        output: vec![port("y", I8, &[1, 8, 4, 4])],
        initializer,
        ..GraphProto::default()
    }))
}

/// Outputs of every kind behind one quantized value of `[2, 4]`.
pub(crate) fn tails() -> Net {
    let initializer = vec![
        constant("tenth", F32, &[], floats(&[0.1])),
        constant("rows", F32, &[2], floats(&[0.5, 0.25])),
        constant("zero", I8, &[], vec![0]),
        constant("zeros", I8, &[2], vec![0, 0]),
    ];
    let mut by_row = node("DequantizeLinear", &["q", "rows", "zeros"], "each");
    by_row.attribute = vec![attribute("axis", 0)];
    let mut concat = node("Concat", &["real", "each"], "both");
    concat.attribute = vec![attribute("axis", 1)];
    let nodes = vec![
        node("QuantizeLinear", &["x", "tenth", "zero"], "q"),
        node("DequantizeLinear", &["q", "tenth", "zero"], "real"),
        node("Transpose", &["real"], "moved"),
        by_row,
        concat,
        node("Softmax", &["real"], "shares"),
        node("ArgMax", &["real"], "index"),
        node("Relu", &["x"], "plain"),
    ];
    let outputs = [
        ("q", I8, vec![2, 4]),
        ("moved", F32, vec![4, 2]),
        ("each", F32, vec![2, 4]),
        ("both", F32, vec![2, 8]),
        ("shares", F32, vec![2, 4]),
        ("index", I64, vec![1, 4]),
        ("plain", F32, vec![2, 4]),
    ];
    Net::of(model(GraphProto {
        node: nodes,
        input: vec![port("x", F32, &[2, 4])],
        output: outputs.iter().map(|(n, t, s)| port(n, *t, s)).collect(),
        initializer,
        ..GraphProto::default()
    }))
}

fn attribute(name: &str, v: i64) -> zantc::onnx::proto::AttributeProto {
    let mut a = zantc::onnx::proto::AttributeProto { name: name.into(), ..Default::default() };
    (a.kind, a.i) = (2, Some(v));
    a
}

/// The model with another zero point, of one byte, where values are dequantized.
pub(crate) fn with_zero_point_moved(proto: &ModelProto, name: &str, to: u8) -> ModelProto {
    let mut proto = proto.clone();
    proto.graph.initializer.push(constant("another_zero", I8, &[], vec![to]));
    let readers = proto.graph.node.iter_mut().filter(|n| n.op_type == "DequantizeLinear");
    let mut moved = 0;
    for input in readers.flat_map(|n| &mut n.input).filter(|i| *i == name) {
        *input = "another_zero".into();
        moved += 1;
    }
    assert_eq!(moved, 1, "{name} is the zero point of one value");
    proto
}
