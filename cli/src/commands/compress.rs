//! `zantc quantize`, `prune` and `ternarize`: a float model in, a smaller one out.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::ValueEnum;
use zant_compress::data::{Data, Transform};
use zant_compress::method::{self, Bench, Step};
use zant_compress::net::Net;
use zant_compress::on_threads;
use zant_compress::prune::{structured, unstructured};
use zant_compress::quantize::{self, Calibration, Options, Report};
use zantc::diag::{Diagnostic, codes};

use super::numbers::{part, percent};
use super::project::{ModelArgs, compile};
use super::shell::{Shell, table};
use super::{Failure, Outcome};

/// What all three commands take.
#[derive(clap::Args)]
struct Common {
    #[command(flatten)]
    model: ModelArgs,
    /// Examples to calibrate by: .npy, .npz or IDX (also packed by gzip), a folder of pictures by class, or one of test_data_set_*
    #[arg(long, value_name = "FILE|DIR")]
    data: PathBuf,
    /// Labels of the examples, for options that look at the accuracy
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// Threads; they change no bit of the result [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// Quantize a model: weights and activations as bytes, or weights alone in few bits
///
/// Examples choose the ranges, round each layer's weights so that its output changes least, and correct its biases. The result is an ONNX
/// file that any runtime opens (QuantizeLinear and DequantizeLinear).
#[derive(clap::Args)]
pub(super) struct QuantizeArgs {
    #[command(flatten)]
    common: Common,
    /// What becomes of weights and activations
    #[arg(long, value_enum, default_value = "static")]
    kind: Kind,
    /// How ranges of activations are chosen
    #[arg(long, value_enum, default_value = "mse")]
    calibrate: Calibrate,
    /// The share that `--calibrate percentile` leaves out at each end, in percent
    #[arg(long, value_name = "PERCENT", default_value = "0.01%", value_parser = percent)]
    percentile: f64,
    /// The bytes of activations
    #[arg(long, value_enum, default_value = "int8")]
    activations: Activations,
    /// One scale for all weights of a layer, instead of one for each output channel
    #[arg(long)]
    per_tensor: bool,
    /// Round each weight to the nearest code
    #[arg(long)]
    nearest: bool,
    /// Leave channels of one value as different in size as they are
    #[arg(long)]
    no_equalisation: bool,
    /// Leave the biases as they are
    #[arg(long)]
    keep_biases: bool,
    /// Examples that are looked at
    #[arg(long, value_name = "N", default_value_t = Options::default().examples)]
    examples: usize,
    /// Leave as few layers in floats as keep the accuracy on the (labelled) examples within so many percentage points
    #[arg(long, value_name = "POINTS", value_parser = percent)]
    accuracy_drop: Option<f64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Both as bytes, ranges by calibration
    Static,
    /// Both as bytes, ranges of activations measured in each run
    Dynamic,
    /// Weights as bytes, activations in floats
    WeightsInt8,
    /// Weights of products in four bits, in blocks of 32; activations in floats
    WeightsInt4,
}

#[derive(Clone, Copy, ValueEnum)]
enum Calibrate {
    /// The way of those below that brings other examples nearest to the float model's results
    Best,
    /// From the least to the largest number
    Minmax,
    /// Without a share of the numbers at each end
    Percentile,
    /// With the least squared error
    Mse,
    /// With the least divergence of the distributions
    Entropy,
}

#[derive(Clone, Copy, ValueEnum)]
enum Activations {
    /// -128 to 127
    Int8,
    /// 0 to 255
    Uint8,
}

pub(super) fn quantize(args: &QuantizeArgs, shell: &mut Shell) -> Outcome {
    let options = Options {
        calibration: match args.calibrate {
            Calibrate::Best => Calibration::Best,
            Calibrate::Minmax => Calibration::MinMax,
            Calibrate::Percentile => Calibration::Percentile(args.percentile),
            Calibrate::Mse => Calibration::Mse,
            Calibrate::Entropy => Calibration::Entropy,
        },
        signed: matches!(args.activations, Activations::Int8),
        per_tensor: args.per_tensor,
        reconstruct: !args.nearest,
        equalise: !args.no_equalisation,
        correct_biases: !args.keep_biases,
        examples: args.examples,
    };
    if !(0.0..50.0).contains(&args.percentile) {
        return Err(Failure::Usage("--percentile is a share of less than 50 percent at each end".into()));
    }
    if args.accuracy_drop.is_some_and(|drop| !(0.0..=100.0).contains(&drop)) {
        return Err(Failure::Usage("--accuracy-drop is a number of percentage points".into()));
    }
    if args.accuracy_drop.is_some() && !matches!(args.kind, Kind::Static) {
        return Err(Failure::Usage("--accuracy-drop is for `--kind static`".into()));
    }
    make(&args.common, "Quantizing", shell, &|net, bench| {
        let alone = |net: Net| (net, Report::default());
        Ok(match (args.kind, args.accuracy_drop) {
            (Kind::Static, Some(drop)) => quantize::mixed(net, options, drop, bench)?,
            (Kind::Static, None) => quantize::static_int8(net, options, bench)?,
            (Kind::Dynamic, _) => alone(quantize::dynamic(net)),
            (Kind::WeightsInt8, _) => alone(quantize::weights_int8(net, bench)?),
            (Kind::WeightsInt4, _) => alone(quantize::weights_int4(net, bench)?),
        })
    })
}

/// Set weights to zero, or remove channels, and solve what stays again
///
/// What stays is solved again from the examples, so that each layer's output changes least: no training is needed.
#[derive(clap::Args)]
pub(super) struct PruneArgs {
    #[command(flatten)]
    common: Common,
    /// How many percent of the weights become zero
    #[arg(long, value_name = "PERCENT", value_parser = part, required_unless_present = "channels")]
    weights: Option<u32>,
    /// How many percent of the channels are removed
    #[arg(long, value_name = "PERCENT", value_parser = part, conflicts_with = "weights")]
    channels: Option<u32>,
    /// What makes a weight important
    #[arg(long, value_enum, default_value = "activation", conflicts_with = "channels")]
    importance: Importance,
    /// With what weights are compared
    #[arg(long, value_enum, default_value = "global", conflicts_with = "channels")]
    scope: Scope,
    /// Leave what stays as it is, instead of solving it again
    #[arg(long)]
    no_repair: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Importance {
    /// Its size
    Magnitude,
    /// Its size times how much what it multiplies varies
    Activation,
}

#[derive(Clone, Copy, ValueEnum)]
enum Scope {
    /// With those of its layer: all large layers lose the same share
    Layer,
    /// With those of all layers: layers lose what they bear
    Global,
}

pub(super) fn prune(args: &PruneArgs, shell: &mut Shell) -> Outcome {
    let options = unstructured::Options {
        importance: match args.importance {
            Importance::Magnitude => unstructured::Weight::Magnitude,
            Importance::Activation => unstructured::Weight::Activation,
        },
        global: matches!(args.scope, Scope::Global),
        repair: !args.no_repair,
    };
    let channels = structured::Options { repair: !args.no_repair, ..Default::default() };
    make(&args.common, "Pruning", shell, &|net, bench| {
        let made = match (args.weights, args.channels) {
            (Some(percent), _) => unstructured::unstructured(net, percent, options, bench)?,
            (None, percent) => structured::structured(net, percent.unwrap_or_default(), &channels, bench)?,
        };
        Ok((made, Report::default()))
    })
}

/// Give weights three values, -s, 0 and s, with a scale for each output channel
///
/// Signs and scales are chosen so that each layer's output changes least over the examples. What has three values already stays as it is.
#[derive(clap::Args)]
pub(super) struct TernarizeArgs {
    #[command(flatten)]
    common: Common,
}

pub(super) fn ternarize(args: &TernarizeArgs, shell: &mut Shell) -> Outcome {
    make(&args.common, "Ternarizing", shell, &|net, bench| {
        Ok((method::compress(net, &[Step::Ternary], bench)?, Report::default()))
    })
}

type Make<'a> = &'a (dyn Fn(&Net, &Bench<'_>) -> Result<(Net, Report), Vec<Diagnostic>> + Sync);

/// Opens model and data, makes a model of the model, writes it and says what came out.
fn make(common: &Common, verb: &str, shell: &mut Shell, method: Make<'_>) -> Outcome {
    let project = common.model.open()?;
    if common.output.exists() && !common.force {
        return Err(Failure::Usage(format!("{:?} is there already; `--force` writes over it", common.output)));
    }
    let same = |a: &Path, b: &Path| a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b));
    if same(&project.path, &common.output) {
        return Err(Failure::Usage("the output is the model itself".into()));
    }
    let transform = Transform::beside(&project.path)?;
    let compiled = compile(&project, shell)?;
    let data = Data::open(&common.data, common.labels.as_deref(), &transform, &compiled.program)?;
    let net = Net::open(&project.model)?;
    shell.status(verb, &format!("{} by {} examples", project.name, data.len()));
    let (made, report) = {
        let shell = Mutex::new(&mut *shell);
        let progress = |message: &str| {
            if let Ok(mut shell) = shell.try_lock() {
                shell.progress(message);
            }
        };
        on_threads(common.threads, || method(&net, &Bench { data: &data, progress: &progress }))?
    };
    let bytes = made.encode();
    let unwritten = |e: std::io::Error| Diagnostic::error(codes::NOT_OURS, format!("{:?}: {e}", common.output));
    std::fs::write(&common.output, &bytes).map_err(unwritten)?;
    if !report.layers.is_empty() {
        shell.out(&layers(&report))?;
    }
    if let Some(calibration) = report.calibration {
        let channels = if report.equalised { ", channels equalised" } else { "" };
        shell.out(&format!("ranges by {calibration}{channels}\n"))?;
    }
    let before = net.encode().len();
    let share = bytes.len() as f64 / before.max(1) as f64;
    shell.out(&format!("{} bytes, {share:.2} of the {before} before\n", bytes.len()))?;
    shell.status("Finished", &format!("{} in {}", common.output.display(), shell.elapsed()));
    Ok(())
}

/// The report as a table.
fn layers(report: &Report) -> String {
    let number = |v: Option<f64>| v.map_or_else(|| "-".to_string(), |v| format!("{:.2} %", v * 100.0));
    let row = |layer: &quantize::LayerReport| {
        let range = layer.input.map_or_else(|| "-".into(), |(low, high)| format!("{low:.3} .. {high:.3}"));
        let choice = if layer.quantized { "bytes" } else { "floats" };
        vec![layer.name.clone(), range, number(layer.error), number(layer.sensitivity), choice.into()]
    };
    let rows: Vec<Vec<String>> = report.layers.iter().map(row).collect();
    table(&["layer", "input", "error", "alone", "computed in"], &rows)
}
