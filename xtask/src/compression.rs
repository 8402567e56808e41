//! `cargo xtask compression`: ladders of the trained networks, as one page beside figures that others published.

use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;

use crate::command::{cargo, command, program, root, run, text};
use crate::large::python;

/// Compress the trained networks in every way, and write docs/compression.md; rows that are there are not made again
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Networks of the model set
    #[arg(default_values_t = NETWORKS.map(|network| network.name.to_string()))]
    networks: Vec<String>,
    /// Build nothing for these: accuracy, files and plans alone
    #[arg(long, value_name = "NETWORK", value_delimiter = ',')]
    quick: Vec<String>,
}

/// A network of the published ladder.
struct Network {
    name: &'static str,
    /// Published accuracies in percent, of other weights and other data: for orientation.
    published: [Option<f32>; METHODS.len()],
}

/// The rows that have published figures.
const METHODS: [&str; 10] = [
    "original",
    "int8-dynamic",
    "int8",
    "unstructured-30",
    "unstructured-50",
    "unstructured-70",
    "structured-30",
    "structured-50",
    "structured-70",
    "qat",
];

#[rustfmt::skip]
const NETWORKS: [Network; 4] = [
    Network { name: "SimpleCNN_6x2", published: [
        Some(98.87), Some(98.84), Some(98.73), Some(98.15), Some(98.52), Some(98.36), Some(98.01), Some(97.20), Some(87.78), Some(28.43),
    ] },
    Network { name: "EnhancedLeNet5", published: [
        Some(96.90), Some(96.90), Some(96.51), Some(96.93), Some(96.94), Some(96.35), Some(95.44), Some(92.20), Some(86.23), Some(69.52),
    ] },
    Network { name: "EfficientNetB0Custom", published: [
        Some(92.19), Some(92.17), None, Some(91.48), Some(90.14), Some(85.84), Some(49.46), Some(12.81), Some(2.53), None,
    ] },
    Network { name: "ResNet50Custom", published: [
        Some(94.54), Some(94.55), None, Some(93.86), Some(93.99), Some(93.33), Some(92.99), Some(92.25), Some(87.65), None,
    ] },
];

/// All rows of a ladder: those that it has when nothing is said, and pruning without repair, to compare with.
const ROWS: [&str; 18] = [
    "int8-dynamic",
    "int8",
    "unstructured-30",
    "unstructured-50",
    "unstructured-70",
    "structured-30",
    "structured-50",
    "structured-70",
    "sensitive-30",
    "sensitive-50",
    "sensitive-70",
    "structured-magnitude-30",
    "structured-magnitude-50",
    "structured-magnitude-70",
    "structured-50+int8",
    "unstructured-70+int8",
    "ternary",
    "weights-int4",
];

/// Calibrations of onnxruntime's quantizer, and examples of each: its histograms take minutes for every hundred.
const PEER: [(&str, &str); 3] = [("minmax", "512"), ("entropy", "128"), ("percentile", "128")];

