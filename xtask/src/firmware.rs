//! `cargo xtask firmware`: models as firmware of emulated processors: their bits, and what their code can do.
//!
//! Invariant: nothing is skipped for want of a tool. What is missing is installed, else the task fails.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;
use zant_measure::{MACHINES, cargo as tools};
use zant_tests::cases;

use crate::boards;
use crate::command::{cargo, command, root, status};
use crate::install::{self, BUILT};

/// Check models on emulated processors.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Models to check [default: all that are there]
    model: Vec<String>,
}

/// Models that the repository has, by their path.
const OWN: [(&str, &str); 8] = [
    ("digits", "models/digits/digits.onnx"),
    ("digits_int4", "models/digits_int4/digits_int4.onnx"),
    ("digits_16x8", "models/digits_16x8/digits_16x8.onnx"),
    ("digits_int8", "models/digits_int8/digits_int8.onnx"),
    ("vad", "models/control/vad/model.onnx"),
    ("gru_loop", "models/control/gru_loop/model.onnx"),
    ("gru_scan", "models/control/gru_scan/model.onnx"),
    ("early_end", "models/control/early_end/model.onnx"),
];

/// Models of the shared set.
#[rustfmt::skip]
const SHARED: [&str; 17] = [
    "ad_autoencoder_int8", "ic_resnet8_int8", "kws_dscnn_int8", "vww_mobilenetv1_int8", "beer", "fomo8",
    "hello_world_int8", "mnist-8", "ad_autoencoder_f32", "ic_resnet8_f32", "kws_dscnn_f32", "vww_mobilenetv1_f32",
    "bitlinear_mlp", "ternary_mlp", "mnist_lstm_f32", "har_bilstm", "kws_gru",
];

/// A model of the shared set whose weights the linker puts into the large memory. Its outputs are compared with this process
/// alone: a tie in an early layer grows beyond the tolerance of the data sets.
const LARGE: &str = "mobilenet_v2_int8";

/// Models that run on every machine; on those without loops of their own only these do, which are small.
const EVERYWHERE: [&str; 6] =
    ["digits", "digits_16x8", "digits_int4", "digits_int8", "hello_world_int8", "ternary_mlp"];

/// Targets whose crates are looked at for warnings: the loops of the runtime that a crate gets are others for each.
const LINTED: [(&str, &str); 2] = [("cortex-m7", "thumbv7em-none-eabihf"), ("cortex-m0", "thumbv6m-none-eabi")];

pub(crate) fn firmware(args: &Args) -> Result<bool, String> {
    let start = Instant::now();
    install::emulators()?;
    if !cargo(&["build", "--quiet", "--package", "zant-cli"])? {
        return Ok(false);
    }
    let models = models(&args.model)?;
    let mut good = violations()?;
    for (name, path) in &models {
        for machine in MACHINES.iter().filter(|m| m.has_arm_loops() || EVERYWHERE.contains(&name.as_str())) {
            let levels = if machine.cpu == "cortex-m7" { "both" } else { "3" };
            good &= verify(name, path, machine.cpu, &["--opt-level", levels])?;
        }
        good &= certify(name, path)?;
        good &= is_clean(name, path)?;
    }
    if let Some(path) = large(&args.model) {
        good &= verify(LARGE, &path, "cortex-m7", &["--opt-level", "3", "--tolerance", "1"])?;
    }
    good &= other_targets()?;
    good &= boards::boards(&boards::Args { model: args.model.clone() })?;
    good &= example()?;
    good &= generator()?;
    eprintln!("{} models on {} processors in {:.0} s", models.len(), MACHINES.len(), start.elapsed().as_secs_f64());
    Ok(good)
}

/// The models that are there, or those that are asked for.
pub(crate) fn models(asked: &[String]) -> Result<Vec<(String, PathBuf)>, String> {
    let own = OWN.iter().map(|(name, path)| ((*name).to_string(), root().join(path)));
    let folder = cases::shared().map(|s| s.join("models"));
    let shared =
        SHARED.iter().filter_map(|name| Some(((*name).to_string(), folder.as_ref()?.join(name).join("model.onnx"))));
    let mut models: Vec<(String, PathBuf)> = own.chain(shared).filter(|(_, path)| path.is_file()).collect();
    println!("{} models skipped, whose files are missing", OWN.len() + SHARED.len() - models.len());
    if let Some(unknown) = asked.iter().find(|a| *a != LARGE && !models.iter().any(|(name, _)| name == *a)) {
        return Err(format!("there is no model {unknown}"));
    }
    models.retain(|(name, _)| asked.is_empty() || asked.contains(name));
    Ok(models)
}

/// The file of the large model, where it is there and asked for.
fn large(asked: &[String]) -> Option<PathBuf> {
    if !asked.is_empty() && !asked.iter().any(|a| a == LARGE) {
        return None;
    }
    let path = cases::shared().map(|s| s.join("models").join(LARGE).join("model.onnx")).filter(|p| p.is_file());
    if path.is_none() {
        println!("1 model skipped, whose file is missing: {LARGE}");
    }
    path
}

/// The tests of what is found in code that breaks promises.
fn violations() -> Result<bool, String> {
    cargo(&["test", "--quiet", "--package", "zant-measure", "--", "--include-ignored"])
}

/// Runs `zantc` and gives the JSON lines that it printed.
fn zantc(args: &[&str], path: &std::path::Path) -> Result<(bool, Vec<Value>), String> {
    let mut zantc = command(&root().join("target/debug/zantc").to_string_lossy(), args);
    let output = zantc.arg(path).output().map_err(|e| format!("zantc: {e}"))?;
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().map(|l| serde_json::from_str(l).map_err(|e| format!("zantc printed {l:?}: {e}")));
    Ok((output.status.success(), lines.collect::<Result<_, _>>()?))
}

