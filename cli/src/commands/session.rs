//! `zantc bench session`: sessions of decoders, as a report.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zant_measure::report::{Kind, Report};
use zantc::config::{Options, dim, state};
use zantc::diag::{Diagnostic, codes};
use zantc::targets::{HOST, Target};
use zantc::{Config, project};

use super::bench::{finish, measurable, model_file};
use super::project::model_path;
use super::shell::Shell;
use super::{Failure, Outcome};
use crate::bench::{Goal, Players, Profile, Sessions, Subject, begin, brief, end, goals, session};

/// Measure sessions of decoders: tokens in a second, time to the first token, what each call takes
///
/// Each token is the most likely one after those before. Caches are states of the model: pairs of inputs and outputs that `--state` names, or
/// whose names tell it (`past_k_0` and `present_k_0` or `new_k_0`). The prompt is read token by token, or at once by a second model: `--prefill`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Decoders: ONNX models, or folders with a `model.onnx`; a `zant.toml` beside a model has its options
    #[arg(value_name = "MODEL", required = true, value_parser = model_path())]
    models: Vec<PathBuf>,
    /// Readers of the prompt, one for each decoder in the same order: models whose outputs begin the decoder's caches, as `zantc compile
    /// --share-state` takes them; both become one crate
    #[arg(long, value_name = "MODEL", value_delimiter = ',', value_parser = model_path())]
    prefill: Vec<PathBuf>,
    /// Tokens that are computed in a session
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tokens: u32,
    /// Tokens that are there before
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    prompt: u32,
    /// Sessions of each
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    rounds: u32,
    /// Let onnxruntime take turns, one thread, its caches inputs and outputs
    #[arg(long, value_name = "onnxruntime", value_parser = ["onnxruntime"])]
    against: Option<String>,
    /// Targets beside the host, on which one token is counted
    #[arg(long, value_name = "TARGET", value_delimiter = ',', value_parser = measurable)]
    target: Vec<&'static Target>,
    /// What each model is to reach on the host, else the command ends with 1: `tokens_per_s=500`, `first_token=2000`
    #[arg(long, value_name = "NAME=NUMBER")]
    goal: Vec<Goal>,
    /// Value of a symbolic dimension, for all models
    #[arg(long, value_name = "NAME=K", value_parser = dim)]
    dim: Vec<(String, usize)>,
    /// A cache: after each run the input becomes the output
    #[arg(long, value_name = "INPUT=OUTPUT", value_parser = state)]
    state: Vec<(String, String)>,
    /// Write the report into this folder: JSON, Markdown, HTML [default: Markdown to stdout]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    if !args.prefill.is_empty() && args.prefill.len() != args.models.len() {
        return Err(Failure::Usage("`--prefill` names one reader for each decoder".into()));
    }
    let devices = args.target.iter().filter(|target| target.name != HOST.name);
    let wanted = Sessions {
        tokens: args.tokens as usize,
        prompt: args.prompt as usize,
        rounds: args.rounds as usize,
        against: args.against.is_some(),
        targets: devices.flat_map(|target| Profile::ALL.map(|profile| (*target, profile))).collect(),
    };
    let mut report = begin(Kind::Session);
    let mut good = true;
    for (at, path) in args.models.iter().enumerate() {
        match args.measure(path, args.prefill.get(at), &wanted, &mut report, shell) {
            Ok(complete) => good &= complete,
            Err(diagnostics) => {
                let why = diagnostics.first().map_or("", |d| d.message.as_str());
                report.notes.push(format!("{} is not measured: {why}", project::default_name(&model_file(path))));
                shell.diagnostics(&diagnostics);
                good = false;
            }
        }
    }
    let read = if args.prefill.is_empty() { "one by one" } else { "at once, which gives the first token," };
    report.notes.push(format!(
        "A session reads {} tokens {read} and computes {}; {} sessions of each, in turns.",
        args.prompt, args.tokens, args.rounds
    ));
    end(&mut report);
    let (words, reached) = goals(&report, &args.goal);
    report.notes.extend(words.iter().map(|said| format!("goal of {said}")));
    finish(args.output.as_deref(), &report, &BTreeMap::new(), shell)?;
    for said in words.iter().filter(|said| said.contains(" is missed")) {
        shell.error(said);
    }
    if good && reached { Ok(()) } else { Err(Failure::Said) }
}

impl Args {
    /// Measures one decoder; whether all of it could be.
    fn measure(
        &self,
        path: &Path,
        reader: Option<&PathBuf>,
        wanted: &Sessions,
        report: &mut Report,
        shell: &mut Shell,
    ) -> Result<bool, Vec<Diagnostic>> {
        let path = model_file(path);
        let options = Options { dim: self.dim.clone(), state: self.state.clone(), ..Options::default() };
        let configured = |path: &Path| project::configured(path, Config::new().choose(options.clone()), &mut |_| {});
        let config = configured(&path)?;
        let name = project::crate_name(&config, &path)?;
        if report.rows.iter().any(|row| row.key.subject == name) {
            return Err(vec![Diagnostic::error(codes::BAD_OPTION, format!("there are two models {name}"))]);
        }
        let decoder = Subject { name: &name, path: &path, config: &config };
        let reader = reader.map(|path| model_file(path));
        let of_reader = reader.as_deref().map(configured).transpose()?;
        let reader = reader.as_deref().zip(of_reader.as_ref());
        let reader = reader.map(|(path, config)| Subject { name: &name, path, config });
        let findings = session(&Players { decoder, reader }, wanted, &mut |verb, what| shell.status(verb, what));
        report.rows.extend(findings.rows);
        for failure in &findings.failures {
            shell.error(failure);
        }
        let good = findings.failures.is_empty();
        report.notes.extend(findings.failures.into_iter().map(|f| format!("not measured: {}", brief(&f))));
        Ok(good)
    }
}
