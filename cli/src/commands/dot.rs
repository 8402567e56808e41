//! Graphs in the language of Graphviz. Names are data: quoted and escaped, they cannot end a string.

use std::fmt::Write;

use zantc::diag::escape;
use zantc::ir::{Graph, ValueId};

/// The graph: a box for each operator, an ellipse for each input and output, an edge for each value between them.
/// Constants are left out.
pub(super) fn dot(graph: &Graph) -> String {
    let mut text = format!(
        "digraph {} {{\n  rankdir = TB;\n  node [shape = box, fontname = \"monospace\"];\n",
        quoted(&graph.name)
    );
    let producers = graph.producers();
    for (i, &v) in graph.inputs.iter().enumerate() {
        let value = graph.value(v);
        _ = writeln!(text, "  in{i} [shape = ellipse, label = {}];", quoted(&format!("{}\n{}", value.name, value.ty)));
    }
    // Where a value comes from; none for constants.
    let source = |v: ValueId| match producers[v.index()] {
        Some(n) => Some(format!("n{n}")),
        None => graph.inputs.iter().position(|&i| i == v).map(|i| format!("in{i}")),
    };
    let edge = |text: &mut String, v: ValueId, to: &str| {
        if let Some(from) = source(v) {
            _ = writeln!(text, "  {from} -> {to} [label = {}];", quoted(&graph.ty(v).to_string()));
        }
    };
    for (n, node) in graph.nodes.iter().enumerate() {
        let name = node.origin.last().map_or("", |o| o.name.as_str());
        _ = writeln!(text, "  n{n} [label = {}];", quoted(&format!("{}\n{name}", node.op.name())));
        node.inputs.iter().for_each(|&v| edge(&mut text, v, &format!("n{n}")));
    }
    for (i, o) in graph.outputs.iter().enumerate() {
        _ = writeln!(text, "  out{i} [shape = ellipse, label = {}];", quoted(&o.name));
        edge(&mut text, o.value, &format!("out{i}"));
    }
    text + "}\n"
}

/// A quoted string; line breaks that were put in on purpose become dot's own.
fn quoted(text: &str) -> String {
    let lines: Vec<String> =
        text.splitn(2, '\n').map(|l| escape(l).replace('\\', "\\\\").replace('"', "\\\"")).collect();
    format!("\"{}\"", lines.join("\\n"))
}

#[cfg(test)]
mod tests {
    use zantc::ir::{DType, Graph, Output, Type};

    use super::{dot, quoted};

    #[test]
    fn names_cannot_end_a_string() {
        assert_eq!(quoted("a\"]; evil \\"), "\"a\\\"]; evil \\\\\"");
        assert_eq!(quoted("conv\nx\ny"), "\"conv\\nx\\\\u{a}y\"");
    }

    #[test]
    fn an_input_that_is_an_output_is_an_edge() {
        let mut graph = Graph { name: "g".into(), ..Graph::default() };
        let x = graph.add_value("x", Type::new(DType::F32, [3]));
        graph.inputs.push(x);
        graph.outputs.push(Output { name: "y".into(), value: x });
        let text = dot(&graph);
        assert!(text.contains("in0 -> out0 [label = \"f32[3]\"];"), "{text}");
    }
}
