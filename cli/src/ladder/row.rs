//! Makes a row: the model by its method, how right it is, how large, and what it takes.
//!
//! Invariant: a method that fails makes a row that says why; what could not be measured of one that did not says why in its place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use zant_compress::data::Data;
use zant_compress::method::{Bench, Step, compress};
use zant_compress::net::Net;
use zant_compress::{Metric, check, evaluate, on_threads, parameters};
use zant_measure::report::{self, Key, Kind, Report, Row, Value};
use zantc::config::{Optimize, file_beside};
use zantc::diag::{Diagnostic, codes};
use zantc::emit::VERSION;
use zantc::ir::Type;
use zantc::onnx::Model;
use zantc::pipeline::{Compiled, compile};
use zantc::program::Program;
use zantc::project;
use zantc::targets::{HOST, Target};

use super::file::{RowFile, model as model_place};
use super::inputs::{Source, sha256_of};
use super::{Hear, Ladder, Origin, Rung, reason};
use crate::bench::{Profile, Subject, Ways, describe, measure};

/// Instructions that a multiply-add takes on a small core at most, but for the smallest models: by what is estimated whether a model can be
/// emulated. Those that are measured in docs/report.md take 1 to 3.
const INSTRUCTIONS_PER_MAC: u64 = 3;

type Faults = Vec<Diagnostic>;
type Values = BTreeMap<report::Metric, Value>;

/// What rows are made with: all that can be wrong with it has been looked at.
#[derive(Debug)]
pub struct Opened {
    /// The model that is compressed.
    pub source: Source,
    /// What is measured.
    pub metric: Metric,
    /// What all rows have in common.
    pub inputs: BTreeMap<String, String>,
    data: Data,
    /// The types of the inputs that the data are for.
    types: Vec<Type>,
}

/// Opens model and data, and looks at all that can be wrong before any work is done.
///
/// # Errors
/// All that is wrong.
pub fn open(ladder: &Ladder) -> Result<Opened, Faults> {
    let source = Source::open(&ladder.model, &ladder.options)?;
    let model = project::read(&source.path)?;
    let compiled = compile(&model, &host(&source))?;
    if !compiled.program.states.is_empty() {
        let fault = "examples stand alone, and the model keeps a state";
        return Err(vec![Diagnostic::error(codes::BAD_OPTION, fault)]);
    }
    let data = Data::open(&ladder.data, ladder.labels.as_deref(), &source.transform, &compiled.program)?;
    let metric = ladder.metric.unwrap_or_else(|| Metric::usual(data.labels()));
    check(&compiled, &data, metric)?;
    if let Some(path) = &ladder.calibrate {
        Data::open(path, None, &source.transform, &compiled.program)?;
    }
    let inputs = ladder.inputs(&source)?;
    Ok(Opened { metric, inputs, data, types: types(&compiled.program), source })
}

fn types(program: &Program) -> Vec<Type> {
    program.model_inputs().iter().map(|port| port.ty.clone()).collect()
}

/// The choices for this machine.
fn host(source: &Source) -> zantc::Config {
    let mut config = source.config.clone();
    (config.target, config.board) = (HOST, None);
    config
}

/// Makes a row and writes it; its model lies beside it.
///
/// # Errors
/// What cannot be written, inputs that cannot be read any longer; a method that fails is none.
pub fn finish(ladder: &Ladder, opened: &Opened, rung: &Rung, hear: &mut dyn Hear) -> Result<RowFile, Faults> {
    let inputs = ladder.own_inputs(&opened.inputs, rung)?;
    let mut row = RowFile::new(&rung.name, inputs, Report::new(Kind::Ladder, VERSION, describe()));
    row.metric = opened.metric.name().into();
    if let Err(faults) = fill(ladder, opened, rung, &mut row, hear) {
        let why = reason(&faults);
        if row.report.rows.is_empty() {
            let values = [(quality(opened.metric), Value::Missing(format!("{} failed: {why}", rung.name)))];
            row.report.rows.push(Row::new(key(&rung.name, HOST, true), values.into()));
        }
        row.failed = Some(why);
    }
    row.write(&ladder.folder)?;
    Ok(row)
}

/// What a row is about.
fn key(name: &str, target: &Target, quick: bool) -> Key {
    let (profile, alloc) = if quick { ("", "") } else { (Profile::Fast.name(), "static") };
    Key { subject: name.into(), step: None, target: target.name.into(), profile: profile.into(), alloc: alloc.into() }
}

