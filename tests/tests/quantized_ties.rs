//! Where integers and the float meaning of a quantized graph may differ: in rounding ties, and nowhere else.
//!
//! Each model is cut at its quantized activations, so that every layer is fed with the reference's own bytes; the reference is
//! the graph as imported, which computes in floats between conversions and gives the model's vectors exactly. The cut graph
//! after all passes must give the same bytes but in the elements stated, each one quantum away, where the number that the
//! reference rounds lies within `TIE` quanta of the middle between two: there the rounding of its sums in f32 decides,
//! while the integers' sums are exact.

use std::collections::{BTreeMap, BTreeSet};

use zant_tests::cases::models;
use zantc::import::{Options, from_raw, import};
use zantc::ir::{Graph, Reference, Tensor, eval_graph};
use zantc::onnx::proto::{
    Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, TensorShapeProto, TensorType, TypeProto, TypeValue,
    ValueInfoProto,
};
use zantc::onnx::{Limits, RawTensor, load};
use zantc::passes;

/// How far from the middle between two quanta a number may lie that rounds the other way: a few roundings of f32, which
/// has 24 bits, of numbers up to 255 quanta.
const TIE: f64 = 1.0 / 32768.0;

fn imported(proto: &ModelProto) -> Graph {
    import(proto, &Options::default()).unwrap_or_else(|faults| panic!("{faults:#?}")).graph
}

/// The QuantizeLinear nodes of activations, in order.
fn conversions(graph: &GraphProto) -> Vec<NodeProto> {
    let constants = graph.initializer.iter().map(|t| t.name.clone());
    let computed = graph.node.iter().filter(|n| n.op_type == "Constant").flat_map(|n| n.output.clone());
    let constants: BTreeSet<String> = constants.chain(computed).collect();
    let quantizes = |n: &&NodeProto| n.op_type == "QuantizeLinear" && !constants.contains(&n.input[0]);
    graph.node.iter().filter(quantizes).cloned().collect()
}

fn port(name: &str, tensor: &Tensor) -> ValueInfoProto {
    // ONNX's numbers of the two types of bytes.
    let elem_type = if tensor.dtype() == zantc::ir::DType::U8 { 2 } else { 3 };
    let dim = |&d: &usize| Dimension { value: Some(DimensionValue::Value(d as i64)), ..Dimension::default() };
    let shape = TensorShapeProto { dim: tensor.shape().iter().map(dim).collect() };
    let value = Some(TypeValue::Tensor(TensorType { elem_type, shape: Some(shape) }));
    let ty = Some(TypeProto { value, ..TypeProto::default() });
    ValueInfoProto { name: name.into(), ty, ..ValueInfoProto::default() }
}

/// The number, less the whole one below it.
fn fraction(v: f64) -> f64 {
    v - v.floor()
}

/// Checks a model on one of its data sets; gives how many elements differ, and of how many.
fn differing(name: &str, set: usize) -> Option<[usize; 2]> {
    let Some(case) = models().unwrap_or_default().into_iter().find(|c| c.name == name) else {
        println!("skipped: 1 model, {name}, for its file is missing");
        return None;
    };
    let model = load(&case.model(), &Limits::default()).unwrap();
    let nodes = conversions(&model.proto.graph);
    let read = |path| from_raw(&RawTensor::read_pb(path, &Limits::default()).unwrap()).unwrap();
    let inputs: Vec<Tensor> = case.data_sets()[set].inputs.iter().map(|path| read(path)).collect();

    // What is rounded, and the bytes that it becomes.
    let mut whole = model.proto.clone();
    let output = |name: &String| ValueInfoProto { name: name.clone(), ..ValueInfoProto::default() };
    whole.graph.output = nodes.iter().flat_map(|n| [output(&n.input[0]), output(&n.output[0])]).collect();
    let whole = imported(&whole);
    let values = eval_graph(&whole, &inputs, &Reference::default()).unwrap();
    let pairs: Vec<&[Tensor]> = values.chunks(2).collect();

    let mut apart = model.proto.clone();
    let mut fed = inputs.clone();
    let constants: BTreeMap<&str, &Tensor> =
        whole.values.iter().filter_map(|v| Some((v.name.as_str(), v.data.as_ref()?))).collect();
    for (i, (node, pair)) in nodes.iter().zip(&pairs).enumerate() {
        let new = format!("fed_{i}");
        let readers = apart.graph.node.iter_mut().flat_map(|n| &mut n.input).filter(|i| **i == node.output[0]);
        if readers.map(|i| *i = new.clone()).count() > 0 {
            apart.graph.input.push(port(&new, &pair[1]));
            fed.push(pair[1].clone());
        }
    }
    apart.graph.output = nodes.iter().zip(&pairs).map(|(n, pair)| port(&n.output[0], &pair[1])).collect();
    let mut apart = imported(&apart);
    passes::run(&mut apart, &Reference::default(), |_, _| {});
    let got = eval_graph(&apart, &fed, &Reference::default()).unwrap();

    let (mut off, mut all) = (0, 0);
    for ((node, pair), got) in nodes.iter().zip(&pairs).zip(&got) {
        let scale = constants[node.input[1].as_str()].scalars().next().unwrap().to_f64();
        all += got.len();
        for ((v, want), got) in pair[0].scalars().zip(pair[1].scalars()).zip(got.scalars()) {
            let (v, want, got) = (v.to_f64(), want.to_i64(), got.to_i64());
            if want != got {
                let from_tie = (fraction(v / scale) - 0.5).abs();
                let place = format!("{name}, {}: {got} for {want}, of {}", node.output[0], v / scale);
                assert!(want.abs_diff(got) == 1 && from_tie <= TIE, "{place}");
                println!("{place}");
                off += 1;
            }
        }
    }
    println!("{name}: {off} of {all} elements are off");
    Some([off, all])
}

macro_rules! models {
    ($($name:ident: $set:literal, $ties:literal;)*) => {
        $(#[test]
        fn $name() {
            if let Some([off, all]) = differing(stringify!($name), $set) {
                assert_eq!(off, $ties, "of {all}");
            }
        })*
    };
}

models! {
    hello_world_int8: 0, 0;
    ad_autoencoder_int8: 0, 0;
    kws_dscnn_int8: 0, 0;
    ic_resnet8_int8: 0, 1;
    vww_mobilenetv1_int8: 0, 0;
    fomo8: 0, 0;
    mobilenet_v2_int8: 0, 19;
    coco80_q: 0, 1;
    new2: 0, 1;
}
