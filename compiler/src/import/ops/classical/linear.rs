//! Linear models and support vector machines.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, classical};
use crate::ir::formula::{binary, constant, num, select, x};
use crate::ir::{BinaryOp, DType, Epilogue, Op, ReduceKind, Scalar, Tensor, UnaryOp, ValueId};

use super::super::reduce::kept;
use super::scores::{Classes, Post, above, largest, pair};
use super::{float_rows, sides};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    classical("LinearClassifier", classifier, "without PROBIT of a single score"),
    classical("LinearRegressor", regressor, ""),
    classical("SVMClassifier", svm_classifier, "without probabilities"),
    classical("SVMRegressor", svm_regressor, ""),
];

/// A matrix of f32 as a constant.
fn matrix(cx: &mut NodeCx<'_>, shape: [usize; 2], numbers: &[f32]) -> Imported {
    cx.b.reserve(numbers.len() * 4, "the coefficients")?;
    Ok(cx.add_constant(Tensor::from_elements(shape, numbers)))
}

/// An attribute of floats that must be there.
fn floats(cx: &NodeCx<'_>, name: &str) -> Imported<Vec<f32>> {
    cx.floats_opt(name)?.filter(|v| !v.is_empty()).ok_or_else(|| Fault::missing(name))
}

/// `v` times the transpose of rows of coefficients, plus a row.
fn product(cx: &mut NodeCx<'_>, v: ValueId, rows: &[f32], plus: &[f32]) -> Imported {
    let (k, n) = (sides(cx, v)[1], plus.len());
    if k.checked_mul(n) != Some(rows.len()) {
        return Err(Fault::shape(format!("{} coefficients do not fit {n} results of {k} features", rows.len())));
    }
    let mut turned = vec![0.0; rows.len()];
    for (i, &c) in rows.iter().enumerate() {
        turned[i % k * n + i / k] = c;
    }
    let w = matrix(cx, [k, n], &turned)?;
    let plus = cx.add_constant(Tensor::from_elements([n], plus));
    cx.emit(Op::MatMul { epilogue: Epilogue { bias: true, ..Epilogue::default() } }, &[v, w, plus])
}

/// `n` numbers, of which one may stand for all, or none for zeros.
fn spread(given: Option<Vec<f32>>, n: usize, name: &str) -> Imported<Vec<f32>> {
    match given.unwrap_or_default() {
        v if v.is_empty() => Ok(vec![0.0; n]),
        v if v.len() == n => Ok(v),
        v => Err(Fault::attribute(name, format!("has {} values, not {n}", v.len()))),
    }
}

fn regressor(cx: &mut NodeCx<'_>) -> Imported {
    let v = float_rows(cx)?;
    let (rows, targets) = (floats(cx, "coefficients")?, cx.int("targets", 1)?);
    let features = sides(cx, v)[1];
    let targets = usize::try_from(targets).ok().filter(|t| t.checked_mul(features) == Some(rows.len()));
    let targets = targets.ok_or_else(|| Fault::attribute("targets", "do not fit the coefficients"))?;
    let plus = spread(cx.floats_opt("intercepts")?, targets, "intercepts")?;
    let y = product(cx, v, &rows, &plus)?;
    let post = Post::of(cx)?;
    if targets == 1 && post != Post::Probit && post != Post::Logistic { Ok(y) } else { post.apply(cx, y) }
}

fn classifier(cx: &mut NodeCx<'_>) -> Imported {
    let v = float_rows(cx)?;
    let (rows, post) = (floats(cx, "coefficients")?, Post::of(cx)?);
    let classes = Classes::needed(cx, "classlabels_strings", "classlabels_ints")?;
    let features = sides(cx, v)[1].max(1);
    let plus = spread(cx.floats_opt("intercepts")?, rows.len() / features, "intercepts")?;
    let y = product(cx, v, &rows, &plus)?;
    let (index, scores) = match (plus.len(), classes.len()) {
        (1, 2) => (above(cx, y, 0.0)?, pair(cx, y, post, true)?),
        (n, labels) if n == labels && n > 1 => (largest(cx, y)?, post.apply(cx, y)?),
        (n, labels) => return Err(Fault::form(format!("{n} scores of {labels} classes"))),
    };
    cx.set(1, scores);
    classes.label(cx, index)
}

/// The kernel of a support vector machine.
struct Machine {
    kernel: Kernel,
    gamma: f64,
    offset: f64,
    degree: f64,
}

#[derive(Clone, Copy)]
enum Kernel {
    Linear,
    Poly,
    Rbf,
    Sigmoid,
}

