//! What the QDQ pass cannot prove stays in floats, with a reason that names the node; what it can does not.

use zantc::config::Config;
use zantc::ir::{Element, Op, Tensor};
use zantc::onnx::proto::{
    Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TensorType, TypeProto, TypeValue, ValueInfoProto,
};
use zantc::onnx::{Limits, load_bytes};
use zantc::pipeline::{Compiled, compile};

use prost::Message as _;

/// `quantize(MatMul(dequantize(x), dequantize(w)) + bias)` with what the tests vary.
struct Layer {
    depth: usize,
    w: i8,
    w_scale: f32,
    w_zero: i8,
    bias: f32,
    y_scale: f32,
    /// Between the product and its quantization.
    between: Option<&'static str>,
    /// Whether the product is an output too.
    read_twice: bool,
    /// Whether the product's operand is quantized.
    quantized: bool,
}

impl Default for Layer {
    fn default() -> Layer {
        Layer {
            depth: 8,
            w: 3,
            w_scale: 0.5,
            w_zero: 0,
            bias: 0.5,
            y_scale: 0.25,
            between: None,
            read_twice: false,
            quantized: true,
        }
    }
}

fn constant<T: Element>(name: &str, code: i32, dims: &[usize], values: &[T]) -> TensorProto {
    let raw_data = Some(Tensor::from_elements([values.len()], values).data().to_vec().into());
    let dims = dims.iter().map(|&d| d as i64).collect();
    TensorProto { name: name.into(), data_type: code, dims, raw_data, ..TensorProto::default() }
}

fn port(name: &str, elem_type: i32, dims: &[usize]) -> ValueInfoProto {
    let dim = |&d: &usize| Dimension { value: Some(DimensionValue::Value(d as i64)), ..Dimension::default() };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
    let ty =
        Some(TypeProto { value: Some(TypeValue::Tensor(TensorType { elem_type, shape })), ..TypeProto::default() });
    ValueInfoProto { name: name.into(), ty, ..ValueInfoProto::default() }
}

fn node(op_type: &str, input: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op_type.into(),
        name: output.into(),
        input: input.iter().map(|i| i.to_string()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

const F32: i32 = 1;
const I8: i32 = 3;
const COLUMNS: usize = 2;

impl Layer {
    fn compiled(&self) -> Compiled {
        let mut nodes = vec![
            node("QuantizeLinear", &["x", "x_scale", "x_zero"], "x_bytes"),
            node("DequantizeLinear", &["x_bytes", "x_scale", "x_zero"], "x_real"),
            node("DequantizeLinear", &["w", "w_scale", "w_zero"], "w_real"),
            node("MatMul", &[if self.quantized { "x_real" } else { "x" }, "w_real"], "product"),
            node("Add", &["product", "bias"], "sum"),
        ];
        let last = self.between.map_or("sum", |op| {
            nodes.push(node(op, &["sum"], "between"));
            "between"
        });
        nodes.push(node("QuantizeLinear", &[last, "y_scale", "x_zero"], "y"));
        let mut output = vec![port("y", I8, &[1, COLUMNS])];
        if self.read_twice {
            output.push(port("sum", F32, &[1, COLUMNS]));
        }
        let graph = GraphProto {
            node: nodes,
            input: vec![port("x", F32, &[1, self.depth])],
            output,
            initializer: vec![
                constant("x_scale", F32, &[], &[0.5f32]),
                constant("x_zero", I8, &[], &[0i8]),
                constant("w", I8, &[self.depth, COLUMNS], &vec![self.w; self.depth * COLUMNS]),
                constant("w_scale", F32, &[], &[self.w_scale]),
                constant("w_zero", I8, &[], &[self.w_zero]),
                constant("bias", F32, &[COLUMNS], &[self.bias; COLUMNS]),
                constant("y_scale", F32, &[], &[self.y_scale]),
            ],
            ..GraphProto::default()
        };
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 13 }];
        let model = ModelProto { ir_version: 8, opset_import, graph, ..ModelProto::default() };
        let model = load_bytes(model.encode_to_vec().into(), None, &Limits::default()).expect("it is well formed");
        compile(&model, &Config::new()).unwrap_or_else(|faults| panic!("{faults:#?}"))
    }

    /// Checks that the product stays in floats for a reason.
    fn stays(&self, reason: &str) {
        let compiled = self.compiled();
        let found: Vec<(&str, &str)> =
            compiled.graph.stays_float.iter().map(|s| (s.origin[0].name.as_str(), s.reason.as_str())).collect();
        assert_eq!(found, [("product", reason)]);
        assert!(
            compiled.graph.nodes.iter().any(|n| matches!(n.op, Op::MatMul { .. } | Op::TernaryMatMul { .. })),
            "{}",
            compiled.graph
        );
    }
}

#[test]
fn what_is_proved_leaves_no_floats() {
    for between in [None, Some("Relu")] {
        let compiled = Layer { between, ..Layer::default() }.compiled();
        assert_eq!(compiled.graph.stays_float, []);
        assert!(compiled.graph.nodes.iter().any(|n| matches!(n.op, Op::QConv { .. })), "{}", compiled.graph);
    }
}

#[test]
fn sums_that_may_overflow() {
    Layer { depth: 140_000, w: 127, ..Layer::default() }
        .stays("the sum of output channel 0 can reach 2275840002, which 32 bits do not hold");
}

#[test]
fn biases_between_the_multiples_of_the_scale() {
    Layer { bias: 0.3, ..Layer::default() }
        .stays("a bias is no multiple of the scale of the sums; `zantc quantize --kind biases` rounds it");
}

#[test]
fn weights_that_leave_their_bytes() {
    Layer { w: 127, w_zero: -2, ..Layer::default() }.stays("its weights less their zero points leave 8 bits");
}

#[test]
fn scales_whose_quotient_vanishes() {
    Layer { w_scale: 1e-38, bias: 0.0, y_scale: 1e30, ..Layer::default() }
        .stays("its scales multiplied and divided leave the range of f32");
}

#[test]
fn results_that_others_read_as_well() {
    Layer { read_twice: true, ..Layer::default() }.stays("its result is an output of the model in floats");
}

#[test]
fn results_that_no_table_or_bound_makes_bytes_of() {
    Layer { between: Some("LeakyRelu"), ..Layer::default() }.stays("its LeakyRelu is no bound of bytes");
}

#[test]
fn operands_that_are_not_quantized() {
    Layer { quantized: false, ..Layer::default() }.stays("its operand is not quantized: only its weights are");
}