/// The quantity of a report that says how right a model is.
fn quality(metric: Metric) -> report::Metric {
    if metric.is_share() { report::Metric::Accuracy } else { report::Metric::Deviation }
}

fn fill(ladder: &Ladder, opened: &Opened, rung: &Rung, row: &mut RowFile, hear: &mut dyn Hear) -> Result<(), Faults> {
    let (source, bytes) = made(ladder, opened, rung, hear)?;
    let written = model_place(&ladder.folder, &rung.name);
    row.onnx_sha256 = if source.path == written { Some(sha256_of(&written)?) } else { None };
    let model = project::read(&source.path)?;
    hear.status("Compiling", &rung.name);
    let compiled = compile(&model, &host(&source))?;
    let mut values = right(ladder, opened, rung, &source, &compiled, &mut row.report.notes, hear)?;
    values.insert(report::Metric::Parameters, Value::Count(parameters(&model)?));
    values.insert(report::Metric::Onnx, Value::Count(bytes));
    values.extend(planned(&compiled.program));
    values.extend(for_size(&model, host(&source)));
    let macs = compiled.program.macs();
    let built = if ladder.quick { Ok(Values::new()) } else { on_host(ladder, rung, &source, hear) };
    let (built, failed) = match built {
        Ok(built) => (built, None),
        Err(why) => (Values::from([(report::Metric::Time, Value::Missing(why.clone()))]), Some(why)),
    };
    values.extend(built);
    row.report.rows.push(Row::new(key(&rung.name, HOST, ladder.quick), values));
    for target in &ladder.targets {
        let values = on_target(ladder, rung, (&source, target), macs, hear);
        row.report.rows.push(Row::new(key(&rung.name, target, ladder.quick), values));
    }
    match failed {
        Some(why) => Err(vec![Diagnostic::error(codes::BUILD_FAILED, why)]),
        None => Ok(()),
    }
}

/// The model of a row, and the bytes of its ONNX file with its external data.
fn made(ladder: &Ladder, opened: &Opened, rung: &Rung, hear: &mut dyn Hear) -> Result<(Source, u64), Faults> {
    let place = model_place(&ladder.folder, &rung.name);
    let source = match &rung.origin {
        Origin::Original => opened.source.clone(),
        Origin::Added(path) => opened.source.of(path, &ladder.options)?,
        Origin::Method(steps) => {
            let bytes = compressed(ladder, opened, rung, steps, hear)?;
            write(&place, &bytes, &opened.source)?;
            return Ok((Source { path: place, ..opened.source.clone() }, bytes.len() as u64));
        }
    };
    let model = project::read(&source.path)?;
    let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |meta| meta.len());
    let bytes = model.file.len() as u64 + model.external_files.iter().map(size).sum::<u64>();
    if !model.external_files.is_empty() {
        // Its weights are files that it names: it stays where it is.
        return Ok((source, bytes));
    }
    write(&place, &model.file, &source)?;
    Ok((Source { path: place, ..source }, bytes))
}

fn compressed(
    ladder: &Ladder,
    opened: &Opened,
    rung: &Rung,
    steps: &[Step],
    hear: &mut dyn Hear,
) -> Result<Vec<u8>, Faults> {
    hear.status("Compressing", &rung.name);
    let model = project::read(&opened.source.path)?;
    let net = Net::open(&model)?;
    let own = match &ladder.calibrate {
        Some(path) => {
            let compiled = compile(&model, &host(&opened.source))?;
            Some(Data::open(path, None, &opened.source.transform, &compiled.program)?)
        }
        None => None,
    };
    let name = &rung.name;
    let hear = Mutex::new(hear);
    let progress = |what: &str| {
        if let Ok(mut hear) = hear.try_lock() {
            hear.progress(&format!("{name}: {what}"));
        }
    };
    let bench = Bench { data: own.as_ref().unwrap_or(&opened.data), progress: &progress };
    Ok(on_threads(ladder.threads, || compress(&net, steps, &bench))?.encode())
}

/// Writes a model, and the options beside the one that it was made from, so that commands treat both alike.
fn write(place: &Path, bytes: &[u8], source: &Source) -> Result<(), Faults> {
    let written = || -> std::io::Result<()> {
        let folder = place.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let beside = file_beside(place);
        match &source.beside {
            Some(text) => std::fs::write(beside, text)?,
            None if beside.exists() => std::fs::remove_file(beside)?,
            None => {}
        }
        std::fs::write(place, bytes)
    };
    written().map_err(|e| vec![Diagnostic::error(codes::BUILD_FAILED, format!("cannot write {place:?}: {e}"))])
}

