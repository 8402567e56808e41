//! What a model computes inside, for examples: the values that methods measure ranges and responses by.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};
use zantc::config::Config;
use zantc::diag::{Diagnostic, codes};
use zantc::exec::{Executor, Hygiene};
use zantc::ir::{LowBit, Tensor, Type};
use zantc::pipeline::{Compiled, compile, import};

use crate::Outcome;
use crate::data::Data;
use crate::net::Net;

/// A model that gives values of its inside as outputs.
#[derive(Debug)]
pub struct Probe {
    compiled: Compiled,
}

/// How many examples each thread computes before their values are taken in order.
const WAVE: usize = 8;

impl Probe {
    /// Compiles a model for the values of such names.
    ///
    /// # Errors
    /// The model does not compile, or has no such value.
    pub fn new(net: &Net, names: &[String]) -> Outcome<Probe> {
        let config = Config::new().low_bit(LowBit::Off);
        Ok(Probe { compiled: compile(&net.with_outputs(names).to_model(), &config)? })
    }

    /// The types of the values.
    pub fn types(&self) -> Vec<Type> {
        self.compiled.program.model_outputs().into_iter().map(|port| port.ty).collect()
    }

    /// The compiled model.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// Gives the values of such examples to `visit`, run after run in the order of the data, whatever the number of threads; only
    /// whole batches, and at least one.
    ///
    /// # Errors
    /// Examples that cannot be read, a run that fails.
    pub fn each(&self, data: &Data, examples: Range<usize>, visit: &mut dyn FnMut(&[Tensor])) -> Outcome<()> {
        let run_of = |example: usize| example.min(data.len()) / data.batch();
        let start = run_of(examples.start);
        let end = run_of(examples.end).max(start + 1);
        let threads = rayon::current_num_threads().min(end - start);
        let executor = || {
            Executor::new(&self.compiled.program, Hygiene::AsEmitted)
                .map_err(|e| vec![Diagnostic::error(codes::TOO_LARGE, e.to_string())])
        };
        let mut executors = (0..threads).map(|_| executor()).collect::<Outcome<Vec<Executor<'_>>>>()?;
        let wave = threads * WAVE;
        for first in (start..end).step_by(wave) {
            let last = end.min(first + wave);
            let of_thread = |(thread, executor): (usize, &mut Executor<'_>)| {
                (first + thread..last)
                    .step_by(threads)
                    .map(|run| values(executor, data, run))
                    .collect::<Outcome<Vec<_>>>()
            };
            let found = executors.par_iter_mut().enumerate().map(of_thread).collect::<Outcome<Vec<_>>>()?;
            let mut found: Vec<_> = found.into_iter().map(Vec::into_iter).collect();
            for run in 0..last - first {
                if let Some(values) = found[run % threads].next() {
                    visit(&values);
                }
            }
        }
        Ok(())
    }
}

fn values(executor: &mut Executor<'_>, data: &Data, run: usize) -> Outcome<Vec<Tensor>> {
    let first = run * data.batch();
    let (inputs, _) = data.run(first)?;
    executor.reset();
    executor
        .run_model(&inputs)
        .map_err(|e| vec![Diagnostic::error(codes::RUN_FAILED, format!("the model fails on example {first}: {e}"))])
}

/// The types of all values that nodes make, and of the inputs, by name.
///
/// # Errors
/// Everything that is wrong with the model.
pub fn types(net: &Net) -> Outcome<BTreeMap<String, Type>> {
    let inputs = net.inputs().iter().map(|i| i.name.clone());
    let outputs = net.nodes().iter().flat_map(|n| n.output.iter().filter(|o| !o.is_empty()).cloned());
    let names: Vec<String> = inputs.chain(outputs).collect();
    let imported = import(&net.with_outputs(&names).to_model(), &Config::new())?;
    let graph = imported.graph;
    Ok(graph.outputs.iter().map(|o| (o.name.clone(), graph.ty(o.value).clone())).collect())
}
