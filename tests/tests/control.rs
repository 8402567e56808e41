//! Control flow on data: the committed models give what onnxruntime gives; branches share their memory; loops end where data say so.

use zant_tests::cases::workspace;
use zantc::config::Config;
use zantc::diag::{Diagnostic, codes};
use zantc::exec::{Executor, Hygiene};
use zantc::import::{Options, import};
use zantc::ir::{Graph, Numerics, Reference, Tensor, eval_graph, text};
use zantc::onnx::{Limits, load};
use zantc::pipeline::{Compiled, compile_graph};
use zantc::program::RegionKind;
use zantc::verify::data::read_tensor;

fn compiled(graph: Graph) -> Compiled {
    compiled_for(graph, &Config::new())
}

fn compiled_for(graph: Graph, config: &Config) -> Compiled {
    let compiled = compile_graph(graph, config).unwrap_or_else(|d| panic!("{d:?}"));
    assert_eq!(zantc::program::verify(&compiled.program), Ok(()));
    compiled
}

/// What the planned program gives, which is what the naive reference gives of the graph that it was made from, to the bit.
fn run(compiled: &Compiled, inputs: &[Tensor]) -> Vec<Tensor> {
    let mut executor = Executor::new(&compiled.program, Hygiene::Poison).expect("it is planned");
    let results = executor.run(inputs).expect("it runs");
    assert_eq!(executor.run(inputs).as_ref(), Ok(&results), "the second run is the first");
    let numerics = compiled.program.numerics;
    let reference = eval_graph(&compiled.graph, inputs, &Reference { numerics }).expect("it has results");
    assert_eq!(results, reference);
    results
}

