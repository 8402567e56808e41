//! Evaluations of whole models: values that another runtime gives, all forms of wrong data, any number of threads.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use zant_compress::data::{Data, Labels, Transform};
use zant_compress::{Evaluation, Metric, Outcome, evaluate, on_threads};
use zantc::Config;
use zantc::import::to_raw;
use zantc::ir::{Tensor, text};
use zantc::pipeline::{Compiled, compile, compile_graph};
use zantc::project::read;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn compiled(model: &Path) -> Compiled {
    compile(&read(model).unwrap(), &Config::new()).unwrap()
}

fn small(text: &str) -> Compiled {
    compile_graph(text::parse(text).unwrap(), &Config::new()).unwrap()
}

fn asked(compiled: &Compiled, data: &Path, labels: Option<&Path>, metric: Metric, n: usize) -> Outcome<Evaluation> {
    let data = Data::open(data, labels, &Transform::default(), &compiled.program)?;
    on_threads(NonZeroUsize::new(n), || evaluate(compiled, &data, metric, &|_| {}))
}

fn write(folder: &Path, name: &str, tensor: &Tensor) -> PathBuf {
    let path = folder.join(name);
    to_raw("", tensor).write_npy(&path).unwrap();
    path
}

#[test]
fn errors_of_a_regression_are_those_of_onnxruntime() {
    let folder = root().join("models/diabetes");
    // Mean of the squared and of the absolute differences with onnxruntime 1.32.
    let known =
        [("float", 3301.2643, 44.868264), ("ternary", 3068.3182, 43.793631), ("ternary_a8", 3040.8972, 43.617027)];
    for (name, mse, mae) in known {
        let model = compiled(&folder.join(name).join("model.onnx"));
        let of =
            |metric| asked(&model, &folder.join("inputs.npy"), Some(&folder.join("labels.npy")), metric, 2).unwrap();
        for (metric, expected) in [(Metric::Mse, mse), (Metric::Mae, mae)] {
            let found = of(metric).score.value;
            assert!((found - expected).abs() <= 1e-4 * expected, "{name}: {found} {expected}");
        }
    }
}

