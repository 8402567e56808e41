//! `zantc bench`: what emitted crates take, as a report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use zant_measure::overview::write;
use zant_measure::peers::{PEERS, Peer};
use zant_measure::report::{Key, Kind, Other, Report, Row, Run, Value};
use zant_measure::{Machine, budget};
use zantc::config::{Options, dim, state, target_named};
use zantc::diag::{Diagnostic, codes};
use zantc::targets::{HOST, Target};
use zantc::{Alloc, Config, project};

use super::compile::unwritable;
use super::project::model_path;
use super::shell::Shell;
use super::{Failure, Outcome};
use crate::bench::{
    LowBit, Profile, Subject, Tflm, Trained, Ways, begin, brief, end, low_bit, measure, operators_named,
};

/// How many percent more than was measured a new budget allows: what a toolchain's next version may move.
const BUDGET_MARGIN: f64 = 5.0;

/// Build models in several ways and report their time, instructions, memory and size
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// ONNX models, or folders with a `model.onnx`; a `zant.toml` beside a model has its options
    #[arg(value_name = "MODEL", required = true, value_parser = model_path())]
    models: Vec<PathBuf>,
    /// Where they run: the host, cores that QEMU emulates, or wasm32 in node
    #[arg(long, value_name = "TARGET", value_delimiter = ',', value_parser = measurable, default_value = HOST.name)]
    target: Vec<&'static Target>,
    /// How they are built: fast is opt-level 3, small is "z"
    #[arg(long, value_name = "fast|small", value_delimiter = ',', value_parser = profile, default_value = "fast,small")]
    profiles: Vec<Profile>,
    /// Where the arena lies, on the host
    #[arg(long, value_name = "static|heap", value_delimiter = ',', value_parser = alloc, default_value = "static")]
    alloc: Vec<Alloc>,
    /// Others that are timed in the same turns on the host; what they need is installed into the user's cache
    #[arg(long, value_name = "onnxruntime|onnxruntime_exact|litert|tract|rten", value_delimiter = ',', value_parser = peer)]
    against: Vec<&'static Peer>,
    /// Figures of others that stand beside ours: a TOML file of `[[peer]]` with model, name, target, source and instructions, time, ram
    /// or flash
    #[arg(long, value_name = "FILE")]
    peers: Option<PathBuf>,
    /// onnx2c, a program: the C that it writes for each model is built by arm-none-eabi-gcc and counted on the same cores
    #[arg(long, value_name = "PROGRAM")]
    onnx2c: Option<PathBuf>,
    /// The folder of TensorFlow Lite for Microcontrollers' sources, with CMSIS-NN's where they are to be used: built by
    /// arm-none-eabi-g++, it runs the .tflite file beside each model, or in a folder `tflite` beside the model's own
    #[arg(long, value_name = "DIR")]
    tflm: Option<PathBuf>,
    /// Measure in the same turns the least time that the host's core needs: for the multiply-adds, or for reading the weights
    #[arg(long)]
    floor: bool,
    /// Count no instructions on the host, which takes valgrind fifty times as long as they take
    #[arg(long)]
    quick: bool,
    /// The name of the one model in the report [default: the crate's]
    #[arg(long)]
    name: Option<String>,
    /// Value of a symbolic dimension, for all models
    #[arg(long, value_name = "NAME=K", value_parser = dim)]
    dim: Vec<(String, usize)>,
    /// Keep an input inside the models: after each run it becomes the output
    #[arg(long, value_name = "INPUT=OUTPUT", value_parser = state)]
    state: Vec<(String, String)>,
    #[command(flatten)]
    how: How,
    /// Keep the linked files, in this folder
    #[arg(long, value_name = "DIR")]
    keep_elf: Option<PathBuf>,
    /// Keep the rows that the report in this folder has and that are not measured now
    #[arg(long, requires = "output")]
    keep: bool,
    /// Write what was measured, and 5 % more, as budgets for `zantc compare --budget`; those for other builds stay
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "zant.budget.toml")]
    update_budget: Option<PathBuf>,
}

