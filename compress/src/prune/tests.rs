//! Small networks of all forms of groups: what is left of them after a removal is the network with those channels at zero.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use zantc::Config;
use zantc::exec::{Executor, Hygiene};
use zantc::import::to_raw;
use zantc::ir::Tensor;
use zantc::onnx::Model;
use zantc::onnx::proto::{
    AttributeProto, Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto,
    TensorType, TypeProto, TypeValue, ValueInfoProto,
};
use zantc::pipeline::compile;

use super::groups::Groups;
use crate::layer::layers;
use crate::net::{Net, node, with_integer};
use crate::quantize::equalise::scale;

/// A network that is being written: each line is an operator, what it reads and what it makes.
struct Draft {
    nodes: Vec<NodeProto>,
    constants: Vec<(String, Tensor)>,
    seed: u64,
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), kind: AttributeProto::INTS, ints: values.to_vec(), ..AttributeProto::default() }
}

impl Draft {
    fn new(seed: u64) -> Draft {
        Draft { nodes: Vec::new(), constants: Vec::new(), seed }
    }

    fn numbers(&mut self, count: usize) -> Vec<f32> {
        let mut next = || {
            self.seed = self.seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.seed >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    fn constant(&mut self, name: &str, shape: &[usize]) -> String {
        let numbers = self.numbers(shape.iter().product());
        self.constants.push((name.into(), Tensor::from_elements(shape.to_vec(), &numbers)));
        name.into()
    }

    fn integers(&mut self, name: &str, values: &[i64]) {
        self.constants.push((name.into(), Tensor::from_elements([values.len()], values)));
    }

    fn op(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Vec<AttributeProto>) {
        self.nodes.push(node(op, output, inputs, output, attributes));
    }

    /// A convolution that keeps the extents of pictures.
    fn conv(&mut self, input: &str, output: &str, [from, to, kernel, group]: [usize; 4]) {
        let (w, b) = (format!("{output}_w"), format!("{output}_b"));
        self.constant(&w, &[to, from / group, kernel, kernel]);
        self.constant(&b, &[to]);
        let margin = (kernel / 2) as i64;
        let attributes = vec![with_integer("group", group as i64), ints("pads", &[margin; 4])];
        self.op("Conv", &[input, &w, &b], output, attributes);
    }

    fn gemm(&mut self, input: &str, output: &str, [from, to]: [usize; 2], turned: bool) {
        let (w, b) = (format!("{output}_w"), format!("{output}_b"));
        self.constant(&w, &if turned { [to, from] } else { [from, to] });
        self.constant(&b, &[to]);
        self.op("Gemm", &[input, &w, &b], output, vec![with_integer("transB", i64::from(turned))]);
    }

    /// The network from `x` to `y`.
    fn model(self, input: &[usize]) -> Model {
        let port = |name: &str, shape: Option<&[usize]>| {
            let dimension =
                |d: &usize| Dimension { value: Some(DimensionValue::Value(*d as i64)), ..Dimension::default() };
            let ty = shape.map(|shape| {
                let shape = Some(TensorShapeProto { dim: shape.iter().map(dimension).collect() });
                let value = Some(TypeValue::Tensor(TensorType { elem_type: 1, shape }));
                TypeProto { value, ..TypeProto::default() }
            });
            ValueInfoProto { name: name.into(), ty, ..ValueInfoProto::default() }
        };
        let initializer = self.constants.iter().map(|(name, tensor)| to_raw(name, tensor).to_proto()).collect();
        let graph = GraphProto {
            node: self.nodes,
            input: vec![port("x", Some(input))],
            output: vec![port("y", None)],
            initializer,
            ..GraphProto::default()
        };
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 13 }];
        let proto = ModelProto { ir_version: 8, opset_import, graph, ..ModelProto::default() };
        Model { proto, file: Vec::new().into(), external_files: Vec::new() }
    }
}

const PICTURE: [usize; 4] = [1, 3, 6, 6];

/// How many networks there are.
const NETWORKS: usize = 9;

