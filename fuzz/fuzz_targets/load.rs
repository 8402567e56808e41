//! Any bytes as a model: they are loaded or refused, and then everything that reads a loaded model runs on it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zantc::onnx::proto::{GraphProto, TensorProto};
use zantc::Config;
use zantc::onnx::{Limits, Model, RawTensor, load_bytes};
use zantc::pipeline::compile;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    // The code is part of what a user sees: it must be there for every refusal.
    match load_bytes(bytes.to_vec().into(), None, &limits) {
        Ok(model) => read(&model, &limits),
        Err(error) => assert!(error.code().starts_with("ZA00") && !error.to_string().is_empty()),
    }
});

/// The readers of a model, one after the other. A stage that takes a model joins them here.
fn read(model: &Model, limits: &Limits) {
    decode_tensors(&model.proto.graph, limits);
    compile_it(model);
}

/// Import, passes, lowering and planning; the graph and the plan are verified on the way, since assertions are on.
fn compile_it(model: &Model) {
    match compile(model, &Config::new().dim("N", 1).dim("batch", 1)) {
        Ok(compiled) => assert_eq!(zantc::program::verify(&compiled.program), Ok(())),
        Err(faults) => assert!(!faults.is_empty() && faults.iter().all(|d| d.code.starts_with("ZA"))),
    }
}

fn decode_tensors(graph: &GraphProto, limits: &Limits) {
    graph.initializer.iter().for_each(|tensor| decode(tensor, limits));
    for attribute in graph.node.iter().flat_map(|node| &node.attribute) {
        // Reads the field that the attribute's kind asks for, whatever it holds.
        let value = attribute.value();
        assert!(value.is_none() || attribute.kind <= 14);
        attribute.t.as_deref().into_iter().chain(&attribute.tensors).for_each(|tensor| decode(tensor, limits));
        attribute.g.as_deref().into_iter().chain(&attribute.graphs).for_each(|graph| decode_tensors(graph, limits));
    }
}

fn decode(tensor: &TensorProto, limits: &Limits) {
    if let Ok(raw) = RawTensor::decode(tensor, limits) {
        assert_eq!(raw.dtype.dense_bytes(raw.elements() as u64), Some(raw.data.len() as u64));
    }
}