/// What is measured instead of models.
#[derive(clap::Subcommand)]
enum What {
    Ops(OpsArgs),
    LowBit(LowBitArgs),
    Session(super::session::Args),
}

/// Measure weights of few bits against floats: bytes, time, instructions, accuracy
#[derive(clap::Args)]
struct LowBitArgs {
    /// Samples of the time of each
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// Leave out networks of more than a million weights
    #[arg(long)]
    quick: bool,
    /// A folder of trained networks, whose accuracy is measured too; may be given again
    #[arg(long, value_name = "DIR")]
    networks: Vec<PathBuf>,
    /// Examples for the networks of each such folder (.npy)
    #[arg(long, value_name = "FILE")]
    inputs: Vec<PathBuf>,
    /// The class of each example, integers, or the number that is looked for, floats (.npy)
    #[arg(long, value_name = "FILE")]
    labels: Vec<PathBuf>,
    /// Write the tables into this file [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Measure single operators of several sizes against the limit of the core
#[derive(clap::Args)]
struct OpsArgs {
    /// Only operators whose name contains one of these
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// How models and operators are measured, and where the report goes.
#[derive(clap::Args)]
struct How {
    /// Samples of the time of each
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// Leave the loops of AVX-512 out, on the host: what a CPU without it runs
    #[arg(long)]
    avx2: bool,
    /// Write the report into this folder: JSON, Markdown, HTML [default: Markdown to stdout]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// A target that can be measured.
pub(super) fn measurable(text: &str) -> Result<&'static Target, String> {
    let target = target_named(text)?;
    match target.name == HOST.name || Machine::with_cpu(target.name).is_some() {
        true => Ok(target),
        false => Err(format!("{} can only be compiled for: no machine runs it here", target.name)),
    }
}

fn profile(text: &str) -> Result<Profile, String> {
    Profile::ALL.into_iter().find(|p| p.name() == text).ok_or_else(|| "expected fast or small".into())
}

fn alloc(text: &str) -> Result<Alloc, String> {
    match text {
        "static" => Ok(Alloc::Static),
        "heap" => Ok(Alloc::Heap),
        _ => Err("expected static or heap".into()),
    }
}

fn peer(text: &str) -> Result<&'static Peer, String> {
    let names = || PEERS.each_ref().map(Peer::name).join(", ");
    PEERS.iter().find(|p| p.name() == text).ok_or_else(|| format!("expected one of {}", names()))
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    match &args.what {
        Some(What::Ops(args)) => return ops(args, shell),
        Some(What::LowBit(args)) => return few_bits(args, shell),
        Some(What::Session(args)) => return super::session::run(args, shell),
        None => {}
    }
    let ways = args.ways();
    let mut report = begin(Kind::Bench);
    if let Some(path) = &args.peers {
        report.others = Other::read(path).map_err(|e| super::compare::unreadable(&e))?;
    }
    let old = match &args.how.output {
        Some(folder) if args.keep => kept(folder, &report)?,
        Some(_) | None => None,
    };
    let mut pictures = BTreeMap::new();
    let mut good = true;
    for (i, path) in args.models.iter().enumerate() {
        if args.models.len() > 1 && is_no_model(path) {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            report.notes.push(format!("{name} is no model, and left out"));
            shell.status("Skipping", &format!("{}: it is no model", path.display()));
            continue;
        }
        shell.status("Measuring", &format!("{} ({} of {})", path.display(), i + 1, args.models.len()));
        match args.measure(path, &ways, &mut report, &mut pictures, shell) {
            Ok(complete) => good &= complete,
            Err(diagnostics) => {
                let why = diagnostics.first().map_or("", |d| d.message.as_str());
                report.notes.push(format!("{} is not measured: {why}", project::default_name(&model_file(path))));
                shell.diagnostics(&diagnostics);
                good = false;
            }
        }
        end(&mut report);
        // What is done stays, whatever happens to the next one.
        if let Some(folder) = &args.how.output {
            write(folder, &merged(report.clone(), old.as_ref()), &pictures).map_err(|e| unwritable(folder, &e))?;
        }
    }
    let report = merged(report, old.as_ref());
    finish(args.how.output.as_deref(), &report, &pictures, shell)?;
    if let Some(path) = &args.update_budget {
        budget::update(path, &report, BUDGET_MARGIN).map_err(|e| unwritable(path, &e))?;
        shell.status("Wrote", &format!("budgets to {}", path.display()));
    }
    if good { Ok(()) } else { Err(Failure::Said) }
}

/// A report with the rows of an older one that were not measured again; in the older one's order, before rows that are new. What
/// failed now is not kept.
fn merged(mut report: Report, old: Option<&Report>) -> Report {
    let Some(old) = old else { return report };
    let mut runs = old.runs.clone();
    if runs.is_empty() {
        runs.push(Run { date: "unknown".into(), ..Run::default() });
    }
    report.rows.iter_mut().for_each(|row| row.origin.run += runs.len());
    runs.append(&mut report.runs);
    report.runs = runs;
    let measured: BTreeSet<Key> = report.rows.iter().map(|r| r.key.clone()).collect();
    let failed = |key: &Key| report.notes.iter().any(|note| note.contains(&key.to_string()));
    let kept: Vec<Row> = old.rows.iter().filter(|r| !measured.contains(&r.key) && !failed(&r.key)).cloned().collect();
    let notes = old.notes.iter().filter(|n| !measured.iter().any(|key| n.contains(&key.subject))).cloned();
    let notes: Vec<String> = notes.collect();
    report.rows.extend(kept);
    report.notes.extend(notes);
    let again = |other: &Other| {
        report.others.iter().any(|o| (&o.model, &o.name, &o.target) == (&other.model, &other.name, &other.target))
    };
    let others: Vec<Other> = old.others.iter().filter(|o| !again(o)).cloned().collect();
    report.others.extend(others);
    let place = |row: &Row| old.rows.iter().position(|o| o.key == row.key);
    let family = |row: &Row| old.rows.iter().position(|o| o.key.subject == row.key.subject);
    report.rows.sort_by_key(|row| place(row).or(family(row)).unwrap_or(usize::MAX));
    report
}

/// The report in a folder that is kept, which must be of this machine.
fn kept(folder: &Path, new: &Report) -> Outcome<Option<Report>> {
    let path = folder.join("report.json");
    if !path.is_file() {
        return Ok(None);
    }
    let old = super::compare::read(&path)?;
    if (&old.machine.cpu, &old.machine.isa) != (&new.machine.cpu, &new.machine.isa) {
        let message =
            format!("{} is of another processor ({}): write into another folder", path.display(), old.machine.cpu);
        return Err(Failure::Usage(message));
    }
    Ok(Some(old))
}

/// `zantc bench low-bit`.
fn few_bits(args: &LowBitArgs, shell: &mut Shell) -> Outcome {
    if [args.inputs.len(), args.labels.len()] != [args.networks.len(); 2] {
        return Err(Failure::Usage("each `--networks` needs its `--inputs` and its `--labels`".into()));
    }
    let files = args.networks.iter().zip(args.inputs.iter().zip(&args.labels));
    let trained = files.map(|(folder, (inputs, labels))| Trained {
        folder: folder.clone(),
        inputs: inputs.clone(),
        labels: labels.clone(),
    });
    let trained = trained.collect();
    let what = LowBit { runs: args.runs as usize, quick: args.quick, trained };
    let measured = low_bit(&what, &mut |verb, what| shell.status(verb, what));
    let text = measured.map_err(|diagnostics| {
        shell.diagnostics(&diagnostics);
        Failure::Said
    })?;
    let Some(path) = &args.output else { return shell.out(&text) };
    std::fs::write(path, text).map_err(|e| unwritable(path, &e))?;
    shell.status("Wrote", &format!("{} in {}", path.display(), shell.elapsed()));
    Ok(())
}

/// `zantc bench ops`.
fn ops(args: &OpsArgs, shell: &mut Shell) -> Outcome {
    let findings = operators_named(&args.names, (args.how.runs as usize, args.how.avx2), &mut |verb, what| {
        shell.status(verb, what)
    });
    if findings.rows.is_empty() && findings.failures.is_empty() {
        return Err(Failure::Usage(format!("no operator has a name with {}", args.names.join(" or "))));
    }
    let mut report = begin(Kind::Ops);
    report.rows = findings.rows;
    end(&mut report);
    let good = findings.failures.is_empty();
    for failure in findings.failures {
        shell.error(&failure);
        report.notes.push(format!("not measured: {failure}"));
    }
    finish(args.how.output.as_deref(), &report, &BTreeMap::new(), shell)?;
    if good { Ok(()) } else { Err(Failure::Said) }
}

/// Writes the report into a folder where one is named, else to stdout.
pub(super) fn finish(
    folder: Option<&Path>,
    report: &Report,
    pictures: &BTreeMap<String, String>,
    shell: &mut Shell,
) -> Outcome {
    let Some(folder) = folder else {
        return shell.out(&if shell.is_json() { report.to_json() } else { report.to_markdown() });
    };
    write(folder, report, pictures).map_err(|e| unwritable(folder, &e))?;
    shell.status("Wrote", &format!("{} rows to {} in {}", report.rows.len(), folder.display(), shell.elapsed()));
    Ok(())
}

/// Whether a path among several is there and no model: a file of another kind, a folder without one.
fn is_no_model(path: &Path) -> bool {
    let other = path.is_file() && path.extension().is_some_and(|e| !e.eq_ignore_ascii_case("onnx"));
    other || (path.is_dir() && !path.join("model.onnx").exists())
}

/// The model's file: what is given, or `model.onnx` in it.
pub(super) fn model_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("model.onnx") } else { path.to_path_buf() }
}

