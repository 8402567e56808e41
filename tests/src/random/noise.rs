//! How much the outputs of a graph move where its floats move a little: what passes may change, and no more.

use zantc::ir::{DType, Evaluate as _, Graph, Reference, Scalar, Tensor};

use super::Random;

/// Of the elements of a result: by how much they may differ from the reference's.
pub(super) struct Sensitivity {
    runs: Vec<Vec<Tensor>>,
}

/// What one rounding may do to a value, several times over.
fn relative(dtype: DType) -> f64 {
    match dtype {
        DType::BF16 => 1.0 / 128.0,
        DType::F16 => 1.0 / 1024.0,
        DType::F32 => 1.0 / f64::from(1u32 << 21),
        _ => 1e-14,
    }
}

/// A value whose floats have moved: all up, all down, or each as chance has it.
fn moved(t: &Tensor, run: usize, r: &mut Random) -> Tensor {
    if !t.dtype().is_float() {
        return t.clone();
    }
    let by = relative(t.dtype());
    let elements: Vec<Scalar> = t
        .scalars()
        .map(|s| {
            let way = match run {
                0 => 1.0,
                1 => -1.0,
                _ => r.unit(),
            };
            let v = s.to_f64();
            // An exact zero may be the remainder of two that cancel.
            Scalar::from_f64(v * (1.0 + way * by), t.dtype())
        })
        .collect();
    Tensor::from_scalars(t.ty().clone(), elements)
}

impl Sensitivity {
    /// Runs a graph several times with floats that move at each node.
    pub(super) fn of(graph: &Graph, inputs: &[Tensor], reference: &Reference) -> Sensitivity {
        let mut r = Random::new(7);
        Sensitivity { runs: (0..6).filter_map(|run| evaluate(graph, inputs, reference, run, &mut r)).collect() }
    }

    /// The least and the greatest that an element of an output was, with what it was without noise.
    pub(super) fn range(&self, output: usize, element: usize, base: Scalar) -> Option<(f64, f64)> {
        let mut range = (base.to_f64(), base.to_f64());
        if self.runs.is_empty() || !range.0.is_finite() {
            return None;
        }
        for run in &self.runs {
            let v = run[output].get(element).to_f64();
            if !v.is_finite() {
                return None;
            }
            range = (range.0.min(v), range.1.max(v));
        }
        Some(range)
    }
}

fn evaluate(
    graph: &Graph,
    inputs: &[Tensor],
    reference: &Reference,
    run: usize,
    r: &mut Random,
) -> Option<Vec<Tensor>> {
    let mut values: Vec<Option<Tensor>> =
        graph.values.iter().map(|v| v.data.as_ref().map(|t| moved(t, run, r))).collect();
    for (&id, t) in graph.inputs.iter().zip(inputs) {
        values[id.index()] = Some(moved(t, run, r));
    }
    for node in &graph.nodes {
        let operands: Vec<&Tensor> = node.inputs.iter().map(|i| values[i.index()].as_ref()).collect::<Option<_>>()?;
        let results = reference.evaluate(&node.op, &operands).ok()?;
        for (&id, t) in node.outputs.iter().zip(results) {
            values[id.index()] = Some(moved(&t, run, r));
        }
    }
    graph.outputs.iter().map(|o| values[o.value.index()].clone()).collect()
}
