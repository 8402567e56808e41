//! `zantc eval`: accuracy on real data.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Mutex;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use zant_compress::data::{Data, Transform};
use zant_compress::{Metric, evaluate};
use zantc::config::file_beside;

use super::project::{ModelArgs, compile};
use super::shell::Shell;
use super::{Failure, Outcome};

/// Ask a model about examples and say how right it is
///
/// Computes in this process, on all cores, with the very kernels that are emitted. A `[data]` table in the zant.toml beside the model says
/// what becomes of each number first: scale, mean and std by channel, layout.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Examples: .npy, .npz or IDX (also packed by gzip), a folder of a folder of pictures for each class, or one of test_data_set_*
    #[arg(long, value_name = "FILE|DIR")]
    data: PathBuf,
    /// What is expected: the class of each example, or its numbers (.npy, .npz, IDX) [default: what the data have]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// What is measured [default: top1 for classes, else mse]
    #[arg(long, value_parser = metrics())]
    metric: Option<Metric>,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// The metrics by their names.
fn metrics() -> impl TypedValueParser<Value = Metric> {
    PossibleValuesParser::new(Metric::names()).map(|name| Metric::named(&name).expect("one of the names"))
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    let project = args.model.open()?;
    let transform = match std::fs::read_to_string(file_beside(&project.path)) {
        Ok(text) => Transform::from_toml(&text)?,
        Err(_) => Transform::default(),
    };
    let compiled = compile(&project, shell)?;
    if !compiled.program.states.is_empty() {
        return Err(Failure::Usage("examples stand alone: leave `--state` out".into()));
    }
    let data = Data::open(&args.data, args.labels.as_deref(), &transform, &compiled.program)?;
    let metric = args.metric.unwrap_or_else(|| Metric::usual(data.labels()));
    let threads = args.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    shell.status("Evaluating", &format!("{} on {} examples, {threads} threads", project.name, data.len()));
    let evaluation = {
        let shell = Mutex::new(&mut *shell);
        let total = data.len();
        let progress = |done: usize| {
            if let Ok(mut shell) = shell.try_lock() {
                shell.progress(&bar(done, total));
            }
        };
        evaluate(&compiled, &data, metric, threads, &progress)?
    };
    let score = evaluation.score;
    let (name, examples) = (metric.name(), data.len());
    if shell.is_json() {
        return shell.json(&serde_json::json!({
            "reason": "evaluated", "model": project.name, "metric": name, "value": score.value, "right": score.right,
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
    shell.status("Finished", &format!("{} in {}", project.name, shell.elapsed()));
    Ok(())
}

/// A bar of progress with its share.
fn bar(done: usize, total: usize) -> String {
    const WIDTH: usize = 30;
    let full = done * WIDTH / total.max(1);
    format!("[{}{}] {done} of {total}", "=".repeat(full), " ".repeat(WIDTH - full))
}
