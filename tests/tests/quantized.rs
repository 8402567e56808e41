//! Quantized models: every layer equals the naive integer reference to the bit, nothing is left in floats, and memory and
//! constants stay within what they need. And quantizations that make no sense: what a user reads.

use std::path::Path;

use zant_tests::cases::{Case, models};
use zant_tests::node::OneNode;
use zantc::config::Config;
use zantc::import::from_raw;
use zantc::ir::{Op, Tensor};
use zantc::onnx::{Limits, RawTensor};
use zantc::pipeline::{Compiled, compile};
use zantc::program::Arg;
use zantc::project::read;
use zantc::targets::{self, Target};
use zantc::verify::per_node::{first_wrong, values};

/// Models whose products are all of bytes, and the bytes that their arenas may have.
const MODELS: [(&str, usize); 12] = [
    ("beer", 140_000),
    ("hello_world_int8", 64),
    ("ad_autoencoder_int8", 1_450),
    ("kws_dscnn_int8", 16_500),
    ("ic_resnet8_int8", 36_000),
    ("vww_mobilenetv1_int8", 57_000),
    ("fomo8", 140_000),
    ("fomo8_qop", 140_000),
    ("mobilenet_v2_int8", 1_510_000),
    ("coco80_q", 221_000),
    ("new2", 170_000),
    ("gpt_small_decode_dynq", 270_000),
];

fn case(name: &str) -> Option<Case> {
    let found = models().unwrap_or_default().into_iter().find(|c| c.name == name);
    if found.is_none() {
        println!("skipped: 1 model, {name}, for its file is missing");
    }
    found
}

fn compiled(case: &Case) -> Compiled {
    compiled_for(case, targets::HOST)
}

fn compiled_for(case: &Case, target: &'static Target) -> Compiled {
    let model = read(&case.model()).expect("the model is well formed");
    compile(&model, &Config::new().target(target)).unwrap_or_else(|faults| panic!("{}: {faults:#?}", case.name))
}

/// Every layer of the first data set against the naive reference, in memory whose dead bytes are garbage; with the kernels for the
/// machine that builds, and with those for Arm, which compute here in plain Rust.
fn check_layers(name: &str, arena: usize) {
    let Some(case) = case(name) else { return };
    let compiled = compiled(&case);
    let read = |path| from_raw(&RawTensor::read_pb(path, &Limits::default()).unwrap()).unwrap();
    let inputs: Vec<Tensor> = case.data_sets()[0].inputs.iter().map(|p| read(p)).collect();
    let expected = values(&compiled.graph, &inputs, compiled.program.numerics).expect("the reference runs");
    let arm = compiled_for(&case, targets::find("cortex-m7").expect("it is a target"));
    for (compiled, which) in [(&compiled, "host"), (&arm, "Arm")] {
        let wrong = first_wrong(&compiled.program, &compiled.places, &expected, &inputs).expect("the program runs");
        assert_eq!(wrong, None, "{name}, {which}");
    }
    let bytes = compiled.program.layout.as_ref().expect("it is planned").arena_bytes;
    assert!(bytes <= arena, "{name}: an arena of {bytes} bytes");
}

macro_rules! layers {
    ($($test:ident: $at:literal),* $(,)?) => { $(
        #[test]
        fn $test() {
            let (name, arena) = MODELS[$at];
            assert_eq!(name, stringify!($test));
            check_layers(name, arena);
        }
    )* };
}
layers! {
    beer: 0,
    hello_world_int8: 1,
    ad_autoencoder_int8: 2,
    kws_dscnn_int8: 3,
    ic_resnet8_int8: 4,
    vww_mobilenetv1_int8: 5,
    fomo8: 6,
    fomo8_qop: 7,
    mobilenet_v2_int8: 8,
    coco80_q: 9,
    new2: 10,
    gpt_small_decode_dynq: 11,
}

/// Activations of 16 bits with weights of 8: kernels of integers, equal to the naive reference on every machine that has loops of its
/// own and in plain Rust.
#[test]
fn layers_of_16_bits_are_exact() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits_16x8");
    let model = read(&folder.join("digits_16x8.onnx")).expect("the model is well formed");
    let input = RawTensor::read_pb(&folder.join("test_data_set_1/input_0.pb"), &Limits::default()).unwrap();
    let inputs = [from_raw(&input).unwrap()];
    for target in ["host", "cortex-m7", "cortex-m0"] {
        let config = Config::new().target(targets::find(target).expect("it is a target"));
        let compiled = compile(&model, &config).unwrap_or_else(|faults| panic!("{target}: {faults:#?}"));
        let expected = values(&compiled.graph, &inputs, compiled.program.numerics).expect("the reference runs");
        let wrong = first_wrong(&compiled.program, &compiled.places, &expected, &inputs).expect("the program runs");
        assert_eq!(wrong, None, "{target}");
        let wide = compiled.program.steps.iter().filter(|s| s.call.name() == "conv2d_wide").count();
        assert_eq!((wide, compiled.graph.stays_float.len()), (3, 0), "{target}");
    }
}

