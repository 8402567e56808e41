//! Dimensions of inputs that a model leaves open, and those of them that can have but one sensible value: the batch.
//!
//! A dimension is the batch where a word of its name says so, or where it is the leading one of all inputs of two dimensions and more, and
//! no word of its name says that it is a length of something.

use std::collections::{BTreeMap, BTreeSet};

use crate::onnx::proto::{Dimension, DimensionValue, GraphProto, TypeValue, ValueInfoProto};

/// Words in names of dimensions that are lengths, never numbers of examples.
const LENGTHS: &[&str] = &[
    "audio",
    "boxes",
    "channel",
    "channels",
    "context",
    "cols",
    "depth",
    "edges",
    "feature",
    "features",
    "frame",
    "frames",
    "h",
    "height",
    "heads",
    "l",
    "layers",
    "len",
    "length",
    "nodes",
    "past",
    "points",
    "rows",
    "seq",
    "sequence",
    "seqlen",
    "steps",
    "step",
    "t",
    "time",
    "timesteps",
    "token",
    "tokens",
    "total",
    "w",
    "width",
    "window",
];

/// A dimension of an input without a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDim {
    /// Its name, or `INPUT[AXIS]` where it has none.
    pub name: String,
    /// The input.
    pub input: String,
    /// The axis of the input.
    pub axis: usize,
}

impl OpenDim {
    /// The other name that `--dim` takes for it.
    pub fn place(&self) -> String {
        place(&self.input, self.axis)
    }
}

/// What `--dim` calls a dimension that has no name.
pub(super) fn place(input: &str, axis: usize) -> String {
    format!("{input}[{axis}]")
}

/// The dimensions of a model's inputs that are no numbers, each name once, in the order of the inputs.
pub fn open(graph: &GraphProto) -> Vec<OpenDim> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for input in inputs(graph) {
        for (axis, dim) in dims(input).iter().enumerate() {
            let Some(name) = symbol(input, axis, dim) else { continue };
            if seen.insert(name.clone()) {
                found.push(OpenDim { name, input: input.name.clone(), axis });
            }
        }
    }
    found
}

/// The names of dimensions that are the batch.
pub fn batches(graph: &GraphProto) -> BTreeSet<String> {
    let mut leading: BTreeMap<String, bool> = BTreeMap::new();
    let mut elsewhere = BTreeSet::new();
    let mut all = true;
    let mut named = BTreeSet::new();
    for input in inputs(graph) {
        let dims = dims(input);
        for (axis, dim) in dims.iter().enumerate() {
            match symbol(input, axis, dim) {
                // No number, and nothing else either.
                Some(_) if matches!(dim.value, Some(DimensionValue::Value(_))) => all = false,
                Some(name) if axis == 0 => _ = leading.insert(name, is_named(dim)),
                Some(name) => _ = elsewhere.insert(name),
                // What has one example already has a batch of one.
                None => all &= axis > 0 || dims.len() < 2 || dim.value == Some(DimensionValue::Value(1)),
            }
            if let Some(DimensionValue::Param(name)) = &dim.value
                && words(name).any(|w| w.starts_with("batch"))
            {
                named.insert(name.clone());
            }
        }
        // A list may be as long as it likes.
        all &= dims.len() != 1 || symbol(input, 0, &dims[0]).is_none();
    }
    let names = leading.values().filter(|named| **named).count();
    let lengths = |name: &str| words(name).any(|w| LENGTHS.contains(&w.as_str()));
    if all && names <= 1 && leading.iter().all(|(n, is_named)| !(elsewhere.contains(n) || *is_named && lengths(n))) {
        named.extend(leading.into_keys());
    }
    named
}

/// The inputs that are no initializers.
fn inputs(graph: &GraphProto) -> impl Iterator<Item = &ValueInfoProto> {
    let initializers: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    graph.input.iter().filter(move |i| !initializers.contains(i.name.as_str()))
}

fn dims(input: &ValueInfoProto) -> &[Dimension] {
    match input.ty.as_ref().and_then(|t| t.value.as_ref()) {
        Some(TypeValue::Tensor(t)) => t.shape.as_ref().map_or(&[], |s| &s.dim),
        Some(_) | None => &[],
    }
}

