//! Quantized models: what becomes bytes, how far results are, and the traps in which quantizers are known to fall.

mod common;

use std::num::NonZeroUsize;

use common::{Builder, bench, distance, examples, network, open, values};
use zant_compress::method::{compress, named};
use zant_compress::net::Net;
use zant_compress::on_threads;
use zant_compress::quantize::{Activations, Calibrated, Calibration, Higher, Options, Precision, mixed, static_int8};
use zantc::Config;
use zantc::ir::Tensor;
use zantc::onnx::Model;
use zantc::onnx::proto::AttributeProto;
use zantc::pipeline::compile;

const ALL: [Calibration; 4] =
    [Calibration::MinMax, Calibration::Percentile(0.01), Calibration::Mse, Calibration::Entropy];

#[test]
fn every_calibration_and_form_of_bytes_is_near_the_floats() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&network()).unwrap();
    let data = open(&net, &examples(folder.path(), &[40, 3, 8, 8]));
    let float = values(&net, "y", &data);
    for calibration in ALL {
        for activations in [Activations::Int8, Activations::Uint8] {
            for reconstruct in [true, false] {
                let options = Options { calibration, activations, reconstruct, ..Options::default() };
                let (quantized, report) = static_int8(&net, options, &bench(&data)).unwrap();
                let far = distance(&float, &values(&quantized, "y", &data));
                assert!(far < 0.05, "{options:?}: {far}");
                assert!(
                    report.layers.len() == 6
                        && report.layers.iter().all(|l| l.precision == Precision::Bytes && l.error.unwrap() < 0.1)
                );
            }
        }
    }
}

#[test]
fn the_best_calibration_is_chosen_by_examples_that_none_saw() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&uneven()).unwrap();
    let data = open(&net, &examples(folder.path(), &[64, 3, 8, 8]));
    let float = values(&net, "y", &data);
    let behind = float.len() / 2;
    let far = |calibration, equalise| {
        let options = Options { calibration, equalise, examples: 32, ..Options::default() };
        let (quantized, report) = static_int8(&net, options, &bench(&data)).unwrap();
        assert!(report.calibration.is_some_and(|chosen| chosen != Calibration::Best));
        distance(&float[behind..], &values(&quantized, "y", &data)[behind..])
    };
    let best = far(Calibration::Best, true);
    for calibration in ALL {
        for equalise in [true, false] {
            let other = far(calibration, equalise);
            assert!(best <= other * 1.001, "{calibration}, {equalise}: {best} {other}");
        }
    }
}

#[test]
fn one_scale_for_all_spares_depthwise_convolutions() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&network()).unwrap();
    let data = open(&net, &examples(folder.path(), &[40, 3, 8, 8]));
    let options = Options { per_tensor: true, ..Options::default() };
    let (quantized, _) = static_int8(&net, options, &bench(&data)).unwrap();
    // Channels of 0.001 beside channels of 4 would all be zero.
    let scales = |name: &str| quantized.constants().iter().find(|c| c.name == name).unwrap().elements();
    assert_eq!((scales("w2_scale"), scales("w1_scale")), (8, 1));
    let far = distance(&values(&net, "d", &data), &values(&quantized, "d", &data));
    assert!(far < 0.03, "{far}");
}

/// A residual network whose channels differ by hundreds: one scale leaves the small ones few codes.
fn uneven() -> Model {
    let sized = |shape: [usize; 4], seed: usize| {
        let each = shape[1] * shape[2] * shape[3];
        let number = |i: usize| [0.004_f32, 1.0, 0.02, 0.2][i / each % 4] * ((i * 37 + seed) % 23) as f32 / 23.0;
        let numbers: Vec<f32> = (0..shape[0] * each).map(|i| number(i) - [0.0, 0.3][i / 3 % 2] * number(i)).collect();
        Tensor::from_elements(shape.to_vec(), &numbers)
    };
    // What reads small channels has large weights.
    let turned = |shape: [usize; 4], seed: usize| {
        let number =
            |i: usize| [250.0_f32, 1.0, 50.0, 5.0][i % shape[1] % 4] * (((i * 29 + seed) % 17) as f32 / 17.0 - 0.5);
        let numbers: Vec<f32> = (0..shape[0] * shape[1]).map(number).collect();
        Tensor::from_elements(shape.to_vec(), &numbers)
    };
    Builder::new(14, &[1, 3, 8, 8])
        .constant("w1", &sized([8, 3, 3, 3], 5))
        .node("Conv", &["x", "w1"], "c1", &[("pads", &[1, 1, 1, 1])])
        .node("Relu", &["c1"], "r1", &[])
        .constant("w2", &sized([8, 8, 3, 3], 11))
        .node("Conv", &["r1", "w2"], "c2", &[("pads", &[1, 1, 1, 1])])
        .node("Add", &["c2", "r1"], "a", &[])
        .node("Relu", &["a"], "r2", &[])
        .constant("w3", &turned([6, 8, 1, 1], 3))
        .node("Conv", &["r2", "w3"], "y", &[])
        .output("y")
}

