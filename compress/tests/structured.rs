//! Channels removed from whole models, by examples.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use zant_compress::data::{Data, Transform};
use zant_compress::gram::Budget;
use zant_compress::method::{Bench, compress, named};
use zant_compress::net::Net;
use zant_compress::prune::groups::Groups;
use zant_compress::prune::structured::{Importance, Options, by_sensitivity, prune, rank};
use zant_compress::{Metric, Outcome, evaluate, on_threads};
use zantc::Config;
use zantc::onnx::Model;
use zantc::pipeline::compile;
use zantc::project::read;

fn diabetes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/diabetes")
}

fn model() -> Model {
    read(&diabetes().join("float/model.onnx")).unwrap()
}

fn data() -> Data {
    let compiled = compile(&model(), &Config::new()).unwrap();
    let labels = diabetes().join("labels.npy");
    Data::open(&diabetes().join("inputs.npy"), Some(&labels), &Transform::default(), &compiled.program).unwrap()
}

fn by<T>(data: &Data, work: impl FnOnce(&Bench<'_>) -> T) -> T {
    work(&Bench { data, progress: &|_| {} })
}

/// The answers of a model, one number for each example.
fn answers(net: &Net, data: &Data) -> Vec<f32> {
    let compiled = compile(&net.to_model(), &Config::new()).unwrap();
    evaluate(&compiled, data, Metric::Mse, &|_| {}).unwrap().answers.concat()
}

#[test]
fn half_of_the_channels_give_nearly_the_same() {
    let (net, data) = (Net::open(&model()).unwrap(), data());
    let groups = Groups::find(&net).unwrap();
    let shares = vec![0.5; groups.groups.len()];
    let pruned = |options: &Options| by(&data, |bench| prune(&net, &groups, &shares, options, bench)).unwrap();
    let all = [Importance::Magnitude, Importance::Activation, Importance::SecondOrder, Importance::Dependence];
    let before = answers(&net, &data);
    let mean = before.iter().sum::<f32>() / before.len() as f32;
    let spread: f32 = before.iter().map(|v| (v - mean).powi(2)).sum();
    // The share of what the original says that is lost.
    let lost = |net: &Net| {
        answers(net, &data).iter().zip(&before).map(|(found, known)| (found - known).powi(2)).sum::<f32>() / spread
    };
    for importance in all {
        let options = Options { importance, ..Options::default() };
        let (raw, solved) = (pruned(&Options { repair: false, ..options }), pruned(&options));
        assert!(solved.encode().len() < net.encode().len() * 2 / 3);
        let (raw, solved) = (lost(&raw), lost(&solved));
        assert!(solved < 0.02 && solved < raw, "{importance:?}: {raw} {solved}");
    }
}

#[test]
fn shares_by_sensitivity_leave_as_many_weights_and_lose_less() {
    let (net, data) = (Net::open(&model()).unwrap(), data());
    let groups = Groups::find(&net).unwrap();
    let rankings = by(&data, |bench| rank(&net, &groups, Importance::SecondOrder, Budget::default(), bench)).unwrap();
    let shares = by_sensitivity(&groups, &rankings, 50);
    let lost = |shares: &[f64]| -> f64 {
        let kept = groups.kept(shares);
        rankings.iter().zip(&kept).map(|(r, kept)| r.errors[r.order.len() - kept]).sum()
    };
    let uniform = vec![0.5; shares.len()];
    assert!(lost(&shares) <= lost(&uniform), "{shares:?}");
    let options = Options { repair: false, ..Options::default() };
    let size = |shares: &[f64]| {
        by(&data, |bench| prune(&net, &groups, shares, &options, bench)).unwrap().encode().len() as f64
    };
    let (found, wanted) = (size(&shares), size(&uniform));
    assert!((found - wanted).abs() < 0.1 * wanted, "{shares:?}: {found} {wanted}");
}

#[test]
fn threads_change_no_bit() {
    let (net, data) = (Net::open(&model()).unwrap(), data());
    let steps = named("structured-40").unwrap();
    let of = |threads| {
        let made = || by(&data, |bench| compress(&net, &steps, bench));
        on_threads(NonZeroUsize::new(threads), made).unwrap().encode()
    };
    let first = of(1);
    assert_eq!(first, of(3));
    assert_eq!(first, of(1));
    assert!(first.len() < net.encode().len());
}

#[test]
fn hostile_models_are_refused_or_left_alone() {
    let data = data();
    let tried = |change: &dyn Fn(&mut Model)| -> Outcome<Net> {
        let mut model = model();
        change(&mut model);
        let net = Net::open(&model)?;
        by(&data, |bench| compress(&net, &named("structured-50").unwrap(), bench))
    };
    // Shapes that do not fit.
    for at in 0..model().proto.graph.initializer.len() {
        for dim in [-1, 0, 1, 3, 1 << 40] {
            let _ = tried(&|model| model.proto.graph.initializer[at].dims.iter_mut().for_each(|d| *d = dim));
            let _ = tried(&|model| model.proto.graph.initializer[at].dims.push(dim));
            let _ = tried(&|model| model.proto.graph.initializer[at].dims.clear());
        }
    }
    for at in 0..model().proto.graph.node.len() {
        // Operators that nobody knows, and those that are known with operands that do not fit.
        for op in ["Nothing", "Concat", "Reshape", "Transpose", "Conv", "BatchNormalization", "Softmax", "If", "Pad"] {
            let _ = tried(&|model| model.proto.graph.node[at].op_type = op.into());
        }
        let _ = tried(&|model| model.proto.graph.node[at].domain = "elsewhere".into());
        let _ = tried(&|model| model.proto.graph.node[at].input.clear());
        let _ = tried(&|model| model.proto.graph.node[at].output.clear());
    }
    assert!(tried(&|_| {}).is_ok());
}
