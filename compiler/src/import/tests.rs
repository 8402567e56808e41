//! What is refused of the structure of a model, and what is not: graphs written as messages, without a checker between.

use crate::diag::{Diagnostic, codes};
use crate::ir::Tensor;
use crate::onnx::proto::{
    AttributeProto, Dimension, DimensionValue, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};

use super::{Import, Options, import};

const F32: i32 = 1;
const I64: i32 = 7;

fn port(name: &str, elem_type: i32, dims: &[i64]) -> ValueInfoProto {
    let dim =
        dims.iter().map(|&d| Dimension { value: Some(DimensionValue::Value(d)), ..Dimension::default() }).collect();
    let tensor = TensorType { elem_type, shape: Some(TensorShapeProto { dim }) };
    let ty = Some(TypeProto { value: Some(TypeValue::Tensor(tensor)), ..TypeProto::default() });
    ValueInfoProto { name: name.into(), ty, ..ValueInfoProto::default() }
}

fn node(op_type: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let names = |names: &[&str]| names.iter().map(|n| n.to_string()).collect();
    NodeProto { op_type: op_type.into(), input: names(inputs), output: names(outputs), ..NodeProto::default() }
}

fn call(function: &str, input: &str, output: &str) -> NodeProto {
    NodeProto { domain: "f".into(), ..node(function, &[input], &[output]) }
}

fn opset(domain: &str, version: i64) -> OperatorSetIdProto {
    OperatorSetIdProto { domain: domain.into(), version }
}

fn function(name: &str, nodes: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        name: name.into(),
        domain: "f".into(),
        input: vec!["a".into()],
        output: vec!["b".into()],
        node: nodes,
        opset_import: vec![opset("", 17), opset("f", 1)],
        ..FunctionProto::default()
    }
}

fn ints(name: &str, dims: &[i64], values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        data_type: I64,
        dims: dims.to_vec(),
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

/// `x` and `y` of two floats, and the nodes between them.
fn model(nodes: Vec<NodeProto>) -> ModelProto {
    let graph = GraphProto {
        node: nodes,
        input: vec![port("x", F32, &[2])],
        output: vec![port("y", F32, &[2])],
        ..GraphProto::default()
    };
    ModelProto { ir_version: 8, opset_import: vec![opset("", 17), opset("f", 1)], graph, ..ModelProto::default() }
}

fn relu() -> ModelProto {
    model(vec![node("Relu", &["x"], &["y"])])
}

fn read(model: &ModelProto) -> Result<Import, Vec<Diagnostic>> {
    import(model, &Options::default())
}

/// The codes of what is wrong with a model.
fn wrong(model: &ModelProto) -> Vec<&'static str> {
    read(model).err().unwrap_or_default().iter().map(|d| d.code).collect()
}

#[test]
fn functions_that_double_stop_at_a_limit_with_one_finding() {
    let name = |level: usize| format!("A{level}");
    let mut m = model(vec![call("A0", "x", "y")]);
    for level in 0..29 {
        let callee = name(level + 1);
        m.functions.push(function(&name(level), vec![call(&callee, "a", "m"), call(&callee, "m", "b")]));
    }
    m.functions.push(function(&name(29), vec![node("Neg", &["a"], &["b"])]));
    assert_eq!(wrong(&m), [codes::TOO_LARGE]);
    // A smaller one is inlined.
    m.functions.drain(..25);
    m.graph.node[0] = call("A25", "x", "y");
    assert_eq!(read(&m).unwrap().graph.nodes.len(), 16);
}

