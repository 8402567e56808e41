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
use zantc::project::Project;

use super::numbers::{part, percent};
use super::project::{ModelArgs, compile};
use super::shell::{Shell, table};
use super::{Failure, Outcome};

/// What all three commands take.
#[derive(clap::Args)]
struct Common {
    #[command(flatten)]
    model: ModelArgs,
    /// Examples to calibrate by, where a method does: .npy, .npz or IDX (also packed by gzip), a folder of pictures by class, or one of test_data_set_*
    #[arg(long, value_name = "FILE|DIR")]
    data: Option<PathBuf>,
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
    /// The integers of activations; weights are int8 beside all of them
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
    /// Give as few layers a higher precision as keep the accuracy on the (labelled) examples within so many percentage points
    #[arg(long, value_name = "POINTS", value_parser = percent)]
    accuracy_drop: Option<f64>,
    /// That higher precision
    #[arg(long, value_enum, default_value = "float", requires = "accuracy_drop")]
    higher: Higher,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Both as bytes, ranges by calibration
    Static,
    /// Both as bytes, ranges of activations measured in each run
    Dynamic,
    /// Biases of a model that is quantized but for them, as integers
    Biases,
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
    /// -32767 to 32767, for signals that 8 bits are too coarse for (16x8)
    Int16,
}