impl Machine {
    fn of(cx: &NodeCx<'_>) -> Imported<Machine> {
        let kernels =
            [("LINEAR", Kernel::Linear), ("POLY", Kernel::Poly), ("RBF", Kernel::Rbf), ("SIGMOID", Kernel::Sigmoid)];
        let kernel = cx.word("kernel_type", &kernels)?;
        let [gamma, offset, degree] = match cx.floats_opt("kernel_params")?.unwrap_or_default().as_slice() {
            &[gamma, offset, degree] => [gamma, offset, degree].map(f64::from),
            [] => [0.0; 3],
            other => return Err(Fault::attribute("kernel_params", format!("has {} values, not 3", other.len()))),
        };
        Ok(Machine { kernel, gamma, offset, degree })
    }

    /// The kernel of each row and each of `n` vectors.
    fn values(&self, cx: &mut NodeCx<'_>, v: ValueId, vectors: &[f32], n: usize) -> Imported {
        let dot = |cx: &mut NodeCx<'_>, v| product(cx, v, vectors, &vec![0.0; n]);
        let linear = num(self.gamma) * x(0) + num(self.offset);
        match self.kernel {
            Kernel::Linear => dot(cx, v),
            Kernel::Sigmoid => {
                let y = dot(cx, v)?;
                cx.map(linear.then(UnaryOp::Tanh).expr(DType::F32), &[y])
            }
            Kernel::Poly => {
                let y = dot(cx, v)?;
                cx.map(binary(BinaryOp::Pow, linear, num(self.degree)).expr(DType::F32), &[y])
            }
            Kernel::Rbf => self.distances(cx, v, vectors, n),
        }
    }

    /// `exp(-gamma |x - v|^2)`, by `|x|^2 + |v|^2 - 2 x v`. The vectors' mean is taken from both first, so that little cancels.
    fn distances(&self, cx: &mut NodeCx<'_>, v: ValueId, vectors: &[f32], n: usize) -> Imported {
        let k = sides(cx, v)[1];
        if k.checked_mul(n) != Some(vectors.len()) {
            return Err(Fault::shape(format!("{} numbers are not {n} vectors of {k} features", vectors.len())));
        }
        let mean: Vec<f32> = (0..k)
            .map(|f| (vectors.iter().skip(f).step_by(k.max(1)).map(|&v| f64::from(v)).sum::<f64>() / n as f64) as f32)
            .collect();
        let around: Vec<f32> = vectors.iter().enumerate().map(|(i, v)| -2.0 * (v - mean[i % k])).collect();
        let squares: Vec<f32> = vectors
            .chunks(k.max(1))
            .map(|v| v.iter().zip(&mean).map(|(v, m)| f64::from(v - m) * f64::from(v - m)).sum::<f64>() as f32)
            .collect();
        let mean = matrix(cx, [1, k], &mean)?;
        let v = cx.map((x(0) - x(1)).expr(DType::F32), &[v, mean])?;
        let own = cx.map((x(0) * x(0)).expr(DType::F32), &[v])?;
        let own = kept(cx, own, ReduceKind::Sum, &[1])?;
        let y = product(cx, v, &around, &squares)?;
        let distance = (x(0) + x(1)).max(num(0.0));
        cx.map((num(-self.gamma) * distance).then(UnaryOp::Exp).expr(DType::F32), &[y, own])
    }
}

fn svm_regressor(cx: &mut NodeCx<'_>) -> Imported {
    let v = float_rows(cx)?;
    let (coefficients, rho) = (floats(cx, "coefficients")?, floats(cx, "rho")?);
    let vectors =
        usize::try_from(cx.int("n_supports", 0)?).map_err(|_| Fault::attribute("n_supports", "is negative"))?;
    let y = if vectors > 0 {
        let machine = Machine::of(cx)?;
        let values = machine.values(cx, v, &floats(cx, "support_vectors")?, vectors)?;
        product(cx, values, &coefficients, &rho[..1])?
    } else {
        product(cx, v, &coefficients, &rho[..1])?
    };
    if cx.flag("one_class", false)? {
        return cx.map(select(num(0.0).lt(x(0)), num(1.0), num(-1.0)).expr(DType::F32), &[y]);
    }
    match Post::of(cx)? {
        post @ (Post::Probit | Post::Logistic) => post.apply(cx, y),
        Post::None | Post::Softmax | Post::SoftmaxZero => Ok(y),
    }
}