/// The firmware's bits are those of this process, which the data sets agree with.
fn verify(name: &str, path: &std::path::Path, cpu: &str, options: &[&str]) -> Result<bool, String> {
    let args: Vec<&str> = ["verify", "--json", "--target", cpu].iter().chain(options).copied().collect();
    let (mut good, lines) = zantc(&args, path)?;
    for line in lines.iter().filter(|l| l["reason"] == "diagnostic") {
        eprintln!("error: {name} on {cpu}: {}", line["message"]);
    }
    let measured: Vec<&Value> = lines.iter().filter(|l| l["reason"] == "measured").collect();
    for m in &measured {
        let equal = m["output_hash"] == m["host_hash"];
        println!(
            "{name} on {cpu} at {}: {} instructions, {} bytes of text, {} of stack, hash {} {}",
            m["opt_level"],
            m["instructions_per_inference"],
            m["text_bytes"],
            m["stack_bytes"],
            m["output_hash"],
            if equal { "as on the host" } else { "NOT AS ON THE HOST" }
        );
        good &= equal;
    }
    Ok(good && measured.len() == if options.contains(&"both") { 2 } else { 1 })
}

/// The code can do nothing that it must not.
fn certify(name: &str, path: &std::path::Path) -> Result<bool, String> {
    let folder = root().join("target/zant-certificates").join(name);
    let folder = folder.to_string_lossy();
    let (good, lines) = zantc(&["certify", "--message-format", "json", "--target", "cortex-m7", "-o", &folder], path)?;
    for line in lines.iter().filter(|l| l["reason"] == "diagnostic") {
        eprintln!("error: {name}: {} {}", line["message"], line["help"]);
    }
    println!("{name}: {}", if good { "certified" } else { "NOT CERTIFIED" });
    Ok(good)
}

/// The crate has no warning, clippy's among them.
fn is_clean(name: &str, path: &std::path::Path) -> Result<bool, String> {
    let mut good = true;
    for (target, triple) in LINTED {
        let out = root().join("target/zant-firmware/linted");
        let options = ["compile", "--force", "--name", "linted", "--message-format", "json", "--target", target, "-o"];
        let (compiled, _) = zantc(&[&options[..], &[&out.to_string_lossy()]].concat(), path)?;
        let mut clippy = tools::command();
        clippy.args(["clippy", "--quiet", "--offline", "--target", triple, "--", "-D", "warnings"]).current_dir(&out);
        let clean = compiled && status(&mut clippy)?;
        if !clean {
            eprintln!("error: the crate of {name} for {target} has warnings");
        }
        good &= clean;
    }
    Ok(good)
}

/// The digit classifier's crate builds for Linux on AArch64, where it is not run: the machine of that core is bare.
fn other_targets() -> Result<bool, String> {
    let out = root().join("target/zant-firmware/aarch64");
    let shown = out.to_string_lossy().into_owned();
    let options = ["compile", "--message-format", "json", "--target", "aarch64", "-o", &shown];
    let (good, _) = zantc(&options, &root().join(OWN[1].1))?;
    let mut build = tools::command();
    build.args(["build", "--quiet", "--release", "--offline", "--target", BUILT]).current_dir(&out);
    Ok(good && status(&mut build)?)
}

/// The generator of text writes on a Cortex-M7 what a computer writes.
fn generator() -> Result<bool, String> {
    const PROMPT: &str = "`Curiouser and curiouser!' cried";
    let folder = root().join("generated-examples/generate");
    let written = |args: &[&str]| -> Result<String, String> {
        let mut cargo = tools::command();
        cargo.args(["run", "--quiet", "--release"]).args(args).current_dir(&folder);
        let run = cargo.output().map_err(|e| format!("cargo: {e}"))?;
        match run.status.success() {
            true => Ok(String::from_utf8_lossy(&run.stdout).trim_end().to_string()),
            false => Err(String::from_utf8_lossy(&run.stderr).into_owned()),
        }
    };
    let there = written(&["--target", "thumbv7em-none-eabihf"])?;
    let here = written(&["--", "--tokens", "40", "--temperature", "0", PROMPT])?;
    let good = here == there && here.len() > PROMPT.len();
    if !good {
        eprintln!("error: the generator wrote {there:?}, and {here:?} on this machine");
    }
    println!("the generator of text: {}", if good { "writes the same on a Cortex-M7" } else { "FAILED" });
    Ok(good)
}

/// The example's firmware is good code, and both of its models see the digit that it holds.
fn example() -> Result<bool, String> {
    let folder = root().join("generated-examples/firmware-mps2");
    let cargo = |args: &[&str]| {
        let mut cargo = tools::command();
        cargo.args(args).current_dir(&folder);
        cargo
    };
    let clean = status(&mut cargo(&["clippy", "--quiet", "--", "-D", "warnings"]))?;
    let run = cargo(&["run", "--quiet"]).output().map_err(|e| format!("cargo: {e}"))?;
    let text = String::from_utf8_lossy(&run.stdout);
    let seen = ["floats: this is a 2 ", "bytes: this is a 2 "].iter().all(|line| text.contains(line));
    if !seen {
        eprintln!("error: the example printed {text}{}", String::from_utf8_lossy(&run.stderr));
    }
    println!("the example of firmware: {}", if clean && seen { "sees its digit" } else { "FAILED" });
    Ok(clean && run.status.success() && seen)
}
