//! What a model is verified with: its data sets, or seeded inputs with what the naive reference makes of them.

use std::path::PathBuf;

use zantc::Compiled;
use zantc::diag::{Diagnostic, codes};
use zantc::exec::ExecError;
use zantc::ir::{Tensor, graph_work};
use zantc::project::Project;
use zantc::verify::data::{DataSet, Found, find_set, folders, folders_beside, read_set};
use zantc::verify::judge::Subject;
use zantc::verify::seeded;

use super::super::run::failure;
use super::super::shell::{Shell, counted};
use super::super::{Failure, Outcome};
use super::Args;

/// Seeded inputs where there are no vectors.
const SEEDED: u64 = 3;
/// Most work of the naive reference on seeded inputs, in multiply-adds: some twenty seconds.
const MAX_WORK: u64 = 1 << 33;

/// What outputs are compared with.
pub(super) enum Reference {
    /// The outputs in the model's data sets.
    Vectors,
    /// What the graph as the model writes it gives, evaluated by zantc's naive reference.
    Naive {
        /// Why there are no vectors.
        why: String,
    },
}

impl Reference {
    /// What was compared, in words.
    pub(super) fn described(&self, count: usize) -> String {
        match self {
            Reference::Vectors => format!("compared with the model's vectors, {}", counted(count, "data set")),
            Reference::Naive { why } => {
                format!("{why}: compared with zantc's naive reference on {}", counted(count, "seeded input"))
            }
        }
    }

    /// Whether there are vectors.
    pub(super) fn is_vectors(&self) -> bool {
        matches!(self, Reference::Vectors)
    }

    /// The name in JSON.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Reference::Vectors => "vectors",
            Reference::Naive { .. } => "naive",
        }
    }
}

/// The data sets; without any, seeded inputs.
pub(super) fn gather(
    args: &Args,
    project: &Project,
    compiled: &Compiled,
    subject: &Subject<'_>,
    shell: &mut Shell,
) -> Outcome<(Vec<DataSet>, Reference)> {
    let seeded = |why: String, shell: &mut Shell| {
        let sets = seeded_sets(args.seeded, project, compiled, subject, shell)?;
        Ok((sets, Reference::Naive { why }))
    };
    if args.seeded.is_some() {
        return seeded("as asked for".into(), shell);
    }
    let within = |folder: &PathBuf| match folders(folder) {
        sets if sets.is_empty() => vec![folder.clone()],
        sets => sets,
    };
    let beside = args.data.is_empty();
    let folders: Vec<PathBuf> =
        if beside { folders_beside(&project.path) } else { args.data.iter().flat_map(within).collect() };
    let mut sets = Vec::new();
    let mut skipped = false;
    for folder in &folders {
        let set = match find_set(folder, &compiled.program)? {
            Found::Set(set) => set,
            // What was asked for by name must fit.
            Found::OtherShape(_) if !beside => read_set(folder, &compiled.program)?,
            Found::OtherShape(why) => {
                shell.status("Skipping", &format!("{why}; `--dim` gives a dimension the data's value"));
                skipped = true;
                continue;
            }
        };
        if set.outputs.iter().any(Option::is_none) {
            let message = format!("{} lacks reference outputs", set.name);
            return Err(Diagnostic::error(codes::NO_VECTOR, message).help("each output needs an `output_K.pb`").into());
        }
        sets.push(set);
    }
    match (sets.is_empty(), skipped) {
        (false, _) => Ok((sets, Reference::Vectors)),
        (true, false) => seeded("no vectors".into(), shell),
        (true, true) => seeded("no vectors of these shapes".into(), shell),
    }
}

/// As many seeded inputs as the naive reference has time for, with its outputs.
fn seeded_sets(
    asked: Option<u64>,
    project: &Project,
    compiled: &Compiled,
    subject: &Subject<'_>,
    shell: &mut Shell,
) -> Outcome<Vec<DataSet>> {
    let work = graph_work(subject.literal().graph()).max(1);
    let count = asked.unwrap_or_else(|| SEEDED.min(MAX_WORK / work));
    if count == 0 {
        let message = format!(
            "there is no data set to verify with, and the model is too heavy for the naive reference ({work} multiply-adds)"
        );
        return Err(Diagnostic::error(codes::NO_VECTOR, message)
            .help("put folders `test_data_set_0`, .. with `input_0.pb`, `output_0.pb`, .. beside the model, or name one by `--data`")
            .help("`--seeded 1` insists on the naive reference")
            .into());
    }
    if asked.is_none() && count < SEEDED {
        shell.status(
            "Note",
            &format!(
                "{} only: the model is heavy for the naive reference",
                counted(usize::try_from(count).unwrap_or(usize::MAX), "seeded input")
            ),
        );
    }
    let mut sets = Vec::new();
    for seed in 0..count {
        shell.progress(&format!("{}: evaluating the reference on seeded input {seed}", project.name));
        let inputs = inputs(compiled, subject, seed)?;
        let own = subject.literal().evaluate(&inputs, compiled.program.numerics).map_err(|why| {
            Failure::from(Diagnostic::error(codes::RUN_FAILED, format!("the reference fails on seeded inputs: {why}")))
        })?;
        let outputs = subject.literal().outputs(&own).into_iter().map(Some).collect();
        sets.push(DataSet { name: format!("seeded {seed}"), inputs, outputs });
    }
    Ok(sets)
}

/// Inputs that the model takes: drawn over their whole ranges, else small ones.
fn inputs(compiled: &Compiled, subject: &Subject<'_>, seed: u64) -> Outcome<Vec<Tensor>> {
    let program = &compiled.program;
    let drawn = seeded::draw(subject.literal(), seed);
    match subject.run(&drawn) {
        Ok(_) => return Ok(drawn),
        Err(ExecError::Run { .. }) => {}
        Err(e) => return Err(failure(program, &e)),
    }
    let small = seeded::inputs(program.model_inputs().iter().map(|p| &p.ty));
    match subject.run(&small) {
        Ok(_) => Ok(small),
        Err(e) => match failure(program, &e) {
            Failure::Diagnostics(found) => {
                let help =
                    "these inputs are pseudo-random, for there are no vectors: put data beside the model that it takes";
                Err(Failure::Diagnostics(found.into_iter().map(|d| d.help(help)).collect()))
            }
            other => Err(other),
        },
    }
}
