//! A model run node by node for all examples at once, while its later nodes still change.

use std::collections::{BTreeMap, BTreeSet};

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use zantc::config::Config;
use zantc::diag::{Diagnostic, codes};
use zantc::exec::{Executor, Hygiene};
use zantc::import::to_raw;
use zantc::ir::{LowBit, Tensor};
use zantc::onnx::proto::{
    Dimension, DimensionValue, TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};
use zantc::pipeline::compile;

use crate::Outcome;
use crate::data::Data;
use crate::net::Net;

/// The values that nodes from some place on still read, for each run.
pub(crate) struct Prefix {
    /// Nodes before this one are done.
    at: usize,
    values: BTreeMap<String, Vec<Tensor>>,
    runs: usize,
}

impl Prefix {
    /// The inputs of so many examples.
    pub(crate) fn new(net: &Net, data: &Data, examples: usize) -> Outcome<Prefix> {
        let runs = (examples.min(data.len()) / data.batch()).max(1);
        let mut values: BTreeMap<String, Vec<Tensor>> = BTreeMap::new();
        for run in 0..runs {
            let (inputs, _) = data.run(run * data.batch())?;
            for (port, input) in net.inputs().iter().zip(inputs) {
                values.entry(port.name.clone()).or_default().push(input);
            }
        }
        Ok(Prefix { at: 0, values, runs })
    }

    /// A value in a run.
    pub(crate) fn value(&self, name: &str, run: usize) -> Option<&Tensor> {
        self.values.get(name)?.get(run)
    }

    /// How many runs there are.
    pub(crate) fn runs(&self) -> usize {
        self.runs
    }

    /// Runs the nodes before `to`, and forgets what nothing from there on reads.
    pub(crate) fn advance(&mut self, net: &Net, to: usize) -> Outcome<()> {
        if to <= self.at {
            return Ok(());
        }
        let links = net.links();
        let nodes = &net.nodes()[self.at..to];
        let later = |name: &String| links.readers(name).iter().any(|reader| *reader >= to);
        let made: BTreeSet<String> = nodes.iter().flat_map(|node| &node.output).filter(|o| later(o)).cloned().collect();
        let made: Vec<String> = made.into_iter().collect();
        if !made.is_empty() {
            let now = |name: &&String| links.readers(name).iter().any(|reader| (self.at..to).contains(reader));
            let names: Vec<String> = self.values.keys().filter(now).cloned().collect();
            let inputs = names.iter().map(|name| port(name, &self.values[name][0])).collect();
            let part = net.part(self.at..to, inputs, &made);
            let found = self.run(&part, &names)?;
            for (name, values) in made.into_iter().zip(found) {
                self.values.insert(name, values);
            }
        }
        self.values.retain(|name, _| later(name));
        self.at = to;
        Ok(())
    }

    /// The outputs of a part of the model, for all runs.
    fn run(&self, part: &Net, names: &[String]) -> Outcome<Vec<Vec<Tensor>>> {
        let compiled = compile(&part.to_model(), &Config::new().low_bit(LowBit::Off))?;
        let program = &compiled.program;
        let fail = |what: String| vec![Diagnostic::error(codes::RUN_FAILED, what)];
        let executor = || Executor::new(program, Hygiene::AsEmitted).map_err(|e| fail(e.to_string()));
        let work = |executor: &mut Outcome<Executor<'_>>, run: usize| {
            let executor = executor.as_mut().map_err(|faults| faults.clone())?;
            let inputs: Vec<Tensor> = names.iter().map(|name| self.values[name][run].clone()).collect();
            executor.reset();
            executor.run_model(&inputs).map_err(|e| fail(format!("the model fails in run {run}: {e}")))
        };
        let each = self.runs.div_ceil(rayon::current_num_threads());
        let runs = (0..self.runs).into_par_iter().with_min_len(each).map_init(executor, work);
        let mut found = vec![Vec::with_capacity(self.runs); part.outputs().len()];
        for values in runs.collect::<Outcome<Vec<Vec<Tensor>>>>()? {
            found.iter_mut().zip(values).for_each(|(found, value)| found.push(value));
        }
        Ok(found)
    }
}

/// A value as an input of a model.
fn port(name: &str, value: &Tensor) -> ValueInfoProto {
    let dimension = |d: &usize| Dimension { value: Some(DimensionValue::Value(*d as i64)), ..Dimension::default() };
    let shape = Some(TensorShapeProto { dim: value.shape().iter().map(dimension).collect() });
    let elem_type = to_raw("", value).dtype.code();
    let ty = TypeProto { value: Some(TypeValue::Tensor(TensorType { elem_type, shape })), ..TypeProto::default() };
    ValueInfoProto { name: name.into(), ty: Some(ty), ..ValueInfoProto::default() }
}
