//! The invariants of a graph, checked.
//!
//! What is checked is what [`super::graph`] lists: ids name values; every value that something reads is a graph input, a
//! constant, or the result of exactly one node, and stands before its readers; a constant has the type of its value; shapes
//! have at most [`MAX_ELEMENTS`] elements; every type is what the operator infers; what a constant is said to be made from makes it, to
//! the bit. Values that nothing
//! makes and nothing reads are allowed: passes leave them behind.

use super::{Graph, MAX_ELEMENTS, Node, Tensor, Type, ValueId, checked_elements, infer};

/// Checks a graph.
///
/// # Errors
/// A line for each invariant that does not hold; never a panic, whatever the graph.
pub fn verify(graph: &Graph) -> Result<(), Vec<String>> {
    let mut faults = Vec::new();
    let mut known = values(graph, &mut faults);
    for (n, node) in graph.nodes.iter().enumerate() {
        check_node(graph, n, node, &known, &mut faults);
        for &id in &node.outputs {
            define(&mut known, id, &format!("node {n}"), &mut faults);
        }
    }
    for output in &graph.outputs {
        if !is_known(&known, output.value) {
            faults.push(format!("output {:?} is %{}, which nothing makes", output.name, output.value.0));
        }
    }
    for (i, s) in graph.states.iter().enumerate() {
        let again = graph.states[..i].iter().any(|t| t.input == s.input || t.output == s.output);
        let there = s.input < graph.inputs.len() && s.output < graph.outputs.len();
        if again || !there {
            faults.push(format!("state {i} is of an input or output that does not exist or is another state's"));
        } else if let Err(why) = graph.ring_axis(*s) {
            faults.push(format!("state {i}: {why}"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Checks the values by themselves; returns which ones are inputs or constants.
fn values(graph: &Graph, faults: &mut Vec<String>) -> Vec<bool> {
    let mut known = vec![false; graph.values.len()];
    for (ix, value) in graph.values.iter().enumerate() {
        if checked_elements(&value.ty.shape).is_none() {
            faults.push(format!("%{ix} has more than {MAX_ELEMENTS} elements"));
        }
        if let Some(data) = &value.data {
            known[ix] = true;
            if *data.ty() != value.ty {
                faults.push(format!("constant %{ix} is {}, its elements {}", value.ty, data.ty()));
            }
        }
    }
    for &id in &graph.inputs {
        define(&mut known, id, "the graph's inputs", faults);
    }
    for (id, stored) in &graph.stored {
        let value = graph.values.get(id.index()).and_then(|value| value.data.as_ref());
        let fault = match value {
            None => Some("is none".to_string()),
            Some(data) => {
                stored.fault(data.ty()).or_else(|| (!same(&stored.real(), data)).then(|| "is another".into()))
            }
        };
        faults.extend(fault.map(|why| format!("the constant %{} made from codes {why}", id.0)));
    }
    known
}

/// Whether two tensors of f32 have the same bits, NaN being any NaN.
fn same(a: &Tensor, b: &Tensor) -> bool {
    a.data() == b.data()
        || a.to_vec::<f32>().zip(b.to_vec::<f32>()).is_some_and(|(a, b)| {
            a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
        })
}

/// Notes that something makes a value.
fn define(known: &mut [bool], id: ValueId, maker: &str, faults: &mut Vec<String>) {
    match known.get_mut(id.index()) {
        Some(known) if *known => faults.push(format!("{maker}: %{} is made twice", id.0)),
        Some(known) => *known = true,
        None => faults.push(format!("{maker}: there is no value %{}", id.0)),
    }
}

fn is_known(known: &[bool], id: ValueId) -> bool {
    known.get(id.index()).copied().unwrap_or(false)
}

/// Checks the operands of a node, and its results against what the operator infers.
fn check_node(graph: &Graph, n: usize, node: &Node, known: &[bool], faults: &mut Vec<String>) {
    let mut fault = |why: String| faults.push(format!("node {n} ({}): {why}", node.op.name()));
    let mut operands: Vec<&Type> = Vec::with_capacity(node.inputs.len());
    for &id in &node.inputs {
        match graph.values.get(id.index()) {
            None => return fault(format!("there is no value %{}", id.0)),
            Some(_) if !is_known(known, id) => return fault(format!("%{} is read before it is made", id.0)),
            // Its size has been refused already, and inference multiplies shapes.
            Some(value) if checked_elements(&value.ty.shape).is_none() => return,
            Some(value) => operands.push(&value.ty),
        }
    }
    for graph in node.op.graphs() {
        if let Err(within) = verify(graph) {
            return within.into_iter().for_each(&mut fault);
        }
    }
    match infer(&node.op, &operands) {
        Err(why) => fault(why),
        Ok(types) if types.len() != node.outputs.len() => {
            fault(format!("has {} results, not {}", types.len(), node.outputs.len()));
        }
        Ok(types) => {
            for (id, ty) in node.outputs.iter().zip(&types) {
                if let Some(value) = graph.values.get(id.index())
                    && value.ty != *ty
                {
                    fault(format!("%{} is {}, but the operator gives {ty}", id.0, value.ty));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{BinaryOp, DType, Expr, Op, Output, Tensor};

    /// `z = (x + c) + x`, in two nodes.
    fn sample() -> Graph {
        let mut graph = Graph::default();
        let ty = Type::new(DType::F32, [2]);
        let x = graph.add_value("x", ty.clone());
        let c = graph.add_constant("c", Tensor::from_elements([2], &[1f32, 2.]));
        let [y, z] = ["y", "z"].map(|n| graph.add_value(n, ty.clone()));
        for (inputs, out) in [([x, c], y), ([y, x], z)] {
            let op = Op::Map { expr: Expr::of_binary(BinaryOp::Add) };
            graph.nodes.push(Node { op, inputs: inputs.to_vec(), outputs: vec![out], origin: vec![] });
        }
        graph.inputs.push(x);
        graph.outputs.push(Output { name: "z".into(), value: z });
        graph
    }

    /// The faults after a change.
    fn after(change: impl FnOnce(&mut Graph)) -> Vec<String> {
        let mut graph = sample();
        change(&mut graph);
        verify(&graph).err().unwrap_or_default()
    }

    #[test]
    fn a_sound_graph_passes() {
        assert_eq!(verify(&sample()), Ok(()));
        assert_eq!(verify(&Graph::default()), Ok(()));
        // A value that nothing makes or reads.
        assert!(after(|g| _ = g.add_value("orphan", Type::new(DType::F32, [3]))).is_empty());
    }

    #[test]
    fn every_invariant_is_checked() {
        let no = |n: u32| vec![ValueId(n)];
        assert_eq!(after(|g| g.nodes.swap(0, 1)), ["node 0 (map): %2 is read before it is made"]);
        assert_eq!(
            after(|g| g.nodes[1].outputs = no(2)),
            ["node 1: %2 is made twice", "output \"z\" is %3, which nothing makes"]
        );
        assert_eq!(after(|g| g.nodes[1].outputs = no(0))[0], "node 1: %0 is made twice");
        assert_eq!(after(|g| g.nodes[1].outputs = no(9))[0], "node 1: there is no value %9");
        assert_eq!(
            after(|g| g.nodes[1].outputs = vec![]),
            ["node 1 (map): has 1 results, not 0", "output \"z\" is %3, which nothing makes"]
        );
        assert_eq!(after(|g| g.nodes[0].inputs = no(9)), ["node 0 (map): there is no value %9"]);
        assert_eq!(after(|g| g.nodes[0].inputs = no(0)), ["node 0 (map): there is no operand 1"]);
        assert_eq!(after(|g| g.inputs.push(ValueId(1))), ["the graph's inputs: %1 is made twice"]);
        assert_eq!(after(|g| g.inputs.push(ValueId(0))), ["the graph's inputs: %0 is made twice"]);
        assert_eq!(after(|g| g.outputs[0].value = ValueId(7)), ["output \"z\" is %7, which nothing makes"]);
        assert_eq!(
            after(|g| g.values[3].ty.dtype = DType::I8),
            ["node 1 (map): %3 is i8[2], but the operator gives f32[2]"]
        );
        assert_eq!(after(|g| g.values[1].ty.shape = vec![1]), ["constant %1 is f32[1], its elements f32[2]"]);
        let huge = after(|g| g.values[0].ty.shape = vec![usize::MAX, 4]);
        assert_eq!(huge, ["%0 has more than 2147483648 elements"]);
    }
}
