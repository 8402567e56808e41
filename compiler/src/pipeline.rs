//! The way of a model, once it is read: messages -> graph -> passes -> program -> plan.

use crate::config::{Config, Inputs, Optimize};
use crate::diag::{Diagnostic, codes};
use crate::ir::{Cache, Graph, LowBit, Reference, State};
use crate::lower::Zeros;
use crate::onnx::Model;
use crate::plan::program::{Planned, Reserved};
use crate::program::{Program, View};
use crate::{cache, import, labels, lower, passes, plan};

/// A compiled model, with what was made on the way.
#[derive(Debug)]
pub struct Compiled {
    /// The graph after all passes. It and the next three are for the workspace's own packages.
    #[doc(hidden)]
    pub graph: Graph,
    /// The planned program.
    #[doc(hidden)]
    pub program: Program,
    /// The planning problem and its solution.
    #[doc(hidden)]
    pub planned: Planned,
    /// Where each value of the graph lies, by its id; `None` for constants that no kernel reads as they are.
    #[doc(hidden)]
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
    config.check()?;
    observe("importing");
    let import = import(model, config)?;
    let mut compiled = compile_imported(import.graph, config, observe)?;
    compiled.warnings.extend(import.warnings);
    Ok(compiled)
}

/// Translates a model into the core IR, before any pass, with what it keeps from run to run as the configuration has it.
///
/// # Errors
/// Everything that is wrong with the model, or with its states.
pub fn import(model: &Model, config: &Config) -> Result<import::Import, Vec<Diagnostic>> {
    let options = import::Options {
        dims: config.dims.clone(),
        bounds: config.bounds.clone(),
        numerics: config.effective_numerics(),
        ..import::Options::default()
    };
    let mut import = import::import(&model.proto, &options)?;
    labels::label(&mut import.graph, model, config)?;
    import.warnings.extend(keep(&mut import.graph, config)?);
    Ok(import)
}

/// The same without what it keeps.
pub(crate) fn import_stateless(model: &Model, config: &Config) -> Result<import::Import, Vec<Diagnostic>> {
    let mut config = config.clone();
    (config.states, config.cache) = (Vec::new(), Cache::Float);
    import(model, &config)
}

/// Compiles a graph.
///
/// # Errors
/// Operators without kernels, or a budget that is exceeded.
pub fn compile_graph(mut graph: Graph, config: &Config) -> Result<Compiled, Vec<Diagnostic>> {
    let warnings = keep(&mut graph, config)?;
    let mut compiled = compile_imported(graph, config, &mut |_| {})?;
    compiled.warnings.extend(warnings);
    Ok(compiled)
}

fn compile_imported(graph: Graph, config: &Config, observe: &mut dyn FnMut(&str)) -> Result<Compiled, Vec<Diagnostic>> {
    let mut lowered = lower(graph, config, observe)?;
    if config.effective_inputs() == Inputs::Arena {
        lowered.program.own_inputs();
    }
    observe("planning memory");
    planned(lowered, config, &Reserved::default())
}

/// A model as kernel calls whose buffers have no places yet.
#[derive(Debug)]
pub(crate) struct Lowered {
    graph: Graph,
    pub(crate) program: Program,
    places: Vec<Option<View>>,
}

/// Chooses the kernels of a graph.
pub(crate) fn lower(
    mut graph: Graph,
    config: &Config,
    observe: &mut dyn FnMut(&str),
) -> Result<Lowered, Vec<Diagnostic>> {
    let numerics = config.effective_numerics();
    observe("optimising");
    passes::run_with(&mut graph, &Reference { numerics }, config.low_bit, |pass, _| observe(pass.name));
    observe("choosing kernels");
    let zeros = match (config.low_bit, config.optimize) {
        (LowBit::Off, _) => Zeros::Kept,
        (LowBit::Auto, Optimize::Size) => Zeros::Small,
        (LowBit::Auto, Optimize::Speed) => Zeros::Cheap,
    };
    let (program, places) = lower::lower_with_places(&graph, numerics, &config.machine(), zeros)?;
    Ok(Lowered { graph, program, places })
}

/// Plans the memory of a model, behind what has its places.
pub(crate) fn planned(lowered: Lowered, config: &Config, reserved: &Reserved) -> Result<Compiled, Vec<Diagnostic>> {
    let Lowered { graph, mut program, places } = lowered;
    let planned = plan::program::place_behind(&mut program, config.target.align, reserved)
        .map_err(|e| vec![Diagnostic::error(codes::TOO_LARGE, e.to_string())])?;
    crate::budget::check(&program, &planned, config)?;
    debug_assert_eq!(crate::program::verify(&program), Ok(()));
    Ok(Compiled { graph, program, planned, places, warnings: config.warning().into_iter().collect() })
}

/// Notes what a graph keeps from run to run, in the form that the user wants. Gives warnings.
pub(crate) fn keep(graph: &mut Graph, config: &Config) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    graph.states = states(graph, config)?;
    match config.cache {
        Cache::Float => Ok(Vec::new()),
        Cache::Int8 => cache::quantize(graph),
    }
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
        let state = State { input, output, scale: None };
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