#[test]
fn functions_have_one_definition_and_make_what_they_promise() {
    let mut m = model(vec![call("A", "x", "y")]);
    m.functions.push(function("A", vec![node("Neg", &["a"], &["b"])]));
    assert!(read(&m).is_ok());
    let mut twice = m.clone();
    twice.functions.push(function("A", vec![node("Relu", &["a"], &["b"])]));
    assert_eq!(wrong(&twice), [codes::MALFORMED_GRAPH]);
    let mut many = m.clone();
    many.graph.node[0].input.push("x".into());
    assert_eq!(wrong(&many), [codes::MALFORMED_GRAPH]);
    let mut attribute = m.clone();
    attribute.graph.node[0].attribute.push(AttributeProto { name: "alpha".into(), ..Default::default() });
    assert_eq!(wrong(&attribute), [codes::BAD_ATTRIBUTE]);
    m.functions[0].node[0].output[0] = "c".into();
    assert_eq!(wrong(&m), [codes::MALFORMED_GRAPH]);
}

#[test]
fn operator_sets_say_once_what_nodes_mean() {
    let with = |opsets: &[OperatorSetIdProto]| ModelProto { opset_import: opsets.to_vec(), ..relu() };
    assert_eq!(wrong(&with(&[])), [codes::MALFORMED_GRAPH]);
    assert_eq!(wrong(&with(&[opset("ai.onnx.ml", 3)])), [codes::MALFORMED_GRAPH]);
    assert_eq!(wrong(&with(&[opset("", 17), opset("ai.onnx", 16)])), [codes::MALFORMED_GRAPH]);
    assert_eq!(wrong(&with(&[opset("", 9999)])), [codes::UNSUPPORTED_OPERATOR]);
    assert!(read(&with(&[opset("ai.onnx", 17)])).is_ok());
    // Before IR version 3 models named none.
    assert!(read(&ModelProto { ir_version: 2, ..with(&[]) }).is_ok());
}

#[test]
fn ports_have_names_and_outputs_are_what_they_are_declared_as() {
    assert!(read(&relu()).is_ok());
    let mut m = relu();
    m.graph.input.push(port("", F32, &[2]));
    assert_eq!(wrong(&m), [codes::MALFORMED_GRAPH]);
    let mut m = relu();
    m.graph.initializer.push(ints("", &[1], &[1]));
    assert_eq!(wrong(&m), [codes::MALFORMED_GRAPH]);
    for declared in [port("y", I64, &[2]), port("y", F32, &[3]), port("y", F32, &[2, 1])] {
        let mut m = relu();
        m.graph.output[0] = declared;
        assert_eq!(wrong(&m), [codes::SHAPE_MISMATCH]);
    }
    let mut m = relu();
    m.graph.output[0].ty = None;
    assert!(read(&m).is_ok());
}

#[test]
fn results_that_an_operator_does_not_give_are_reported_where_they_are_used() {
    let norm = |reader: &str| {
        let stored = ["s", "b", "m", "v"].map(|name| TensorProto {
            name: name.into(),
            data_type: F32,
            dims: vec![2],
            float_data: vec![1.0; 2],
            ..TensorProto::default()
        });
        let batch_norm = node("BatchNormalization", &["x", "s", "b", "m", "v"], &["n", "mean"]);
        let mut m = model(vec![batch_norm, node("Relu", &[reader], &["y"])]);
        m.opset_import[0].version = 15;
        m.graph.initializer = stored.into();
        m.graph.input[0] = port("x", F32, &[1, 2]);
        m.graph.output[0].ty = None;
        m
    };
    assert!(read(&norm("n")).is_ok());
    assert_eq!(wrong(&norm("mean")), [codes::UNSUPPORTED_FORM]);
}

#[test]
fn constant_indices_lie_within_the_data() {
    let gather = |index: i64| {
        let mut m = model(vec![node("Gather", &["x", "i"], &["y"])]);
        m.graph.initializer.push(ints("i", &[1], &[index]));
        m.graph.output[0].ty = None;
        m
    };
    assert!(read(&gather(1)).is_ok() && read(&gather(-2)).is_ok());
    for index in [2, -3, i64::MIN, i64::MAX] {
        assert_eq!(wrong(&gather(index)), [codes::SHAPE_MISMATCH], "{index}");
    }
    // The second coordinate has two places, the first one.
    let mut m = model(vec![node("GatherND", &["x", "i"], &["y"])]);
    m.graph.input[0] = port("x", F32, &[1, 2]);
    m.graph.output[0].ty = None;
    m.graph.initializer.push(ints("i", &[1, 2], &[0, 1]));
    assert!(read(&m).is_ok());
    m.graph.initializer[0] = ints("i", &[1, 2], &[1, 0]);
    assert_eq!(wrong(&m), [codes::SHAPE_MISMATCH]);
}