/// What is asked for, the first time each.
fn once<T: Copy + PartialEq>(asked: &[T]) -> Vec<T> {
    let first = |(i, item): &(usize, &T)| !asked[..*i].contains(item);
    asked.iter().enumerate().filter(first).map(|(_, item)| *item).collect()
}

impl Args {
    /// What is asked for, each once.
    fn ways(&self) -> Ways {
        Ways {
            targets: once(&self.target),
            profiles: once(&self.profiles),
            allocs: once(&self.alloc),
            runs: self.how.runs as usize,
            against: once(&self.against),
            floor: self.floor,
            count: !self.quick,
            avx2: self.how.avx2,
            keep_elf: self.keep_elf.clone(),
            onnx2c: self.onnx2c.clone(),
            tflm: self.tflm.as_deref().map(Tflm::new),
        }
    }

    /// Measures one model; whether all of it could be.
    fn measure(
        &self,
        path: &Path,
        ways: &Ways,
        report: &mut Report,
        pictures: &mut BTreeMap<String, String>,
        shell: &mut Shell,
    ) -> Result<bool, Vec<Diagnostic>> {
        let path = model_file(path);
        let (name, dim, state) = (self.name.clone(), self.dim.clone(), self.state.clone());
        let options = Options { name, dim, state, ..Options::default() };
        let config = project::configured(&path, Config::new().choose(options), &mut |_| {})?;
        let name = project::crate_name(&config, &path)?;
        if report.rows.iter().any(|r| r.key.subject == name) {
            return Err(vec![Diagnostic::error(codes::BAD_OPTION, format!("there are two models {name}"))]);
        }
        let subject = Subject { name: &name, path: &path, config: &config };
        let findings = measure(&subject, ways, &mut |verb, what| shell.status(verb, what));
        for peer in &ways.against {
            let missing = findings.rows.iter().find_map(|row| match row.values.get(&peer.metric) {
                Some(Value::Missing(why)) => Some(format!("{name}: {} is not measured: {why}", peer.name())),
                Some(Value::Count(_) | Value::Real(_) | Value::Times(_)) | None => None,
            });
            report.notes.extend(missing);
        }
        report.rows.extend(findings.rows);
        report.others.extend(findings.others);
        report.notes.extend(findings.notes);
        pictures.extend(findings.picture.map(|p| (name, p)));
        for failure in &findings.failures {
            shell.error(failure);
        }
        let good = findings.failures.is_empty();
        report.notes.extend(findings.failures.into_iter().map(|f| format!("not measured: {}", brief(&f))));
        Ok(good)
    }
}
