//! Whole graphs.

use super::{EvalError, Evaluate};
use crate::ir::{Graph, Tensor, ValueId};

/// Why a graph has no results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphError {
    /// Position of the node that failed; none where the inputs do not fit the graph.
    pub node: Option<usize>,
    /// What is wrong.
    pub error: EvalError,
}

impl std::fmt::Display for GraphError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.node {
            Some(node) => write!(f, "node {node}: {}", self.error),
            None => write!(f, "{}", self.error),
        }
    }
}

impl std::error::Error for GraphError {}

/// The outputs of a graph for some inputs, in the graph's order. Values are freed after their last use.
///
/// # Errors
/// Where the inputs do not fit the graph, a node has no result, or a node reads a value that no earlier one makes.
pub fn eval_graph(graph: &Graph, inputs: &[Tensor], evaluator: &dyn Evaluate) -> Result<Vec<Tensor>, GraphError> {
    let misfit = |node, why: String| GraphError { node, error: EvalError::IllTyped(why) };
    if inputs.len() != graph.inputs.len() {
        return Err(misfit(None, format!("the graph has {} inputs, not {}", graph.inputs.len(), inputs.len())));
    }
    let mut values: Vec<Option<Tensor>> = graph.values.iter().map(|v| v.data.clone()).collect();
    for (&id, tensor) in graph.inputs.iter().zip(inputs) {
        if graph.ty(id) != tensor.ty() {
            return Err(misfit(
                None,
                format!("input {:?} is {}, not {}", graph.value(id).name, graph.ty(id), tensor.ty()),
            ));
        }
        values[id.index()] = Some(tensor.clone());
    }
    let last_use = last_uses(graph);
    for (n, node) in graph.nodes.iter().enumerate() {
        let missing = |id: &ValueId| misfit(Some(n), format!("%{} has no value yet", id.0));
        let value = |id: &ValueId| values[id.index()].as_ref().ok_or_else(|| missing(id));
        let operands: Vec<&Tensor> = node.inputs.iter().map(value).collect::<Result<_, _>>()?;
        let results = evaluator.evaluate(&node.op, &operands).map_err(|error| GraphError { node: Some(n), error })?;
        for (&id, result) in node.outputs.iter().zip(results) {
            values[id.index()] = Some(result);
        }
        for id in node.inputs.iter().chain(&node.outputs) {
            if last_use[id.index()].is_none_or(|last| last <= n) {
                values[id.index()] = None;
            }
        }
    }
    let result =
        |id: ValueId| values[id.index()].clone().ok_or_else(|| misfit(None, format!("%{} has no value", id.0)));
    graph.outputs.iter().map(|o| result(o.value)).collect()
}

/// The last node that reads each value: none where nobody does, the number of nodes for the graph's outputs.
fn last_uses(graph: &Graph) -> Vec<Option<usize>> {
    let mut last = vec![None; graph.values.len()];
    for (n, node) in graph.nodes.iter().enumerate() {
        for id in &node.inputs {
            last[id.index()] = Some(n);
        }
    }
    for output in &graph.outputs {
        last[output.value.index()] = Some(graph.nodes.len());
    }
    last
}