#[test]
fn constants_made_here_are_bounded_together() {
    let mut m = model(Vec::new());
    m.graph.initializer.push(ints("s", &[1], &[1 << 24]));
    let names: Vec<String> = (0..5).map(|i| format!("c{i}")).collect();
    m.graph.node.extend(names.iter().map(|n| node("ConstantOfShape", &["s"], &[n])));
    let mut outputs: Vec<ValueInfoProto> = names.iter().map(|n| port(n, F32, &[1 << 24])).collect();
    m.graph.output = outputs.split_off(1);
    // 4 of 64 MiB are allowed, so the last one is refused.
    assert_eq!(wrong(&m), [codes::TOO_LARGE]);
    m.graph.initializer[0] = ints("s", &[1], &[(1 << 24) + 1]);
    assert!(wrong(&m).contains(&codes::TOO_LARGE));
}

#[test]
fn slices_have_any_step_but_each_axis_once() {
    let slice = |lists: [&[i64]; 4]| {
        let mut m = model(vec![node("Slice", &["x", "s", "e", "a", "t"], &["y"])]);
        let named = ["s", "e", "a", "t"].iter().zip(lists);
        m.graph.initializer = named.map(|(name, v)| ints(name, &[v.len() as i64], v)).collect();
        m.graph.output[0].ty = None;
        m
    };
    let back = read(&slice([&[1], &[i64::MIN], &[0], &[i64::MIN]])).unwrap().graph;
    assert_eq!(back.ty(back.outputs[0].value).shape, [1]);
    assert_eq!(wrong(&slice([&[0, 0], &[1, 1], &[0, -1], &[1, 1]])), [codes::SHAPE_MISMATCH]);
}

#[test]
fn orders_and_shapes_are_lists_of_what_there_is() {
    let mut m = model(vec![node("Transpose", &["x"], &["y"])]);
    let perm = AttributeProto { name: "perm".into(), kind: AttributeProto::INTS, ints: vec![-1], ..Default::default() };
    m.graph.node[0].attribute.push(perm);
    assert_eq!(wrong(&m), [codes::BAD_ATTRIBUTE]);
    let mut m = model(vec![node("Reshape", &["x", "s"], &["y"])]);
    m.graph.initializer.push(ints("s", &[1], &[2]));
    assert!(read(&m).is_ok());
    m.graph.initializer[0] = ints("s", &[1, 1], &[2]);
    assert_eq!(wrong(&m), [codes::SHAPE_MISMATCH]);
}

#[test]
fn ranges_end() {
    let range = |limit: f32| {
        let mut m = model(vec![node("Range", &["s", "l", "d"], &["r"])]);
        m.graph.output = vec![ValueInfoProto { name: "r".into(), ..Default::default() }];
        let constants = [("s", 0.0), ("l", limit), ("d", 1.0)];
        let constants = constants.map(|(name, v)| (name.to_string(), Tensor::from_elements([], &[v])));
        m.graph.input = constants.iter().map(|(name, _)| port(name, F32, &[])).collect();
        import(&m, &Options { constants: constants.into(), ..Options::default() }).map_err(|d| d[0].code).err()
    };
    assert_eq!(range(3.0), None);
    assert_eq!(range(f32::NAN), Some(codes::SHAPE_MISMATCH));
    assert_eq!(range(f32::INFINITY), Some(codes::SHAPE_MISMATCH));
}

#[path = "operands_tests.rs"]
mod operands;