/// How right a model is.
fn right(
    ladder: &Ladder,
    opened: &Opened,
    rung: &Rung,
    source: &Source,
    compiled: &Compiled,
    notes: &mut Vec<String>,
    hear: &mut dyn Hear,
) -> Result<Values, Faults> {
    let other = match types(&compiled.program) == opened.types && source.transform == opened.source.transform {
        true => None,
        false => Some(Data::open(&ladder.data, ladder.labels.as_deref(), &source.transform, &compiled.program)?),
    };
    let data = other.as_ref().unwrap_or(&opened.data);
    let (name, total) = (&rung.name, data.len());
    hear.status("Evaluating", &format!("{name} on {total} examples"));
    let hear = Mutex::new(hear);
    let progress = |done: usize| {
        if let Ok(mut hear) = hear.try_lock() {
            hear.progress(&format!("{name}: {done} of {total} examples"));
        }
    };
    let score = on_threads(ladder.threads, || evaluate(compiled, data, opened.metric, &progress)).map(|e| e.score)?;
    if score.not_finite > 0 {
        notes.push(format!("{name}: {} examples have answers that are not finite.", score.not_finite));
    }
    if !score.value.is_finite() {
        let message = format!("its {} is not finite", opened.metric.name());
        return Err(vec![Diagnostic::error(codes::BAD_DATA, message)]);
    }
    Ok(Values::from([
        (quality(opened.metric), Value::Real(score.value)),
        (report::Metric::Examples, Value::Count(total as u64)),
    ]))
}

/// What the plan says.
fn planned(program: &Program) -> Values {
    Values::from([
        (report::Metric::Macs, Value::Count(program.macs())),
        (report::Metric::Arena, Value::Count(program.arena_bytes() as u64)),
        (report::Metric::Weights, Value::Count(program.weights_bytes() as u64)),
    ])
}

/// What the plan of a build for size says of the weights.
fn for_size(model: &Model, config: zantc::Config) -> Values {
    let small = compile(model, &config.optimize(Optimize::Size));
    let bytes = small.map(|small| Value::Count(small.program.weights_bytes() as u64));
    bytes.into_iter().map(|bytes| (report::Metric::SmallWeights, bytes)).collect()
}

/// Measures a row's model on one target, built for speed.
fn built(
    ladder: &Ladder,
    rung: &Rung,
    (source, target): (&Source, &'static Target),
    hear: &mut dyn Hear,
) -> Result<Values, String> {
    let name = zantc::emit::crate_name(&rung.name);
    let subject = Subject { name: &name, path: &source.path, config: &source.config };
    let ways = Ways {
        targets: vec![target],
        profiles: vec![Profile::Fast],
        runs: ladder.runs,
        count: false,
        ..Ways::default()
    };
    let mut findings = measure(&subject, &ways, &mut |verb, what| hear.status(verb, what));
    match (findings.rows.pop(), findings.failures.pop()) {
        (Some(row), None) => Ok(row.values),
        (_, Some(why)) => Err(why),
        (None, None) => Err("nothing was measured".into()),
    }
}

fn on_host(ladder: &Ladder, rung: &Rung, source: &Source, hear: &mut dyn Hear) -> Result<Values, String> {
    built(ladder, rung, (source, HOST), hear)
}

/// What a row takes on another target: by the plan, and by emulation where that ends in sensible time.
fn on_target(
    ladder: &Ladder,
    rung: &Rung,
    (source, target): (&Source, &'static Target),
    macs: u64,
    hear: &mut dyn Hear,
) -> Values {
    let missing = |why: String| Values::from([(report::Metric::Instructions, Value::Missing(why))]);
    let mut config = source.config.clone();
    (config.target, config.board) = (target, None);
    let compiled = project::read(&source.path).and_then(|model| Ok((compile(&model, &config)?, model)));
    let mut values = match &compiled {
        Ok((compiled, model)) => planned(&compiled.program).into_iter().chain(for_size(model, config)).collect(),
        Err(faults) => return missing(format!("{} on {}: {}", rung.name, target.name, reason(faults))),
    };
    if ladder.quick {
        return values;
    }
    let estimate = macs.saturating_mul(INSTRUCTIONS_PER_MAC);
    values.extend(match estimate > ladder.emulate {
        true => missing(format!(
            "{} on {} would take some {:.1e} instructions, and `--emulate` stops at {:.1e}",
            rung.name, target.name, estimate as f64, ladder.emulate as f64
        )),
        false => built(ladder, rung, (source, target), hear).unwrap_or_else(missing),
    });
    values
}
