//! Asks a compiled model about examples, on all cores.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use zantc::diag::{Diagnostic, codes};
use zantc::exec::{Executor, Hygiene};
use zantc::pipeline::Compiled;

use crate::data::{Data, Labels};
use crate::metric::{Expected, Metric, Score};
use crate::{Outcome, bad};

/// What an evaluation found.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// What was measured.
    pub metric: Metric,
    /// The value.
    pub score: Score,
    /// The first output of the model for each example, flat.
    pub answers: Vec<Vec<f32>>,
}

/// Asks a model about all examples, with the kernels that are emitted, on the threads of the pool that it runs in; `progress` hears how many examples are done. The
/// result does not depend on the number of threads.
///
/// # Errors
/// Labels that do not fit the metric and the model, before any run; examples that cannot be read; a run that fails.
pub fn evaluate(
    compiled: &Compiled,
    data: &Data,
    metric: Metric,
    progress: &(dyn Fn(usize) + Sync),
) -> Outcome<Evaluation> {
    let asked = ask(compiled, data, metric, 0..runs(data), progress)?;
    Ok(Evaluation { metric, score: metric.of(&asked.answers, &asked.expected), answers: asked.answers })
}

/// How many runs of the model all examples take.
pub(crate) fn runs(data: &Data) -> usize {
    data.len().div_ceil(data.batch())
}

/// Refuses labels that do not fit the metric and the model; gives how many numbers of the output belong to an example.
///
/// # Errors
/// What does not fit.
pub fn check(compiled: &Compiled, data: &Data, metric: Metric) -> Outcome<usize> {
    let output = compiled.program.model_outputs().first().map_or(0, |port| port.ty.elements());
    let input = compiled.program.model_inputs().first().map_or(0, |port| port.ty.elements());
    if output == 0 || !output.is_multiple_of(data.batch()) {
        return Err(bad(format!("the model's first output has {output} numbers for {} examples", data.batch())));
    }
    let numbers = output / data.batch();
    metric.check(data, numbers, input / data.batch())?;
    Ok(numbers)
}

/// What a model answers, and what was expected.
pub(crate) struct Asked {
    pub(crate) answers: Vec<Vec<f32>>,
    pub(crate) expected: Vec<Expected>,
}

/// Asks a model about the examples of some runs.
pub(crate) fn ask(
    compiled: &Compiled,
    data: &Data,
    metric: Metric,
    range: Range<usize>,
    progress: &(dyn Fn(usize) + Sync),
) -> Outcome<Asked> {
    let numbers = check(compiled, data, metric)?;
    let runs = range.len();
    let (next, done, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let found: Mutex<Vec<(usize, Run)>> = Mutex::new(Vec::with_capacity(runs));
    let fault: Mutex<Option<(usize, Vec<Diagnostic>)>> = Mutex::new(None);
    let work = || {
        let mut executor = match Executor::new(&compiled.program, Hygiene::AsEmitted) {
            Ok(executor) => executor,
            Err(e) => return note(&fault, &failed, 0, vec![Diagnostic::error(codes::TOO_LARGE, e.to_string())]),
        };
        while !failed.load(Ordering::Relaxed) {
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= runs {
                return;
            }
            match one(&mut executor, data, range.start + run, numbers) {
                Ok(of_run) => {
                    let count = of_run.answers.len();
                    found.lock().expect("no thread panics with it").push((run, of_run));
                    progress(done.fetch_add(count, Ordering::Relaxed) + count);
                }
                Err(faults) => note(&fault, &failed, run, faults),
            }
        }
    };
    rayon::scope(|scope| {
        for _ in 0..rayon::current_num_threads().min(runs) {
            scope.spawn(|_| work());
        }
    });
    if let Some((_, faults)) = fault.into_inner().expect("no thread panics with it") {
        return Err(faults);
    }
    let mut found = found.into_inner().expect("no thread panics with it");
    found.sort_by_key(|(run, _)| *run);
    let (mut answers, mut inputs) = (Vec::with_capacity(data.len()), Vec::new());
    for (_, run) in found {
        answers.extend(run.answers);
        inputs.extend(run.inputs);
    }
    let batch = data.batch();
    let part = |len: usize| (range.start * batch).min(len)..(range.end * batch).min(len);
    let expected = match data.labels() {
        Labels::Classes(classes) => classes[part(classes.len())].iter().map(|class| Expected::Class(*class)).collect(),
        Labels::Numbers(numbers) => numbers[part(numbers.len())].iter().cloned().map(Expected::Numbers).collect(),
        Labels::Nothing => inputs.into_iter().map(Expected::Numbers).collect::<Vec<Expected>>(),
    };
    Ok(Asked { answers, expected })
}

/// What a run gave.
struct Run {
    answers: Vec<Vec<f32>>,
    /// The inputs of the examples, where nothing else says what is expected.
    inputs: Vec<Vec<f32>>,
}

/// Keeps the fault of the earliest run.
fn note(fault: &Mutex<Option<(usize, Vec<Diagnostic>)>>, failed: &AtomicBool, run: usize, faults: Vec<Diagnostic>) {
    let mut first = fault.lock().expect("no thread panics with it");
    if first.as_ref().is_none_or(|(earlier, _)| run < *earlier) {
        *first = Some((run, faults));
    }
    failed.store(true, Ordering::Relaxed);
}

fn one(executor: &mut Executor<'_>, data: &Data, run: usize, numbers: usize) -> Outcome<Run> {
    let first = run * data.batch();
    let (inputs, count) = data.run(first)?;
    executor.reset();
    let outputs = executor
        .run_model(&inputs)
        .map_err(|e| vec![Diagnostic::error(codes::RUN_FAILED, format!("the model fails on example {first}: {e}"))])?;
    let flat = |tensor: &zantc::ir::Tensor| tensor.scalars().map(|v| v.to_f64() as f32).collect::<Vec<f32>>();
    let split = |numbers: Vec<f32>, each: usize| numbers.chunks(each.max(1)).take(count).map(<[f32]>::to_vec).collect();
    let reproduced = match data.labels() {
        Labels::Nothing => inputs.first().map_or_else(Vec::new, |x| split(flat(x), x.len() / data.batch())),
        Labels::Classes(_) | Labels::Numbers(_) => Vec::new(),
    };
    Ok(Run { answers: split(flat(&outputs[0]), numbers), inputs: reproduced })
}
