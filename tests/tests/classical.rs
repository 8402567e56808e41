//! The committed models of scikit-learn, XGBoost and LightGBM: the same classes as onnxruntime, and scores within rounding.

use std::path::Path;

use zant_tests::cases::workspace;
use zantc::config::Config;
use zantc::exec::{Executor, Hygiene};
use zantc::import::{Options, import};
use zantc::ir::{Labels, Numerics, Reference, Tensor, eval_graph};
use zantc::onnx::{Limits, load};
use zantc::pipeline::compile_graph;
use zantc::verify::data::read_tensor;

/// How far scores may be from onnxruntime's, which adds in another order.
const TOLERANCE: f64 = 4e-6;

fn vectors(folder: &Path, kind: &str) -> Vec<Tensor> {
    let files = (0..).map(|k| folder.join(format!("{kind}_{k}.pb"))).take_while(|p| p.is_file());
    files.map(|path| read_tensor(&path).unwrap_or_else(|d| panic!("{d:?}")).1).collect()
}

#[test]
fn classes_are_those_of_onnxruntime() {
    let mut folders: Vec<_> = std::fs::read_dir(workspace().join("models/classical"))
        .expect("the models are in the project")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.join("model.onnx").is_file())
        .collect();
    folders.sort();
    assert!(folders.len() >= 8, "{folders:?}");
    for folder in folders {
        let name = folder.display().to_string();
        let model = load(&folder.join("model.onnx"), &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let graph = import(&model.proto, &Options::default()).unwrap_or_else(|d| panic!("{name}: {d:?}")).graph;
        let case = folder.join("test_data_set_0");
        let inputs = vectors(&case, "input");
        let reference = eval_graph(&graph, &inputs, &Reference { numerics: Numerics::Fused }).expect("it has results");
        let compiled = compile_graph(graph, &Config::new()).unwrap_or_else(|d| panic!("{name}: {d:?}"));
        assert!(!compiled.program.is_fallible(), "{name}: labels are looked up without an error");
        let results = Executor::new(&compiled.program, Hygiene::Poison).expect("it is planned").run(&inputs);
        let results = results.expect("it runs");
        assert_eq!(results.len(), vectors(&case, "output").len(), "{name}");
        for ((result, expected), reference) in results.iter().zip(vectors(&case, "output")).zip(&reference) {
            assert_eq!(result.ty(), expected.ty(), "{name}");
            if result.dtype().is_int() {
                assert_eq!(result, &expected, "{name}");
            }
            for (a, b) in result.scalars().zip(expected.scalars()) {
                let (a, b) = (a.to_f64(), b.to_f64());
                assert!((a - b).abs() <= TOLERANCE * b.abs().max(1.0), "{name}: {a} and {b}");
            }
            // Passes may round in another place, kernels do not.
            let far = |(a, b): (zantc::ir::Scalar, zantc::ir::Scalar)| (a.to_f64() - b.to_f64()).abs() > TOLERANCE;
            assert!(!result.scalars().zip(reference.scalars()).any(far), "{name}");
        }
    }
}

#[test]
fn strings_are_numbered_and_listed() {
    let labels = |name: &str| {
        let path = workspace().join("models/classical").join(name).join("model.onnx");
        let model = load(&path, &Limits::default()).expect("the model is there");
        let graph = import(&model.proto, &Options::default()).unwrap_or_else(|d| panic!("{name}: {d:?}")).graph;
        compile_graph(graph, &Config::new()).unwrap_or_else(|d| panic!("{name}: {d:?}")).program.labels
    };
    let names = ["bird", "cat", "dog"].map(String::from).to_vec();
    assert_eq!(labels("logistic_names").into_iter().collect::<Vec<_>>(), [(0, Labels::Names(names))]);
    assert_eq!(labels("logistic_zipmap").into_iter().collect::<Vec<_>>(), [(1, Labels::ColumnNumbers(vec![0, 1, 2]))]);
}
