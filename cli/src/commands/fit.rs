//! `zantc fit`: the best model that fits.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use serde_json::{Value, json};
use zant_compress::data::{Data, Transform};
use zant_compress::fit::{Aim, Cost, Found, Gauge, Keeper, Limits, Recipe, Tried, Workshop, search, usual_finishes};
use zant_compress::method::{Bench, name, named};
use zant_compress::net::Net;
use zant_compress::{Metric, check, evaluate, on_threads};
use zant_measure::replace;
use zantc::Config;
use zantc::diag::{Diagnostic, codes};
use zantc::footprint::Footprint;
use zantc::pipeline::compile;
use zantc::project::Project;
use zantc::targets::{Board, HOST};

use super::compile::unwritable;
use super::eval::metrics;
use super::numbers::share;
use super::options::ModelOptions;
use super::project::{model_path, opened};
use super::shell::Shell;
use super::{Failure, Outcome};
use crate::ladder::{Source, fingerprint, sha256_of};

/// Instructions that are reckoned for a multiply-add.
const INSTRUCTIONS_PER_MAC: u64 = 3;

/// Find the best model that fits into so much flash and RAM
///
/// Removes channels, those first that are missed least, quantizes what is left in several ways, and keeps what is most right of all that
/// fits. Nothing is random: the same inputs give the same bytes. A search that was stopped goes on.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The ONNX model
    #[arg(value_name = "MODEL", value_parser = model_path())]
    model: PathBuf,
    #[command(flatten)]
    options: ModelOptions,
    /// Validation data, as `zantc eval` takes them
    #[arg(long, value_name = "FILE|DIR")]
    data: PathBuf,
    /// What is expected of them [default: what the data have]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Examples to calibrate by [default: the validation data]
    #[arg(long, value_name = "FILE|DIR")]
    calibrate: Option<PathBuf>,
    /// What is measured [default: top1 for classes, else mse]
    #[arg(long, value_parser = metrics())]
    metric: Option<Metric>,
    /// What the best must reach at least: 97% or 0.97; of errors, at most
    #[arg(long, value_name = "SHARE", value_parser = share)]
    min_accuracy: Option<f64>,
    /// Instructions of a run at most, three reckoned for each multiply-add
    #[arg(long, value_name = "N")]
    max_instructions: Option<u64>,
    /// What may follow the removal of channels, as `zantc ladder` names methods; the removal alone is tried in any case
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    methods: Vec<String>,
    /// Examples that candidates are asked about; finalists are asked about all
    #[arg(long, value_name = "N", default_value = "1000")]
    examples: NonZeroUsize,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Where everything is written: model.onnx, front.md, fit.json, candidates
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// Measures candidates by compiling them.
struct Scale<'a> {
    config: &'a Config,
    host: &'a Config,
    some: &'a Data,
    all: &'a Data,
    metric: Metric,
}

impl Gauge for Scale<'_> {
    fn cost(&self, net: &Net) -> Result<Cost, Vec<Diagnostic>> {
        let compiled = compile(&net.to_model(), self.config)?;
        let footprint = Footprint::of(&compiled.program, self.config);
        Ok(Cost { flash: footprint.flash(), ram: footprint.ram(), macs: compiled.program.macs() })
    }

    fn value(&self, net: &Net, whole: bool) -> Result<f64, Vec<Diagnostic>> {
        let compiled = compile(&net.to_model(), self.host)?;
        let data = if whole { self.all } else { self.some };
        Ok(evaluate(&compiled, data, self.metric, &|_| {})?.score.value)
    }
}

/// Keeps candidates as files, and tells how far the search is.
struct Folder<'a> {
    path: PathBuf,
    inputs: BTreeMap<String, String>,
    shell: &'a Mutex<&'a mut Shell>,
    started: Instant,
}

impl Folder<'_> {
    fn place(&self, name: &str) -> PathBuf {
        self.path.join("candidates").join(format!("{name}.json"))
    }

    fn read(&self, name: &str) -> Option<Tried> {
        let file: Value = serde_json::from_str(&std::fs::read_to_string(self.place(name)).ok()?).ok()?;
        if file["inputs"] != json!(self.inputs) || file["name"] != *name {
            return None;
        }
        let count = |key: &str| usize::try_from(file[key].as_u64()?).ok();
        let finish = file["finish"].as_str()?;
        let finish = if finish.is_empty() { Vec::new() } else { named(finish).ok()? };
        let percent = u32::try_from(file["percent"].as_u64()?).ok()?;
        let recipe = Recipe { uniform: file["uniform"].as_bool()?, percent, finish };
        let cost = Cost { flash: count("flash")?, ram: count("ram")?, macs: file["macs"].as_u64()? };
        Some(Tried { recipe, cost, value: file["value"].as_f64()?, whole: file["whole"].as_f64() })
    }
}