#[test]
fn uneven_channels_are_equalised_and_floats_keep_their_bits() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&uneven()).unwrap();
    let data = open(&net, &examples(folder.path(), &[40, 3, 8, 8]));
    let float = values(&net, "y", &data);
    let far = |equalise: bool| {
        let options = Options { equalise, ..Options::default() };
        let calibrated = Calibrated::new(&net, options, &bench(&data)).unwrap();
        assert_eq!(values(calibrated.float(), "y", &data), float, "{equalise}");
        distance(&float, &values(&static_int8(&net, options, &bench(&data)).unwrap().0, "y", &data))
    };
    let (with, without) = (far(true), far(false));
    assert!(with < 0.5 * without, "{with} {without}");
}

#[test]
fn no_float_island_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&network()).unwrap();
    let data = open(&net, &examples(folder.path(), &[16, 3, 8, 8]));
    let (quantized, _) = static_int8(&net, Options::default(), &bench(&data)).unwrap();
    let compiled = compile(&quantized.to_model(), &Config::new()).unwrap();
    let picture = compiled.graph.to_string();
    let floats: Vec<&str> = picture.lines().filter(|l| l.contains("= conv ") || l.contains("= matmul ")).collect();
    // The two layers of squeeze and excitation alone, whose weights are bytes.
    assert_eq!(floats.len(), 2, "{floats:?}");
    assert!(floats.iter().all(|l| l.contains("of s1") || l.contains("of s3")), "{floats:?}");
    assert!(
        compiled.program.weights_bytes() * 2
            < compile(&net.to_model(), &Config::new()).unwrap().program.weights_bytes()
    );
}

#[test]
fn bits_do_not_depend_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&network()).unwrap();
    let data = open(&net, &examples(folder.path(), &[24, 3, 8, 8]));
    for method in ["int8", "weights-int8", "weights-int4", "ternary", "unstructured-60"] {
        let steps = named(method).unwrap();
        let of = |threads| on_threads(threads, || compress(&net, &steps, &bench(&data))).unwrap().encode();
        let [one, three] = [1, 3].map(|n| of(NonZeroUsize::new(n)));
        assert_eq!(one, three, "{method}");
        assert_eq!(one, of(None), "{method}");
    }
}

#[test]
fn weights_in_few_bits_are_near_the_floats() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&network()).unwrap();
    let data = open(&net, &examples(folder.path(), &[40, 3, 8, 8]));
    let float = values(&net, "y", &data);
    for (method, most) in
        [("weights-int8", 0.01), ("weights-int4", 0.08), ("int8-dynamic", 0.03), ("unstructured-30", 0.2)]
    {
        let made = compress(&net, &named(method).unwrap(), &bench(&data)).unwrap();
        let far = distance(&float, &values(&made, "y", &data));
        assert!(far < most, "{method}: {far}");
    }
}