/// What `--dim` calls a dimension, where it is no number.
fn symbol(input: &ValueInfoProto, axis: usize, dim: &Dimension) -> Option<String> {
    match &dim.value {
        Some(DimensionValue::Value(v)) if *v >= 0 => None,
        Some(DimensionValue::Param(name)) if !name.is_empty() => Some(name.clone()),
        Some(_) | None => Some(place(&input.name, axis)),
    }
}

/// Whether a dimension has a name that somebody gave: `unk__7` is none.
fn is_named(dim: &Dimension) -> bool {
    matches!(&dim.value, Some(DimensionValue::Param(name)) if !name.is_empty() && !name.starts_with("unk__"))
}

/// The words of a name, in small letters: `batchSize` and `BATCH_SIZE` are two.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars().take(256) {
        if !c.is_alphabetic() || (c.is_uppercase() && small) {
            words.push(String::new());
        }
        small = c.is_lowercase();
        if c.is_alphabetic() {
            words.last_mut().expect("there is one").extend(c.to_lowercase());
        }
    }
    words.into_iter().filter(|w| !w.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{batches, open};
    use crate::onnx::proto::{
        Dimension, DimensionValue, GraphProto, TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
    };

    /// Inputs `a`, `b`, .. with dimensions that are numbers, names, or `?`.
    fn graph(inputs: &[&str]) -> GraphProto {
        let input = |(i, dims): (usize, &&str)| {
            let dim = |text: &str| {
                let value = match text.parse() {
                    Ok(v) => Some(DimensionValue::Value(v)),
                    Err(_) => (text != "?").then(|| DimensionValue::Param(text.into())),
                };
                Dimension { value, ..Dimension::default() }
            };
            let dim = dims.split_whitespace().map(dim).collect();
            let tensor = TensorType { elem_type: 1, shape: Some(TensorShapeProto { dim }) };
            let ty = Some(TypeProto { value: Some(TypeValue::Tensor(tensor)), ..TypeProto::default() });
            ValueInfoProto { name: char::from(b'a' + i as u8).into(), ty, ..ValueInfoProto::default() }
        };
        GraphProto { input: inputs.iter().enumerate().map(input).collect(), ..GraphProto::default() }
    }

    #[test]
    fn the_leading_dimension_of_all_inputs_is_the_batch() {
        let of = |inputs: &[&str]| batches(&graph(inputs)).into_iter().collect::<Vec<_>>();
        assert_eq!(of(&["N 3 8 8"]), ["N"]);
        assert_eq!(of(&["? 3 8 8"]), ["a[0]"]);
        assert_eq!(of(&["unk__6 4", "unk__7 4"]), ["unk__6", "unk__7"]);
        assert_eq!(of(&["N 4", "1 7", "3"]), ["N"]);
        assert_eq!(of(&["s0 4", "s0 s1"]), ["s0"]);
        // A word of its name says so, wherever it stands.
        assert_eq!(of(&["2 batch_size 64", "seq batch_size"]), ["batch_size"]);
        assert_eq!(of(&["batchSize", "inputBatch 3"]), ["batchSize", "inputBatch"]);
    }

    #[test]
    fn lengths_and_what_differs_among_inputs_have_no_default() {
        for inputs in [
            &["seq_len 40"][..],
            &["T 40"],
            &["samples"],
            &["numFrames 40"],
            &["N 4", "M 4"],
            &["N 4", "2 4"],
            &["N N"],
            &["N 4", "3 N"],
        ] {
            assert!(batches(&graph(inputs)).is_empty(), "{inputs:?}");
        }
    }

    #[test]
    fn open_dimensions_are_listed_once_with_both_names() {
        let found = open(&graph(&["batch seq", "batch ? 3"]));
        let names: Vec<(&str, String)> = found.iter().map(|d| (d.name.as_str(), d.place())).collect();
        assert_eq!(names, [("batch", "a[0]".into()), ("seq", "a[1]".into()), ("b[1]", "b[1]".into())]);
    }
}
