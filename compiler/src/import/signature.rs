//! What each operator of ONNX's own domain takes in each version of the operator set, and the check that a node keeps to it.
//!
//! `signatures.txt` has one line for each version that changed the form: name, first opset, number of inputs, number of
//! outputs, attributes (`-` where there are none); or name, opset and `withdrawn`. It is what `onnx.defs` of ONNX 1.23
//! says, without the attribute `consumed_inputs`, which never meant anything. `GroupNormalization` of opset 18, which was
//! deprecated for one of opset 21 and is in wide use, counts as valid; so does `SimplifiedLayerNormalization`, which ONNX Runtime puts into
//! this domain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::diag::codes;
use crate::onnx::proto::NodeProto;

use super::node::{At, Fault, Imported};

/// The least and the largest number of operands or results.
type Span = (usize, usize);

/// What an operator takes from one opset on.
struct Form {
    inputs: Span,
    outputs: Span,
    attributes: BTreeSet<&'static str>,
}

/// An operator's forms, each with its first opset, ascending; `None` where the operator was withdrawn.
type Forms = Vec<(i64, Option<Form>)>;

/// The forms of each operator.
static SIGNATURES: LazyLock<BTreeMap<&str, Forms>> = LazyLock::new(|| {
    let mut all: BTreeMap<&str, Forms> = BTreeMap::new();
    for line in include_str!("signatures.txt").lines() {
        let (name, since, form) = parse(line).expect("the table is well formed");
        all.entry(name).or_default().push((since, form));
    }
    all
});

fn parse(line: &'static str) -> Option<(&'static str, i64, Option<Form>)> {
    let span = |text: &str| match text.split_once("..") {
        None => text.parse().ok().map(|n| (n, n)),
        Some((least, "")) => Some((least.parse().ok()?, usize::MAX)),
        Some((least, most)) => Some((least.parse().ok()?, most.parse().ok()?)),
    };
    let words: Vec<&str> = line.split(' ').collect();
    match *words.as_slice() {
        [name, since, "withdrawn"] => Some((name, since.parse().ok()?, None)),
        [name, since, inputs, outputs, attributes] => {
            let attributes = attributes.split(',').filter(|&a| a != "-").collect();
            let form = Form { inputs: span(inputs)?, outputs: span(outputs)?, attributes };
            Some((name, since.parse().ok()?, Some(form)))
        }
        _ => None,
    }
}

/// Checks a node of ONNX's own domain against its operator in an opset. Unknown operators pass.
pub(super) fn check(node: &NodeProto, opset: i64) -> Imported<()> {
    let name = &node.op_type;
    let Some(versions) = SIGNATURES.get(name.as_str()) else { return Ok(()) };
    let unsupported = |message: String| Err(Fault::new(codes::UNSUPPORTED_OPERATOR, message).at(At::Operator));
    let form = match versions.iter().rev().find(|(since, _)| *since <= opset) {
        None => {
            return unsupported(format!(
                "operator `{name}` came with opset {}, the model asks for {opset}",
                versions[0].0
            ));
        }
        Some((since, None)) => {
            return unsupported(format!("operator `{name}` left with opset {since}, the model asks for {opset}"));
        }
        Some((_, Some(form))) => form,
    };
    let given = node.input.iter().rposition(|i| !i.is_empty()).map_or(0, |last| last + 1);
    count(given, form.inputs.1, "inputs", name)?;
    if node.input.len() < form.inputs.0 {
        return Err(Fault::new(codes::MISSING_INPUT, format!("input {} is missing", node.input.len())));
    }
    count(node.output.len(), form.outputs.1, "outputs", name)?;
    if node.output.len() < form.outputs.0 {
        return Err(Fault::new(codes::MALFORMED_GRAPH, format!("output {} is missing", node.output.len())));
    }
    for a in &node.attribute {
        // The checker of ONNX, too, leaves names of this form to the tools that write them.
        let private = a.name.starts_with("__") || a.name == "consumed_inputs";
        if !private && !form.attributes.contains(a.name.as_str()) {
            return Err(Fault::attribute(&a.name, format!("is not one of {name} at opset {opset}")));
        }
    }
    Ok(())
}