impl Keeper for Folder<'_> {
    fn known(&self, name: &str) -> Option<Tried> {
        self.read(name).filter(|tried| tried.recipe.name() == name)
    }

    fn keep(&mut self, tried: &Tried) -> Result<(), Vec<Diagnostic>> {
        let mut file = entry(tried);
        file["inputs"] = json!(self.inputs);
        let path = self.place(&tried.recipe.name());
        write(&path, format!("{file:#}\n"))
    }

    fn next(&mut self, done: usize, about: usize, name: &str) {
        let seconds = self.started.elapsed().as_secs_f64() / done.max(1) as f64 * about.saturating_sub(done) as f64;
        let left = match done {
            0 => String::new(),
            _ if seconds < 90.0 => format!(", about {seconds:.0} seconds left"),
            _ => format!(", about {:.0} minutes left", seconds / 60.0),
        };
        if let Ok(mut shell) = self.shell.lock() {
            shell.status("Trying", &format!("{name}: candidate {} of about {about}{left}", done + 1));
        }
    }
}

/// A candidate for programs.
fn entry(tried: &Tried) -> Value {
    let finish: Vec<String> = tried.recipe.finish.iter().map(|step| name(*step)).collect();
    json!({
        "name": tried.recipe.name(), "uniform": tried.recipe.uniform, "percent": tried.recipe.percent,
        "finish": finish.join("+"), "flash": tried.cost.flash, "ram": tried.cost.ram, "macs": tried.cost.macs,
        "value": tried.value, "whole": tried.whole,
    })
}

fn write(path: &Path, text: String) -> Result<(), Vec<Diagnostic>> {
    let fault = |why: String| vec![Diagnostic::error(codes::BUILD_FAILED, why)];
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|e| fault(format!("cannot make {folder:?}: {e}")))?;
    replace(&[(path.to_path_buf(), text)]).map_err(|e| fault(e.to_string()))
}

/// The configuration without limits, and the one that accuracy is measured by: fast here, and with the target's rounding.
fn configs(project: &Project) -> (Config, Config, [Option<usize>; 2]) {
    let board = project.config.board;
    let limits = [
        project.config.max_flash.or(board.map(Board::max_flash)),
        project.config.max_ram.or(board.map(Board::max_ram)),
    ];
    let mut config = project.config.clone();
    (config.max_flash, config.max_ram) = (Some(usize::MAX), Some(usize::MAX));
    let mut host = config.clone();
    host.numerics = Some(config.effective_numerics());
    (host.target, host.board) = (HOST, None);
    (config, host, limits)
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    let project = opened(&args.model, &args.options)?;
    let (config, host, [flash, ram]) = configs(&project);
    let limits = Limits { flash, ram, macs: args.max_instructions.map(|n| n / INSTRUCTIONS_PER_MAC) };
    if limits == Limits::default() {
        return Err(Failure::Usage("a limit is needed: `--max-flash`, `--max-ram` or `--max-instructions`".into()));
    }
    let transform = Transform::beside(&project.path)?;
    let compiled = compile(&project.model, &host)?;
    if !compiled.program.states.is_empty() {
        return Err(Failure::Usage("examples stand alone: leave `--state` out".into()));
    }
    let all = Data::open(&args.data, args.labels.as_deref(), &transform, &compiled.program)?;
    let metric = args.metric.unwrap_or_else(|| Metric::usual(all.labels()));
    check(&compiled, &all, metric)?;
    let own = args.calibrate.as_ref().map(|path| Data::open(path, None, &transform, &compiled.program)).transpose()?;
    let mut finishes = usual_finishes()?;
    if !args.methods.is_empty() {
        finishes.truncate(1);
        finishes.extend(args.methods.iter().map(|name| named(name)).collect::<Result<Vec<_>, _>>()?);
    }
    let some = all.spread(args.examples.get());
    let source = Source::open(&project.path, &args.options.0)?;
    let mut inputs = fingerprint(&source, &args.data, args.labels.as_deref())?;
    inputs.insert("calibration".into(), args.calibrate.as_deref().map_or(Ok(String::new()), sha256_of)?);
    let choices = format!(
        "{} {} {:?}",
        metric.name(),
        some.len(),
        zantc::config::Options { max_flash: None, max_ram: None, ..args.options.0.clone() }
    );
    inputs.insert("choices".into(), choices);
    let net = Net::open(&project.model)?;
    if own.is_none() {
        shell.status(
            "Note",
            "calibrating with the validation data itself flatters the result; `--calibrate` takes others",
        );
    }
    let aim = Aim { limits, least: args.min_accuracy, higher: metric.is_share(), finishes };
    let (found, bytes) = {
        let shell = Mutex::new(&mut *shell);
        let progress = |what: &str| {
            if let Ok(mut shell) = shell.try_lock() {
                shell.progress(what);
            }
        };
        let bench = Bench { data: own.as_ref().unwrap_or(&all), progress: &progress };
        let scale = Scale { config: &config, host: &host, some: &some, all: &all, metric };
        let mut folder = Folder { path: args.output.clone(), inputs, shell: &shell, started: Instant::now() };
        on_threads(args.threads, || {
            let mut workshop = Workshop::new(&net, &bench, &scale, &mut folder)?;
            let found = search(&aim, &mut workshop)?;
            let best = found.best.map(|at| workshop.make(&found.tried[at].recipe)).transpose()?;
            Ok((found, best.map(|net| net.encode())))
        })?
    };
    report(args, &aim, metric, &found)?;
    finish(args, &found, bytes, &source, shell)
}