/// No product of floats is left where the model has quantized ones, and the constants are little more than the weights.
#[test]
fn products_are_of_bytes_and_their_constants_are_not_widened() {
    // The last one's attention is in floats.
    for (name, _) in &MODELS[..11] {
        let Some(case) = case(name) else { continue };
        let compiled = compiled(&case);
        let mut needed = 0;
        for node in &compiled.graph.nodes {
            let floats = matches!(node.op, Op::Conv { .. } | Op::MatMul { .. } | Op::Softmax { .. });
            let behind_the_last = node.outputs.iter().any(|&v| compiled.graph.is_output(v)) || *name == "beer";
            assert!(!floats || matches!(node.op, Op::Softmax { .. }) && behind_the_last, "{name}: {}", node.op.name());
            if let Op::QConv { groups, .. } = &node.op {
                let bytes = node.inputs[1..4].iter().map(|&v| compiled.graph.ty(v).bytes()).sum::<usize>();
                // Weights of a depthwise convolution stand in whole vectors of 32 channels.
                let channels = compiled.graph.ty(node.inputs[1]).shape[0];
                let whole = if *groups > 1 { channels.next_multiple_of(32) } else { channels };
                needed += bytes * whole / channels;
            }
        }
        let program = &compiled.program;
        let tables = program.steps.iter().filter(|s| s.call.name().starts_with("table"));
        let mut tables: Vec<usize> = tables
            .filter_map(|s| match s.args[0] {
                Arg::Weight(w) => Some(w.index()),
                Arg::Buffer(..) | Arg::Empty(_) => None,
            })
            .collect();
        tables.sort_unstable();
        tables.dedup();
        let bytes = program.weights_bytes() - 256 * tables.len();
        assert!(bytes as f64 <= 1.05 * needed as f64 + 1024.0, "{name}: {bytes} bytes of constants for {needed}");
    }
}

/// Products of numbers with integer weights are one step each: numbers in, numbers out, and the weights stay bytes.
#[test]
fn numbers_that_are_quantized_on_the_way_are_one_step() {
    let Some(case) = case("gpt_small_decode_dynq") else { return };
    let program = compiled(&case).program;
    let named = |name: &str| program.steps.iter().filter(|s| s.call.name() == name).count();
    assert_eq!((named("dynamic_matmul"), named("matmul_bytes"), named("reduce_max")), (9, 0, 0));
    // 458,752 weights, eight bytes for each of 2,816 columns, and the embeddings, which are numbers.
    assert!(program.weights_bytes() <= 830_000, "{} bytes of constants", program.weights_bytes());
}

/// What a model of one node is refused with.
fn refused(node: OneNode) -> String {
    let faults = node.results().expect_err("it is refused");
    assert_eq!(faults.len(), 1, "{faults:?}");
    format!("{} {}", faults[0].code, faults[0].message)
}

#[test]
fn scales_must_be_positive_and_finite() {
    for (scale, text) in [(0.0, "0"), (-0.5, "-0.5"), (f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let quantize = OneNode::new("QuantizeLinear", 13).input(&[2], &[1.0f32, 2.0]).input(&[], &[scale]);
        let expected = format!("ZA0211 a scale is {text}; scales must be positive and finite");
        assert_eq!(refused(quantize), expected);
        let dequantize = OneNode::new("DequantizeLinear", 13).input(&[2], &[1i8, 2]).input(&[], &[scale]);
        assert_eq!(refused(dequantize), expected);
    }
}

#[test]
fn zero_points_must_be_quantized_numbers() {
    let bytes = |zero: i32| {
        OneNode::new("DequantizeLinear", 13).input(&[2], &[1i8, 2]).input(&[], &[0.5f32]).input(&[], &[zero])
    };
    let outside = "ZA0211 a zero point is 300, outside of -128..=127, the range of i8";
    assert_eq!(refused(bytes(300)), outside);
    assert_eq!(refused(bytes(-129)), outside.replace("300", "-129"));
    let other = "ZA0211 the zero point is i32, and the tensor i8: both must have one type";
    assert_eq!(refused(bytes(127)), other);
    let sums = |zero: i32| {
        OneNode::new("DequantizeLinear", 13).input(&[2], &[1i32, 2]).input(&[], &[0.5f32]).input(&[], &[zero])
    };
    assert_eq!(refused(sums(1)), "ZA0211 a zero point is 1, outside of 0..=0, the range of i32");
    sums(0).gives(&[0.5f32, 1.0]);
    let unsigned =
        OneNode::new("DequantizeLinear", 13).input(&[2], &[1u8, 2]).input(&[], &[0.5f32]).input(&[], &[-1i8]);
    assert_eq!(refused(unsigned), "ZA0211 a zero point is -1, outside of 0..=255, the range of u8");
}

#[test]
fn scales_of_channels_must_fit() {
    let node = OneNode::new("DequantizeLinear", 13).input(&[2, 3], &[1i8, 2, 3, 4, 5, 6]).input(&[2], &[0.5f32, 0.25]);
    let text = refused(node);
    assert!(text.starts_with("ZA0204 scales of shape [2] do not fit [2, 3] along dimension 1"), "{text}");
}

#[test]
fn sums_that_could_overflow_are_refused() {
    let k = 70_000;
    let node = OneNode::new("QLinearMatMul", 10)
        .input(&[1, k], &vec![1u8; k as usize])
        .input(&[], &[0.5f32])
        .input(&[], &[0u8])
        .input(&[k, 1], &vec![127i8; k as usize])
        .input(&[], &[0.5f32])
        .input(&[], &[0i8])
        .input(&[], &[0.5f32])
        .input(&[], &[0u8]);
    assert_eq!(refused(node), "ZA0211 the sum of output channel 0 can reach 2266950000, which 32 bits do not hold");
}
