//! Prints an ONNX node on one line for diagnostics. Names are untrusted: they are escaped and cut.

use crate::diag::NodePlace;
use crate::ir::Origin;
use crate::onnx::AttributeValue;
use crate::onnx::proto::NodeProto;

use super::node::Fault;

/// Characters of a name that are shown.
const MAX_NAME: usize = 80;
/// Entries of a list that are shown.
const MAX_LIST: usize = 8;

/// The place of a fault within a model.
pub(super) fn place(index: usize, node: &NodeProto, fault: &Fault) -> NodePlace {
    let line = print(node);
    let span = fault.at.as_deref().filter(|t| !t.is_empty()).and_then(|t| {
        let text = show(t);
        line.rfind(&text).map(|start| (start, text.len()))
    });
    let origin = origin(index, node);
    NodePlace { index, name: origin.name, op_type: qualified(node), line, span }
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

fn print(node: &NodeProto) -> String {
    let list = |names: &[String]| names.iter().map(|n| show(n)).collect::<Vec<_>>().join(", ");
    let mut line = format!("{} = {}({})", list(&node.output), show(&qualified(node)), list(&node.input));
    if !node.attribute.is_empty() {
        let attributes: Vec<String> = node
            .attribute
            .iter()
            .map(|a| format!("{}: {}", show(&a.name), a.value().map_or("?".into(), attribute)))
            .collect();
        line += &format!(" {{{}}}", attributes.join(", "));
    }
    line
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