/// Writes the front and all candidates.
fn report(args: &Args, aim: &Aim, metric: Metric, found: &Found) -> Outcome {
    let value = |t: &Tried| t.whole.unwrap_or(t.value);
    let better = |a: f64, b: f64| if aim.higher { a > b } else { a < b };
    let mut front: Vec<&Tried> = found
        .tried
        .iter()
        .filter(|t| !found.tried.iter().any(|o| o.cost.flash <= t.cost.flash && better(value(o), value(t))))
        .collect();
    front.sort_by_key(|t| (t.cost.flash, t.recipe.name()));
    let best = found.best.map(|at| found.tried[at].recipe.name());
    let mut text = format!(
        "# The front\n\n| candidate | {} | flash | RAM | multiply-adds | fits |\n| --- | --- | --- | --- | --- | --- |\n",
        metric.name()
    );
    for t in &front {
        let name = t.recipe.name();
        let fits = if best.as_ref() == Some(&name) {
            "the best"
        } else if aim.limits.hold(&t.cost) {
            "yes"
        } else {
            "no"
        };
        text +=
            &format!("| {name} | {:.4} | {} | {} | {} | {fits} |\n", value(t), t.cost.flash, t.cost.ram, t.cost.macs);
    }
    for note in &found.notes {
        text += &format!("\n{}\n", zantc::diag::escape(note));
    }
    let tried: Vec<Value> = found.tried.iter().map(entry).collect();
    let names: Vec<String> = front.iter().map(|t| t.recipe.name()).collect();
    let all = json!({ "format": "zantc-fit", "version": 1, "metric": metric.name(), "best": best, "front": names, "candidates": tried, "notes": found.notes });
    write(&args.output.join("front.md"), text)?;
    Ok(write(&args.output.join("fit.json"), format!("{all:#}\n"))?)
}

/// Writes the best model, or says what came nearest.
fn finish(args: &Args, found: &Found, bytes: Option<Vec<u8>>, source: &Source, shell: &mut Shell) -> Outcome {
    let place = args.output.join("model.onnx");
    let (Some(best), Some(bytes)) = (found.best.map(|at| &found.tried[at]), bytes) else {
        // A model of other limits would be taken for the answer.
        drop(std::fs::remove_file(&place));
        let nearest = found.nearest.as_ref().map_or_else(String::new, |(name, cost)| {
            format!(
                "; nearest is {name}: {} bytes of flash, {} of RAM, {} multiply-adds",
                cost.flash, cost.ram, cost.macs
            )
        });
        return Err(Diagnostic::error(codes::OVER_BUDGET, format!("nothing fits and is right enough{nearest}")).into());
    };
    std::fs::write(&place, bytes).map_err(|e| unwritable(&place, &e))?;
    if let Some(text) = &source.beside {
        write(&args.output.join("zant.toml"), text.clone())?;
    }
    let value = best.whole.unwrap_or(best.value);
    shell.out(&format!(
        "{}: {value:.4}, {} bytes of flash, {} of RAM\n",
        best.recipe.name(),
        best.cost.flash,
        best.cost.ram
    ))?;
    shell.status("Wrote", &format!("{} in {}", place.display(), shell.elapsed()));
    Ok(())
}
