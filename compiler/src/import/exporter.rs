//! Where a node comes from in the program that was exported, as far as the file says: the module that it belongs to, and the line that
//! called it. What is read is the exporter's text; it is cut here and escaped where it is shown.

use crate::onnx::proto::NodeProto;

/// Characters of a place that are shown.
const MAX_CHARS: usize = 160;
/// Bytes of an exporter's text that are read.
const MAX_BYTES: usize = 64 << 10;

/// The places of a node, innermost first, such as `encoder.layers.0 (Linear)` and `model.py:12, in forward`.
pub(super) fn scope(node: &NodeProto) -> Vec<String> {
    let text = |key: &str| {
        let found = node.metadata_props.iter().find(|p| p.key == key && !p.value.is_empty());
        found.map(|p| head(&p.value))
    };
    let scopes = text("pkg.torch.onnx.name_scopes").map(list).unwrap_or_default();
    let classes = text("pkg.torch.onnx.class_hierarchy").map(list).unwrap_or_default();
    let module = module(&scopes, &classes).or_else(|| text("namespace").map(ToString::to_string));
    let line = text("pkg.torch.onnx.stack_trace").and_then(python_frame);
    let line = line.or_else(|| torchscript_frame(head(&node.doc_string)));
    module.into_iter().chain(line).map(|place| cut(&place)).collect()
}

/// The beginning of a text, as much as is read of it.
fn head(text: &str) -> &str {
    let end = (0..=MAX_BYTES.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    &text[..end]
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_string(),
    }
}

/// The entries of a list as Python prints it: `['', 'encoder', 'linear']`.
fn list(text: &str) -> Vec<&str> {
    let inner = text.trim().strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or_default();
    inner.split(',').map(|part| part.trim().trim_matches(['\'', '"'])).collect()
}

/// The module whose operator it is: the last but one of its scopes, of which the last is the operator itself, and its class.
fn module(scopes: &[&str], classes: &[&str]) -> Option<String> {
    let scope = scopes.iter().rev().skip(1).find(|s| !s.is_empty());
    let class = classes.iter().rev().nth(1).map(|c| c.rsplit('.').next().unwrap_or(c)).filter(|c| !c.is_empty());
    match (scope, class) {
        (Some(scope), Some(class)) => Some(format!("{scope} ({class})")),
        (Some(scope), None) => Some((*scope).to_string()),
        (None, Some(class)) => Some(class.to_string()),
        (None, None) => None,
    }
}

/// The innermost frame of a trace of Python's that is not of torch itself: `File "model.py", line 12, in forward`.
fn python_frame(trace: &str) -> Option<String> {
    let frame = |line: &str| {
        let (path, rest) = line.trim().strip_prefix("File \"")?.split_once("\", line ")?;
        let (number, function) = rest.split_once(", in ").unwrap_or((rest, ""));
        let number = number.trim_end_matches(',');
        number.bytes().all(|b| b.is_ascii_digit()).then(|| shown(path, number, function))
    };
    let frames: Vec<(bool, String)> = trace.lines().filter_map(frame).collect();
    own(frames.into_iter().rev())
}

/// The same of the text that TorchScript's exporter leaves, innermost first: `/home/me/model.py(12): forward`.
fn torchscript_frame(trace: &str) -> Option<String> {
    let frame = |line: &str| {
        let (at, function) = line.trim().rsplit_once("): ")?;
        let (path, number) = at.rsplit_once('(')?;
        (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then(|| shown(path, number, function))
    };
    let frames: Vec<(bool, String)> = trace.lines().filter_map(frame).collect();
    own(frames.into_iter())
}

/// A frame as it is shown, by the last part of its path, and whether it is of torch itself.
fn shown(path: &str, number: &str, function: &str) -> (bool, String) {
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let function = if function.is_empty() { String::new() } else { format!(", in {function}") };
    (path.contains("/torch/") || path.contains("\\torch\\"), format!("{file}:{number}{function}"))
}

/// The first frame that is the user's, else the first one.
fn own(frames: impl Iterator<Item = (bool, String)>) -> Option<String> {
    let mut first = None;
    for (of_torch, text) in frames {
        if !of_torch {
            return Some(text);
        }
        first.get_or_insert(text);
    }
    first
}

#[cfg(test)]
mod tests {
    use super::scope;
    use crate::onnx::proto::{NodeProto, StringStringEntryProto};

    fn node(metadata: &[(&str, &str)], doc: &str) -> NodeProto {
        let entry = |(key, value): &(&str, &str)| StringStringEntryProto { key: (*key).into(), value: (*value).into() };
        NodeProto {
            metadata_props: metadata.iter().map(entry).collect(),
            doc_string: doc.into(),
            ..NodeProto::default()
        }
    }

    #[test]
    fn modules_and_lines_of_torch_are_found() {
        let trace = "File \"/home/me/net/model.py\", line 12, in forward\n    x = self.fc(x)\nFile \"/usr/lib/python3/site-packages/torch/nn/modules/linear.py\", line 125, in forward\n    return F.linear(x)";
        let dynamo = node(
            &[
                ("pkg.torch.onnx.name_scopes", "['', 'encoder', 'encoder.layers.0', 'linear']"),
                (
                    "pkg.torch.onnx.class_hierarchy",
                    "['net.Net', 'net.Encoder', 'torch.nn.modules.linear.Linear', 'aten.linear.default']",
                ),
                ("pkg.torch.onnx.stack_trace", trace),
            ],
            "",
        );
        assert_eq!(scope(&dynamo), ["encoder.layers.0 (Linear)", "model.py:12, in forward"]);
        let script = node(
            &[],
            "/x/torch/nn/functional.py(33): linear\n/home/me/model.py(7): forward\n/x/torch/nn/modules/module.py(1): _call_impl\n",
        );
        assert_eq!(scope(&script), ["model.py:7, in forward"]);
    }

    #[test]
    fn what_says_nothing_gives_nothing() {
        let texts = ["", "[", "[]", "['']", "File \"", "File \"a\", line x, in f", "(): ", "a(): b", "a(x): b"];
        for text in texts {
            let keys = ["pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy", "pkg.torch.onnx.stack_trace"];
            assert_eq!(scope(&node(&keys.map(|k| (k, text)), text)), [""; 0], "{text:?}");
        }
        assert_eq!(scope(&node(&[("namespace", "Net/encoder")], "Linear layer of mine")), ["Net/encoder"]);
        let long = scope(&node(&[("namespace", &"é".repeat(1 << 17))], ""));
        assert_eq!(long[0].chars().count(), 162);
    }
}
