//! Measuring models: emitted, built and run in each way that is asked for, and what that takes as rows of a report.
//!
//! Invariants: a row is only there when the crate that was measured gave the bits that this process computes; all that are timed
//! of one model take turns; what could not be measured says why.

mod device;
mod foreign;
mod host;
mod limits;
mod low_bit;
mod machine;
mod onnx2c;
mod ops;
mod peers;
mod profile;
mod session;
mod tflm;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zant_measure::peers::Peer;
use zant_measure::report::{Key, Metric, Origin, Other, Row, Spread, Value};
use zant_measure::{Error, Machine};
use zantc::config::{Alloc, Config, Optimize, Word};
use zantc::diag::Diagnostic;
use zantc::emit::{Package, Source, emit_session_crate};
use zantc::exec::{Executor, Hygiene};
use zantc::harness::{emit_process, emit_session_process};
use zantc::ir::Tensor;
use zantc::pipeline::{Compiled, compile};
use zantc::program::Program;
use zantc::project::{read, sha256};
use zantc::targets::{HOST, Target};
use zantc::verify::{data, seeded};

use crate::built::device as firmware;

pub use low_bit::{LowBit, Trained, low_bit};
pub use machine::{begin, describe, end};
pub use ops::operators_named;
pub use profile::{Profiled, profile};
pub use session::{Goal, Players, Sessions, goals, session};
pub use tflm::Tflm;

/// How a crate is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Made for speed, at `opt-level` 3.
    Fast,
    /// Made for size, at `opt-level` "z".
    Small,
}

impl Profile {
    /// All.
    pub const ALL: [Profile; 2] = [Profile::Fast, Profile::Small];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Fast => "fast",
            Profile::Small => "small",
        }
    }

    /// The level of optimisation.
    pub fn level(self) -> &'static str {
        match self {
            Profile::Fast => "3",
            Profile::Small => "z",
        }
    }

    /// What the emitted crate is made for.
    pub fn optimize(self) -> Optimize {
        match self {
            Profile::Fast => Optimize::Speed,
            Profile::Small => Optimize::Size,
        }
    }
}

/// What is measured of each model.
#[derive(Clone, Debug)]
pub struct Ways {
    /// The host, and targets that QEMU has a machine of.
    pub targets: Vec<&'static Target>,
    /// How crates are built.
    pub profiles: Vec<Profile>,
    /// Where the arena lies, on the host; firmware has it in statics.
    pub allocs: Vec<Alloc>,
    /// Samples of the time.
    pub runs: usize,
    /// What the host's crates are timed against.
    pub against: Vec<&'static Peer>,
    /// Whether the least time that the core needs is measured in the same turns.
    pub floor: bool,
    /// Whether the host's instructions are counted.
    pub count: bool,
    /// Whether the host's crates leave AVX-512 out: as a CPU without it.
    pub avx2: bool,
    /// A folder that linked files are kept in.
    pub keep_elf: Option<PathBuf>,
    /// onnx2c, whose C is counted on targets.
    pub onnx2c: Option<PathBuf>,
    /// TFLM, which is counted on targets.
    pub tflm: Option<Tflm>,
}

impl Default for Ways {
    /// Fast and small on the host, the arena in statics, one sample.
    fn default() -> Ways {
        let (profiles, allocs) = (Profile::ALL.to_vec(), vec![Alloc::Static]);
        Ways {
            targets: vec![HOST],
            profiles,
            allocs,
            runs: 1,
            against: Vec::new(),
            floor: false,
            count: true,
            avx2: false,
            keep_elf: None,
            onnx2c: None,
            tflm: None,
        }
    }
}

/// A model that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The crate's name.
    pub name: &'a str,
    /// The model's file, beside which its data sets lie.
    pub path: &'a Path,
    /// The user's choices but for what [`Ways`] says.
    pub config: &'a Config,
}

/// What was measured of a model.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// A row for each way.
    pub rows: Vec<Row>,
    /// Ways that failed, and why.
    pub failures: Vec<String>,
    /// What other implementations take besides time.
    pub others: Vec<Other>,
    /// What they could not do.
    pub notes: Vec<String>,
    /// The arena, drawn.
    pub picture: Option<String>,
}