/// Networks, and how many units their groups have.
fn network(which: usize, seed: u64) -> (Model, Vec<usize>) {
    let mut d = Draft::new(seed);
    match which {
        // A shortcut around a convolution, pooled.
        0 => {
            d.conv("x", "a", [3, 8, 3, 1]);
            d.op("Relu", &["a"], "ra", vec![]);
            d.conv("ra", "b", [8, 8, 3, 1]);
            d.op("Add", &["b", "ra"], "s", vec![]);
            d.op("Relu", &["s"], "rs", vec![]);
            d.conv("rs", "c", [8, 4, 1, 1]);
            d.op("GlobalAveragePool", &["c"], "p", vec![]);
            d.op("Flatten", &["p"], "f", vec![]);
            d.gemm("f", "y", [4, 3], true);
            (d.model(&PICTURE), vec![8, 4])
        }
        // Two values one behind the other, then a dense layer.
        1 => {
            d.conv("x", "a", [3, 5, 3, 1]);
            d.conv("x", "b", [3, 4, 1, 1]);
            d.op("Concat", &["a", "b"], "c", vec![with_integer("axis", 1)]);
            d.op("Sigmoid", &["c"], "s", vec![]);
            d.conv("s", "e", [9, 6, 1, 1]);
            d.op("MaxPool", &["e"], "m", vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])]);
            d.op("Flatten", &["m"], "f", vec![]);
            d.gemm("f", "g", [54, 7], false);
            d.op("Tanh", &["g"], "t", vec![]);
            d.gemm("t", "y", [7, 3], true);
            (d.model(&PICTURE), vec![5, 4, 6, 7])
        }
        // A depthwise convolution with two outputs for each channel.
        2 => {
            d.conv("x", "a", [3, 6, 1, 1]);
            d.conv("a", "dw", [6, 12, 3, 6]);
            d.op("Relu", &["dw"], "r", vec![]);
            d.conv("r", "c", [12, 5, 1, 1]);
            d.integers("to", &[1, 180]);
            d.op("Reshape", &["c", "to"], "f", vec![]);
            d.gemm("f", "y", [180, 3], true);
            (d.model(&PICTURE), vec![6, 5])
        }
        // Groups of two stay equally large.
        3 => {
            d.conv("x", "a", [3, 8, 3, 1]);
            d.op("Relu", &["a"], "r", vec![]);
            d.conv("r", "g", [8, 6, 3, 2]);
            d.op("Relu", &["g"], "rg", vec![]);
            d.conv("rg", "y", [6, 2, 1, 1]);
            (d.model(&PICTURE), vec![4, 3])
        }
        // Squeeze and excitation, and constants for each channel.
        4 => {
            d.conv("x", "a", [3, 8, 3, 1]);
            let (m, s) = (d.constant("m", &[1, 8, 1, 1]), d.constant("slope", &[8, 1, 1]));
            d.op("Mul", &["a", &m], "n", vec![]);
            d.op("PRelu", &["n", &s], "h", vec![]);
            d.op("GlobalAveragePool", &["h"], "p", vec![]);
            d.conv("p", "fc1", [8, 4, 1, 1]);
            d.op("Relu", &["fc1"], "r1", vec![]);
            d.conv("r1", "fc2", [4, 8, 1, 1]);
            d.op("Sigmoid", &["fc2"], "e", vec![]);
            d.op("Mul", &["e", "h"], "z", vec![]);
            d.conv("z", "y", [8, 2, 1, 1]);
            (d.model(&PICTURE), vec![8, 4])
        }
        // Products of matrices with biases behind them, and a normalisation that is not of a layer.
        5 => {
            let (w, b, v) = (d.constant("w", &[6, 10]), d.constant("bias", &[10]), d.constant("v", &[10, 4]));
            d.op("MatMul", &["x", &w], "p", vec![]);
            d.op("Add", &["p", &b], "q", vec![]);
            d.op("Relu", &["q"], "r", vec![]);
            d.op("Transpose", &["r"], "turned", vec![ints("perm", &[0, 1, 3, 2])]);
            d.op("Transpose", &["turned"], "back", vec![ints("perm", &[0, 1, 3, 2])]);
            d.op("MatMul", &["back", &v], "y", vec![]);
            (d.model(&PICTURE), vec![10])
        }
        // Attention: four heads of two channels each go whole, with what makes their queries, keys and values.
        6 | 7 => {
            d.constant("in", &[6, 24]);
            d.op("MatMul", &["x", "in"], "qkv", vec![]);
            d.integers("parts", &[8, 8, 8]);
            let parts: &[&str] = if which == 6 { &["qkv", "parts"] } else { &["qkv"] };
            d.op("Split", parts, "q", vec![with_integer("axis", -1)]);
            d.nodes[1].output.extend(["k".into(), "v".into()]);
            d.integers("heads", &[3, 6, 4, 2]);
            for (part, order) in [("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])] {
                let (shaped, turned) = (format!("{part}_heads"), format!("{part}_turned"));
                d.op("Reshape", &[part, "heads"], &shaped, vec![]);
                d.op("Transpose", &[&shaped], &turned, vec![ints("perm", &order)]);
            }
            d.op("MatMul", &["q_turned", "k_turned"], "scores", vec![]);
            d.constant("mask", &[6, 6]);
            d.op("Add", &["scores", "mask"], "masked", vec![]);
            d.op("Softmax", &["masked"], "shares", vec![with_integer("axis", -1)]);
            d.op("MatMul", &["shares", "v_turned"], "mixed", vec![]);
            d.op("Transpose", &["mixed"], "back", vec![ints("perm", &[0, 2, 1, 3])]);
            d.integers("flat", &[3, 6, 8]);
            d.op("Reshape", &["back", "flat"], "together", vec![]);
            d.constant("out", &[8, 4]);
            d.op("MatMul", &["together", "out"], "y", vec![]);
            (d.model(&PICTURE), vec![4])
        }
        // What reaches the output, an unknown operator, or another use of the same weights stays or has its own.
        _ => {
            d.conv("x", "a", [3, 6, 1, 1]);
            d.constant("w", &[6, 6, 1, 1]);
            d.op("Conv", &["a", "w"], "b", vec![]);
            d.op("Relu", &["b"], "rb", vec![]);
            d.op("Conv", &["rb", "w"], "c", vec![]);
            d.op("LRN", &["c"], "l", vec![with_integer("size", 3)]);
            d.op("Add", &["l", "rb"], "y", vec![]);
            (d.model(&PICTURE), vec![6])
        }
    }
}

