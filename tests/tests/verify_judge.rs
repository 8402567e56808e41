//! What `zantc verify` says of quantized models: right ones pass, those whose differences are rounding ties are shown to be
//! that, and broken ones fail, whether the model, the program or the vectors are wrong.

mod verify_judge {
    pub(crate) mod models;
}

use verify_judge::models::{self, Net};
use zant_tests::cases;
use zantc::config::Config;
use zantc::ir::{Graph, Numerics, Op, Tensor};
use zantc::pipeline::{Compiled, compile_graph};
use zantc::verify::distance::Tolerance;
use zantc::verify::judge::{Judgement, Subject, Verdict};
use zantc::verify::literal::Literal;
use zantc::verify::quanta::{Measure, Quanta, measures};

/// What is said of a compiled model, `graph` being what it was compiled from.
fn judge(compiled: &Compiled, graph: &Graph, inputs: &[Tensor], reference: &[Tensor], evidence: bool) -> Judgement {
    let subject = Subject::new(compiled, Literal::new(graph.clone()));
    let outputs = subject.run(inputs).expect("the program runs");
    subject.judge((inputs, reference), &outputs, &Tolerance::default(), evidence)
}

/// What the graph as the model writes it gives.
fn literal(graph: &Graph, inputs: &[Tensor], numerics: Numerics) -> Vec<Tensor> {
    let literal = Literal::new(graph.clone());
    literal.outputs(&literal.evaluate(inputs, numerics).expect("the reference runs"))
}

fn verdicts(j: &Judgement) -> Vec<Verdict> {
    j.outputs.iter().map(|o| o.verdict).collect()
}

/// Every data set of a model of the set; the verdicts.
fn of_the_set(name: &str) -> Vec<Verdict> {
    let Some(case) = cases::models().unwrap_or_default().into_iter().find(|c| c.name == name) else {
        println!("skipped: 1 model, {name}, for its file is missing");
        return Vec::new();
    };
    let net = Net::read(&case.model());
    let compiled = net.compiled();
    let judged = |(inputs, reference): &(Vec<Tensor>, Vec<Tensor>)| {
        let j = judge(&compiled, &net.graph, inputs, reference, true);
        let evidence = j.evidence.as_ref().unwrap_or_else(|| panic!("{name}: {:?}", j.no_evidence));
        assert!(evidence.layers.compared > 0 && evidence.wrong_outputs == 0, "{name}: {evidence:?}");
        assert!(evidence.layers.ties_only(), "{name}: {:?}", evidence.layers);
        verdicts(&j)
    };
    net.sets(&case.folder).iter().flat_map(judged).collect()
}

#[test]
fn small_int8_models_pass_as_they_are() {
    for name in ["hello_world_int8", "ad_autoencoder_int8", "kws_dscnn_int8", "ic_resnet8_int8"] {
        assert!(of_the_set(name).iter().all(|&v| v == Verdict::Pass), "{name}");
    }
}

#[test]
#[ignore = "minutes without optimisation"]
fn all_int8_models_pass() {
    for name in ["vww_mobilenetv1_int8", "fomo8", "fomo8_qop", "beer"] {
        assert!(of_the_set(name).iter().all(|&v| v == Verdict::Pass), "{name}");
    }
    for name in ["mobilenet_v2_int8", "coco80_q", "new2"] {
        let found = of_the_set(name);
        assert!(found.iter().all(|v| v.passes()), "{name}: {found:?}");
        assert!(found.is_empty() || found.iter().any(|&v| v != Verdict::Pass), "{name} is no test of ties any more");
    }
}

#[test]
fn ties_are_shown_through_residuals_too() {
    let net = models::residual();
    let compiled = net.compiled();
    let fused = |op: &Op| matches!(op, Op::QConv { quant, .. } if quant.residual.is_some());
    assert!(compiled.graph.nodes.iter().any(|n| fused(&n.op)), "the sum is part of the product");
    let inputs = models::inputs();
    let mut widened = false;
    for numerics in [Numerics::Fused, Numerics::Separate] {
        let j = judge(&compiled, &net.graph, &inputs, &literal(&net.graph, &inputs, numerics), false);
        assert_eq!(verdicts(&j), [Verdict::PassTiesOnly], "{j:?}");
        let layers = &j.evidence.as_ref().unwrap().layers;
        assert!(layers.ties_only() && layers.compared == 4, "{layers:?}");
        for layer in &layers.differing {
            let (step, kernel) = layer.step.expect("it is a step of the program");
            let origin = &compiled.program.steps[step].origin;
            assert!(kernel == "qconv2d" && origin.contains(layer.nodes.last().unwrap()), "{layer:?}");
        }
        let sum = layers.differing.iter().find(|l| l.nodes.iter().any(|o| o.name == "sum"));
        widened |= sum.is_some_and(|sum| sum.max_quanta == 3 && sum.ties == sum.differing);
    }
    assert!(widened, "a tie inside of the fused sum is three quanta of its result");
}

#[test]
fn vectors_off_by_three_quanta_fail() {
    let net = Net::read(&cases::workspace().join("models/digits_int8/digits_int8.onnx"));
    let compiled = net.compiled();
    let Measure::Quanta(quanta) = measures(&Literal::new(net.graph.clone())).remove(0) else {
        panic!("the output is dequantized")
    };
    for (inputs, mut reference) in net.sets(&cases::workspace().join("models/digits_int8")) {
        let right = judge(&compiled, &net.graph, &inputs, &reference, false);
        assert_eq!(verdicts(&right), [Verdict::Pass]);
        let mut values = reference[0].to_vec::<f32>().unwrap();
        values[5] += 3.0 * quanta.at(5) as f32;
        reference[0] = Tensor::from_elements(reference[0].shape(), &values);
        let j = judge(&compiled, &net.graph, &inputs, &reference, false);
        assert_eq!(verdicts(&j), [Verdict::Fail], "{j:?}");
        let evidence = j.evidence.unwrap();
        assert!(evidence.layers.ties_only(), "the program is right");
        assert_eq!(evidence.own[0].as_ref().unwrap().max_quanta, Some(3.0), "the vectors are not");
    }
}