/// One way in which a model is measured.
#[derive(Clone, Copy, Debug)]
struct Way {
    target: &'static Target,
    profile: Profile,
    alloc: Alloc,
    /// Whether the model tells of its steps.
    observed: bool,
    /// Whether AVX-512 is left out.
    avx2: bool,
    /// Whether the process computes sessions.
    session: bool,
}

impl Way {
    fn new(target: &'static Target, profile: Profile) -> Way {
        Way { target, profile, alloc: Alloc::Static, observed: false, avx2: false, session: false }
    }

    fn key(self, subject: &str) -> Key {
        Key {
            subject: subject.into(),
            step: None,
            target: self.target.name.into(),
            profile: self.profile.name().into(),
            alloc: self.alloc.word().into(),
        }
    }

    fn config(self, base: &Config) -> Config {
        let mut config = base.clone();
        (config.target, config.board) = (self.target, None);
        (config.optimize, config.alloc) = (self.profile.optimize(), self.alloc);
        config.observed = self.observed;
        config.avx2 = self.avx2 && self.target.name == HOST.name && config.optimize == Optimize::Speed;
        config
    }
}

/// The values of a row.
type Values = BTreeMap<Metric, Value>;

/// Why a way failed: what the diagnostics say, and all that a build printed, a line each.
fn failure(diagnostics: &[Diagnostic]) -> String {
    let said = |d: &Diagnostic| std::iter::once(&d.message).chain(&d.help).cloned().collect::<Vec<_>>().join("\n");
    diagnostics.iter().map(said).collect::<Vec<_>>().join("\n")
}

/// A failure in one line: what is said first, and the errors.
pub fn brief(failure: &str) -> String {
    let mut lines = failure.lines();
    let first = lines.next().into_iter();
    first.chain(lines.filter(|l| l.starts_with("error")).take(2)).collect::<Vec<_>>().join(": ")
}

/// A value, or why there is none.
fn or_missing(value: Result<Value, Error>) -> Value {
    match value {
        Ok(value) => value,
        Err(Error::Missing { what, install }) => Value::Missing(format!("needs {what} ({install})")),
        Err(e) => Value::Missing(e.to_string()),
    }
}

/// Measures a model in all ways; `observe` hears what is being done, as a verb and its object.
pub fn measure(subject: &Subject<'_>, ways: &Ways, observe: &mut dyn FnMut(&str, &str)) -> Findings {
    let mut findings = Findings::default();
    // What no way can read is said once.
    let model = match read(subject.path).and_then(|model| sha256(&model)) {
        Ok(model) => model,
        Err(why) => {
            findings.failures.push(format!("{}: {}", subject.name, failure(&why)));
            return findings;
        }
    };
    let (mut processes, mut others) = (Vec::new(), Vec::new());
    for &target in &ways.targets {
        let allocs = if target.name == HOST.name { ways.allocs.as_slice() } else { &[Alloc::Static] };
        for (profile, &alloc) in ways.profiles.iter().flat_map(|p| allocs.iter().map(move |a| (*p, a))) {
            let way = Way { alloc, avx2: ways.avx2, ..Way::new(target, profile) };
            let key = way.key(subject.name);
            observe("Building", &key.to_string());
            let done = prepare(subject, way).and_then(|mut prepared| {
                prepared.elf = ways.keep_elf.as_ref().map(|folder| folder.join(elf_name(&key)));
                findings.picture.get_or_insert_with(|| prepared.compiled.picture());
                match Machine::with_cpu(target.name) {
                    Some(machine) => {
                        let values = device::measure(&prepared, machine)?;
                        if profile == Profile::Fast {
                            let (theirs, why) = foreign::measure(subject, &prepared, machine, ways, observe);
                            others.extend(theirs);
                            findings.notes.extend(why.into_iter().map(|why| format!("{key}: {why}")));
                        }
                        Ok(Ok(values))
                    }
                    None => Ok(Err(host::Process::new(&prepared)?)),
                }
            });
            match done {
                Ok(Ok(values)) => findings.rows.push(Row::new(key, values)),
                Ok(Err(process)) => processes.push((key, process)),
                Err(why) => findings.failures.push(format!("{key}: {}", failure(&why))),
            }
        }
    }
    let (rows, timed, failures) = host::measure(subject, processes, ways, observe);
    findings.others = timed.into_iter().chain(others).collect();
    // The host stands first.
    findings.rows.splice(0..0, rows);
    findings.failures.extend(failures);
    for row in &mut findings.rows {
        row.origin = origin(&row.key, &model, ways.avx2);
    }
    findings
}

