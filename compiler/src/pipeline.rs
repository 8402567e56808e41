//! The way of a model: bytes -> messages -> graph -> passes -> program -> plan.

use std::path::Path;

use crate::config::Config;
use crate::diag::{Diagnostic, codes};
use crate::ir::{Graph, Reference};
use crate::onnx::{Limits, Model, load};
use crate::plan::program::Planned;
use crate::program::Program;
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
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a model from a file, with its external data.
///
/// # Errors
/// A diagnostic where the file cannot be read or is no model.
pub fn read(path: &Path) -> Result<Model, Vec<Diagnostic>> {
    load(path, &Limits::default()).map_err(|e| vec![Diagnostic::error(e.code(), e.to_string())])
}

/// Compiles a model.
///
/// # Errors
/// Everything that is wrong with the model, or that exceeds a budget.
pub fn compile(model: &Model, config: &Config) -> Result<Compiled, Vec<Diagnostic>> {
    let options = import::Options {
        dims: config.dims.clone(),
        numerics: config.effective_numerics(),
        ..import::Options::default()
    };
    let import = import::import(&model.proto, &options)?;
    let mut compiled = compile_graph(import.graph, config)?;
    compiled.warnings.extend(import.warnings);
    Ok(compiled)
}

/// Compiles a graph.
///
/// # Errors
/// Operators without kernels, or a budget that is exceeded.
pub fn compile_graph(mut graph: Graph, config: &Config) -> Result<Compiled, Vec<Diagnostic>> {
    let numerics = config.effective_numerics();
    passes::run(&mut graph, &Reference { numerics }, |_, _| {});
    let mut program = lower::lower(&graph, numerics)?;
    let planned = plan::program::place(&mut program, config.target.align)
        .map_err(|e| vec![Diagnostic::error(codes::TOO_LARGE, e.to_string())])?;
    debug_assert_eq!(crate::program::verify(&program), Ok(()));
    check_budgets(&program, config)?;
    Ok(Compiled { graph, program, planned, warnings: Vec::new() })
}

/// Refuses programs that do not fit.
fn check_budgets(program: &Program, config: &Config) -> Result<(), Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let layout = program.layout.as_ref().expect("the program has been placed");
    if let Some(limit) = config.max_ram.filter(|&limit| layout.arena_bytes > limit) {
        let step = program.steps.get(layout.peak_step);
        let at = step.and_then(|s| s.origin.last()).map(|o| o.name.escape_debug().to_string()).unwrap_or_default();
        let message = format!("the arena needs {} bytes of RAM, more than the {limit} allowed", layout.arena_bytes);
        faults.push(
            Diagnostic::error(codes::OVER_BUDGET, message)
                .help(format!(
                    "the peak is at step {} (`{at}`), with {} bytes live",
                    layout.peak_step, layout.lower_bound_bytes
                ))
                .help("`zantc inspect --svg` draws the arena; a smaller input or fewer channels there would help"),
        );
    }
    if let Some(limit) = config.max_flash.filter(|&limit| program.weights_bytes() > limit) {
        let message =
            format!("the weights need {} bytes of flash, more than the {limit} allowed", program.weights_bytes());
        faults.push(Diagnostic::error(codes::OVER_BUDGET, message).help("quantize or prune the model"));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}
