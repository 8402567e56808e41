//! `zantc eval`: accuracy on real data.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use zant_compress::data::{Data, Transform};
use zant_compress::part::{Part, Shard, collect, evaluate_part};
use zant_compress::{Metric, Score, evaluate, on_threads};
use zant_measure::replace;
use zantc::Compiled;
use zantc::config::Options;
use zantc::diag::{Diagnostic, codes, escape};

use super::compile::unwritable;
use super::options::ModelOptions;
use super::project::{compile, model_path, opened};
use super::shell::Shell;
use super::stdin::readable;
use super::{Failure, Outcome};
use crate::ladder::{Source, fingerprint};

/// Ask a model about examples and say how right it is
///
/// Computes in this process, on all cores, with the very kernels that are emitted. A `[data]` table in the zant.toml beside the model says
/// what becomes of each number first: scale, mean and std by channel, layout.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The ONNX model
    #[arg(value_name = "MODEL", required_unless_present = "collect", value_parser = model_path())]
    model: Option<PathBuf>,
    #[command(flatten)]
    options: ModelOptions,
    /// Examples (`-` is stdin): .npy, .npz or IDX (also packed by gzip), a folder of a folder of pictures for each class, or one of test_data_set_*
    #[arg(long, value_name = "FILE|DIR", required_unless_present = "collect")]
    data: Option<PathBuf>,
    /// What is expected: the class of each example, or its numbers (.npy, .npz, IDX) [default: what the data have]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// What is measured [default: top1 for classes, else mse]
    #[arg(long, value_parser = metrics())]
    metric: Option<Metric>,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Evaluate one of so many parts of the examples, into the file that `--output` names
    #[arg(long, value_name = "K/N", requires = "output")]
    shard: Option<Shard>,
    /// Where the part is written
    #[arg(short, long, value_name = "FILE", requires = "shard")]
    output: Option<PathBuf>,
    /// Add up the parts that `--shard` wrote
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["model", "data", "labels", "metric", "shard"])]
    collect: Vec<PathBuf>,
}

/// The metrics by their names.
pub(super) fn metrics() -> impl TypedValueParser<Value = Metric> {
    PossibleValuesParser::new(Metric::names()).map(|name| Metric::named(&name).expect("one of the names"))
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    if !args.collect.is_empty() {
        let parts = args.collect.iter().map(|path| read(path)).collect::<Outcome<Vec<Part>>>()?;
        let (metric, score, examples) = collect(parts)?;
        return say(None, metric, score, examples, shell);
    }
    let (Some(model), Some(path)) = (&args.model, &args.data) else {
        return Err(Failure::Usage("a model and `--data` are needed".into()));
    };
    let project = opened(model, &args.options)?;
    let transform = Transform::beside(&project.path)?;
    let compiled = compile(&project, shell)?;
    if !compiled.program.states.is_empty() {
        return Err(Failure::Usage("examples stand alone: leave `--state` out".into()));
    }
    let data = readable(path)?;
    let labels = args.labels.as_deref().map(readable).transpose()?;
    let data = Data::open(data.path(), labels.as_ref().map(|l| l.path()), &transform, &compiled.program)?;
    let metric = args.metric.unwrap_or_else(|| Metric::usual(data.labels()));
    let total = match args.shard {
        Some(shard) => shard.examples(&data),
        None => data.len(),
    };
    shell.status("Evaluating", &format!("{} on {total} examples", project.name));
    let score = {
        let shell = Mutex::new(&mut *shell);
        let progress = |done: usize| {
            if let Ok(mut shell) = shell.try_lock() {
                shell.progress(&bar(done, total));
            }
        };
        match (args.shard, &args.output) {
            (Some(shard), Some(output)) => {
                part((args, output), (&compiled, &data), metric, shard, &progress)?;
                None
            }
            _ => Some(on_threads(args.threads, || evaluate(&compiled, &data, metric, &progress))?.score),
        }
    };
    if let Some(score) = score {
        say(Some(&project.name), metric, score, data.len(), shell)?;
    }
    shell.status("Finished", &format!("{} in {}", project.name, shell.elapsed()));
    Ok(())
}

/// Evaluates a part into its file.
fn part(
    (args, output): (&Args, &Path),
    (compiled, data): (&Compiled, &Data),
    metric: Metric,
    shard: Shard,
    progress: &(dyn Fn(usize) + Sync),
) -> Outcome {
    let (Some(model), Some(path)) = (&args.model, &args.data) else { return Err(Failure::Said) };
    let source = Source::open(model, &args.options.0)?;
    let mut inputs = fingerprint(&source, path, args.labels.as_deref())?;
    let Options { dim, target, numerics, .. } = &args.options.0;
    inputs.insert("choices".into(), format!("{dim:?} {target:?} {numerics:?}"));
    let part = on_threads(args.threads, || evaluate_part((compiled, data), metric, shard, inputs, progress))?;
    let mut text = serde_json::to_string(&part).expect("plain data");
    text.push('\n');
    replace(&[(output.to_path_buf(), text)]).map_err(|e| unwritable(output, &e))
}

/// Reads a part.
fn read(path: &Path) -> Outcome<Part> {
    let fault = |why: String| Diagnostic::error(codes::BAD_DATA, escape(&format!("{}: {why}", path.display())));
    let text = std::fs::read_to_string(path).map_err(|e| fault(e.to_string()))?;
    Ok(serde_json::from_str(&text).map_err(|e| fault(format!("it is no part of an evaluation: {e}")))?)
}

/// Says the result; parts that are added up do not know the model's name.
fn say(model: Option<&str>, metric: Metric, score: Score, examples: usize, shell: &mut Shell) -> Outcome {
    let name = metric.name();
    if shell.is_json() {
        return shell.json(&serde_json::json!({
            "reason": "evaluated", "model": model, "metric": name, "value": score.value, "right": score.right,
            "examples": examples, "not_finite": score.not_finite,
        }));
    }
    let value = match score.right {
        Some(right) => format!("{:.2} % ({right} of {examples})", score.value * 100.0),
        None => format!("{:.6}", score.value),
    };
    shell.out(&format!("{name}: {value}\n"))?;
    if score.not_finite > 0 {
        shell.out(&format!("{} examples have answers that are not finite\n", score.not_finite))?;
    }
    Ok(())
}

/// A bar of progress with its share.
fn bar(done: usize, total: usize) -> String {
    const WIDTH: usize = 30;
    let full = done * WIDTH / total.max(1);
    format!("[{}{}] {done} of {total}", "=".repeat(full), " ".repeat(WIDTH - full))
}