/// Where a row of the newest run comes from.
fn origin(key: &Key, model: &str, avx2: bool) -> Origin {
    let isa = if key.target == HOST.name { machine::used(avx2) } else { key.target.clone() };
    Origin { run: 0, model: model.into(), isa }
}

/// The name of a kept file.
fn elf_name(key: &Key) -> String {
    let parts = [&key.subject, &key.target, &key.profile, &key.alloc];
    format!("{}.elf", parts.map(String::as_str).join("-"))
}

/// Copies a linked file where one is to be kept.
fn keep(linked: &Path, kept: Option<&PathBuf>) -> Result<(), Diagnostic> {
    let Some(kept) = kept else { return Ok(()) };
    let folder = kept.parent().map_or(Ok(()), std::fs::create_dir_all);
    let copied = folder.and_then(|()| std::fs::copy(linked, kept).map(drop));
    copied.map_err(|e| Diagnostic::error("ZA0011", format!("cannot write {}: {e}", kept.display())))
}

/// The reader of a decoder's prompt, compiled to have one state with it.
struct Reader {
    config: Config,
    compiled: Compiled,
    model_sha256: String,
}

impl Reader {
    /// The module of the decoder in the crate of both, and that of the reader.
    const NAMES: [&str; 2] = ["decode", "prefill"];

    fn source(&self) -> Source<'_> {
        source(Reader::NAMES[1], &self.compiled.program, &self.config, &self.model_sha256)
    }
}

/// A model compiled in one way, with a vector.
struct Prepared<'a> {
    name: &'a str,
    model_sha256: String,
    config: Config,
    level: &'static str,
    session: bool,
    compiled: Compiled,
    compile_time: std::time::Duration,
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
    /// Where the linked file is kept.
    elf: Option<PathBuf>,
    /// The model that reads the prompt of this one.
    reader: Option<Reader>,
}

fn prepare<'a>(subject: &Subject<'a>, way: Way) -> Result<Prepared<'a>, Vec<Diagnostic>> {
    let config = way.config(subject.config);
    let start = std::time::Instant::now();
    let model = read(subject.path)?;
    let compiled = compile(&model, &config)?;
    let model_sha256 = sha256(&model)?;
    let source = source(subject.name, &compiled.program, &config, &model_sha256);
    zantc::emit::emit_crate(&source);
    let compile_time = start.elapsed();
    let inputs = inputs(subject.path, &compiled.program)?;
    Ok(Prepared { model_sha256, compile_time, ..Prepared::new(subject.name, way, config, compiled, inputs)? })
}

fn source<'a>(name: &'a str, program: &'a Program, config: &'a Config, sha256: &'a str) -> Source<'a> {
    Source { program, config, name, file: "", model_sha256: sha256, vectors: &[] }
}

/// The inputs of the first data set beside the model that has the program's shapes, else pseudo-random ones.
fn inputs(path: &Path, program: &Program) -> Result<Vec<Tensor>, Vec<Diagnostic>> {
    for folder in data::folders_beside(path) {
        if let data::Found::Set(set) = data::find_set(&folder, program)? {
            return Ok(set.inputs);
        }
    }
    Ok(seeded::inputs(program.model_inputs().iter().map(|p| &p.ty)))
}