/// Whether all was made.
pub(crate) fn compression(args: &Args) -> Result<bool, String> {
    let shared = zant_tests::cases::shared().ok_or("the model set is not there")?;
    if !cargo(&["build", "--release", "-p", "zant-cli"])? {
        return Ok(false);
    }
    let python = python(&root().join("target/zant-venv"), &["numpy", "onnx", "onnxruntime"])?;
    let mut page = String::from(HEAD);
    for name in &args.networks {
        let network =
            NETWORKS.iter().find(|n| n.name == name).ok_or_else(|| format!("there is no network {name:?}"))?;
        let folder = root().join("target/compression").join(name);
        let quick = args.quick.contains(name);
        if !ladder(&shared, network, &folder, &python, quick)? {
            return Ok(false);
        }
        section(&mut page, network, &folder)?;
        agreement(&mut page, &shared, &folder, &python)?;
        // What is done stays, whatever happens to the next one.
        let path = root().join("docs/compression.md");
        std::fs::write(&path, &page).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(true)
}

const HEAD: &str = "# Compressed networks

Made by `cargo xtask compression`: for each network one [ladder](ladder.md), on 4,000 pictures of traffic signs that no method has seen; 1,000
others calibrate. Nothing was trained but the rows `qat`. Rows `onnxruntime-*` are what its own quantizer makes of the same network with the same
pictures. Of the rows that remove channels, `structured-N` takes the same share of every layer, `sensitive-N` leaves as many weights and takes most
where least is lost, and `structured-magnitude-N` removes the channels of the least weights and repairs nothing. `qat-biases` is the row `qat` with its
biases as integers. Published accuracies are of the same layers
with other weights, trained on more of other data: read their differences.
";

/// Makes the rows of a network.
fn ladder(shared: &Path, network: &Network, folder: &Path, python: &str, quick: bool) -> Result<bool, String> {
    let models = shared.join("models/compression");
    let model = models.join(network.name).join("model.onnx");
    let [test_x, test_y, calibrate] =
        ["test_x.npy", "test_y.npy", "calibrate_x.npy"].map(|file| text(&shared.join("data/gtsrb").join(file)));
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut added = Vec::new();
    let trained = models.join(format!("{}_qat/model.onnx", network.name));
    if trained.is_file() {
        let (from, made) = (text(&trained), text(&folder.join("qat-biases.onnx")));
        let args = ["quantize", &from, "--kind", "biases", "--output", &made, "--force"];
        if !run(&program(), &args)? {
            return Ok(false);
        }
        added.push(format!("qat={from}"));
        added.push(format!("qat-biases={made}"));
    }
    for (how, examples) in PEER {
        let made = folder.join(format!("onnxruntime-{how}.onnx"));
        let (from, to) = (text(&model), text(&made));
        let script = "models/onnxruntime_int8.py";
        let args = [script, &from, &calibrate, &to, "--calibrate", how, "--examples", examples];
        if !made.is_file() && !run(python, &args)? {
            return Ok(false);
        }
        added.push(format!("onnxruntime-{how}={to}"));
    }
    let (model, output) = (text(&model), text(folder));
    let mut args = vec!["ladder", &model, "--data", &test_x, "--labels", &test_y, "--calibrate", &calibrate];
    let rows = ROWS.join(",");
    args.extend(["--output", &output, "--methods", &rows]);
    args.extend(if quick { vec!["--quick"] } else { vec!["--target", "cortex-m7"] });
    added.iter().for_each(|one| args.extend(["--add", one]));
    run(&program(), &args)
}

/// Writes the tables of a network, and what was published.
fn section(page: &mut String, network: &Network, folder: &Path) -> Result<(), String> {
    let path = folder.join("ladder.md");
    let ladder = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    writeln!(page, "\n## {}\n", network.name).expect("text grows");
    // Its tables; what stands above and below them is the same for all.
    let parts: Vec<&str> = ladder.split("\n## ").filter(|p| !p.starts_with('#') && !p.starts_with("Machine")).collect();
    for part in parts {
        writeln!(page, "### {}\n", part.trim_end()).expect("text grows");
    }
    let rows = METHODS.iter().zip(network.published).filter_map(|(method, accuracy)| Some((method, accuracy?)));
    let original = network.published[0].unwrap_or_default();
    page.push_str("### Published\n\n| method | accuracy | to the original |\n| --- | ---: | ---: |\n");
    for (method, accuracy) in rows {
        writeln!(page, "| `{method}` | {accuracy:.2} % | {:+.2} |", accuracy - original).expect("text grows");
    }
    Ok(())
}

/// Writes how often each model of a ladder says the class that onnxruntime says with the same file.
fn agreement(page: &mut String, shared: &Path, folder: &Path, python: &str) -> Result<(), String> {
    let examples = text(&shared.join("data/gtsrb/test_x.npy"));
    let models = folder.join("models");
    let entries = std::fs::read_dir(&models).map_err(|e| format!("{}: {e}", models.display()))?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
    names.retain(|name| models.join(name).join("model.onnx").is_file());
    names.sort();
    let labels = folder.join("onnxruntime");
    let pairs: Vec<String> =
        names.iter().map(|name| format!("{name}={}", text(&models.join(name).join("model.onnx")))).collect();
    let to = text(&labels);
    let mut args = vec!["models/onnxruntime_labels.py", &examples, &to];
    args.extend(pairs.iter().map(String::as_str));
    if !run(python, &args)? {
        return Err("onnxruntime did not answer".into());
    }
    page.push_str("\n### The same class as onnxruntime\n\nThe same file, run by onnxruntime without optimisation.\n\n");
    page.push_str("| method | same class |\n| --- | ---: |\n");
    for name in &names {
        let (model, labels) = (text(&models.join(name).join("model.onnx")), text(&labels.join(format!("{name}.npy"))));
        let share = top1(&model, &examples, &labels)?;
        writeln!(page, "| `{name}` | {:.3} % |", share * 100.0).expect("text grows");
    }
    Ok(())
}

/// How often a model says what the labels say.
fn top1(model: &str, examples: &str, labels: &str) -> Result<f64, String> {
    let program = program();
    let args = ["eval", model, "--data", examples, "--labels", labels, "--metric", "top1", "--message-format", "json"];
    let output = command(&program, &args).stderr(Stdio::inherit()).output().map_err(|e| format!("{program}: {e}"))?;
    let found = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|line| line["value"].as_f64());
    found.ok_or_else(|| format!("{model} was not evaluated"))
}
