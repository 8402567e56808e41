//! Runs of the models of a session, one after the other, with what they compute: what the session's crate tests itself with.

use super::Joined;
use crate::diag::{Diagnostic, codes};
use crate::emit::{MAX_VECTORS_BYTES, SessionRun, Vector};
use crate::exec::{ExecError, Executor, Hygiene};
use crate::ir::graph_work;
use crate::verify::data::{Found, MAX_WORK, find_set, folders_beside};
use crate::verify::seeded;

/// Runs of each model that reads what it keeps: the second one reads what the first has written.
const RUNS: usize = 2;

impl Joined {
    /// A session: whoever begins a state runs first, then the others, twice. Inputs are those of the data sets beside each model, else
    /// pseudo-random ones. The session ends before a run that fails, or that is more work or data than vectors of a crate may be.
    ///
    /// # Errors
    /// Data sets that cannot be read or do not fit.
    pub fn played(&self) -> Result<Vec<SessionRun>, Vec<Diagnostic>> {
        let bad = |e: &ExecError| vec![Diagnostic::error(codes::BAD_DATA, e.to_string())];
        let mut executors = Vec::new();
        for compiled in &self.compiled {
            match Executor::new(&compiled.program, Hygiene::AsEmitted) {
                Ok(executor) => executors.push(executor),
                Err(ExecError::TooLarge { .. }) => return Ok(Vec::new()),
                Err(e) => return Err(bad(&e)),
            }
        }
        let (mut runs, mut last, mut work, mut bytes): (Vec<SessionRun>, Option<usize>, u64, usize) =
            (Vec::new(), None, 0, 0);
        for (model, round) in self.order() {
            let compiled = &self.compiled[model];
            let ports = compiled.program.inputs.iter().chain(&compiled.program.outputs);
            bytes = ports.map(|port| port.ty.bytes()).fold(bytes, usize::saturating_add);
            work = work.saturating_add(graph_work(&compiled.graph));
            if work > MAX_WORK || bytes > MAX_VECTORS_BYTES {
                break;
            }
            let (data_set, inputs) = self.inputs(model, round)?;
            if let Some(from) = last.filter(|last| *last != model)
                && let Ok([to, from]) = executors.get_disjoint_mut([model, from])
            {
                to.go_on_from(from).map_err(|e| bad(&e))?;
            }
            match executors[model].run(&inputs) {
                Ok(outputs) => runs.push(SessionRun { model, vector: Vector { inputs, outputs, data_set } }),
                Err(ExecError::Run { .. }) => break,
                Err(e) => return Err(bad(&e)),
            }
            last = Some(model);
        }
        Ok(runs)
    }

    /// The models in the order of a session, and how often each has run before.
    fn order(&self) -> Vec<(usize, usize)> {
        let begins = |n: &usize| self.compiled[*n].program.states.iter().any(crate::program::State::is_begun);
        let (first, then): (Vec<usize>, Vec<usize>) = (0..self.compiled.len()).partition(begins);
        let again = (0..RUNS).flat_map(|round| then.iter().map(move |model| (*model, round)));
        first.iter().map(|model| (*model, 0)).chain(again).collect()
    }

    /// The inputs of a model's run that are lent, and the data set that they are from.
    fn inputs(&self, model: usize, round: usize) -> Result<(Option<String>, Vec<crate::ir::Tensor>), Vec<Diagnostic>> {
        let program = &self.compiled[model].program;
        if let Some(folder) = folders_beside(&self.projects[model].path).get(round)
            && let Found::Set(set) = find_set(folder, program)?
        {
            return Ok((Some(set.name), program.split_inputs(&set.inputs).0));
        }
        Ok((None, seeded::inputs(program.inputs.iter().map(|port| &port.ty))))
    }
}
