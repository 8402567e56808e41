//! `zantc run`: computes a model in this process.

use std::fs;
use std::path::{Path, PathBuf};

use zantc::diag::{Diagnostic, codes, escape, nearest};
use zantc::exec::{ExecError, Executor, Hygiene};
use zantc::import::to_raw;
use zantc::ir::{DType, Scalar, Tensor};
use zantc::program::{Port, Program};
use zantc::project::load_diagnostic;
use zantc::verify::data::{fitting, quantize_caches, read_tensor};

use super::project::{ModelArgs, compile};
use super::shell::{Shell, counted};
use super::stdin::readable;
use super::{Failure, Outcome};

/// Elements of a tensor that are printed.
const SHOWN: usize = 32;

/// Compute a model in this process, without rustc
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// An input (.pb or .npy), in the model's order or as NAME=FILE; `-` is stdin; once for each input
    #[arg(short, long, value_name = "[NAME=]FILE")]
    input: Vec<String>,
    /// Write output_K files into this folder instead of printing
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Kind of the files that are written [default: npy where all inputs are, else pb]
    #[arg(long, alias = "output-format", value_enum, requires = "output")]
    format: Option<OutputFormat>,
}

/// A kind of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum OutputFormat {
    /// ONNX's TensorProto
    Pb,
    /// NumPy's array file
    Npy,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    let project = args.model.open()?;
    let compiled = compile(&project, shell)?;
    let program = &compiled.program;
    let (inputs, kind) = inputs(&args.input, program)?;
    shell.progress(&format!("{}: running", project.name));
    let outputs = execute(program, &inputs)?;
    if let Some(folder) = &args.output {
        write(folder, args.format.unwrap_or(kind), program, &outputs)?;
        shell.status("Wrote", &format!("{} to {}", counted(outputs.len(), "output"), folder.display()));
        return Ok(());
    }
    for (port, tensor) in program.model_outputs().iter().zip(&outputs) {
        if shell.is_json() {
            let values: Vec<serde_json::Value> = tensor.scalars().map(json).collect();
            let value = serde_json::json!({
                "reason": "output", "name": port.name, "type": port.ty.dtype.name(), "shape": port.ty.shape, "values": values,
            });
            shell.json(&value)?;
        } else {
            shell.out(&format!("{}: {}\n  {}\n", escape(&port.name), port.ty, values(tensor)))?;
        }
    }
    Ok(())
}

/// The inputs in the model's order, and the kind of file that they are of. States that are not given are zeros.
fn inputs(given: &[String], program: &Program) -> Outcome<(Vec<Tensor>, OutputFormat)> {
    let ports = program.model_inputs();
    let is_state = |i: usize| program.states.iter().any(|s| s.positions[0] == i);
    let mut slots: Vec<Option<Tensor>> = vec![None; ports.len()];
    let mut all_npy = !given.is_empty();
    let unnamed: Vec<usize> = (0..ports.len()).filter(|&i| !is_state(i)).collect();
    for (k, argument) in given.iter().enumerate() {
        let named = ports.iter().enumerate().find_map(|(i, p)| {
            let file = argument.strip_prefix(p.name.as_str())?.strip_prefix('=')?;
            Some((i, file))
        });
        if named.is_none() && argument != "-" && !Path::new(argument).exists() {
            misnamed(argument, &ports)?;
        }
        let place = named.or_else(|| unnamed.get(k).map(|&i| (i, argument.as_str())));
        let Some((slot, file)) = place else {
            let count = unnamed.len();
            return Err(Failure::Usage(format!("the model has {}, {} given", counted(count, "input"), given.len())));
        };
        let file = readable(Path::new(file))?;
        all_npy &= file.path().extension().is_some_and(|e| e.eq_ignore_ascii_case("npy"));
        if slots[slot].replace(read_tensor(file.path())?.1).is_some() {
            return Err(Failure::Usage(format!("input `{}` is given twice", escape(&ports[slot].name))));
        }
    }
    quantize_caches(program, &mut slots, &mut []);
    for (i, slot) in slots.iter_mut().enumerate().filter(|(i, s)| s.is_none() && is_state(*i)) {
        let ty = &ports[i].ty;
        *slot = Some(Tensor::from_scalars(ty.clone(), vec![Scalar::zero(ty.dtype); ty.elements()]));
    }
    let fitted = ports.iter().zip(slots).map(|(port, t)| fitting(port, t, "the command line"));
    let kind = if all_npy { OutputFormat::Npy } else { OutputFormat::Pb };
    Ok((fitted.collect::<Result<_, _>>()?, kind))
}

