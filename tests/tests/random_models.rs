//! Random models of every operator of the registry: see `zant_tests::random`.

use std::collections::BTreeSet;

use zant_tests::random::{OPERATORS, Outcome, PATTERNS, Sample, Tally, check, info, listing, model, run_seed, sample};
use zantc::config::Config;
use zantc::ir::{DType, Op};
use zantc::onnx::proto::{GraphProto, NodeProto, ValueInfoProto};
use zantc::onnx::{Limits, load_bytes};

use prost::Message as _;

/// Models that the test tries; `cargo xtask attack models` tries as many as one likes.
const MODELS: u64 = 680;

#[test]
fn every_operator_of_the_registry_has_a_generator() {
    let registry: BTreeSet<(&str, &str)> = zantc::import::registry::entries().map(|e| (e.domain, e.name)).collect();
    let generators: BTreeSet<(&str, &str)> = OPERATORS.iter().map(|e| (e.domain, e.name)).collect();
    assert_eq!(generators, registry);
}

#[test]
fn random_models_compute_what_the_reference_computes() {
    let mut tally = Tally::default();
    let faults: Vec<String> = (0..MODELS).flat_map(|seed| run_seed(seed, &mut tally)).collect();
    println!("{}", tally.line());
    assert!(faults.is_empty(), "{} faults in {MODELS} models:\n{}", faults.len(), faults.join("\n"));
    // An operator that the import never takes is one that nothing here tests.
    let rare = tally.rare(2);
    assert!(rare.is_empty(), "operators that hardly ran: {rare:?}\n{}", tally.table());
    let refused: usize = tally.refused.values().map(|(n, _)| n).sum();
    assert!(refused * 10 < tally.models, "too many models are refused:\n{}", tally.table());
}

#[test]
fn a_seed_always_gives_the_same_model() {
    let count = (OPERATORS.len() + PATTERNS.len()) as u64;
    for seed in (0..count).step_by(17) {
        let (a, b) = (sample(seed), sample(seed));
        assert_eq!(listing(&a), listing(&b));
        // As bytes: a NaN is not equal to itself.
        assert_eq!(a.model.encode_to_vec(), b.model.encode_to_vec());
    }
}

/// A model of one operator of a float value and a list of integers.
fn with_list(op_type: &str, shape: &[usize], list: &[i64]) -> Sample {
    let raw = zantc::import::to_raw("list", &zantc::ir::Tensor::from_elements([list.len()], list));
    let node = NodeProto {
        op_type: op_type.into(),
        input: vec!["x".into(), "list".into()],
        output: vec!["y".into()],
        ..NodeProto::default()
    };
    let output = ValueInfoProto { name: "y".into(), ..ValueInfoProto::default() };
    let graph = GraphProto {
        node: vec![node],
        initializer: vec![raw.to_proto()],
        input: vec![info("x", shape, 1)],
        output: vec![output],
        ..GraphProto::default()
    };
    let elements: Vec<f32> = (0..shape.iter().product::<usize>()).map(|i| i as f32 + 0.5).collect();
    let inputs = vec![zantc::ir::Tensor::from_elements(shape, &elements)];
    Sample { seed: 1, model: model(graph, 18), inputs, events: vec![], faults: vec![], wild: false }
}

#[test]
fn a_border_behind_the_outermost_dimension_alone_is_no_copy_of_the_whole() {
    for (shape, pads) in [(&[2, 3][..], &[0, 0, 3, 0][..]), (&[6], &[0, 2]), (&[2, 3], &[1, 0, 0, 0]), (&[1], &[0, 4])]
    {
        let ran = check(&with_list("Pad", shape, pads));
        assert_eq!(ran, Ok(Outcome::Ran { compared: true }), "{shape:?} {pads:?}");
    }
}

#[test]
fn the_middle_of_a_slice_is_no_copy_of_the_whole() {
    let cases: [(&[usize], &[i64], &[i64]); 3] =
        [(&[2, 3, 5], &[2, 2, 5], &[1, 2, 5]), (&[2, 2, 4], &[2, 2, 2], &[1, 1, 2]), (&[6], &[4], &[2])];
    for (shape, first, second) in cases {
        let mut sample = with_list("CenterCropPad", shape, first);
        let graph = &mut sample.model.graph;
        let raw = zantc::import::to_raw("second", &zantc::ir::Tensor::from_elements([second.len()], second));
        graph.initializer.push(raw.to_proto());
        let (input, output) = (vec!["y".into(), "second".into()], vec!["z".into()]);
        graph.node.push(NodeProto { input, output, ..graph.node[0].clone() });
        graph.output[0].name = "z".into();
        assert_eq!(check(&sample), Ok(Outcome::Ran { compared: true }), "{shape:?} {first:?} {second:?}");
    }
}

#[test]
fn a_reduction_of_nothing_over_dimensions_apart_has_its_results() {
    for (op, shape) in [("ReduceSum", &[0, 2, 6][..]), ("ReduceMax", &[3, 2, 0]), ("ReduceLogSumExp", &[0, 2, 6])] {
        let ran = check(&with_list(op, shape, &[0, 2]));
        assert_eq!(ran, Ok(Outcome::Ran { compared: true }), "{op} {shape:?}");
    }
}

/// Whether a model among the random ones, compiled, is such.
fn reached(is_such: impl Fn(&zantc::pipeline::Compiled) -> bool) -> bool {
    (0..MODELS).any(|seed| {
        let sample = sample(seed);
        let loaded = load_bytes(sample.model.encode_to_vec().into(), None, &Limits::default());
        let compiled = loaded.ok().and_then(|model| zantc::pipeline::compile(&model, &Config::new()).ok());
        compiled.is_some_and(|c| is_such(&c))
    })
}

/// Products with weights of three values, of floats and of bytes, are among the models.
#[test]
fn ternary_products_are_reached() {
    let with = |bytes: bool| {
        reached(|c| {
            c.graph.nodes.iter().any(|n| {
                matches!(n.op, Op::TernaryMatMul { .. }) && (c.graph.ty(n.inputs[0]).dtype == DType::I8) == bytes
            })
        })
    };
    assert!(with(false) && with(true));
}

/// So are weights of few bits in all kernels that take them.
#[test]
fn coded_weights_are_reached() {
    for kernel in ["coded_matvec", "coded_matmul", "coded_conv2d"] {
        assert!(reached(|c| c.program.steps.iter().any(|s| s.call.name() == kernel)), "{kernel}");
    }
}
