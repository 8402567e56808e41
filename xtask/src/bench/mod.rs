//! `cargo xtask bench`: emitted crates against other implementations, in turns, so that all see the same machine.
//!
//! Every contender is a process that answers a count of runs with the nanoseconds they took ([`served`]): the crate for
//! speed, the crate for size, onnxruntime and LiteRT with one thread, and the limits of the core. A round asks each once;
//! the numbers reported are medians and minima over rounds, and ratios of those.

mod operators;
mod ours;
mod peers;
mod report;
mod served;

use std::path::{Path, PathBuf};

use zant_tests::cases;
use zantc::Config;

use crate::command::root;
use crate::large;
use ours::Crate;
use report::{Row, Times};
use served::Served;

/// Time emitted crates against other implementations; write the results to `docs/`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these models; the results of the others stay as they are.
    models: Vec<String>,
    /// Rounds of a model.
    #[arg(long, default_value_t = 25)]
    rounds: usize,
    /// Count no instructions.
    #[arg(long)]
    quick: bool,
    /// Print the table only.
    #[arg(long)]
    dry: bool,
}

/// A model as it is measured.
#[derive(Clone, Copy)]
struct Measured {
    name: &'static str,
    /// Values of the dimensions that it leaves open.
    dims: &'static [(&'static str, usize)],
    /// Layers whose cache of keys and values stays in the model from run to run.
    kept: usize,
}

impl Measured {
    const fn new(name: &'static str) -> Self {
        Measured { name, dims: &[], kept: 0 }
    }

    const fn dims(self, dims: &'static [(&'static str, usize)]) -> Self {
        Measured { dims, ..self }
    }

    const fn keep(self, kept: usize) -> Self {
        Measured { kept, ..self }
    }

    /// The settings without, then with what is kept.
    fn configs(&self) -> [Config; 2] {
        let plain = self.dims.iter().fold(Config::new(), |c, &(dim, n)| c.dim(dim, n));
        let names = (0..self.kept).flat_map(|i| [format!("k_{i}"), format!("v_{i}")]);
        let kept = names.fold(plain.clone(), |c, name| c.state(format!("past_{name}"), format!("present_{name}")));
        [plain, kept]
    }

    fn title(&self) -> String {
        if self.kept > 0 { format!("{}, cache kept", self.name) } else { self.name.to_string() }
    }
}

const MODELS: [Measured; 25] = [
    Measured::new("hello_world_f32"),
    Measured::new("mnist-8"),
    Measured::new("kws_dscnn_f32"),
    Measured::new("ic_resnet8_f32"),
    Measured::new("vww_mobilenetv1_f32"),
    Measured::new("ad_autoencoder_f32"),
    Measured::new("fomo8_f32"),
    Measured::new("mobilenet_v2"),
    Measured::new("darknet_s"),
    Measured::new("ternary_mlp"),
    Measured::new("ecg_cnn1d_dyn").dims(&[("batch", 1)]),
    Measured::new("gpt_small_decode"),
    Measured::new("gpt_small_decode").keep(2),
    Measured::new("gpt_small_prefill"),
    Measured::new("gpt_medium_decode"),
    Measured::new("gpt_medium_prefill"),
    Measured::new("ic_resnet8_int8"),
    Measured::new("kws_dscnn_int8"),
    Measured::new("vww_mobilenetv1_int8"),
    Measured::new("ad_autoencoder_int8"),
    Measured::new("fomo8"),
    Measured::new("beer"),
    Measured::new("mobilenet_v2_int8"),
    Measured::new("coco80_q"),
    Measured::new("new2"),
];

/// Nanoseconds that one sample should take at least: many times what asking for it costs.
const SAMPLE: f64 = 3e6;

pub(crate) fn bench(args: &Args) -> Result<bool, String> {
    let Some(shared) = cases::shared() else {
        println!("skipped: all models, for the folder of them is missing");
        return Ok(true);
    };
    let venv = peers::python()?;
    let limits = ours::limits(&folder())?;
    let mut rows = Vec::new();
    let mut good = true;
    for measured in MODELS {
        let name = measured.name;
        if !args.models.is_empty() && !args.models.iter().any(|m| m == name) {
            continue;
        }
        match model(args, &shared.join("models"), &measured, &venv, &limits) {
            Ok(row) => {
                println!("{}", report::line(&row));
                rows.push(row);
            }
            Err(why) => {
                eprintln!("error: {name}: {why}");
                good = false;
            }
        }
    }
    let operators = if args.models.is_empty() { operators::measure(&limits, args.rounds)? } else { Vec::new() };
    let mut report = report::Report::new(rows, operators);
    let docs = root().join("docs");
    if let Some(old) = report::Report::read(&docs).filter(|_| !args.models.is_empty()) {
        report = report.merged(old, &MODELS.map(|m| m.title()));
    }
    print!("{}", report.markdown());
    if !args.dry {
        report.write(&docs)?;
    }
    Ok(good)
}