/// Two directions of one layer, then one of a GRU and one of an RNN; of an opset whose softmax joins dimensions.
fn recurrent() -> Model {
    let mut model = Builder::new(11, &[6, 1, 16])
        .weights("w1", &[2, 96, 16], 0.4)
        .weights("r1", &[2, 96, 24], 0.3)
        .weights("b1", &[2, 192], 0.2)
        .node("LSTM", &["x", "w1", "r1", "b1"], "h1", &[("hidden_size", &[24])])
        .node("Transpose", &["h1"], "t1", &[("perm", &[0, 2, 1, 3])])
        .constant("shape", &Tensor::from_elements([3], &[6i64, 1, 48]))
        .node("Reshape", &["t1", "shape"], "f1", &[])
        .weights("w2", &[1, 60, 48], 0.2)
        .weights("r2", &[1, 60, 20], 0.3)
        .node("GRU", &["f1", "w2", "r2"], "h2", &[("hidden_size", &[20])])
        .constant("flat", &Tensor::from_elements([3], &[6i64, 1, 20]))
        .node("Reshape", &["h2", "flat"], "f2", &[])
        .weights("w3", &[1, 24, 20], 0.4)
        .weights("r3", &[1, 24, 24], 0.3)
        .node("RNN", &["f2", "w3", "r3"], "h3", &[("hidden_size", &[24])])
        .constant("rows", &Tensor::from_elements([3], &[6i64, 1, 24]))
        .node("Reshape", &["h3", "rows"], "f3", &[])
        .weights("w4", &[24, 8], 0.5)
        .node("MatMul", &["f3", "w4"], "m", &[])
        .node("LogSoftmax", &["m"], "y", &[("axis", &[2])])
        .output("y");
    for node in &mut model.proto.graph.node {
        for attribute in node.attribute.iter_mut().filter(|a| a.name == "hidden_size") {
            (attribute.kind, attribute.i) = (AttributeProto::INT, Some(attribute.ints[0]));
            attribute.ints.clear();
        }
        if node.op_type == "LSTM" {
            let direction = b"bidirectional".to_vec();
            node.attribute.push(AttributeProto {
                name: "direction".into(),
                kind: AttributeProto::STRING,
                s: Some(direction.into()),
                ..AttributeProto::default()
            });
        }
    }
    model
}

#[test]
fn weights_of_recurrent_layers_become_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let model = recurrent();
    let net = Net::open(&model).unwrap();
    let data = open(&net, &examples(folder.path(), &[8, 6, 1, 16]));
    let float = values(&net, "y", &data);
    let flash = |model: &Model| {
        let program = compile(model, &Config::new()).unwrap().program;
        program.weights.iter().map(|w| w.data.data().len()).sum::<usize>()
    };
    for (method, most) in [("weights-int8", 0.02), ("weights-int4", 0.1), ("int8-dynamic", 0.05)] {
        let made = compress(&net, &named(method).unwrap(), &bench(&data)).unwrap();
        let far = distance(&float, &values(&made, "y", &data));
        assert!(far > 0.0 && far < most, "{method}: {far}");
        let [before, after] = [flash(&model), flash(&made.to_model())];
        assert!(after * 5 < before * 2, "{method}: {after} bytes of {before}");
        let back = made.nodes().iter().filter(|n| n.op_type == "DequantizeLinear").count();
        assert!(back >= 6, "{method}: {back} conversions");
    }
}

#[test]
fn as_many_weights_become_zero_as_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&network()).unwrap();
    let data = open(&net, &examples(folder.path(), &[40, 3, 8, 8]));
    let zeros = |net: &Net, name: &str| {
        let (_, w) = net.floats(name).unwrap();
        (w.iter().filter(|v| **v == 0.0).count(), w.len())
    };
    let made = compress(&net, &named("unstructured-50").unwrap(), &bench(&data)).unwrap();
    let (mut gone, mut all) = (0, 0);
    for name in ["w1", "w3", "w4", "w5", "w6"] {
        let (zero, of) = zeros(&made, name);
        (gone, all) = (gone + zero, all + of);
    }
    assert!((gone as f64 / all as f64 - 0.5).abs() < 0.02, "{gone} of {all}");
    assert_eq!(zeros(&made, "w2").0, zeros(&net, "w2").0, "the depthwise convolution");
}

#[test]
fn accuracy_that_must_not_fall_keeps_floats() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&network()).unwrap();
    let path = examples(folder.path(), &[40, 3, 8, 8]);
    let plain = open(&net, &path);
    // What the float network says is what is expected, so that any error counts.
    let labels = folder.path().join("labels.npy");
    let answers = values(&net, "y", &plain);
    zantc::import::to_raw("", &Tensor::from_elements([40, 10], &answers)).write_npy(&labels).unwrap();
    let compiled = compile(&net.to_model(), &Config::new()).unwrap();
    let transform = zant_compress::data::Transform::default();
    let data = zant_compress::data::Data::open(&path, Some(&labels), &transform, &compiled.program).unwrap();
    let (exact, report) = mixed(&net, Options::default(), 0.0, &bench(&data)).unwrap();
    assert!(report.layers.iter().all(|l| l.precision == Precision::Floats && l.sensitivity.is_some()));
    assert_eq!(values(&exact, "y", &plain), answers);
}

