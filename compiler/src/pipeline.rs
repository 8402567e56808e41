//! The way of a model: bytes -> messages -> graph -> passes -> program -> plan.

use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::config::{Config, Options, file_beside};
use crate::diag::{Diagnostic, FilePlace, codes};
use crate::ir::{Graph, Numerics, Reference, State};
use crate::onnx::{Limits, LoadError, Model, load};
use crate::plan::program::Planned;
use crate::program::{Program, View};
use crate::{import, lower, passes, plan};

/// A compiled model, with what was made on the way.
#[derive(Debug)]
pub struct Compiled {
    /// The graph after all passes.
    pub graph: Graph,
    /// The planned program.
    pub program: Program,
    /// The planning problem and its solution.
    pub planned: Planned,
    /// Where each value of the graph lies, by its id; `None` for constants that no kernel reads as they are.
    pub places: Vec<Option<View>>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

impl Compiled {
    /// The plan of the arena, drawn as SVG.
    pub fn picture(&self) -> String {
        let (program, planned) = (&self.program, &self.planned);
        let mut steps = vec![String::new(); program.steps.len()];
        for (step, ix) in program.steps.iter().zip(&planned.placement.order) {
            steps[ix.0] = step.origin.first().map_or(step.call.name().to_string(), |o| o.name.clone());
        }
        let buffers = planned.buffers.iter().map(|&b| program.buffer(b).name.clone()).collect();
        plan::svg::draw(&planned.problem, &planned.placement, &plan::svg::Names { buffers, steps })
    }
}

/// Reads a model from a file, with its external data.
///
/// # Errors
/// A diagnostic where the file cannot be read or is no model.
pub fn read(path: &Path) -> Result<Model, Vec<Diagnostic>> {
    load(path, &Limits::default()).map_err(|e| match e {
        LoadError::Malformed { .. } => {
            vec![Diagnostic::error(e.code(), format!("{path:?} is {e}")).help(e.help())]
        }
        other => vec![load_diagnostic(&other)],
    })
}

/// What went wrong with a file, as a diagnostic.
pub fn load_diagnostic(error: &LoadError) -> Diagnostic {
    Diagnostic::error(error.code(), error.to_string()).help(error.help())
}

/// Largest file of options that is read, in bytes.
const OPTIONS_BYTES: u64 = 64 << 10;

/// Reads the `zant.toml` beside a model, where there is one.
///
/// # Errors
/// A diagnostic where it cannot be read or makes no sense.
pub fn read_options(model: &Path) -> Result<Option<(PathBuf, Options)>, Vec<Diagnostic>> {
    let path = file_beside(model);
    if !path.is_file() {
        return Ok(None);
    }
    let fail = |why: String| vec![Diagnostic::error(codes::BAD_OPTION, format!("cannot use {path:?}: {why}"))];
    let file = std::fs::File::open(&path).map_err(|e| fail(e.to_string()))?;
    let mut text = String::new();
    file.take(OPTIONS_BYTES).read_to_string(&mut text).map_err(|e| fail(e.to_string()))?;
    let options = Options::parse(&text).map_err(|bad| {
        let place = FilePlace { path: path.clone(), line: bad.line, text: bad.text, span: bad.span };
        vec![Diagnostic::error(codes::BAD_OPTION, format!("cannot use {path:?}: {}", bad.message)).in_file(place)]
    })?;
    Ok(Some((path, options)))
}

/// The name of a model's crate where the user gives none: from its file, or from its folder where the file is called
/// `model.onnx`.
pub fn default_name(model: &Path) -> String {
    let stem = model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let absolute = std::path::absolute(model).unwrap_or_else(|_| model.to_path_buf());
    let folder = absolute.parent().and_then(Path::file_name).map(|f| f.to_string_lossy().into_owned());
    crate::emit::crate_name(&if stem == "model" { folder.unwrap_or(stem) } else { stem })
}

/// The name of a model's module in a build script: as chosen, else made from its file, whatever folder that is in.
///
/// # Errors
/// As [`crate_name`].
pub fn module_name(config: &Config, model: &Path) -> Result<String, Diagnostic> {
    match &config.name {
        None => Ok(crate::emit::crate_name(&model.file_stem().unwrap_or_default().to_string_lossy())),
        Some(_) => crate_name(config, model),
    }
}

/// The name of a model's crate: as chosen, else made from its file.
///
/// # Errors
/// A diagnostic where the chosen one is no name for a crate.
pub fn crate_name(config: &Config, model: &Path) -> Result<String, Diagnostic> {
    match &config.name {
        None => Ok(default_name(model)),
        Some(name) if crate::emit::is_crate_name(name) => Ok(name.clone()),
        Some(name) => {
            let better = crate::emit::crate_name(name);
            let message = format!("{name:?} is no name for a crate; `{better}` would be one");
            Err(Diagnostic::error(codes::BAD_OPTION, message))
        }
    }
}

/// SHA-256 of a model in hex: of its file, or of that and its external files one after the other.
///
/// # Errors
/// A diagnostic where an external file can no longer be read.
pub fn sha256(model: &Model) -> Result<String, Vec<Diagnostic>> {
    let mut hash = Sha256::new();
    hash.update(&model.file);
    for path in &model.external_files {
        let unreadable = |source| vec![load_diagnostic(&LoadError::Read { path: path.clone(), source })];
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        std::io::copy(&mut file, &mut hash).map_err(unreadable)?;
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// Compiles a model.
///
/// # Errors
/// Everything that is wrong with the model, or that exceeds a budget.
pub fn compile(model: &Model, config: &Config) -> Result<Compiled, Vec<Diagnostic>> {
    compile_observed(model, config, &mut |_| {})
}

/// Compiles a model; `observe` hears what is being done, in a few words.
///
/// # Errors
/// Everything that is wrong with the model, or that exceeds a budget.
pub fn compile_observed(
    model: &Model,
    config: &Config,
    observe: &mut dyn FnMut(&str),
) -> Result<Compiled, Vec<Diagnostic>> {
    check_board(config)?;
    observe("importing");
    let import = import(model, config)?;
    let mut compiled = compile_imported(import.graph, config, observe)?;
    compiled.warnings.extend(import.warnings);
    Ok(compiled)
}

/// Translates a model into the core IR, before any pass.
///
/// # Errors
/// Everything that is wrong with the model.
pub fn import(model: &Model, config: &Config) -> Result<import::Import, Vec<Diagnostic>> {
    let options = import::Options {
        dims: config.dims.clone(),
        numerics: config.effective_numerics(),
        ..import::Options::default()
    };
    import::import(&model.proto, &options)
}

/// Compiles a graph.
///
/// # Errors
/// Operators without kernels, or a budget that is exceeded.
pub fn compile_graph(graph: Graph, config: &Config) -> Result<Compiled, Vec<Diagnostic>> {
    compile_imported(graph, config, &mut |_| {})
}

fn compile_imported(
    mut graph: Graph,
    config: &Config,
    observe: &mut dyn FnMut(&str),
) -> Result<Compiled, Vec<Diagnostic>> {
    let numerics = config.effective_numerics();
    graph.states = states(&graph, config)?;
    observe("optimising");
    passes::run(&mut graph, &Reference { numerics }, |pass, _| observe(pass.name));
    observe("choosing kernels");
    let (mut program, places) = lower::lower_with_places(&graph, numerics, config.target.has_arm_loops())?;
    observe("planning memory");
    let planned = plan::program::place(&mut program, config.target.align)
        .map_err(|e| vec![Diagnostic::error(codes::TOO_LARGE, e.to_string())])?;
    crate::budget::check(&program, &planned, config)?;
    debug_assert_eq!(crate::program::verify(&program), Ok(()));
    Ok(Compiled { graph, program, planned, places, warnings: software_fma(config).into_iter().collect() })
}

/// The pairs of input and output that the user wants to be kept.
fn states(graph: &Graph, config: &Config) -> Result<Vec<State>, Vec<Diagnostic>> {
    let mut states: Vec<State> = Vec::new();
    let mut faults = Vec::new();
    for (from, to) in &config.states {
        let fail = |why: String| Diagnostic::error(codes::BAD_OPTION, format!("state {from:?} = {to:?}: {why}"));
        let input = graph.inputs.iter().position(|&v| graph.value(v).name == *from);
        let output = graph.outputs.iter().position(|o| o.name == *to);
        let (Some(input), Some(output)) = (input, output) else {
            let (what, name) = if input.is_none() { ("input", from) } else { ("output", to) };
            faults.push(fail(format!("the model has no {what} {name:?}")).help("`zantc inspect --json` lists them"));
            continue;
        };
        let state = State { input, output };
        if states.iter().any(|s| s.input == input || s.output == output) {
            faults.push(fail("one of the two is another state's".into()));
        } else if let Err(why) = graph.ring_axis(state) {
            let help =
                "the output has the input's type, or differs in one dimension, of which the input holds a multiple";
            faults.push(fail(why).help(help));
        } else {
            states.push(state);
        }
    }
    if !states.is_empty() && states.len() == graph.outputs.len() {
        faults.push(Diagnostic::error(codes::BAD_OPTION, "every output is a state's: a run would give nothing"));
    }
    if faults.is_empty() { Ok(states) } else { Err(faults) }
}

/// Fused products are promised to the bit everywhere, and cost dearly where no instruction computes them.
fn software_fma(config: &Config) -> Option<Diagnostic> {
    let slow = config.effective_numerics() == Numerics::Fused && config.target.numerics == Numerics::Separate;
    slow.then(|| {
        let name = config.target.name;
        Diagnostic::warning(codes::SOFTWARE_FMA, format!("{name} has no fused multiply-add; every product is software"))
            .help("`--numerics separate` is faster there, with other (equally sound) last bits")
    })
}

/// A board has one target.
fn check_board(config: &Config) -> Result<(), Vec<Diagnostic>> {
    match config.board {
        Some(board) if board.target != config.target.name => {
            let message = format!("the board {} is a {}, not a {}", board.name, board.target, config.target.name);
            Err(vec![Diagnostic::error(codes::BAD_OPTION, message).help("leave `--target` out, or name another board")])
        }
        Some(_) | None if config.target.name == "wasm32" => check_sections(config),
        Some(_) | None => Ok(()),
    }
}

/// In WebAssembly a section of its own is no memory that code could read.
fn check_sections(config: &Config) -> Result<(), Vec<Diagnostic>> {
    let sections = [("weights", &config.weights_section), ("arena", &config.arena_section)];
    let fault = |what: &str| {
        let message = format!("the {what} cannot have a section of their own in WebAssembly, where that is no memory");
        Diagnostic::error(codes::BAD_OPTION, message).help(format!("leave `--{what}-section` out"))
    };
    let faults: Vec<_> = sections.iter().filter(|(_, s)| s.is_some()).map(|(what, _)| fault(what)).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}