#[derive(Clone, Copy, ValueEnum)]
enum Higher {
    /// Weights and activations as they were
    Float,
    /// Activations of 16 bits, weights of 8
    Int16,
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
        activations: match args.activations {
            Activations::Int8 => quantize::Activations::Int8,
            Activations::Uint8 => quantize::Activations::Uint8,
            Activations::Int16 => quantize::Activations::Int16,
        },
        higher: match args.higher {
            Higher::Float => quantize::Higher::Floats,
            Higher::Int16 => quantize::Higher::Int16,
        },
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
    let alone = |net: Net| (net, Report::default());
    let verb = "Quantizing";
    match args.kind {
        Kind::Dynamic => without_examples(&args.common, verb, shell, &|net| Ok(quantize::dynamic(net))),
        Kind::Biases => without_examples(&args.common, verb, shell, &|net| quantize::biases(net)),
        Kind::Static => make(&args.common, verb, shell, &|net, bench| match args.accuracy_drop {
            Some(drop) => quantize::mixed(net, options, drop, bench),
            None => quantize::static_int8(net, options, bench),
        }),
        Kind::WeightsInt8 => {
            make(&args.common, verb, shell, &|net, bench| quantize::weights_int8(net, bench).map(alone))
        }
        Kind::WeightsInt4 => {
            make(&args.common, verb, shell, &|net, bench| quantize::weights_int4(net, bench).map(alone))
        }
    }
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
    /// What makes a weight or a channel important [default: activation for weights, second-order for channels]
    #[arg(long, value_enum)]
    importance: Option<Importance>,
    /// How large a share of its channels each layer loses [default: sensitivity, where the importance is second-order]
    #[arg(long, value_enum, conflicts_with = "weights")]
    ratios: Option<RatiosOf>,
    /// With what weights are compared
    #[arg(long, value_enum, default_value = "global", conflicts_with = "channels")]
    scope: Scope,
    /// Leave what stays as it is, instead of solving it again
    #[arg(long)]
    no_repair: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Importance {
    /// Its size; of a channel the size of the weights that make it
    Magnitude,
    /// A weight's size times how much what it multiplies varies; of a channel the size of what it gives to its readers
    Activation,
    /// Of channels: those go first whose loss the others make good best
    SecondOrder,
    /// Of channels: those stay that explain most of what all give
    Dependence,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RatiosOf {
    /// The same
    Uniform,
    /// The most where least is lost; as many weights are left as if all lost the same
    Sensitivity,
}

#[derive(Clone, Copy, ValueEnum)]
enum Scope {
    /// With those of its layer: all large layers lose the same share
    Layer,
    /// With those of all layers: layers lose what they bear
    Global,
}

/// How weights become zero.
fn of_weights(args: &PruneArgs) -> Result<unstructured::Options, Failure> {
    let importance = match args.importance.unwrap_or(Importance::Activation) {
        Importance::Magnitude => unstructured::Weight::Magnitude,
        Importance::Activation => unstructured::Weight::Activation,
        Importance::SecondOrder | Importance::Dependence => {
            return Err(Failure::Usage("weights are compared by `--importance magnitude` or `activation`".into()));
        }
    };
    Ok(unstructured::Options { importance, global: matches!(args.scope, Scope::Global), repair: !args.no_repair })
}

/// How channels are removed.
fn of_channels(args: &PruneArgs) -> Result<structured::Options, Failure> {
    let importance = match args.importance.unwrap_or(Importance::SecondOrder) {
        Importance::Magnitude => structured::Importance::Magnitude,
        Importance::Activation => structured::Importance::Activation,
        Importance::SecondOrder => structured::Importance::SecondOrder,
        Importance::Dependence => structured::Importance::Dependence,
    };
    let knows_errors = importance == structured::Importance::SecondOrder;
    let ratios = match args.ratios {
        Some(RatiosOf::Sensitivity) if !knows_errors => {
            return Err(Failure::Usage("`--ratios sensitivity` needs `--importance second-order`".into()));
        }
        Some(RatiosOf::Sensitivity) => structured::Ratios::Sensitivity,
        None if knows_errors => structured::Ratios::Sensitivity,
        Some(RatiosOf::Uniform) | None => structured::Ratios::Uniform,
    };
    Ok(structured::Options { importance, ratios, repair: !args.no_repair, ..Default::default() })
}

pub(super) fn prune(args: &PruneArgs, shell: &mut Shell) -> Outcome {
    if let Some(percent) = args.channels {
        let options = of_channels(args)?;
        return make(&args.common, "Pruning", shell, &|net, bench| {
            Ok((structured::structured(net, percent, &options, bench)?, Report::default()))
        });
    }
    let (percent, options) = (args.weights.unwrap_or_default(), of_weights(args)?);
    make(&args.common, "Pruning", shell, &|net, bench| {
        Ok((unstructured::unstructured(net, percent, options, bench)?, Report::default()))
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

/// Opens the model, where its output may be written.
fn opened(common: &Common) -> Result<Project, Failure> {
    let project = common.model.open()?;
    if common.output.exists() && !common.force {
        return Err(Failure::Usage(format!("{:?} is there already; `--force` writes over it", common.output)));
    }
    let same = |a: &Path, b: &Path| a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b));
    if same(&project.path, &common.output) {
        return Err(Failure::Usage("the output is the model itself".into()));
    }
    Ok(project)
}

/// Opens model and data, makes a model of the model, writes it and says what came out.
fn make(common: &Common, verb: &str, shell: &mut Shell, method: Make<'_>) -> Outcome {
    let project = opened(common)?;
    let Some(data) = &common.data else {
        return Err(Failure::Usage("`--data` is missing: examples to calibrate by".into()));
    };
    let transform = Transform::beside(&project.path)?;
    let compiled = compile(&project, shell)?;
    let data = Data::open(data, common.labels.as_deref(), &transform, &compiled.program)?;
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
    write(common, &net, &made, &report, shell)
}

/// The same by a method that looks at no example.
fn without_examples(
    common: &Common,
    verb: &str,
    shell: &mut Shell,
    method: &dyn Fn(&Net) -> Result<Net, Vec<Diagnostic>>,
) -> Outcome {
    let project = opened(common)?;
    compile(&project, shell)?;
    let net = Net::open(&project.model)?;
    shell.status(verb, &project.name);
    let made = method(&net)?;
    write(common, &net, &made, &Report::default(), shell)
}

/// Writes what was made, and says what it is.
fn write(common: &Common, net: &Net, made: &Net, report: &Report, shell: &mut Shell) -> Outcome {
    let bytes = made.encode();
    let unwritten = |e: std::io::Error| Diagnostic::error(codes::NOT_OURS, format!("{:?}: {e}", common.output));
    std::fs::write(&common.output, &bytes).map_err(unwritten)?;
    if !report.layers.is_empty() {
        shell.out(&layers(report))?;
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
        let precision = layer.precision.to_string();
        vec![layer.name.clone(), range, number(layer.error), number(layer.sensitivity), precision]
    };
    let rows: Vec<Vec<String>> = report.layers.iter().map(row).collect();
    table(&["layer", "input", "error", "alone", "computed in"], &rows)
}