fn run(net: &Net) -> Vec<f32> {
    let compiled = compile(&net.to_model(), &Config::new()).unwrap();
    let input: Vec<f32> = (0..108).map(|i| (i as f32 * 0.37).sin()).collect();
    let mut executor = Executor::new(&compiled.program, Hygiene::AsEmitted).unwrap();
    let outputs = executor.run_model(&[Tensor::from_elements(PICTURE.to_vec(), &input)]).unwrap();
    outputs[0].to_vec::<f32>().unwrap()
}

/// The model, in which layers do not look at such units.
fn blind(net: &Net, groups: &Groups, units: &BTreeSet<usize>) -> Net {
    let mut net = net.clone();
    for (at, read) in &groups.reads {
        let layer = layers(&net)[*at].clone().with_own_constants(&mut net);
        let mut weights = layer.weights(&net);
        let channels = read.len() / layer.groups;
        let (each, taps) = (layer.outputs / layer.groups, layer.depth / channels);
        for (place, weight) in weights.iter_mut().enumerate() {
            let (row, column) = (place / layer.depth, place % layer.depth);
            if units.contains(&read[row / each * channels + column / taps]) {
                *weight = 0.0;
            }
        }
        layer.set_weights(&mut net, &weights);
    }
    net
}

#[test]
fn groups_are_those_of_the_definition() {
    for which in 0..NETWORKS {
        let (model, units) = network(which, 3);
        let groups = Groups::find(&Net::open(&model).unwrap()).unwrap();
        assert_eq!(groups.groups.iter().map(|g| g.units.len()).collect::<Vec<usize>>(), units, "{which}");
        for group in &groups.groups {
            assert!(!group.makers.is_empty() && !group.readers.is_empty(), "{which}: {group:?}");
        }
    }
}

