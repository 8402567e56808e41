//! Branches and loops: bodies of a few elementwise nodes, which read what is carried, scanned and captured.

use zantc::import::to_raw;
use zantc::ir::{DType, Tensor, Type};
use zantc::onnx::proto::{AttributeProto, GraphProto, NodeProto, ValueInfoProto};

use super::{Entry, op};
use crate::random::draft::Draft;

pub(super) const OPS: &[Entry] = &[op("If", 7, choice), op("Loop", 7, repeat), op("Scan", 9, scan)];

/// Types that all of the bodies' operators take in every opset.
const TYPES: &[DType] = &[DType::F32, DType::F32, DType::F32, DType::I32, DType::I64];

fn node(op_type: &str, inputs: &[&str], output: &str) -> NodeProto {
    let input = inputs.iter().map(ToString::to_string).collect();
    NodeProto { op_type: op_type.into(), input, output: vec![output.into()], ..NodeProto::default() }
}

fn graph(node: Vec<NodeProto>, inputs: &[String], outputs: &[String]) -> GraphProto {
    let named = |n: &String| ValueInfoProto { name: n.clone(), ..ValueInfoProto::default() };
    let (input, output) = (inputs.iter().map(named).collect(), outputs.iter().map(named).collect());
    GraphProto { name: "within".into(), node, input, output, ..GraphProto::default() }
}

fn set_graph(d: &mut Draft<'_>, name: &str, g: GraphProto) {
    let g = Some(Box::new(g));
    d.node.attribute.push(AttributeProto { name: name.into(), kind: 5, g, ..AttributeProto::default() });
}

/// A few nodes from some values to `result`, all of one shape.
fn body(d: &mut Draft<'_>, from: &[&str], result: &str, prefix: &str) -> Vec<NodeProto> {
    let count = d.r.within(1, 4);
    let mut names: Vec<String> = from.iter().map(ToString::to_string).collect();
    let mut nodes = Vec::new();
    for i in 0..count {
        let output = if i + 1 == count { result.to_string() } else { format!("{prefix}{i}") };
        let a = d.r.below(names.len());
        let b = d.r.below(names.len());
        let (a, b) = (names[a].clone(), names[b].clone());
        nodes.push(match d.r.below(5) {
            0 => node("Neg", &[&a], &output),
            1 => node("Abs", &[&a], &output),
            2 => node("Sub", &[&a, &b], &output),
            3 => node("Mul", &[&a, &b], &output),
            _ => node("Add", &[&a, &b], &output),
        });
        names.push(output);
    }
    nodes
}

fn choice(d: &mut Draft<'_>) -> Option<()> {
    d.exactly(DType::Bool, []);
    let x = d.x_of(TYPES, vec![2, 3], |s| s.len() < 5);
    let y = d.one_in(2);
    if y {
        d.exactly(x.dtype, x.shape.clone());
    }
    d.captures = 1 + usize::from(y);
    let names: &[&str] = if y { &["@0", "@1"] } else { &["@0"] };
    let results = d.r.within(1, 2);
    for branch in ["then_branch", "else_branch"] {
        let outputs: Vec<String> = (0..results).map(|i| format!("{branch}_{i}")).collect();
        let read = if d.one_in(3) { &names[..1] } else { names };
        let nodes = outputs.iter().flat_map(|o| body(d, read, o, &format!("{o}_"))).collect();
        set_graph(d, branch, graph(nodes, &[], &outputs));
    }
    d.outputs(results);
    Some(())
}

fn repeat(d: &mut Draft<'_>) -> Option<()> {
    let trips = d.r.within(0, 6) as i64;
    d.given(Tensor::from_elements([], &[trips]));
    if d.one_in(2) {
        d.none();
    } else {
        d.either(Tensor::from_scalars(Type::new(DType::Bool, []), [zantc::ir::Scalar::Bool(true)]));
    }
    let x = d.x_of(TYPES, vec![2, 3], |s| s.len() < 5);
    let second = d.one_in(2);
    if second {
        d.exactly(x.dtype, x.shape.clone());
    }
    d.exactly(x.dtype, x.shape);
    d.captures = 1;
    let carried = 1 + usize::from(second);
    let names = |what: &str, n: usize| (0..n).map(|i| format!("{what}{i}")).collect::<Vec<String>>();
    let (before, after) = (names("v", carried), names("w", carried));
    let read: Vec<&str> = before.iter().map(String::as_str).chain(["@0"]).collect();
    let mut nodes: Vec<NodeProto> = Vec::new();
    if second && d.one_in(3) {
        // They change places.
        nodes.extend([node("Identity", &["v1"], "w0"), node("Identity", &["v0"], "w1")]);
    } else {
        after.iter().for_each(|o| nodes.extend(body(d, &read, o, &format!("{o}_"))));
    }
    let ends = d.one_in(3);
    if ends && d.opset >= 9 {
        let last = to_raw("", &Tensor::from_elements([], &[d.r.within(0, 3) as i64])).to_proto();
        let t = Some(Box::new(last));
        let value = AttributeProto { name: "value".into(), kind: 4, t, ..AttributeProto::default() };
        nodes.push(NodeProto { attribute: vec![value], ..node("Constant", &[], "last") });
        nodes.push(node("Less", &["number", "last"], "goes_on"));
    } else {
        nodes.push(node("Identity", &["holds"], "goes_on"));
    }
    let stacked = !ends && d.one_in(2);
    let inputs = [vec!["number".to_string(), "holds".into()], before].concat();
    let mut outputs = [vec!["goes_on".to_string()], after].concat();
    if stacked {
        nodes.push(node("Neg", &["v0"], "row"));
        outputs.push("row".into());
    }
    set_graph(d, "body", graph(nodes, &inputs, &outputs));
    d.outputs(carried + usize::from(stacked));
    Some(())
}

fn scan(d: &mut Draft<'_>) -> Option<()> {
    let x = d.x_of(TYPES, vec![3, 2], |s| (1..5).contains(&s.len()) && s[0] > 0);
    let row = x.shape[1..].to_vec();
    // A state comes before what is scanned: it is another operand, the first one is scanned as the last.
    let first = d.operands.pop()?;
    let state = d.one_in(2);
    if state {
        d.exactly(x.dtype, row.clone());
    }
    d.operands.push(first);
    d.exactly(x.dtype, row);
    d.captures = 1;
    let read: &[&str] = if state { &["s", "x", "@0"] } else { &["x", "@0"] };
    let mut nodes = body(d, read, "y", "y_");
    let mut outputs = vec!["y".to_string()];
    let mut inputs = vec!["x".to_string()];
    if state {
        nodes.extend(body(d, &["s", "y"], "s_next", "s_"));
        outputs.insert(0, "s_next".into());
        inputs.insert(0, "s".into());
    }
    set_graph(d, "body", graph(nodes, &inputs, &outputs));
    d.int("num_scan_inputs", 1);
    for name in ["scan_input_directions", "scan_output_directions"] {
        if d.one_in(3) {
            d.ints(name, &[1]);
        }
    }
    d.outputs(1 + usize::from(state));
    Some(())
}