/// Refuses `NAME=FILE` with the name of no input.
fn misnamed(argument: &str, ports: &[Port]) -> Outcome {
    let Some((name, _)) = argument.split_once('=') else { return Ok(()) };
    let shown = 8;
    let mut inputs: Vec<String> =
        ports.iter().take(shown).map(|p| format!("`{}` ({})", escape(&p.name), p.ty)).collect();
    if ports.len() > shown {
        inputs.push(format!("{} more", ports.len() - shown));
    }
    let message = format!("the model has no input `{}`; its inputs: {}", escape(name), inputs.join(", "));
    let near = nearest(name, ports.iter().map(|p| p.name.as_str()));
    let near = near.map_or(String::new(), |near| format!("; the nearest is `{}`", escape(near)));
    Err(Failure::Usage(message + &near))
}

/// Runs a program once, its states being inputs and outputs like the others.
pub(super) fn execute(program: &Program, inputs: &[Tensor]) -> Outcome<Vec<Tensor>> {
    let mut executor = Executor::new(program, Hygiene::AsEmitted).map_err(|e| failure(program, &e))?;
    executor.run_model(inputs).map_err(|e| failure(program, &e))
}

/// What a failed run means.
pub(super) fn failure(program: &Program, error: &ExecError) -> Failure {
    match error {
        ExecError::Run { step, error } => {
            let nodes = program.steps.get(*step).map_or(&[][..], |s| &s.origin);
            let at =
                nodes.last().map_or(String::new(), |o| format!(" in node {} {:?} ({})", o.index, o.name, o.op_type));
            Failure::from(Diagnostic::error(codes::RUN_FAILED, format!("the model fails on these data{at}: {error}")))
        }
        ExecError::TooLarge { .. } => Failure::from(
            Diagnostic::error(codes::TOO_LARGE, error.to_string())
                .help("compile it: emitted crates and `zantc inspect` need no memory of the compiler for the arena"),
        ),
        ExecError::Unplanned | ExecError::InputCount { .. } | ExecError::InputType { .. } => {
            Failure::from(Diagnostic::error(codes::BAD_DATA, error.to_string()))
        }
    }
}

fn write(folder: &Path, format: OutputFormat, program: &Program, outputs: &[Tensor]) -> Outcome {
    fs::create_dir_all(folder).map_err(|source| {
        let path = folder.to_path_buf();
        Failure::from(load_diagnostic(&zantc::onnx::LoadError::Write { path, source }))
    })?;
    for (k, (port, tensor)) in program.model_outputs().iter().zip(outputs).enumerate() {
        let raw = to_raw(&port.name, tensor);
        let result = match format {
            OutputFormat::Pb => raw.write_pb(&folder.join(format!("output_{k}.pb"))),
            OutputFormat::Npy => raw.write_npy(&folder.join(format!("output_{k}.npy"))),
        };
        result.map_err(|e| Failure::from(load_diagnostic(&e)))?;
    }
    Ok(())
}

/// The first elements.
fn values(tensor: &Tensor) -> String {
    let shown: Vec<String> = tensor.scalars().take(SHOWN).map(|v| v.to_string()).collect();
    let rest = tensor.len().saturating_sub(SHOWN);
    let tail = if rest > 0 { format!(" .. ({rest} more)") } else { String::new() };
    format!("[{}]{tail}", shown.join(", "))
}

/// A number of JSON; what JSON has no number for is a string.
fn json(v: Scalar) -> serde_json::Value {
    let dtype = v.dtype();
    if dtype == DType::Bool {
        (v.bits() != 0).into()
    } else if dtype == DType::U64 {
        v.bits().into()
    } else if dtype.is_int() {
        v.to_i64().into()
    } else if v.to_f64().is_finite() {
        v.to_f64().into()
    } else {
        v.to_f64().to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use zantc::ir::Tensor;

    use super::values;

    #[test]
    fn long_tensors_are_cut() {
        assert_eq!(values(&Tensor::from_elements([2], &[1i8, -2])), "[1, -2]");
        assert!(values(&Tensor::from_elements([40], &[7u8; 40])).ends_with("7, 7] .. (8 more)"));
    }
}