#[test]
fn shares_are_rounded_and_leave_something() {
    let (model, _) = network(1, 3);
    let groups = Groups::find(&Net::open(&model).unwrap()).unwrap();
    assert_eq!(groups.kept(&[0.5, 0.3, 0.99, 1.5]), [3, 3, 1, 1]);
}

#[test]
fn large_groups_keep_whole_vectors() {
    let (model, _) = network(1, 3);
    let mut groups = Groups::find(&Net::open(&model).unwrap()).unwrap();
    for (group, units) in groups.groups.iter_mut().zip([64, 31, 33, 35]) {
        group.units = (0..units).collect();
    }
    assert_eq!(groups.kept(&[0.3, 0.3, 0.999, 0.0]), [44, 22, 4, 35]);
}

#[test]
fn channels_are_scaled_where_twice_the_input_is_twice_the_output() {
    let scaled = |which: usize| {
        let groups = Groups::find(&Net::open(&network(which, 3).0).unwrap()).unwrap();
        let all = groups.groups.iter().map(|group| group.units.iter().filter(|id| !groups.bent.contains(id)).count());
        all.collect::<Vec<usize>>()
    };
    // Not through a sigmoid or a tanh, and not those of a product of two values.
    let expected: [&[usize]; NETWORKS] = [&[8, 4], &[0, 0, 6, 0], &[6, 5], &[4, 3], &[0, 4], &[10], &[0], &[0], &[6]];
    for (which, expected) in expected.iter().enumerate() {
        assert_eq!(scaled(which), *expected, "{which}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_model_with_scaled_channels_is_the_same_model(which in 0..NETWORKS, seed: u64, chosen: u64) {
        let net = Net::open(&network(which, seed).0).unwrap();
        let groups = Groups::find(&net).unwrap();
        let units = groups.groups.iter().flat_map(|group| &group.units).filter(|id| !groups.bent.contains(id));
        let factors = units.enumerate().map(|(at, id)| (*id, [1.0, 2.0, 16.0, 0.25][(chosen >> (2 * (at % 32)) & 3) as usize]));
        let factors: BTreeMap<usize, f32> = factors.collect();
        let mut scaled = net.clone();
        scale(&mut scaled, &groups, &factors);
        // Powers of two: not a bit is different.
        prop_assert_eq!(run(&scaled), run(&net));
        let constants = |net: &Net| net.constants().iter().map(|c| c.data.to_vec()).collect::<Vec<_>>();
        prop_assert_eq!(factors.values().all(|f| *f == 1.0), constants(&scaled) == constants(&net));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_model_without_channels_is_the_model_that_does_not_look_at_them(which in 0..NETWORKS, seed: u64, chosen: u64) {
        let (model, _) = network(which, seed);
        let net = Net::open(&model).unwrap();
        let groups = Groups::find(&net).unwrap();
        let all = groups.groups.iter().flat_map(|group| group.units.iter().copied());
        let units: BTreeSet<usize> = all.enumerate().filter(|(at, _)| chosen >> (at % 64) & 1 == 1).map(|(_, u)| u).collect();
        prop_assume!(!groups.empties(&units));
        let small = groups.remove(&net, &units);
        let (found, expected) = (run(&small), run(&blind(&net, &groups, &units)));
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found - expected).abs() <= 1e-5 * (1.0 + expected.abs()), "{} {}", found, expected);
        }
        let size = |net: &Net| net.constants().iter().map(|c| c.data.len()).sum::<usize>();
        prop_assert!(units.is_empty() || which == 8 || size(&small) < size(&net));
    }
}