fn parsed(text: &str) -> Graph {
    let graph = text::parse(text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    assert_eq!(text::parse(&graph.to_string()), Ok(graph.clone()), "it is printed as it is read");
    graph
}

#[test]
fn the_models_give_what_onnxruntime_gives() {
    for (name, conditions) in [("vad", 1), ("gru_loop", 0), ("gru_scan", 0), ("early_end", 1)] {
        let folder = workspace().join("models/control").join(name);
        let model = load(&folder.join("model.onnx"), &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let graph = import(&model.proto, &Options::default()).unwrap_or_else(|d| panic!("{name}: {d:?}")).graph;
        let unoptimised = graph.clone();
        let compiled = compiled(graph);
        // There the inputs lie in the arena, and the body reads them in each iteration.
        let firmware = Config::new().target(zantc::targets::find("cortex-m7").expect("it is a target"));
        let firmware = compiled_for(unoptimised.clone(), &firmware);
        assert!(firmware.program.has_own_inputs());
        let regions = &compiled.program.regions;
        assert_eq!(regions.len(), 1, "{name}");
        assert_eq!(regions.iter().filter(|r| r.condition().is_some()).count(), conditions, "{name}");
        for set in 0.. {
            let folder = folder.join(format!("test_data_set_{set}"));
            let tensors = |kind: &str| -> Vec<Tensor> {
                let files = (0..).map(|k| folder.join(format!("{kind}_{k}.pb"))).take_while(|p| p.is_file());
                files.map(|path| read_tensor(&path).unwrap_or_else(|d| panic!("{d:?}")).1).collect()
            };
            if !folder.is_dir() {
                assert!(set >= 2, "{name} has data sets");
                break;
            }
            let inputs = tensors("input");
            let results = run(&compiled, &inputs);
            run(&firmware, &inputs);
            let reference = eval_graph(&unoptimised, &inputs, &Reference { numerics: Numerics::Fused });
            for ((got, expected), naive) in
                results.iter().zip(tensors("output")).zip(reference.expect("it has results"))
            {
                assert_eq!(got.ty(), expected.ty(), "{name}");
                for ((a, b), c) in got.scalars().zip(expected.scalars()).zip(naive.scalars()) {
                    let (a, b, c) = (a.to_f64(), b.to_f64(), c.to_f64());
                    assert!(
                        (a - b).abs() <= 2e-6 * b.abs().max(1.0) && (a - c).abs() <= 2e-6 * c.abs().max(1.0),
                        "{name}: {a}, {b}, {c}"
                    );
                }
            }
        }
    }
}

/// A branch of so many maps of some elements, each of which needs the one before.
fn branch(name: &str, elements: usize) -> String {
    format!(
        "    graph \"{name}\"\n    in %0 \"x\": f32[8]\n    %1 = expand %0 : f32[{0},8]\n    \
         %2 = softmax %1 {{axis 0}} : f32[{0},8]\n    %3 = reduce_max %2 {{axes 0}} : f32[8]\n    out \"y\" = %3\n    end\n",
        elements / 8
    )
}

#[test]
fn the_memory_of_a_choice_is_that_of_its_larger_branch() {
    let both = |a: usize, b: usize| {
        let text = format!(
            "graph \"\"\n  in %0 \"x\": f32[8]\n  in %1 \"c\": bool[]\n  %2 = if %1, %0 : f32[8]\n{}{}  out \"y\" = %2\n",
            branch("then", a),
            branch("else", b)
        );
        let compiled = compiled(parsed(&text));
        for condition in [true, false] {
            let c = Tensor::scalar(zantc::ir::Scalar::Bool(condition));
            let x = text::random(compiled.graph.ty(compiled.graph.inputs[0]), 3);
            run(&compiled, &[x, c]);
        }
        compiled.program.arena_bytes()
    };
    let alone = |n: usize| {
        let lines = branch("", n);
        let lines: Vec<&str> = lines.lines().filter(|l| !l.ends_with("end")).collect();
        compiled(parsed(&lines.join("\n"))).program.arena_bytes()
    };
    let (small, large) = (alone(1024), alone(4096));
    assert!(small < large);
    assert_eq!(both(4096, 1024), large);
    // The result, which both branches write, is counted throughout the second one.
    let result = 32usize.next_multiple_of(Config::new().target.align);
    assert!(both(1024, 4096) <= large + result);
    assert!(both(4096, 4096) <= large + result);
}

#[test]
fn a_body_runs_as_often_as_its_condition_holds() {
    let graph = parsed(
        "graph \"\"\n  in %0 \"x\": i64[2]\n  in %1 \"go\": bool[]\n  in %2 \"limit\": i64[]\n  \
         %3, %4, %5 = loop %1, %0, %2 {trips 5, carried 1, scanned 0, conditional} : i64[2], i64[5,2], i64[]\n    \
         graph \"body\"\n      in %0 \"n\": i64[]\n      in %1 \"v\": i64[2]\n      in %2 \"limit\": i64[]\n      \
         %3 = map %1, %0 {Add(x0, x1)} : i64[2]\n      %4 = map %0, %2 {Lt(x0, x1)} : bool[]\n      \
         out \"on\" = %4\n      out \"v\" = %3\n      out \"row\" = %1\n    end\n  \
         out \"v\" = %3\n  out \"rows\" = %4\n  out \"n\" = %5\n",
    );
    let compiled = compiled(graph);
    assert!(matches!(compiled.program.regions[0].kind, RegionKind::Loop { trips: 5, condition: Some(_) }));
    for (go, limit, times) in [(true, 1, 2), (true, 99, 5), (false, 99, 0), (true, -1, 1)] {
        let inputs = [
            Tensor::from_elements([2], &[10i64, 20]),
            Tensor::scalar(zantc::ir::Scalar::Bool(go)),
            Tensor::from_elements([], &[limit as i64]),
        ];
        let results = run(&compiled, &inputs);
        let sums: Vec<i64> = (0..=times).map(|n| (0..n).sum()).collect();
        let sum = sums[times as usize];
        assert_eq!(results[0].to_vec::<i64>(), Some(vec![10 + sum, 20 + sum]));
        let mut rows: Vec<i64> = sums[..times as usize].iter().flat_map(|s| [10 + s, 20 + s]).collect();
        rows.resize(10, 0);
        assert_eq!(results[1].to_vec::<i64>(), Some(rows));
        assert_eq!(results[2].to_vec::<i64>(), Some(vec![times]));
    }
}

#[test]
fn carried_values_may_change_places() {
    let graph = parsed(
        "graph \"\"\n  in %0 \"a\": f32[3]\n  in %1 \"b\": f32[3]\n  \
         %2, %3 = loop %0, %1 {trips 3, carried 2, scanned 0} : f32[3], f32[3]\n    graph \"body\"\n      \
         in %0 \"n\": i64[]\n      in %1 \"a\": f32[3]\n      in %2 \"b\": f32[3]\n      \
         %3 = map %1 {Mul(x0, 2.0)} : f32[3]\n      out \"a\" = %2\n      out \"b\" = %3\n    end\n  \
         out \"a\" = %2\n  out \"b\" = %3\n",
    );
    let inputs = [[1f32, 2., 3.], [5., 7., 9.]].map(|v| Tensor::from_elements([3], &v));
    let results = run(&compiled(graph), &inputs);
    assert_eq!(results[0].to_vec::<f32>(), Some(vec![10.0, 14.0, 18.0]));
    assert_eq!(results[1].to_vec::<f32>(), Some(vec![4.0, 8.0, 12.0]));
}

#[test]
fn a_carried_value_is_computed_in_its_place() {
    let graph = parsed(
        "graph \"\"\n  in %0 \"x\": f32[64]\n  %1 = loop %0 {trips 4, carried 1, scanned 0} : f32[64]\n    graph \"body\"\n      \
         in %0 \"n\": i64[]\n      in %1 \"v\": f32[64]\n      %2 = map %1 {Add(Mul(x0, 0.5), 1.0)} : f32[64]\n      \
         out \"v\" = %2\n    end\n  out \"y\" = %1\n",
    );
    let compiled = compiled(graph);
    run(&compiled, &[text::random(compiled.graph.ty(compiled.graph.inputs[0]), 1)]);
    // The value, and the number of the iteration.
    let align = Config::new().target.align;
    assert_eq!(compiled.program.arena_bytes(), 256usize.next_multiple_of(align) + 8usize.next_multiple_of(align));
}

fn refused(name: &str, options: &Options) -> Vec<Diagnostic> {
    let path = workspace().join("models/control").join(name).join("model.onnx");
    let mut model = load(&path, &Limits::default()).expect("it is in the project").proto;
    // The trip count becomes an input.
    let node = model.graph.node.iter().position(|n| n.output == ["most"]).expect("the model has a trip count");
    model.graph.node.remove(node);
    model.graph.input.push(zant_tests::random::info("most", &[], 7));
    match import(&model, options) {
        Ok(import) => {
            let compiled = compiled(import.graph);
            for (most, expected) in [(-1i64, 0.0f64), (0, 0.0), (2, 2.0), (19, 5.0), (100, 5.0)] {
                let x = Tensor::from_elements([5], &[1f32; 5]);
                let results = run(&compiled, &[x, Tensor::from_elements([], &[most])]);
                assert_eq!(results[1].get(0).to_f64(), expected, "{most}");
            }
            Vec::new()
        }
        Err(found) => found,
    }
}

#[test]
fn a_loop_without_a_bound_asks_for_one() {
    let found = refused("early_end", &Options::default());
    assert_eq!(found[0].code, codes::NOT_CONSTANT, "{found:?}");
    assert!(found[0].help.iter().any(|h| h.contains("--bound 'most=")), "{found:?}");
    let bounded = Options { bounds: [("most".to_string(), 20)].into(), ..Options::default() };
    assert!(refused("early_end", &bounded).is_empty());
}
