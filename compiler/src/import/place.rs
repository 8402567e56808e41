//! Prints an ONNX node on one line for diagnostics. Names are untrusted: they are escaped and cut.

use std::ops::Range;

use crate::diag::NodePlace;
use crate::ir::Origin;
use crate::onnx::AttributeValue;
use crate::onnx::proto::NodeProto;

use super::exporter::scope;
use super::node::{At, Fault};

/// Characters of a name that are shown.
const MAX_NAME: usize = 80;
/// Entries of a list that are shown.
const MAX_LIST: usize = 8;

/// The place of a fault within a model.
pub(super) fn place(index: usize, node: &NodeProto, fault: &Fault) -> NodePlace {
    let (line, parts) = print(node);
    let span =
        fault.at.as_ref().and_then(|at| parts.iter().find(|(part, _)| part == at)).map(|(_, r)| (r.start, r.len()));
    let origin = origin(index, node);
    NodePlace { index, name: origin.name, op_type: qualified(node), line, span, scope: scope(node) }
}

/// Where a core operator came from.
pub(super) fn origin(index: usize, node: &NodeProto) -> Origin {
    let name = match node.name.as_str() {
        "" => node.output.iter().find(|o| !o.is_empty()).cloned().unwrap_or_default(),
        name => name.to_string(),
    };
    Origin { index, name, op_type: node.op_type.clone() }
}

/// The operator with its domain where it is not ONNX's own.
pub(super) fn qualified(node: &NodeProto) -> String {
    match node.domain.as_str() {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

/// The node on one line, and where its parts stand in it (bytes).
fn print(node: &NodeProto) -> (String, Vec<(At, Range<usize>)>) {
    let mut line = node.output.iter().map(|n| show(n)).collect::<Vec<_>>().join(", ") + " = ";
    let mut parts = Vec::new();
    let mut add = |line: &mut String, part: At, text: &str| {
        parts.push((part, line.len()..line.len() + text.len()));
        line.push_str(text);
    };
    add(&mut line, At::Operator, &show(&qualified(node)));
    line.push('(');
    for (i, name) in node.input.iter().enumerate() {
        line.push_str(if i > 0 { ", " } else { "" });
        add(&mut line, At::Input(i), &show(name));
    }
    line.push(')');
    for (i, a) in node.attribute.iter().enumerate() {
        line.push_str(if i > 0 { ", " } else { " {" });
        add(&mut line, At::Attribute(a.name.clone()), &show(&a.name));
        line += &format!(": {}", a.value().map_or("?".into(), attribute));
    }
    if !node.attribute.is_empty() {
        line.push('}');
    }
    (line, parts)
}

/// A name, escaped and cut; `_` where it is empty.
fn show(name: &str) -> String {
    if name.is_empty() {
        return "_".into();
    }
    let escaped: String = name.escape_debug().take(MAX_NAME + 1).collect();
    match escaped.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}..", &escaped[..end]),
        None => escaped,
    }
}

fn attribute(value: AttributeValue<'_>) -> String {
    fn list<T>(items: &[T], print: impl Fn(&T) -> String) -> String {
        let shown: Vec<String> = items.iter().take(MAX_LIST).map(print).collect();
        let rest = if items.len() > MAX_LIST { ", .." } else { "" };
        format!("[{}{rest}]", shown.join(", "))
    }
    let text = |s: &bytes::Bytes| format!("\"{}\"", show(&String::from_utf8_lossy(s)));
    match value {
        AttributeValue::Float(v) => v.to_string(),
        AttributeValue::Int(v) => v.to_string(),
        AttributeValue::Str(v) => text(v),
        AttributeValue::Floats(v) => list(v, f32::to_string),
        AttributeValue::Ints(v) => list(v, i64::to_string),
        AttributeValue::Strs(v) => list(v, text),
        AttributeValue::Tensor(t) => format!("tensor{:?}", t.dims),
        AttributeValue::Graph(_) => "graph".into(),
        AttributeValue::SparseTensor(_) => "sparse tensor".into(),
        AttributeValue::Type(_) => "type".into(),
        AttributeValue::Tensors(v) => format!("{} tensors", v.len()),
        AttributeValue::Graphs(v) => format!("{} graphs", v.len()),
        AttributeValue::SparseTensors(v) => format!("{} sparse tensors", v.len()),
        AttributeValue::Types(v) => format!("{} types", v.len()),
        AttributeValue::Reference(name) => format!("@{}", show(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::codes;
    use crate::onnx::proto::AttributeProto;

    fn marked(node: &NodeProto, at: At) -> Option<String> {
        let place = place(0, node, &Fault::new(codes::SHAPE_MISMATCH, "bad").at(at));
        place.span.map(|(start, len)| {
            let before = place.line[..start].to_string();
            before + "<" + &place.line[start..start + len] + ">" + &place.line[start + len..]
        })
    }

    #[test]
    fn the_part_at_fault_is_marked_whatever_else_looks_like_it() {
        let int = |name: &str| AttributeProto { name: name.into(), kind: 2, i: Some(3), ..AttributeProto::default() };
        let node = NodeProto {
            op_type: "GRU".into(),
            output: vec!["onnx::GRU_193".into(), "x".into()],
            input: ["x", "onnx::GRU_193", "", "x_long", "x"].map(String::from).to_vec(),
            attribute: vec![int("GRU_x"), int("x")],
            ..NodeProto::default()
        };
        let line = |text: &str| Some(text.to_string());
        let (head, tail) = ("onnx::GRU_193, x = ", "x, onnx::GRU_193, _, x_long, x) {GRU_x: 3, x: 3}");
        assert_eq!(marked(&node, At::Operator), line(&format!("{head}<GRU>({tail}")));
        let first = "onnx::GRU_193, x = GRU(<x>, onnx::GRU_193, _, x_long, x) {GRU_x: 3, x: 3}";
        assert_eq!(marked(&node, At::Input(0)), line(first));
        let last = "onnx::GRU_193, x = GRU(x, onnx::GRU_193, _, x_long, <x>) {GRU_x: 3, x: 3}";
        assert_eq!(marked(&node, At::Input(4)), line(last));
        let absent = "onnx::GRU_193, x = GRU(x, onnx::GRU_193, <_>, x_long, x) {GRU_x: 3, x: 3}";
        assert_eq!(marked(&node, At::Input(2)), line(absent));
        let attribute = "onnx::GRU_193, x = GRU(x, onnx::GRU_193, _, x_long, x) {GRU_x: 3, <x>: 3}";
        assert_eq!(marked(&node, At::Attribute("x".into())), line(attribute));
        assert_eq!(marked(&node, At::Input(9)), None);
        assert_eq!(marked(&node, At::Attribute("y".into())), None);
    }
}
