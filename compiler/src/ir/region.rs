//! Graphs within a node: the branches of an `If` and the body of a `Loop`.
//!
//! A graph within a node sees nothing of the one around it: what it reads from there (captured values) is an operand of the node and
//! an input of the graph, by position. Constants are copied into it, which shares their bytes.

use super::{DType, Graph, State, Type};

/// The two ways of an `If`. Both have the same inputs and give results of the same types.
#[derive(Clone, Debug, PartialEq)]
pub struct Branches {
    /// What is computed where the condition holds.
    pub then: Graph,
    /// What is computed where it does not.
    pub otherwise: Graph,
}

/// What a `Loop` repeats.
///
/// The body's inputs are the number of the iteration, from 0 (i64, shape `[]`), the carried values, a row of each scanned operand,
/// and the captured values. Its outputs are whether to go on (bool of one element), where the loop is conditional, the new carried
/// values, and a row of each stack.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeat {
    /// The body. Its states are pairs of the carried values' inputs and outputs.
    pub body: Graph,
    /// How often it runs, at most.
    pub trips: usize,
    /// Values that an iteration gives to the next.
    pub carried: usize,
    /// Operands of which each iteration gets a row: `[trips, ..]`.
    pub scanned: usize,
    /// Whether it ends where a condition, its first operand and then the first output of the body, does not hold.
    pub conditional: bool,
}

impl Branches {
    /// The results' types, or what does not fit.
    pub(super) fn infer(&self, inputs: &[&Type]) -> Result<Vec<Type>, String> {
        let condition = *inputs.first().ok_or("it has no condition")?;
        expect_condition(condition)?;
        for branch in [&self.then, &self.otherwise] {
            expect_inputs(branch, inputs[1..].iter().copied())?;
        }
        let (then, otherwise) = (outputs(&self.then), outputs(&self.otherwise));
        if then.is_empty() {
            return Err("its branches have no results".into());
        }
        match then.iter().zip(&otherwise).find(|(a, b)| a != b) {
            _ if then.len() != otherwise.len() => Err("its branches differ in the number of their results".into()),
            Some((a, b)) => Err(format!("one branch gives {a}, the other {b}")),
            None => Ok(then),
        }
    }
}

impl Repeat {
    /// Stacks of rows: one from each of the last outputs of the body.
    pub fn stacks(&self) -> usize {
        self.body.outputs.len().saturating_sub(self.carried + usize::from(self.conditional))
    }

    /// Notes the carried values as the body's states: what takes the place of its old value needs no copy.
    pub(crate) fn note_states(&mut self) {
        let flag = usize::from(self.conditional);
        let pair = |k: usize| State { input: 1 + k, output: flag + k, scale: None };
        self.body.states = (0..self.carried).map(pair).collect();
    }

    /// The results' types (the last carried values, the stacks, and, where the loop is conditional, how often the body ran as i64 of
    /// shape `[]`), or what does not fit.
    pub(super) fn infer(&self, inputs: &[&Type]) -> Result<Vec<Type>, String> {
        let flag = usize::from(self.conditional);
        let scanned_from = flag.saturating_add(self.carried);
        let captured_from = scanned_from.saturating_add(self.scanned);
        if inputs.len() < captured_from || self.body.outputs.len() < scanned_from {
            return Err("it has too few operands or results".into());
        }
        if self.conditional {
            expect_condition(inputs[0])?;
        }
        let mut expected = vec![Type::new(DType::I64, [])];
        expected.extend(inputs[flag..scanned_from].iter().map(|&t| t.clone()));
        for t in &inputs[scanned_from..captured_from] {
            match t.shape.split_first() {
                Some((&n, row)) if n == self.trips => expected.push(Type::new(t.dtype, row)),
                _ => return Err(format!("{t} does not have a row for each of {} iterations", self.trips)),
            }
        }
        expected.extend(inputs[captured_from..].iter().map(|&t| t.clone()));
        expect_inputs(&self.body, expected.iter())?;
        let mut results = outputs(&self.body);
        if self.conditional {
            expect_condition(&results.remove(0))?;
        }
        for (before, after) in inputs[flag..scanned_from].iter().zip(&results) {
            if *before != after {
                return Err(format!("a carried value is {before} before the body and {after} after it"));
            }
        }
        for row in &mut results[self.carried..] {
            row.shape.insert(0, self.trips);
        }
        results.extend(self.conditional.then(|| Type::new(DType::I64, [])));
        if results.is_empty() { Err("it has no results".into()) } else { Ok(results) }
    }
}

fn outputs(graph: &Graph) -> Vec<Type> {
    graph
        .outputs
        .iter()
        .map(|o| graph.values.get(o.value.index()).map_or(Type::new(DType::F32, [0]), |v| v.ty.clone()))
        .collect()
}

fn expect_condition(ty: &Type) -> Result<(), String> {
    let fits = ty.dtype == DType::Bool && ty.shape.iter().all(|&d| d == 1);
    if fits { Ok(()) } else { Err(format!("a condition is one bool, not {ty}")) }
}

fn expect_inputs<'t>(graph: &Graph, types: impl ExactSizeIterator<Item = &'t Type>) -> Result<(), String> {
    if graph.inputs.len() != types.len() {
        return Err(format!("a graph of {} inputs gets {}", graph.inputs.len(), types.len()));
    }
    for (&v, ty) in graph.inputs.iter().zip(types) {
        match graph.values.get(v.index()) {
            Some(value) if value.ty == *ty => {}
            Some(value) => return Err(format!("an input of a graph within is {}, and gets {ty}", value.ty)),
            None => return Err("an input of a graph within is no value".into()),
        }
    }
    Ok(())
}
