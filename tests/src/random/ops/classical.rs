//! Operators of `ai.onnx.ml`.

use zantc::ir::{DType, Tensor};

use super::Entry;
use crate::random::draft::Draft;
use crate::random::fill::Fill;

pub(super) const OPS: &[Entry] = &[
    ml("ArrayFeatureExtractor", extract),
    ml("Binarizer", |d| {
        d.x(&[DType::F32, DType::F64, DType::I64, DType::I32], 1, 3);
        d.float_near("threshold", 0.3);
        Some(())
    }),
    ml("CategoryMapper", |d| {
        d.filled(DType::I64, [5], Fill::Below(4));
        d.texts("cats_strings", &["low", "high", "none"]);
        d.ints("cats_int64s", &[1, 2, 0]);
        Some(())
    }),
    ml("FeatureVectorizer", |d| {
        let rows = d.dim().max(1);
        for _ in 0..d.r.within(1, 3) {
            let (dtype, columns) = (d.r.pick(&[DType::F32, DType::I64]), d.r.within(1, 4));
            d.exactly(dtype, [rows, columns]);
        }
        Some(())
    }),
    ml("Imputer", imputer),
    ml("LabelEncoder", label_encoder),
    ml("LinearClassifier", linear_classifier),
    ml("LinearRegressor", linear_regressor),
    ml("Normalizer", |d| {
        d.x(&[DType::F32, DType::F64, DType::I64], 1, 2);
        let norm = d.r.pick(&["MAX", "L1", "L2"]);
        d.text("norm", norm);
        Some(())
    }),
    ml("OneHotEncoder", |d| {
        let dtype = d.r.pick(&[DType::I64, DType::I32, DType::F32]);
        let shape = d.shape(1, 2);
        d.filled(dtype, shape, Fill::Below(5));
        d.ints("cats_int64s", &[0, 2, 3]);
        Some(())
    }),
    ml("SVMClassifier", svm_classifier),
    ml("SVMRegressor", svm_regressor),
    ml("Scaler", |d| {
        let ty = d.x(&[DType::F32, DType::F64, DType::I64], 2, 2);
        let n = if d.one_in(2) { 1 } else { ty.shape[1] };
        let (offset, scale) = (floats(d, n), floats(d, n));
        d.floats("offset", &offset);
        d.floats("scale", &scale);
        Some(())
    }),
    ml("TreeEnsemble", ensemble),
    ml("TreeEnsembleClassifier", |d| {
        let classes = d.r.within(1, 4);
        let named = d.r.within(1, classes);
        stored(d, "class", named)?;
        labels(d, "classlabels_int64s", classes);
        let post = d.r.pick(&["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]);
        d.text("post_transform", post);
        let n = if d.one_in(2) { classes } else { 1 };
        let base = floats(d, n);
        if d.one_in(2) {
            d.floats("base_values", &base);
        }
        d.outputs(2);
        Some(())
    }),
    ml("TreeEnsembleRegressor", |d| {
        let targets = d.r.within(1, 3);
        stored(d, "target", targets)?;
        d.int("n_targets", targets as i64);
        let how = d.r.pick(&["SUM", "AVERAGE", "MIN", "MAX"]);
        d.text("aggregate_function", how);
        let base = floats(d, targets);
        if d.one_in(2) {
            d.floats("base_values", &base);
        }
        Some(())
    }),
    ml("ZipMap", |d| {
        let ty = d.x(&[DType::F32], 2, 2);
        labels(d, "classlabels_int64s", ty.shape[1]);
        Some(())
    }),
];

const fn ml(name: &'static str, make: fn(&mut Draft<'_>) -> Option<()>) -> Entry {
    Entry { name, domain: "ai.onnx.ml", since: 10, until: 99, make }
}

/// Numbers of both signs.
fn floats(d: &mut Draft<'_>, n: usize) -> Vec<f32> {
    (0..n).map(|_| (d.r.unit() * 2.0 - 1.0) as f32).collect()
}

fn labels(d: &mut Draft<'_>, name: &str, n: usize) {
    let first = d.r.below(3) as i64;
    let labels: Vec<i64> = (0..n as i64).map(|i| first + 2 * i).collect();
    d.ints(name, &labels);
}

/// Rows of features.
fn rows(d: &mut Draft<'_>) -> usize {
    let (dtype, n) = (d.r.pick(&[DType::F32, DType::F32, DType::F64, DType::I64]), d.r.within(1, 5));
    let rows = d.r.within(1, 4);
    d.exactly(dtype, [rows, n]);
    n
}

fn extract(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(&[DType::F32, DType::I64], 1, 2);
    let columns = *ty.shape.last()?;
    let n = d.r.within(1, 4);
    let at: Vec<i64> = (0..n).map(|_| d.r.below(columns.max(1)) as i64).collect();
    d.given(Tensor::from_elements([n], &at));
    Some(())
}

fn imputer(d: &mut Draft<'_>) -> Option<()> {
    let dtype = d.r.pick(&[DType::F32, DType::F64, DType::I64]);
    let ty = d.x(&[dtype], 2, 2);
    let n = if d.one_in(2) { 1 } else { ty.shape[1] };
    if dtype == DType::I64 {
        let filled: Vec<i64> = (0..n as i64).collect();
        d.ints("imputed_value_int64s", &filled);
        d.int("replaced_value_int64", 1);
    } else {
        let filled = floats(d, n);
        d.floats("imputed_value_floats", &filled);
        let missing = d.r.pick(&[0.0, f64::NAN]);
        d.float("replaced_value_float", missing);
    }
    Some(())
}

fn label_encoder(d: &mut Draft<'_>) -> Option<()> {
    let shape = d.shape(1, 2);
    if d.one_in(2) {
        d.filled(DType::I64, shape, Fill::Below(6));
        d.ints("keys_int64s", &[1, 3, 4]);
    } else {
        d.filled(DType::F32, shape, Fill::Below(6));
        d.floats("keys_floats", &[1.0, f32::NAN, 4.0]);
    }
    match d.r.below(3) {
        0 => d.floats("values_floats", &[0.5, -2.0, 7.0]),
        1 => d.ints("values_int64s", &[7, 5, -3]),
        _ => d.texts("values_strings", &["a", "b", "a"]),
    }
    Some(())
}

fn linear_classifier(d: &mut Draft<'_>) -> Option<()> {
    let features = rows(d);
    let scores = d.r.within(1, 3);
    let coefficients = floats(d, scores * features);
    d.floats("coefficients", &coefficients);
    let plus = floats(d, scores);
    d.floats("intercepts", &plus);
    labels(d, "classlabels_ints", scores.max(2));
    let post = d.r.pick(&["NONE", "LOGISTIC", "SOFTMAX"]);
    d.text("post_transform", post);
    d.outputs(2);
    Some(())
}

fn linear_regressor(d: &mut Draft<'_>) -> Option<()> {
    let features = rows(d);
    let targets = d.r.within(1, 3);
    let coefficients = floats(d, targets * features);
    d.floats("coefficients", &coefficients);
    d.int("targets", targets as i64);
    let plus = floats(d, targets);
    if d.one_in(2) {
        d.floats("intercepts", &plus);
    }
    Some(())
}

/// Kernel and its parameters.
fn machine(d: &mut Draft<'_>) {
    let kernel = d.r.pick(&["LINEAR", "POLY", "RBF", "SIGMOID"]);
    d.text("kernel_type", kernel);
    d.floats("kernel_params", &[0.25, 0.5, 3.0]);
}

fn svm_regressor(d: &mut Draft<'_>) -> Option<()> {
    let features = rows(d);
    let n = d.r.within(1, 4);
    machine(d);
    let (vectors, coefficients) = (floats(d, n * features), floats(d, n));
    d.floats("support_vectors", &vectors);
    d.floats("coefficients", &coefficients);
    d.floats("rho", &[0.125]);
    d.int("n_supports", n as i64);
    d.flag("one_class");
    Some(())
}

fn svm_classifier(d: &mut Draft<'_>) -> Option<()> {
    let features = rows(d);
    let classes = d.r.within(2, 3);
    d.outputs(2);
    labels(d, "classlabels_ints", classes);
    if d.one_in(4) {
        let coefficients = floats(d, classes * features);
        d.floats("coefficients", &coefficients);
        d.floats("rho", &[0.25]);
        return Some(());
    }
    machine(d);
    let counts: Vec<usize> = (0..classes).map(|_| d.r.within(1, 3)).collect();
    let n: usize = counts.iter().sum();
    let (vectors, coefficients) = (floats(d, n * features), floats(d, (classes - 1) * n));
    let rho = floats(d, classes * (classes - 1) / 2);
    let counts: Vec<i64> = counts.iter().map(|&c| c as i64).collect();
    d.ints("vectors_per_class", &counts);
    d.floats("support_vectors", &vectors);
    d.floats("coefficients", &coefficients);
    d.floats("rho", &rho);
    Some(())
}

/// A threshold that features meet.
fn threshold(d: &mut Draft<'_>) -> f32 {
    let any = (d.r.unit() * 4.0 - 2.0) as f32;
    let special = d.r.pick(&[0.0, -0.0, 1.0, f32::NEG_INFINITY, f32::INFINITY]);
    if d.one_in(4) { special } else { any }
}

/// A tree by its nodes' children, which stand behind them; `None` of leaves.
fn tree(d: &mut Draft<'_>) -> Vec<Option<[usize; 2]>> {
    let mut nodes = vec![None];
    let inner = d.r.below(10);
    for _ in 0..inner {
        let leaves: Vec<usize> = (0..nodes.len()).filter(|&i| nodes[i].is_none()).collect();
        let at = d.r.pick(&leaves);
        nodes[at] = Some([nodes.len(), nodes.len() + 1]);
        nodes.extend([None, None]);
    }
    nodes
}

/// The attributes of the older ensembles.
fn stored(d: &mut Draft<'_>, leaf: &str, targets: usize) -> Option<()> {
    let features = rows(d);
    let [mut trees, mut ids, mut of, mut yes, mut no, mut missing] = [const { Vec::new() }; 6];
    let (mut modes, mut values) = (Vec::new(), Vec::new());
    let [mut leaf_trees, mut leaf_ids, mut leaf_targets] = [const { Vec::new() }; 3];
    for t in 0..d.r.within(1, 4) as i64 {
        for (i, children) in tree(d).into_iter().enumerate() {
            let kinds = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];
            modes.push(if children.is_some() { d.r.pick(&kinds) } else { "LEAF" });
            let [a, b] = children.unwrap_or([0, 0]).map(|c| c as i64);
            let (feature, is_missing) = (d.r.below(features) as i64, i64::from(d.one_in(3)));
            for (list, v) in [
                (&mut trees, t),
                (&mut ids, i as i64),
                (&mut of, feature),
                (&mut yes, a),
                (&mut no, b),
                (&mut missing, is_missing),
            ] {
                list.push(v);
            }
            values.push(threshold(d));
            if children.is_none() {
                for _ in 0..d.r.within(1, 2) {
                    leaf_trees.push(t);
                    leaf_ids.push(i as i64);
                    leaf_targets.push(d.r.below(targets) as i64);
                }
            }
        }
    }
    for (name, list) in [
        ("nodes_treeids", &trees),
        ("nodes_nodeids", &ids),
        ("nodes_featureids", &of),
        ("nodes_truenodeids", &yes),
        ("nodes_falsenodeids", &no),
        ("nodes_missing_value_tracks_true", &missing),
    ] {
        d.ints(name, list);
    }
    d.texts("nodes_modes", &modes);
    d.floats("nodes_values", &values);
    for (what, list) in [("treeids", &leaf_trees), ("nodeids", &leaf_ids), ("ids", &leaf_targets)] {
        d.ints(&format!("{leaf}_{what}"), list);
    }
    let weights = floats(d, leaf_trees.len());
    d.floats(&format!("{leaf}_weights"), &weights);
    Some(())
}

