//! What onnxruntime computes: operators of `com.microsoft`, and recurrent layers whose weights are bytes. `tests/onnxruntime_cases.py`
//! makes the cases. Programs for the host and for a Cortex-M7 compute the same bits.

use std::cell::RefCell;

use zant_tests::cases;
use zant_tests::conformance::{Outcome, run};
use zantc::emit::{Source, emit_crate};
use zantc::exec::{Executor, Hygiene};
use zantc::ir::{Graph, Tensor};
use zantc::program::Program;
use zantc::targets::TARGETS;
use zantc::{Compiled, Config, compile_graph};

fn config(target: &str) -> Config {
    let target = TARGETS.iter().find(|t| t.name == target).expect("there is such a target");
    Config::new().target(target)
}

fn computed(graph: &Graph, inputs: &[Tensor], target: &str) -> Result<(Compiled, Vec<Tensor>), String> {
    let compiled = compile_graph(graph.clone(), &config(target)).map_err(|d| format!("{d:?}"))?;
    let mut executor = Executor::new(&compiled.program, Hygiene::Poison).map_err(|e| e.to_string())?;
    let results = executor.run(inputs).map_err(|e| e.to_string())?;
    emitted(&compiled, &config(target));
    Ok((compiled, results))
}

/// Emits the crate: what is no Rust panics.
fn emitted(compiled: &Compiled, config: &Config) {
    let program = &compiled.program;
    let package = emit_crate(&Source { program, config, name: "case", file: "", model_sha256: "", vectors: &[] });
    assert!(package.files.contains_key("src/model.rs"));
}

/// Bytes of all constants.
fn bytes(program: &Program) -> usize {
    program.weights.iter().map(|w| w.data.data().len()).sum()
}

#[test]
fn results_are_those_of_onnxruntime() {
    let folder = cases::workspace().join("tests/onnxruntime");
    let all = cases::group(&folder, "onnxruntime");
    assert!(all.len() >= 70, "{} cases", all.len());
    let runner = |graph: &Graph, inputs: &[Tensor]| {
        let (_, host) = computed(graph, inputs, "host")?;
        let (_, small) = computed(graph, inputs, "cortex-m7")?;
        if host == small { Ok(host) } else { Err("the Cortex-M7 computes other bits".into()) }
    };
    let report = run(&all, &runner, &mut |_, _| {});
    let failed: Vec<String> = report
        .outcomes
        .iter()
        .filter(|(_, outcome)| !matches!(outcome, Outcome::Pass(_)))
        .map(|(name, outcome)| format!("{name}: {outcome}"))
        .collect();
    assert!(failed.is_empty() && report.unreadable.is_empty(), "{}\n{:?}", failed.join("\n"), report.unreadable);
    assert_eq!(report.passed(), all.len());
}

/// 4 * 12 rows of 20 and 12 bytes, in whole panels of 16 or 4 columns, with a scale each, and a bias; as floats the weights alone are four
/// times as many.
#[test]
fn weights_of_recurrent_layers_stay_bytes() {
    let folder = cases::workspace().join("tests/onnxruntime");
    for (name, floats) in [
        ("lstm_rows", 4 * 12 * 32 * 4),
        ("lstm_both", 2 * 4 * 12 * 32 * 4),
        ("gru_rows", 3 * 12 * 32 * 4),
        ("gru_between", 3 * 9 * 29 * 4),
        ("rnn_rows", 20 * 40 * 4),
    ] {
        let all = cases::group(&folder, "onnxruntime");
        let case: Vec<cases::Case> = all.into_iter().filter(|case| case.name == name).collect();
        for target in ["host", "cortex-m7"] {
            let size = RefCell::new(0);
            let runner = |graph: &Graph, inputs: &[Tensor]| {
                let (compiled, results) = computed(graph, inputs, target)?;
                *size.borrow_mut() = bytes(&compiled.program);
                Ok(results)
            };
            let report = run(&case, &runner, &mut |_, _| {});
            assert_eq!(report.passed(), 1, "{name} for {target}: {:?}", report.outcomes);
            let size = size.into_inner();
            assert!(size * 5 < floats * 3, "{name} for {target} takes {size} bytes, floats {floats}");
        }
    }
}
