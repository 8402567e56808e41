//! Where a model first goes wrong: the steps of the program against the naive reference, value by value.

use crate::exec::{ExecError, Executor, Hygiene};
use crate::ir::{Evaluate, Graph, Numerics, Reference, Tensor, ValueId};
use crate::program::{Program, RegionKind, View};

/// A step whose result is not the reference's, to the bit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongStep {
    /// Position of the step.
    pub step: usize,
    /// Its kernel.
    pub kernel: &'static str,
    /// The ONNX nodes that it computes: position, name and operator; untrusted text.
    pub nodes: Vec<crate::ir::Origin>,
    /// Elements that differ.
    pub unequal: usize,
    /// Elements of the value.
    pub elements: usize,
}

/// The values of a graph before anything is computed, by their ids: constants and inputs.
pub(super) fn given(graph: &Graph, inputs: &[Tensor]) -> Vec<Option<Tensor>> {
    let mut values: Vec<Option<Tensor>> = graph.values.iter().map(|v| v.data.clone()).collect();
    for (&id, tensor) in graph.inputs.iter().zip(inputs) {
        values[id.index()] = Some(tensor.clone());
    }
    values
}

/// Every value of a graph, by its id.
///
/// # Errors
/// The node at which the reference fails, with why.
pub fn values(graph: &Graph, inputs: &[Tensor], numerics: Numerics) -> Result<Vec<Option<Tensor>>, (usize, String)> {
    let reference = Reference { numerics };
    let mut values = given(graph, inputs);
    for (n, node) in graph.nodes.iter().enumerate() {
        let operand = |id: &ValueId| values[id.index()].as_ref().ok_or((n, "an operand has no value".to_string()));
        let operands: Vec<&Tensor> = node.inputs.iter().map(operand).collect::<Result<_, _>>()?;
        let results = reference.evaluate(&node.op, &operands).map_err(|e| (n, e.to_string()))?;
        for (&id, result) in node.outputs.iter().zip(results) {
            values[id.index()] = Some(result);
        }
    }
    Ok(values)
}

/// The first step whose result differs from the reference values of the graph that was lowered; `places` says where each
/// value lies. Values are compared after the last step that writes all of their place.
///
/// # Errors
/// Where the program does not run.
pub fn first_wrong(
    program: &Program,
    places: &[Option<View>],
    values: &[Option<Tensor>],
    inputs: &[Tensor],
) -> Result<Option<WrongStep>, ExecError> {
    let expected = expectations(program, places, values);
    let mut wrong = None;
    let mut executor = Executor::new(program, Hygiene::Poison)?;
    let (lent, states) = program.split_inputs(inputs);
    for (i, value) in states.iter().enumerate() {
        executor.set_state(i, value)?;
    }
    executor.run_observed(&lent, |i, results| {
        if wrong.is_some() {
            return;
        }
        for (result, value) in results.iter().zip(&expected[i]) {
            let unequal = value.map_or(0, |v| differing(&own_channels(result, v), v));
            if unequal > 0 {
                let step = &program.steps[i];
                wrong = Some(WrongStep {
                    step: i,
                    kernel: step.call.name(),
                    nodes: step.origin.clone(),
                    unequal,
                    elements: result.len(),
                });
                return;
            }
        }
    })?;
    Ok(wrong)
}

/// What a place holds of a value: all of it, or, where the value is a range of the channels of a wider map, that range of
/// every pixel.
fn own_channels(place: &Tensor, value: &Tensor) -> Tensor {
    let channels = value.shape().last().copied().unwrap_or(1);
    let between = value.len().checked_div(channels).unwrap_or(0).saturating_sub(1);
    let wider = place.len().saturating_sub(channels);
    if place.len() == value.len() || place.dtype() != value.dtype() || between == 0 || wider % between != 0 {
        return place.clone();
    }
    let pitch = wider / between;
    let elements = (0..value.len()).map(|i| place.get(i / channels * pitch + i % channels));
    Tensor::from_scalars(value.ty().clone(), elements)
}

/// Per step and written view, the value that it should then hold.
fn expectations<'v>(
    program: &Program,
    places: &[Option<View>],
    values: &'v [Option<Tensor>],
) -> Vec<Vec<Option<&'v Tensor>>> {
    let mut expected: Vec<Vec<Option<&Tensor>>> =
        program.steps.iter().map(|s| s.writes().map(|_| None).collect()).collect();
    let loops = program.regions.iter().filter(|r| matches!(r.kind, RegionKind::Loop { .. })).map(|r| &r.steps);
    let loops: Vec<_> = loops.collect();
    for (place, value) in places.iter().zip(values) {
        let (Some(place), Some(value)) = (place, value) else { continue };
        let last = program.steps.iter().enumerate().rev().find_map(|(i, s)| {
            let at = s.writes().position(|(_, v)| v == *place)?;
            Some((i, at))
        });
        // What iterations of a loop write is no value of the graph before the last one.
        let is_repeated = |i: usize| loops.iter().any(|steps| steps.contains(&i));
        if let Some((i, at)) = last.filter(|(i, _)| !is_repeated(*i)) {
            expected[i][at] = Some(value);
        }
    }
    expected
}

/// The step of the program that makes a value of the compiled graph, with its kernel. Others may write over its place: the one
/// meant computes the last of the nodes that the value comes from.
pub(super) fn step_of(
    compiled: &crate::Compiled,
    value: ValueId,
    origin: &[crate::ir::Origin],
) -> Option<(usize, &'static str)> {
    let place = (*compiled.places.get(value.index())?)?;
    let steps = compiled.program.steps.iter().enumerate().rev();
    let mut writing = steps.filter(|(_, s)| s.writes().any(|(_, v)| v == place)).peekable();
    let last = writing.peek().copied();
    let own = writing.find(|(_, s)| origin.last().is_some_and(|o| s.origin.contains(o)));
    own.or(last).map(|(i, s)| (i, s.call.name()))
}

/// Elements that differ in their bits; all of them where the types do not match, none for two NaNs.
pub fn differing(a: &Tensor, b: &Tensor) -> usize {
    if a.dtype() != b.dtype() || a.len() != b.len() {
        return a.len().max(1);
    }
    let equal = |(x, y): (crate::ir::Scalar, crate::ir::Scalar)| {
        x == y || (x.dtype().is_float() && x.to_f64().is_nan() && y.to_f64().is_nan())
    };
    a.scalars().zip(b.scalars()).filter(|&p| !equal(p)).count()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{first_wrong, values};
    use crate::ir::Tensor;
    use crate::{Config, compile, read};

    #[test]
    fn the_first_wrong_step_is_named() {
        let model = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits.onnx")).unwrap();
        let compiled = compile(&model, &Config::new()).unwrap();
        let program = &compiled.program;
        let inputs = crate::verify::seeded::inputs(program.inputs.iter().map(|p| &p.ty));
        let mut expected = values(&compiled.graph, &inputs, program.numerics).unwrap();
        assert_eq!(first_wrong(program, &compiled.places, &expected, &inputs), Ok(None));
        // Another reference for the results of the last two nodes: the earlier step is the one to name.
        for node in compiled.graph.nodes.iter().rev().take(2) {
            let value = expected[node.outputs[0].index()].as_mut().unwrap();
            let elements = vec![7.0f32; value.len()];
            *value = Tensor::from_elements(value.shape(), &elements);
        }
        let wrong = first_wrong(program, &compiled.places, &expected, &inputs).unwrap().unwrap();
        assert_eq!((wrong.step, wrong.unequal), (program.steps.len() - 2, 10));
        assert_eq!(wrong.nodes, program.steps[wrong.step].origin);
    }
}