fn ensemble(d: &mut Draft<'_>) -> Option<()> {
    let (dtype, features) = (d.r.pick(&[DType::F32, DType::F64]), d.r.within(1, 4));
    let rows = d.r.within(1, 4);
    d.exactly(dtype, [rows, features]);
    let targets = d.r.within(1, 3);
    let [mut roots, mut of, mut yes, mut no, mut yes_leaf, mut no_leaf] = [const { Vec::new() }; 6];
    let (mut modes, mut splits, mut members, mut leaves) = (Vec::new(), Vec::new(), Vec::new(), 0i64);
    for _ in 0..d.r.within(1, 3) {
        let mut nodes = tree(d);
        if nodes.len() == 1 {
            // A tree of one leaf is a node of which both ways lead there.
            nodes = vec![Some([1, 2]), None, None];
        }
        let first = of.len() as i64;
        roots.push(first);
        let inner: Vec<usize> = (0..nodes.len()).filter(|&i| nodes[i].is_some()).collect();
        for &i in &inner {
            let mut place = |child: usize| match inner.iter().position(|&n| n == child) {
                Some(at) => (first + at as i64, 0),
                None => {
                    leaves += 1;
                    (leaves - 1, 1)
                }
            };
            let [a, b] = nodes[i].map(|children| children.map(&mut place))?;
            of.push(d.r.below(features) as i64);
            yes.push(a.0);
            yes_leaf.push(a.1);
            no.push(b.0);
            no_leaf.push(b.1);
            modes.push(d.r.below(7) as u8);
            splits.push(threshold(d));
            if modes.last() == Some(&6) {
                let count = d.r.within(1, 4);
                members.extend((0..count).map(|m| m as f32));
                members.push(f32::NAN);
            }
        }
    }
    for (name, list) in [
        ("tree_roots", &roots),
        ("nodes_featureids", &of),
        ("nodes_truenodeids", &yes),
        ("nodes_trueleafs", &yes_leaf),
        ("nodes_falsenodeids", &no),
        ("nodes_falseleafs", &no_leaf),
    ] {
        d.ints(name, list);
    }
    let targets_of: Vec<i64> = (0..leaves).map(|_| d.r.below(targets) as i64).collect();
    d.ints("leaf_targetids", &targets_of);
    d.int("n_targets", targets as i64);
    let weights = floats(d, leaves as usize);
    d.tensor("nodes_modes", &Tensor::from_elements([modes.len()], &modes));
    for (name, values) in [("nodes_splits", &splits), ("leaf_weights", &weights), ("membership_values", &members)] {
        if !values.is_empty() {
            d.tensor(name, &Tensor::from_elements([values.len()], values));
        }
    }
    let how = d.r.below(4) as i64;
    d.int("aggregate_function", how);
    Some(())
}
