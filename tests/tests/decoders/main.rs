//! The wire format against a second, independent decoder: `onnx-protobuf`, which is generated from ONNX's own file.
//!
//! Every model and every official operator case is decoded by both and compared field by field, test vectors
//! included; and every tensor in them decodes to raw bytes and survives being written.

mod agree;

use std::fs;
use std::path::Path;

use agree::Agree;
use bytes::Bytes;
use prost::Message as _;
use protobuf::Message as _;
use zant_tests::cases::{self, Case};
use zantc::onnx::proto::{GraphProto, TensorProto, TypeValue, ValueInfoProto};
use zantc::onnx::{AttributeValue, ElementType, Limits, RawTensor, load};

#[test]
fn models_decode_as_the_second_decoder_decodes_them() {
    compare(cases::models(), "models");
}

#[test]
fn official_cases_decode_as_the_second_decoder_decodes_them() {
    compare(cases::conformance(), "official cases");
}

#[derive(Default)]
struct Seen {
    /// Tensors decoded to raw bytes.
    tensors: usize,
    /// Tensors of strings: they have no raw bytes.
    strings: usize,
    /// Test vectors that are sequences or optionals.
    not_tensors: usize,
}

fn compare(cases: Option<Vec<Case>>, what: &str) {
    let Some(cases) = cases else {
        println!("skipped: no {what}, for there is no shared folder");
        return;
    };
    assert!(!cases.is_empty());
    let mut seen = Seen::default();
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let error = compare_case(case, &mut seen).err()?;
            Some(format!("{}/{}: {error}", case.group, case.name))
        })
        .collect();
    assert!(failures.is_empty(), "{} of {} {what} differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
    let Seen { tensors, strings, not_tensors } = seen;
    println!("{} {what}, {tensors} tensors; {strings} of strings, {not_tensors} vectors are no tensors", cases.len());
}

fn compare_case(case: &Case, seen: &mut Seen) -> Result<(), String> {
    let limits = Limits::default();
    let model = load(&case.model(), &limits).map_err(|error| error.to_string())?;
    let theirs = onnx_protobuf::ModelProto::parse_from_bytes(&model.file).map_err(|error| error.to_string())?;
    model.proto.agree(&theirs)?;
    tensors_of(&model.proto.graph, &mut |tensor| check_tensor(tensor, seen))?;
    for set in case.data_sets() {
        // Initializers may be listed as inputs; vectors are then for the first ones, which are not.
        let graph = &model.proto.graph;
        let ends = [(&graph.input, &set.inputs), (&graph.output, &set.outputs)];
        for (value, path) in ends.into_iter().flat_map(|(values, paths)| values.iter().zip(paths)) {
            if is_tensor(value) {
                check_vector(path, seen).map_err(|error| format!("{path:?}: {error}"))?;
            } else {
                seen.not_tensors += 1;
            }
        }
    }
    Ok(())
}

fn is_tensor(value: &ValueInfoProto) -> bool {
    matches!(value.ty.as_ref().and_then(|ty| ty.value.as_ref()), Some(TypeValue::Tensor(_)))
}

fn check_vector(path: &Path, seen: &mut Seen) -> Result<(), String> {
    let bytes = Bytes::from(fs::read(path).map_err(|error| error.to_string())?);
    let theirs = onnx_protobuf::TensorProto::parse_from_bytes(&bytes).map_err(|error| error.to_string())?;
    let ours = TensorProto::decode(bytes.clone()).map_err(|error| error.to_string())?;
    ours.agree(&theirs)?;
    if ours.data_type != ElementType::String.code() {
        let tensor = RawTensor::read_pb(path, &Limits::default()).map_err(|error| error.to_string())?;
        assert_eq!(Some(tensor), RawTensor::decode(&ours, &Limits::default()).ok());
    }
    check_tensor(&ours, seen)
}

/// Decodes a tensor to raw bytes, writes it, and reads that back.
fn check_tensor(tensor: &TensorProto, seen: &mut Seen) -> Result<(), String> {
    let limits = Limits::default();
    if tensor.data_type == ElementType::String.code() {
        seen.strings += 1;
        return Ok(());
    }
    let raw = RawTensor::decode(tensor, &limits).map_err(|error| error.to_string())?;
    seen.tensors += 1;
    let bits = raw.elements() * raw.dtype.bits().ok_or("no width")? as usize;
    assert_eq!(raw.data.len(), bits.div_ceil(8), "{:?}", raw.name);
    let written = raw.to_proto().encode_to_vec();
    let again = RawTensor::from_pb(written.into(), &limits).map_err(|error| error.to_string())?;
    if again == raw { Ok(()) } else { Err(format!("tensor {:?} does not survive being written", raw.name)) }
}

/// Initializers and tensors in attributes, of the graph and its subgraphs.
fn tensors_of(graph: &GraphProto, visit: &mut dyn FnMut(&TensorProto) -> Result<(), String>) -> Result<(), String> {
    graph.initializer.iter().try_for_each(&mut *visit)?;
    for attribute in graph.node.iter().flat_map(|node| &node.attribute) {
        match attribute.value().ok_or_else(|| format!("attribute {:?} has no value", attribute.name))? {
            AttributeValue::Tensor(tensor) => visit(tensor)?,
            AttributeValue::Tensors(tensors) => tensors.iter().try_for_each(&mut *visit)?,
            AttributeValue::Graph(graph) => tensors_of(graph, visit)?,
            AttributeValue::Graphs(graphs) => graphs.iter().try_for_each(|graph| tensors_of(graph, visit))?,
            AttributeValue::Float(_)
            | AttributeValue::Int(_)
            | AttributeValue::Str(_)
            | AttributeValue::SparseTensor(_)
            | AttributeValue::Type(_)
            | AttributeValue::Floats(_)
            | AttributeValue::Ints(_)
            | AttributeValue::Strs(_)
            | AttributeValue::SparseTensors(_)
            | AttributeValue::Types(_)
            | AttributeValue::Reference(_) => {}
        }
    }
    Ok(())
}
