//! Real models: imported, evaluated as they stand and again after all passes; both must give the outputs that came with
//! them.
//!
//! Float models: within 1e-4 of the largest output, as the set's own description says is ample. Quantized models as they
//! stand are exact. After the passes they compute in integers, and differ in rounding ties alone: `quantized_ties` proves
//! that layer by layer. What the layers behind a tie make of its one quantum is stated in the model's line.

use std::path::PathBuf;

use zant_tests::cases::{Case, models};
use zantc::import::{Options, from_raw, import};
use zantc::ir::{DType, Graph, Reference, Tensor, eval_graph};
use zantc::onnx::{Limits, RawTensor, load};
use zantc::passes;

/// What float outputs may be off, as a part of the largest one.
const FLOATS: f64 = 1e-4;

/// Imports a model, runs it on `sets` of its data sets before and after the passes; prints where it is missing.
fn check(name: &str, dims: &[(&str, usize)], sets: usize, [imported_off, off]: [f64; 2]) {
    let Some(case) = models().unwrap_or_default().into_iter().find(|c| c.name == name) else {
        println!("skipped: 1 model, {name}, for its file is missing");
        return;
    };
    let dims = dims.iter().map(|&(name, size)| (name.to_string(), size)).collect();
    let model = load(&case.model(), &Limits::default()).unwrap();
    let options = Options { dims, ..Options::default() };
    let imported = import(&model.proto, &options).unwrap_or_else(|faults| panic!("{name}: {faults:#?}"));
    assert!(imported.warnings.is_empty(), "{name}: {:?}", imported.warnings);
    let mut graph = imported.graph;
    let before = (0..sets).map(|set| run(&case, &graph, set, imported_off, "as imported")).fold(0.0, f64::max);
    passes::run(&mut graph, &Reference::default(), |_, _| {});
    let after = (0..sets).map(|set| run(&case, &graph, set, off, "after the passes")).fold(0.0, f64::max);
    println!("{name}: off by {before:e} as imported, {after:e} after the passes");
}

/// Evaluates a graph on one data set; gives by how much it is off.
fn run(case: &Case, graph: &Graph, set: usize, tolerance: f64, when: &str) -> f64 {
    let data = &case.data_sets()[set];
    let read = |path: &PathBuf| from_raw(&RawTensor::read_pb(path, &Limits::default()).unwrap()).unwrap();
    let inputs: Vec<Tensor> = data.inputs.iter().map(read).collect();
    let expected: Vec<Tensor> = data.outputs.iter().map(read).collect();
    let outputs = eval_graph(graph, &inputs, &Reference::default()).unwrap();
    assert_eq!(outputs.len(), expected.len());
    let off = outputs.iter().zip(&expected).map(|(got, want)| distance(got, want)).fold(0.0, f64::max);
    assert!(off <= tolerance, "{}, data set {set}, {when}: off by {off}, may be {tolerance}", case.name);
    off
}

/// The largest difference: floats as a part of the largest value, integers in quanta.
fn distance(got: &Tensor, want: &Tensor) -> f64 {
    assert_eq!(got.ty(), want.ty());
    let pairs = || got.scalars().map(|s| s.to_f64()).zip(want.scalars().map(|s| s.to_f64()));
    assert!(pairs().all(|(g, w)| g.is_finite() && w.is_finite()));
    let off = pairs().map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
    let largest = pairs().map(|(_, w)| w.abs()).fold(0.0, f64::max);
    match want.dtype() {
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 if off > 0.0 => off / largest,
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 => off,
        DType::Bool | DType::Mini(_) | DType::I8 | DType::I16 | DType::I32 | DType::I64 => off,
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => off,
    }
}

macro_rules! models {
    ($($test:ident: $name:literal, [$($dim:literal = $size:literal),*], $sets:literal, $tolerances:expr;)*) => {
        $(#[test]
        fn $test() {
            check($name, &[$(($dim, $size)),*], $sets, $tolerances);
        })*
    };
}

// Large models run on one data set: the reference is naive.
models! {
    mnist_8: "mnist-8", [], 3, [FLOATS; 2];
    mnist_1: "mnist-1", [], 3, [FLOATS; 2];
    hello_world_f32: "hello_world_f32", [], 3, [FLOATS; 2];
    hello_world_f32_dyn: "hello_world_f32_dyn", ["unk__23" = 1], 3, [FLOATS; 2];
    ecg_cnn1d_dyn: "ecg_cnn1d_dyn", ["batch" = 1], 3, [FLOATS; 2];
    ad_autoencoder_f32: "ad_autoencoder_f32", [], 3, [FLOATS; 2];
    kws_dscnn_f32: "kws_dscnn_f32", [], 3, [FLOATS; 2];
    ic_resnet8_f32: "ic_resnet8_f32", [], 2, [FLOATS; 2];
    vww_mobilenetv1_f32: "vww_mobilenetv1_f32", [], 2, [FLOATS; 2];
    fomo8_f32: "fomo8_f32", [], 2, [FLOATS; 2];
    ternary_mlp: "ternary_mlp", [], 3, [FLOATS; 2];
    bitlinear_mlp: "bitlinear_mlp", [], 3, [FLOATS; 2];
    gpt_small_prefill: "gpt_small_prefill", [], 2, [FLOATS; 2];
    gpt_small_decode: "gpt_small_decode", [], 3, [FLOATS; 2];
    gpt_medium_prefill: "gpt_medium_prefill", [], 1, [FLOATS; 2];
    gpt_medium_decode: "gpt_medium_decode", [], 1, [FLOATS; 2];
    darknet_s: "darknet_s", [], 1, [FLOATS; 2];
    mobilenet_v2: "mobilenet_v2", [], 1, [FLOATS; 2];
    hello_world_int8: "hello_world_int8", [], 3, [0.0; 2];
    ad_autoencoder_int8: "ad_autoencoder_int8", [], 3, [0.0; 2];
    kws_dscnn_int8: "kws_dscnn_int8", [], 3, [0.0; 2];
    ic_resnet8_int8: "ic_resnet8_int8", [], 2, [0.0; 2];
    vww_mobilenetv1_int8: "vww_mobilenetv1_int8", [], 2, [0.0; 2];
    fomo8: "fomo8", [], 2, [FLOATS; 2];
    beer: "beer", [], 2, [FLOATS; 2];
    gpt_small_decode_dynq: "gpt_small_decode_dynq", [], 2, [FLOATS; 2];
    // One element of the million between its layers lies on a tie; 40 layers lie behind it.
    new2: "new2", [], 1, [FLOATS, 0.033];
}