/// What this process computes.
fn computed(program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, Diagnostic> {
    let failed = |e: zantc::exec::ExecError| Diagnostic::error(zantc::diag::codes::RUN_FAILED, e.to_string());
    Executor::new(program, Hygiene::AsEmitted).and_then(|mut e| e.run_model(inputs)).map_err(failed)
}

impl<'a> Prepared<'a> {
    /// With what this process computes.
    fn new(
        name: &'a str,
        way: Way,
        config: Config,
        compiled: Compiled,
        inputs: Vec<Tensor>,
    ) -> Result<Self, Diagnostic> {
        let outputs = computed(&compiled.program, &inputs)?;
        let (model_sha256, compile_time, level) = (String::new(), std::time::Duration::ZERO, way.profile.level());
        let session = way.session;
        Ok(Prepared {
            name,
            model_sha256,
            config,
            level,
            session,
            compiled,
            compile_time,
            inputs,
            outputs,
            elf: None,
            reader: None,
        })
    }

    fn program(&self) -> &Program {
        &self.compiled.program
    }

    fn source(&self) -> Source<'_> {
        source(self.name, self.program(), &self.config, &self.model_sha256)
    }

    /// The same as a model of the crate that it shares with a reader.
    fn decoder(&self) -> Source<'_> {
        source(Reader::NAMES[0], self.program(), &self.config, &self.model_sha256)
    }

    /// Bytes of constants, those that the reader of the prompt has too counted once.
    fn weight_bytes(&self) -> usize {
        match &self.reader {
            Some(reader) => zantc::emit::weights_bytes(&[&reader.compiled.program, self.program()]),
            None => self.program().weights_bytes(),
        }
    }

    /// The module that runs it in a process.
    fn process(&self) -> Result<String, String> {
        match &self.reader {
            Some(reader) => emit_session_process(&self.decoder(), &reader.source()),
            None => emit_process(&self.source()),
        }
    }

    /// The emitted crate.
    fn package(&self) -> Package {
        if let Some(reader) = &self.reader {
            return emit_session_crate(self.name, &[reader.source(), self.decoder()], &[]);
        }
        zantc::emit::emit_crate(&self.source())
    }

    /// A failure where a crate gave other bits than this process.
    fn check(&self, outputs: &[Tensor]) -> Result<(), Diagnostic> {
        let here = firmware::hash(std::slice::from_ref(&self.outputs));
        let there = firmware::hash(&[outputs.to_vec()]);
        let message = "the built crate gives other bits than this process";
        if here == there { Ok(()) } else { Err(Diagnostic::error(zantc::diag::codes::BITS_DIFFER, message)) }
    }

    /// What is known from the plan and from emitting.
    fn planned(&self, source_bytes: u64) -> Values {
        let program = self.program();
        BTreeMap::from([
            (Metric::Macs, Value::Count(program.macs())),
            (Metric::Arena, Value::Count(program.arena_bytes() as u64)),
            (Metric::Weights, Value::Count(self.weight_bytes() as u64)),
            (Metric::Source, Value::Count(source_bytes)),
            (Metric::CompileTime, Value::Real(self.compile_time.as_secs_f64() * 1e3)),
        ])
    }
}

/// Bytes of the emitted Rust.
fn source_bytes(package: &Package) -> u64 {
    let rust = package.files.iter().filter(|(path, _)| path.starts_with("src/") && path.ends_with(".rs"));
    rust.map(|(_, bytes)| bytes.len() as u64).sum()
}

/// A time, and the operations in a second that it stands for, where there are any.
fn timed(spread: Spread, macs: u64) -> impl Iterator<Item = (Metric, Value)> {
    let throughput = 2.0 * macs as f64 / spread.median / 1e3;
    let throughput = (macs > 0 && throughput.is_finite()).then_some((Metric::Throughput, Value::Real(throughput)));
    std::iter::once((Metric::Time, Value::Times(spread))).chain(throughput)
}

/// Instructions for each multiply-add, where there are any.
fn per_mac(instructions: u64, macs: u64) -> Option<(Metric, Value)> {
    let ratio = instructions as f64 / macs as f64;
    (macs > 0).then_some((Metric::InstructionsPerMac, Value::Real(ratio)))
}
