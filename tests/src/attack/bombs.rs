//! Small files that ask for much: each must end in a crate or a diagnostic within seconds and hundreds of MB.

use prost::Message as _;
use zantc::ir::Tensor;
use zantc::onnx::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};

use super::{Ended, compiled, package};
use crate::random::{info, model};

/// A bomb: its name, and the file.
pub type Bomb = (&'static str, fn() -> Vec<u8>);

/// All bombs.
pub const BOMBS: &[Bomb] = &[
    ("a chain of 100,000 Relus", || chain(100_000)),
    ("20,000 MatMul and Softmax", || products(20_000)),
    ("Concat of 20,000 operands", || concat(20_000, 20_000)),
    ("Concat of one value 20,000 times", || concat(1, 20_000)),
    ("12,000 outputs", || outputs(12_000)),
    ("100,000 attributes", || attributes(100_000)),
    ("graphs in graphs in graphs", || nested(60)),
    ("Expand to 2^40", || expand("Expand", &[1 << 20, 1 << 20])),
    ("Expand to 2^31", || expand("Expand", &[1 << 11, 1 << 20])),
    ("Tile by 2^40", || expand("Tile", &[1 << 40])),
    ("Reshape to a shape of rank 1,000", || expand("Reshape", &[1; 1000])),
    ("ConstantOfShape of 2^40", || of_shape(&[1 << 40])),
    ("ConstantOfShape of 2^30", || of_shape(&[1 << 30])),
    ("ConstantOfShape of 2^62 twice", || of_shape(&[1 << 62, 1 << 62])),
    ("an input of 2^40", || input(&[1 << 40])),
    ("an input of 8 GB", || input(&[1 << 31])),
    ("an input of 2^63 - 1 beside 0", || input(&[0, i64::MAX as usize])),
    ("a constant that doubles 40 times", doubling),
    ("an outer product of a million", outer),
    ("OneHot of 2^31 classes", one_hot),
    ("1,000 times the same input", || same(1_000)),
    ("a Sum of 20,000 operands", || sum(20_000)),
    ("a Split into 20,000", || split(20_000)),
];

fn node(op_type: &str, input: &[&str], output: &[&str]) -> NodeProto {
    let own = |names: &[&str]| names.iter().map(|n| (*n).to_string()).collect();
    NodeProto { op_type: op_type.into(), input: own(input), output: own(output), ..NodeProto::default() }
}

fn int(name: &str, v: i64) -> AttributeProto {
    AttributeProto { name: name.into(), kind: 2, i: Some(v), ..AttributeProto::default() }
}

fn constant(name: &str, values: &[i64]) -> TensorProto {
    zantc::import::to_raw(name, &Tensor::from_elements([values.len()], values)).to_proto()
}

fn file(node: Vec<NodeProto>, input: &[(&str, &[usize])], output: &[&str], initializer: Vec<TensorProto>) -> Vec<u8> {
    let output = output.iter().map(|n| zantc::onnx::proto::ValueInfoProto { name: (*n).into(), ..Default::default() });
    let graph = GraphProto {
        name: "bomb".into(),
        node,
        initializer,
        output: output.collect(),
        input: input.iter().map(|(n, s)| info(n, s, 1)).collect(),
        ..GraphProto::default()
    };
    let model: ModelProto = model(graph, 17);
    model.encode_to_vec()
}

fn chain(n: usize) -> Vec<u8> {
    let name = |i: usize| if i == 0 { "x".to_string() } else { format!("v{i}") };
    let nodes = (0..n).map(|i| node("Relu", &[&name(i)], &[&name(i + 1)])).collect();
    file(nodes, &[("x", &[4])], &[&name(n)], vec![])
}

fn products(n: usize) -> Vec<u8> {
    let name = |i: usize| if i == 0 { "x".to_string() } else { format!("v{i}") };
    let nodes = (0..n).map(|i| match i % 2 {
        0 => node("MatMul", &[&name(i), "w"], &[&name(i + 1)]),
        _ => node("Softmax", &[&name(i)], &[&name(i + 1)]),
    });
    let w = zantc::import::to_raw("w", &Tensor::from_elements([2, 2], &[0.5f32, 0.25, -0.5, 1.0])).to_proto();
    file(nodes.collect(), &[("x", &[2, 2])], &[&name(n)], vec![w])
}

/// The same names or as many different ones.
fn many(different: usize, n: usize) -> (Vec<NodeProto>, Vec<String>) {
    let nodes = (0..different).map(|i| node("Relu", &["x"], &[&format!("v{i}")])).collect();
    (nodes, (0..n).map(|i| format!("v{}", i % different)).collect())
}

fn concat(different: usize, n: usize) -> Vec<u8> {
    let (mut nodes, names) = many(different, n);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    nodes.push(NodeProto { attribute: vec![int("axis", 0)], ..node("Concat", &names, &["y"]) });
    file(nodes, &[("x", &[2])], &["y"], vec![])
}

fn sum(n: usize) -> Vec<u8> {
    let (mut nodes, names) = many(n, n);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    nodes.push(node("Sum", &names, &["y"]));
    file(nodes, &[("x", &[2])], &["y"], vec![])
}

fn same(n: usize) -> Vec<u8> {
    let nodes = vec![node("Sum", &vec!["x"; n], &["y"])];
    file(nodes, &[("x", &[2])], &["y"], vec![])
}

fn split(n: usize) -> Vec<u8> {
    let names: Vec<String> = (0..n).map(|i| format!("v{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    file(vec![node("Split", &["x"], &names)], &[("x", &[n])], &names[..2], vec![])
}

fn outputs(n: usize) -> Vec<u8> {
    let (nodes, names) = many(n, n);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    file(nodes, &[("x", &[2])], &names, vec![])
}

fn attributes(n: usize) -> Vec<u8> {
    let attribute = (0..n).map(|i| int(&format!("a{i}"), 1)).collect();
    file(vec![NodeProto { attribute, ..node("Relu", &["x"], &["y"]) }], &[("x", &[2])], &["y"], vec![])
}

fn nested(depth: usize) -> Vec<u8> {
    let mut graph = GraphProto { name: "leaf".into(), ..GraphProto::default() };
    for _ in 0..depth {
        let g = Some(Box::new(graph));
        let attribute = vec![AttributeProto { name: "then_branch".into(), kind: 5, g, ..AttributeProto::default() }];
        let node = vec![NodeProto { attribute, ..node("If", &["x"], &["y"]) }];
        graph = GraphProto { node, ..GraphProto::default() };
    }
    model(graph, 17).encode_to_vec()
}

fn expand(op: &str, shape: &[i64]) -> Vec<u8> {
    file(vec![node(op, &["x", "s"], &["y"])], &[("x", &[1])], &["y"], vec![constant("s", shape)])
}

fn of_shape(shape: &[i64]) -> Vec<u8> {
    file(vec![node("ConstantOfShape", &["s"], &["y"])], &[], &["y"], vec![constant("s", shape)])
}

fn input(shape: &[usize]) -> Vec<u8> {
    file(vec![node("Relu", &["x"], &["y"])], &[("x", shape)], &["y"], vec![])
}

fn doubling() -> Vec<u8> {
    let name = |i: usize| format!("c{i}");
    let double = |i: usize| NodeProto {
        attribute: vec![int("axis", 0)],
        ..node("Concat", &[&name(i), &name(i)], &[&name(i + 1)])
    };
    file((0..40).map(double).collect(), &[], &[&name(40)], vec![constant("c0", &[1, 2])])
}

fn outer() -> Vec<u8> {
    let nodes = vec![node("Add", &["x", "z"], &["y"])];
    file(nodes, &[("x", &[1_000_000, 1]), ("z", &[1, 1_000_000])], &["y"], vec![])
}

fn one_hot() -> Vec<u8> {
    let values = zantc::import::to_raw("v", &Tensor::from_elements([2], &[0.0f32, 1.0])).to_proto();
    let nodes = vec![node("OneHot", &["x", "d", "v"], &["y"])];
    file(nodes, &[("x", &[2])], &["y"], vec![constant("d", &[1 << 31]), values])
}

/// Runs a bomb, to the emitted files where it is compiled.
///
/// # Errors
/// What is wrong with how it ended.
pub fn run(number: usize) -> Result<Ended, String> {
    let (ended, compiled) = compiled(BOMBS[number].1())?;
    if let Some(compiled) = compiled {
        package(&compiled);
    }
    Ok(ended)
}