fn svm_classifier(cx: &mut NodeCx<'_>) -> Imported {
    let v = float_rows(cx)?;
    let (coefficients, rho, post) = (floats(cx, "coefficients")?, floats(cx, "rho")?, Post::of(cx)?);
    let classes = Classes::needed(cx, "classlabels_strings", "classlabels_ints")?;
    let counts = cx.ints_opt("vectors_per_class")?.unwrap_or_default();
    let counts: Option<Vec<usize>> = counts.iter().map(|&c| usize::try_from(c).ok()).collect();
    let counts = counts.ok_or_else(|| Fault::attribute("vectors_per_class", "has a negative number"))?;
    if cx.floats_opt("prob_a")?.is_some_and(|a| !a.is_empty()) {
        return Err(Fault::form("probabilities of a support vector machine")
            .help("train it with `probability=False`; its classes are the same"));
    }
    let n = counts.iter().try_fold(0usize, |sum, &c| sum.checked_add(c)).unwrap_or(usize::MAX);
    if n == 0 {
        return liblinear(cx, v, &classes, (&coefficients, rho[0], post));
    }
    let pairs = pairs_of(classes.len());
    if counts.len() != classes.len() || rho.len() < pairs.len() || pairs.is_empty() {
        return Err(Fault::form(format!(
            "{} classes, {} counts of vectors, {} offsets",
            classes.len(),
            counts.len(),
            rho.len()
        )));
    }
    if coefficients.len() / (classes.len() - 1) < n {
        return Err(Fault::attribute("coefficients", "are fewer than vectors and classes"));
    }
    let vectors = floats(cx, "support_vectors")?;
    let values = Machine::of(cx)?.values(cx, v, &vectors, n)?;
    let mut of_class = Vec::with_capacity(n);
    counts.iter().enumerate().for_each(|(class, &count)| of_class.extend(std::iter::repeat_n(class, count)));
    // One row for each pair of classes: of the vectors of one the coefficients against the other.
    let size = pairs.len().checked_mul(n).ok_or_else(|| Fault::shape("there are too many vectors"))?;
    cx.b.reserve(size.saturating_mul(4), "the coefficients")?;
    let mut rows = vec![0.0; size];
    for (row, &[i, j]) in rows.chunks_exact_mut(n).zip(&pairs) {
        for (k, &class) in of_class.iter().enumerate() {
            if class == i {
                row[k] = coefficients[(j - 1) * n + k];
            } else if class == j {
                row[k] = coefficients[i * n + k];
            }
        }
    }
    let y = product(cx, values, &rows, &rho[..pairs.len()])?;
    let (index, scores) = if classes.len() == 2 {
        let first = above(cx, y, 0.0)?;
        let index = cx.map((num(1.0) - x(0)).expr(DType::I64), &[first])?;
        (index, pair(cx, y, post, post != Post::None)?)
    } else {
        (elected(cx, y, &pairs, classes.len())?, post.apply(cx, y)?)
    };
    cx.set(1, scores);
    classes.label(cx, index)
}

/// All pairs of classes, in the order of libsvm.
fn pairs_of(classes: usize) -> Vec<[usize; 2]> {
    // Beyond that the coefficients are not there either.
    let classes = classes.min(1 << 12);
    (0..classes).flat_map(|i| (i + 1..classes).map(move |j| [i, j])).collect()
}

/// The class with most votes: each pair has one, for its first class where the score is positive.
fn elected(cx: &mut NodeCx<'_>, scores: ValueId, pairs: &[[usize; 2]], classes: usize) -> Imported {
    let mut votes = vec![0.0; classes * pairs.len()];
    let mut second = vec![0.0; classes];
    for (p, &[i, j]) in pairs.iter().enumerate() {
        votes[i * pairs.len() + p] = 1.0;
        votes[j * pairs.len() + p] = -1.0;
        second[j] += 1.0;
    }
    let one = constant(Scalar::from_f64(1.0, DType::F32));
    let is_first = select(num(0.0).lt(x(0)), one, num(0.0));
    let first = cx.map(is_first.expr(DType::F32), &[scores])?;
    let counted = product(cx, first, &votes, &second)?;
    largest(cx, counted)
}

/// One row of coefficients for each class, and one offset.
fn liblinear(
    cx: &mut NodeCx<'_>,
    v: ValueId,
    classes: &Classes,
    (coefficients, rho, post): (&[f32], f32, Post),
) -> Imported {
    let y = product(cx, v, coefficients, &vec![rho; classes.len()])?;
    let mut index = largest(cx, y)?;
    if classes.len() == 2 {
        // With two classes the second one is taken where any score is high.
        let positive = coefficients.iter().all(|&c| c >= 0.0);
        let most = kept(cx, y, ReduceKind::Max, &[1])?;
        let rows = cx.shape(index)[0];
        let most = cx.reshape(most, [rows])?;
        let high = if positive { x(0).lt(num(0.5)).then(UnaryOp::Not) } else { num(0.0).lt(x(0)) };
        let high = high.cast(DType::I64);
        let high = cx.map(high.expr(DType::F32), &[most])?;
        index = cx.binary(BinaryOp::Max, high, index)?;
    }
    let scores = post.apply(cx, y)?;
    cx.set(1, scores);
    classes.label(cx, index)
}