/// A program made of a compiled graph that something is wrong with.
fn broken(compiled: &Compiled, change: impl Fn(&mut Graph, usize)) -> Compiled {
    let mut graph = compiled.graph.clone();
    let last = graph.nodes.iter().rposition(|n| matches!(n.op, Op::QConv { .. })).expect("it has a product");
    change(&mut graph, last);
    compile_graph(graph, &Config::new()).expect("it still compiles")
}

fn swap_channels(graph: &mut Graph, node: usize) {
    let weights = graph.nodes[node].inputs[1].index();
    let old = graph.values[weights].data.clone().unwrap();
    let mut bytes = old.to_vec::<i8>().unwrap();
    let channel = bytes.len() / old.shape()[0];
    let (a, b) = bytes.split_at_mut(channel);
    a.swap_with_slice(&mut b[..channel]);
    graph.values[weights].data = Some(Tensor::from_elements(old.shape(), &bytes));
}

fn move_zero(graph: &mut Graph, node: usize) {
    let Op::QConv { quant, .. } = &mut graph.nodes[node].op else { return };
    quant.zero += 1;
}

fn move_result(graph: &mut Graph, node: usize) {
    let Op::QConv { quant, .. } = &mut graph.nodes[node].op else { return };
    match &mut quant.residual {
        Some(r) => r.target.zero += 1,
        None => quant.target.zero += 1,
    }
}

/// Changes the layer with a number.
type Change = fn(&mut Graph, usize);

const CHANGES: [(&str, Change); 3] = [("channels", swap_channels), ("zero point", move_zero), ("result", move_result)];

#[test]
fn broken_programs_fail_and_their_layer_is_named() {
    let net = models::residual();
    let inputs = models::inputs();
    let right = net.compiled();
    for numerics in [Numerics::Fused, Numerics::Separate] {
        let reference = literal(&net.graph, &inputs, numerics);
        assert!(judge(&right, &net.graph, &inputs, &reference, false).passes());
        for (what, change) in CHANGES {
            let j = judge(&broken(&right, change), &net.graph, &inputs, &reference, false);
            assert_eq!(verdicts(&j), [Verdict::Fail], "{what}: {:?}", j.evidence);
            let evidence = j.evidence.expect("it was looked at");
            let layer = evidence.layers.first_unexplained().unwrap_or_else(|| panic!("{what}: no layer is named"));
            assert!(layer.nodes.iter().any(|o| o.name == "br"), "{what}: {layer:?}");
            assert!(layer.ties < layer.differing, "{what}: {layer:?}");
        }
    }
}

#[test]
fn a_wrong_layer_is_named_even_where_the_outputs_are_right() {
    let net = Net::read(&cases::workspace().join("models/digits_int8/digits_int8.onnx"));
    let right = net.compiled();
    for (inputs, reference) in net.sets(&cases::workspace().join("models/digits_int8")) {
        let j = judge(&right, &net.graph, &inputs, &reference, true);
        assert!(j.evidence.unwrap().layers.ties_only());
        for (what, change) in CHANGES {
            let j = judge(&broken(&right, change), &net.graph, &inputs, &reference, true);
            let layers = j.evidence.expect("it was looked at").layers;
            assert!(layers.first_unexplained().is_some(), "{what}: {layers:?}");
        }
    }
}

#[test]
fn models_that_are_not_the_vectors_fail() {
    let right = models::residual();
    let inputs = models::inputs();
    let reference = literal(&right.graph, &inputs, Numerics::Fused);
    let wrong = Net::of(models::with_zero_point_moved(&right.proto, "zero_a", 3));
    let compiled = wrong.compiled();
    let j = judge(&compiled, &wrong.graph, &inputs, &reference, false);
    assert_eq!(verdicts(&j), [Verdict::Fail], "{:?}", j.outputs);
    let evidence = j.evidence.unwrap();
    assert!(evidence.layers.ties_only(), "the program is what the model says");
    assert!(!evidence.own[0].as_ref().unwrap().pass, "the model says something else than the vectors");
    assert!(evidence.spread[0].is_some_and(|s| !s.holds()), "and ties do not explain it: {:?}", evidence.spread);
}

#[test]
fn outputs_are_measured_by_what_they_are() {
    let found = measures(&Literal::new(models::tails().graph));
    let tenth = f64::from(0.1f32);
    assert_eq!(found[0], Measure::Quanta(Quanta::Uniform(1.0)), "bytes");
    assert_eq!(found[1], Measure::Quanta(Quanta::Uniform(tenth)), "dequantized, moved");
    let Measure::Quanta(each) = &found[2] else { panic!("{:?}", found[2]) };
    assert_eq!((each.at(0), each.at(5)), (0.5, 0.25), "a scale for each row");
    let Measure::Quanta(both) = &found[3] else { panic!("{:?}", found[3]) };
    assert_eq!((both.at(0), both.at(4), both.at(8)), (tenth, 0.5, tenth), "side by side");
    assert_eq!(found[4], Measure::Floats { rounded: true }, "softmax of what was quantized");
    assert_eq!(found[5], Measure::Exact, "an index");
    assert_eq!(found[6], Measure::Floats { rounded: false }, "nothing was quantized");
}