/// Activations of 16 bits: nearer to the floats than bytes, and all products of integers but those that bytes leave in floats too.
#[test]
fn activations_of_16_bits_are_nearer_to_the_floats() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&network()).unwrap();
    let data = open(&net, &examples(folder.path(), &[40, 3, 8, 8]));
    let float = values(&net, "y", &data);
    let made = |method: &str| compress(&net, &named(method).unwrap(), &bench(&data)).unwrap();
    let (bytes, wide) = (made("int8"), made("16x8"));
    let [of_bytes, of_wide] = [&bytes, &wide].map(|made| distance(&float, &values(made, "y", &data)));
    // What is left is the error of the weights, which have 8 bits in both.
    assert!(of_wide < of_bytes && of_wide < 0.02, "{of_wide} {of_bytes}");
    let compiled = compile(&wide.to_model(), &Config::new()).unwrap();
    let named = |name: &str| compiled.program.steps.iter().filter(|s| s.call.name().starts_with(name)).count();
    assert_eq!([named("conv2d_wide"), named("depthwise2d_wide")], [3, 1]);
    // The two layers of squeeze and excitation.
    assert_eq!(compiled.graph.stays_float.len(), 2, "{:?}", compiled.graph.stays_float);
}

/// Where bytes lose too much, the layers that lose most get 16 bits; where these are not enough either, floats.
#[test]
fn layers_that_need_it_have_16_bits() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&network()).unwrap();
    let path = examples(folder.path(), &[40, 3, 8, 8]);
    let answers = values(&net, "y", &open(&net, &path));
    let labels = folder.path().join("labels.npy");
    zantc::import::to_raw("", &Tensor::from_elements([40, 10], &answers)).write_npy(&labels).unwrap();
    let compiled = compile(&net.to_model(), &Config::new()).unwrap();
    let transform = zant_compress::data::Transform::default();
    let data = zant_compress::data::Data::open(&path, Some(&labels), &transform, &compiled.program).unwrap();
    let error = |net: &Net| {
        let compiled = compile(&net.to_model(), &Config::new()).unwrap();
        zant_compress::evaluate(&compiled, &data, zant_compress::Metric::Mse, &|_| {}).unwrap().score.value
    };
    let options = Options { higher: Higher::Int16, ..Options::default() };
    let calibrated = Calibrated::new(&net, options, &bench(&data)).unwrap();
    let count = calibrated.layers().count();
    let with = |n: usize| error(&calibrated.without(&(0..n).collect()));
    let (none, half, all) = (with(0), with(count / 2), with(count));
    assert!(all < none && half < none, "{none} {half} {all}");
    // No error is allowed, which 8 bits of weights cannot keep.
    let (exact, report) = mixed(&net, options, 0.0, &bench(&data)).unwrap();
    assert!(report.layers.iter().all(|l| l.precision == Precision::Floats));
    assert_eq!(values(&exact, "y", &data), answers);
}

/// Weights that are stored as integers beside activations in floats take part as if they were floats.
#[test]
fn stored_weights_are_quantized_with_their_activations() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&network()).unwrap();
    let data = open(&net, &examples(folder.path(), &[40, 3, 8, 8]));
    let stored = compress(&net, &named("weights-int8").unwrap(), &bench(&data)).unwrap();
    let (quantized, report) = static_int8(&stored, Options::default(), &bench(&data)).unwrap();
    assert_eq!(report.layers.len(), 6);
    let compiled = compile(&quantized.to_model(), &Config::new()).unwrap();
    assert_eq!(compiled.graph.stays_float.len(), 2, "{:?}", compiled.graph.stays_float);
    let far = distance(&values(&net, "y", &data), &values(&quantized, "y", &data));
    assert!(far < 0.05, "{far}");
}