/// Where everything is built.
fn folder() -> PathBuf {
    root().join("target/zant-bench")
}

/// The model's file: stored, or made by the script of the model set.
fn file(models: &Path, name: &str) -> Result<PathBuf, String> {
    let stored = models.join(name).join("model.onnx");
    if stored.is_file() {
        return Ok(stored);
    }
    large::make(&[name])?;
    let made = root().join("target/zant-large").join(name).join("model.onnx");
    made.is_file().then_some(made).ok_or_else(|| "the model is not there".to_string())
}

fn model(args: &Args, models: &Path, measured: &Measured, python: &str, limits: &Path) -> Result<Row, String> {
    let name = measured.name;
    let (file, vectors) = (file(models, name)?, models.join(name));
    let [plain, kept] = measured.configs();
    let plain = Crate::build(&folder().join(name), &file, &vectors, &plain)?;
    // Others are given what is kept in each run.
    let krate = match measured.kept {
        0 => None,
        _ => Some(Crate::build(&folder().join(format!("{name}-kept")), &file, &vectors, &kept)?),
    };
    let krate = krate.as_ref().unwrap_or(&plain);
    let tflite = models.join("tflite").join(format!("{name}.tflite"));
    let mut contenders = vec![
        Contender::new("ours", krate.serve(ours::FAST)?),
        Contender::new("small", krate.serve(ours::SMALL)?),
        Contender::new("onnxruntime", peers::serve(python, "ort", &file, &plain)?),
        Contender::new("fma", Served::start(limits, &["fma".into()])?),
        Contender::new("read", Served::start(limits, &["read".into(), krate.weight_bytes.to_string()])?),
    ];
    if tflite.is_file() {
        contenders.push(Contender::new("litert", peers::serve(python, "litert", &tflite, &plain)?));
    }
    for c in &mut contenders {
        c.calibrate()?;
    }
    if peers::is_quantized(name) {
        // Not every model loads with that.
        let mut exact = Contender::new("exact", peers::serve(python, "ort-exact", &file, &plain)?);
        if exact.calibrate().is_ok() {
            contenders.push(exact);
        }
    }
    for _ in 0..args.rounds {
        for c in &mut contenders {
            c.sample()?;
        }
    }
    let times = |name| contenders.iter().find(|c| c.name == name).map(|c| Times::of(&c.samples));
    let all = |name| times(name).ok_or_else(|| format!("no samples of {name}"));
    let compute = 2.0 * krate.macs as f64 * all("fma")?.min / ours::FMA_FLOPS;
    Ok(Row {
        name: measured.title(),
        ours: all("ours")?,
        small: all("small")?,
        onnxruntime: all("onnxruntime")?,
        exact: times("exact"),
        litert: times("litert"),
        macs: krate.macs,
        weight_bytes: krate.weight_bytes,
        arena_bytes: krate.arena_bytes,
        compute_floor: compute,
        read_floor: all("read")?.min,
        instructions: if args.quick { None } else { Some(krate.instructions(ours::FAST)?) },
        small_instructions: if args.quick { None } else { Some(krate.instructions(ours::SMALL)?) },
        text_bytes: krate.text_bytes(ours::FAST)?,
        small_text_bytes: krate.text_bytes(ours::SMALL)?,
    })
}

/// A process with its samples, in nanoseconds per run.
struct Contender {
    name: &'static str,
    process: Served,
    count: u64,
    samples: Vec<f64>,
}

impl Contender {
    fn new(name: &'static str, process: Served) -> Contender {
        Contender { name, process, count: 1, samples: Vec::new() }
    }

    /// Finds how many runs take long enough to be timed.
    fn calibrate(&mut self) -> Result<(), String> {
        for _ in 0..3 {
            self.process.time(self.count)?;
        }
        loop {
            let took = self.process.time(self.count)?;
            if took >= SAMPLE {
                return Ok(());
            }
            self.count = (self.count as f64 * (SAMPLE * 1.2 / took.max(1.0)).clamp(2.0, 100.0)) as u64;
        }
    }

    fn sample(&mut self) -> Result<(), String> {
        // The caches are the last contender's: one run brings them back.
        self.process.time(1)?;
        self.samples.push(self.process.time(self.count)? / self.count as f64);
        Ok(())
    }
}