/// The most operands of an operator in an opset, nine where there is no bound, and its attributes.
#[cfg(test)]
pub(super) fn widest(name: &str, opset: i64) -> Option<(usize, Vec<&'static str>)> {
    let (_, form) = SIGNATURES.get(name)?.iter().rev().find(|(since, _)| *since <= opset)?;
    let form = form.as_ref()?;
    Some((form.inputs.1.min(9), form.attributes.iter().copied().collect()))
}

/// Refuses more operands or results than there may be.
pub(super) fn count(given: usize, most: usize, what: &str, name: &str) -> Imported<()> {
    if given > most {
        let message = format!("the node has {given} {what}, `{}` has {most}", name.escape_debug());
        return Err(Fault::new(codes::MALFORMED_GRAPH, message));
    }
    Ok(())
}

/// Refuses a node that gives one attribute twice.
pub(super) fn once(node: &NodeProto) -> Imported<()> {
    let mut seen = BTreeSet::new();
    match node.attribute.iter().find(|a| !seen.insert(&a.name)) {
        Some(a) => Err(Fault::attribute(&a.name, "is given twice")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::registry;
    use crate::onnx::proto::AttributeProto;

    fn node(op_type: &str, inputs: usize, outputs: usize, attributes: &[&str]) -> NodeProto {
        let names = |n: usize| vec!["v".to_string(); n];
        let attribute = attributes.iter().map(|a| AttributeProto { name: (*a).into(), ..Default::default() }).collect();
        NodeProto {
            op_type: op_type.into(),
            input: names(inputs),
            output: names(outputs),
            attribute,
            ..Default::default()
        }
    }

    #[test]
    fn every_supported_operator_has_a_signature() {
        for e in registry::entries().filter(|e| e.domain.is_empty()) {
            assert!(SIGNATURES.contains_key(e.name), "{}", e.name);
        }
        for (name, versions) in SIGNATURES.iter() {
            assert!(versions.windows(2).all(|w| w[0].0 < w[1].0), "{name}");
        }
    }

    #[test]
    fn operators_are_known_from_their_first_opset_until_they_leave() {
        let code = |node: &NodeProto, opset: i64| check(node, opset).err().map(|f| f.code);
        assert_eq!(code(&node("Mish", 1, 1, &[]), 17), Some(codes::UNSUPPORTED_OPERATOR));
        assert_eq!(code(&node("Mish", 1, 1, &[]), 18), None);
        assert_eq!(code(&node("Upsample", 2, 1, &["mode"]), 9), None);
        assert_eq!(code(&node("Upsample", 2, 1, &["mode"]), 10), Some(codes::UNSUPPORTED_OPERATOR));
        assert_eq!(code(&node("GroupNormalization", 3, 1, &["num_groups"]), 20), None);
    }

    #[test]
    fn operands_results_and_attributes_are_those_of_the_opset() {
        let code = |node: &NodeProto, opset: i64| check(node, opset).err().map(|f| f.code);
        assert_eq!(code(&node("Clip", 1, 1, &["min", "max"]), 10), None);
        assert_eq!(code(&node("Clip", 1, 1, &["min", "max"]), 11), Some(codes::BAD_ATTRIBUTE));
        assert_eq!(code(&node("Clip", 3, 1, &[]), 10), Some(codes::MALFORMED_GRAPH));
        assert_eq!(code(&node("Relu", 0, 1, &[]), 17), Some(codes::MISSING_INPUT));
        assert_eq!(code(&node("Relu", 1, 0, &[]), 17), Some(codes::MALFORMED_GRAPH));
        assert_eq!(code(&node("Relu", 1, 2, &[]), 17), Some(codes::MALFORMED_GRAPH));
        assert_eq!(code(&node("Sum", 400, 1, &[]), 17), None);
        let mut left_out = node("Relu", 2, 1, &[]);
        left_out.input[1].clear();
        assert_eq!(code(&left_out, 17), None);
        assert!(once(&node("Clip", 1, 1, &["min", "min"])).is_err());
    }
}