#[test]
fn batch_normalisations_and_idle_nodes_become_part_of_layers() {
    let model = Builder::new(13, &[2, 3, 5, 5])
        .weights("w", &[4, 3, 3, 3], 0.5)
        .node("Conv", &["x", "w"], "c", &[])
        .weights("s", &[4], 1.0)
        .weights("b", &[4], 1.0)
        .weights("m", &[4], 0.3)
        .constant("v", &Tensor::from_elements([4], &[0.5f32, 1.0, 2.0, 0.1]))
        .node("BatchNormalization", &["c", "s", "b", "m", "v"], "n", &[])
        .node("Identity", &["n"], "i", &[])
        .node("Relu", &["i"], "y", &[])
        .output("y");
    let net = Net::open(&model).unwrap();
    let ops: Vec<&str> = net.nodes().iter().map(|n| n.op_type.as_str()).collect();
    assert_eq!(ops, ["Conv", "Relu"]);
    let folder = tempfile::tempdir().unwrap();
    let data = open(&net, &examples(folder.path(), &[4, 3, 5, 5]));
    let folded = values(&net, "y", &data);
    let compiled = compile(&model, &Config::new()).unwrap();
    let mut executor = zantc::exec::Executor::new(&compiled.program, zantc::exec::Hygiene::AsEmitted).unwrap();
    let plain: Vec<f32> = [0, 2]
        .iter()
        .flat_map(|&first| executor.run_model(&data.run(first).unwrap().0).unwrap()[0].to_vec::<f32>().unwrap())
        .collect();
    assert!(distance(&plain, &folded) < 1e-6);
}

#[test]
fn models_without_layers_and_names_of_nothing_are_told() {
    let net = Net::open(&Builder::new(13, &[1, 4]).node("Relu", &["x"], "y", &[]).output("y")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let data = open(&net, &examples(folder.path(), &[4, 4]));
    let faults = compress(&net, &named("int8").unwrap(), &bench(&data)).unwrap_err();
    assert!(faults[0].message.contains("no layer to quantize"));
    for name in ["int9", "structured-0", "unstructured-100", "", "int8+"] {
        assert!(named(name).unwrap_err()[0].message.contains("there is no method"), "{name}");
    }
}

/// The model with biases of floats, a third of a step beside those that it has as integers.
fn with_float_biases(net: &Net) -> Net {
    let mut net = net.clone();
    for node in net.nodes().to_vec() {
        let whole = net.constant(&node.input[0]).is_some_and(|c| c.dtype == zantc::onnx::ElementType::I32);
        if node.op_type != "DequantizeLinear" || !whole {
            continue;
        }
        let (steps, (_, scales)) = (net.integers(&node.input[0]).unwrap(), net.floats(&node.input[1]).unwrap());
        let shape = net.constant(&node.input[0]).unwrap().dims.clone();
        let numbers: Vec<f32> = steps.iter().zip(&scales).map(|(q, s)| (*q as f32 + 0.3) * s).collect();
        let name = net.fresh("float_bias");
        net.set_floats(&name, &shape, &numbers);
        net.redirect(&node.output[0], &name);
    }
    net.sweep();
    net
}

#[test]
fn biases_of_floats_beside_bytes_become_integers() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::open(&network()).unwrap();
    let data = open(&net, &examples(folder.path(), &[40, 3, 8, 8]));
    let (quantized, _) = static_int8(&net, Options::default(), &bench(&data)).unwrap();
    let trained = with_float_biases(&quantized);
    let floats = |net: &Net| {
        let graph = compile(&net.to_model(), &Config::new()).unwrap().graph;
        graph.stays_float.into_iter().map(|s| (s.origin[0].name.clone(), s.reason)).collect::<Vec<_>>()
    };
    let stay = |net: &Net| floats(net).iter().filter(|(_, reason)| reason.contains("--kind biases")).count();
    assert_eq!(stay(&quantized), 0);
    assert!(stay(&trained) > 2);
    let rounded = compress(&trained, &named("biases").unwrap(), &bench(&data)).unwrap();
    assert_eq!(floats(&rounded), floats(&quantized));
    // A third of a step of the sums is a small part of one of the result.
    let far = distance(&values(&trained, "y", &data), &values(&rounded, "y", &data));
    assert!(far < 0.01, "{far}");
    // All are integers now.
    assert!(zant_compress::quantize::biases(&rounded).is_err());
}