#[test]
fn accuracies_are_those_of_onnxruntime() {
    let shared = std::env::var_os("ZANT_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let data = shared.join("data/mnist");
    if !data.is_dir() {
        return println!("skipped 2 cases: the data are not there");
    }
    for (name, right) in [("mlp_f32", 1958), ("mlp_ternary_tensor", 1943)] {
        let model = compiled(&shared.join("models/compression").join(name).join("model.onnx"));
        let found = asked(&model, &data.join("test_x.npy"), Some(&data.join("test_y.npy")), Metric::Top1, 2).unwrap();
        assert_eq!((found.score.right, found.answers.len()), (Some(right), 2000), "{name}");
    }
}

#[test]
fn batches_and_threads_change_nothing() {
    let of_batch = |n: usize| {
        small(&format!(
            "graph \"g\"\n  in %0 \"x\": f32[{n},3]\n  %1 = map %0 {{Mul(x0, x0)}} : f32[{n},3]\n  out \"y\" = %1\n"
        ))
    };
    let folder = tempfile::tempdir().unwrap();
    let numbers: Vec<f32> = (0..21).map(|v| ((v * 5) % 7) as f32 - 3.0).collect();
    let x = write(folder.path(), "x.npy", &Tensor::from_elements([7, 3], &numbers));
    let y = write(folder.path(), "y.npy", &Tensor::from_elements([7], &[0u8, 1, 2, 0, 1, 2, 0]));
    let first = asked(&of_batch(1), &x, Some(&y), Metric::Top1, 1).unwrap();
    assert_eq!(first.answers.len(), 7);
    for (batch, n) in [(1, 3), (2, 1), (2, 3), (7, 1), (10, 2)] {
        let found = asked(&of_batch(batch), &x, Some(&y), Metric::Top1, n).unwrap();
        assert_eq!(
            (found.answers, found.score),
            (first.answers.clone(), first.score),
            "batches of {batch}, {n} threads"
        );
    }
    // What reproduces its input needs no labels.
    let found = asked(&of_batch(2), &x, None, Metric::Mae, 2).unwrap();
    let expected = numbers.iter().map(|v| f64::from((v * v - v).abs())).sum::<f64>() / 21.0;
    assert_eq!(found.score.value, expected);
}

#[test]
fn sets_of_onnx_are_their_own_labels() {
    let folder = root().join("models/digits");
    let model = compiled(&folder.join("digits.onnx"));
    let found = asked(&model, &folder, None, Metric::Top1, 2).unwrap();
    assert_eq!((found.score.right, found.answers.len()), (Some(3), 3));
    assert!(asked(&model, &folder, None, Metric::Mse, 1).unwrap().score.value < 1e-10);
}

#[test]
fn wrong_data_are_refused_before_any_run() {
    let model =
        small("graph \"g\"\n  in %0 \"x\": f32[1,2,3]\n  %1 = reduce_sum %0 {axes 1} : f32[1,3]\n  out \"y\" = %1\n");
    let bytes = small("graph \"g\"\n  in %0 \"x\": i8[1,3]\n  %1 = map %0 {Neg(x0)} : i8[1,3]\n  out \"y\" = %1\n");
    let folder = tempfile::tempdir().unwrap();
    let array = |name: &str, shape: &[usize], v: f32| {
        let count = shape.iter().product();
        write(folder.path(), name, &Tensor::from_elements(shape.to_vec(), &vec![v; count]))
    };
    let good = array("x.npy", &[4, 2, 3], 1.0);
    let labels =
        |name: &str, classes: &[i64]| write(folder.path(), name, &Tensor::from_elements([classes.len()], classes));
    let fault = |model: &Compiled, data: &Path, labels: Option<&Path>| {
        let faults = asked(model, data, labels, Metric::Top1, 2).expect_err("wrong data");
        faults[0].message.clone()
    };
    let right = labels("y.npy", &[0, 1, 2, 0]);
    assert!(asked(&model, &good, Some(&right), Metric::Top1, 2).is_ok());
    let turned = array("turned.npy", &[4, 3, 2], 1.0);
    assert!(fault(&model, &turned, Some(&right)).contains("[3, 2]"), "the wrong order of dimensions");
    assert!(fault(&model, &array("small.npy", &[4, 2, 2], 1.0), Some(&right)).contains("[2, 2]"));
    assert!(fault(&model, &array("none.npy", &[0, 2, 3], 1.0), Some(&right)).contains("no example"));
    assert!(fault(&bytes, &array("floats.npy", &[4, 3], 1.0), Some(&right)).contains("the data are f32"));
    assert!(fault(&model, &array("nan.npy", &[4, 2, 3], f32::NAN), Some(&right)).contains("example 0"));
    assert!(fault(&model, &good, None).contains("no labels"));
    assert!(fault(&model, &good, Some(&labels("far.npy", &[0, 1, 3, 0]))).contains("label 2 is class 3"));
    assert!(fault(&model, &good, Some(&labels("below.npy", &[0, -1, 2, 0]))).contains("label 1 is -1"));
    assert!(fault(&model, &good, Some(&labels("few.npy", &[0, 1]))).contains("4 examples and 2 labels"));
    assert!(fault(&model, &folder.path().join("gone.npy"), None).contains("gone.npy"));
    let empty = tempfile::tempdir().unwrap();
    let pictures =
        small("graph \"g\"\n  in %0 \"x\": f32[1,3,2,2]\n  %1 = map %0 {Neg(x0)} : f32[1,3,2,2]\n  out \"y\" = %1\n");
    assert!(fault(&pictures, empty.path(), None).contains("no picture"));
    assert!(fault(&model, empty.path(), None).contains("which no picture is"));
}

#[test]
fn labels_are_classes_where_they_are_whole_numbers() {
    let model = small("graph \"g\"\n  in %0 \"x\": f32[1,2]\n  %1 = map %0 {Neg(x0)} : f32[1,2]\n  out \"y\" = %1\n");
    let folder = tempfile::tempdir().unwrap();
    let x = write(folder.path(), "x.npy", &Tensor::from_elements([2, 2], &[0f32; 4]));
    let open = |y: &Path| Data::open(&x, Some(y), &Transform::default(), &model.program).unwrap().labels().clone();
    let classes = write(folder.path(), "c.npy", &Tensor::from_elements([2, 1], &[1i32, 0]));
    assert_eq!(open(&classes), Labels::Classes(vec![1, 0]));
    let numbers = write(folder.path(), "n.npy", &Tensor::from_elements([2, 2], &[1f32, 2.0, 3.0, 4.0]));
    assert_eq!(open(&numbers), Labels::Numbers(vec![vec![1.0, 2.0], vec![3.0, 4.0]]));
}
