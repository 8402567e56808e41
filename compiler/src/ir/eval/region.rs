//! `If` and `Loop`.

use super::{EvalError, Evaluate, eval_graph};
use crate::ir::region::{Branches, Repeat};
use crate::ir::{Graph, Scalar, Tensor, Type};

/// The results of the branch that the condition chooses.
pub(super) fn branch(e: &dyn Evaluate, branches: &Branches, inputs: &[&Tensor]) -> Result<Vec<Tensor>, EvalError> {
    let graph = if holds(inputs[0]) { &branches.then } else { &branches.otherwise };
    run(e, graph, inputs[1..].iter().map(|&t| t.clone()).collect())
}

/// The last carried values, the stacks of rows, and the number of iterations of a conditional loop. Rows of iterations that there are
/// not are zeros.
pub(super) fn repeat(e: &dyn Evaluate, l: &Repeat, inputs: &[&Tensor], out: &[Type]) -> Result<Vec<Tensor>, EvalError> {
    let flag = usize::from(l.conditional);
    let (scanned_from, captured_from) = (flag + l.carried, flag + l.carried + l.scanned);
    let mut carried: Vec<Tensor> = inputs[flag..scanned_from].iter().map(|&t| t.clone()).collect();
    let stacks = l.stacks();
    let mut rows: Vec<Vec<u8>> = vec![Vec::new(); stacks];
    let mut goes_on = !l.conditional || holds(inputs[0]);
    let mut done = 0usize;
    while goes_on && done < l.trips {
        let mut given = vec![Tensor::scalar(Scalar::I64(done as i64))];
        given.append(&mut carried);
        given.extend(inputs[scanned_from..captured_from].iter().map(|t| row(t, done)));
        given.extend(inputs[captured_from..].iter().map(|&t| t.clone()));
        let mut results = run(e, &l.body, given)?.into_iter();
        if l.conditional {
            goes_on = results.next().is_some_and(|t| holds(&t));
        }
        carried = results.by_ref().take(l.carried).collect();
        rows.iter_mut().zip(results).for_each(|(rows, row)| rows.extend_from_slice(row.data()));
        done += 1;
    }
    let mut all = carried;
    for (mut rows, ty) in rows.into_iter().zip(&out[l.carried..]) {
        rows.resize(ty.bytes(), 0);
        let stack = Tensor::from_bytes(ty.clone(), rows.into());
        all.push(stack.ok_or_else(|| EvalError::IllTyped("the rows of a loop do not fit".into()))?);
    }
    all.extend(l.conditional.then(|| Tensor::scalar(Scalar::I64(done as i64))));
    Ok(all)
}

/// Whether a condition holds.
fn holds(condition: &Tensor) -> bool {
    condition.data().first().is_some_and(|b| *b != 0)
}

/// One row of a tensor.
fn row(t: &Tensor, at: usize) -> Tensor {
    let ty = Type::new(t.dtype(), &t.shape()[1..]);
    let bytes = ty.bytes();
    let data = t.data()[at * bytes..(at + 1) * bytes].to_vec();
    Tensor::from_bytes(ty, data.into()).expect("a row has the type of a row")
}

fn run(e: &dyn Evaluate, graph: &Graph, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, EvalError> {
    eval_graph(graph, &inputs, e).map_err(|error| error.error)
}
