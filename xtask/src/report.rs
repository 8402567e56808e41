//! `cargo xtask report`: the model set and single operators, measured, as docs/report.md.

use std::path::{Path, PathBuf};

use crate::command::{cargo, program, root, run, text};
use crate::large::model;

/// Measure the model set and single operators, and write docs/report.md
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Models of the model set [default: all]
    models: Vec<String>,
    /// Samples of the time of each
    #[arg(long, default_value_t = 30)]
    runs: u32,
    /// Keep the rows that target/report has and that are not measured now
    #[arg(long)]
    keep: bool,
    /// Write target/report alone, and leave docs/report.md as it is
    #[arg(long)]
    dry: bool,
}

/// Models that the model set makes on demand.
const LARGE: [&str; 3] = ["darknet_s", "gpt_medium_decode", "gpt_medium_prefill"];

/// Decoders that are measured with their caches kept too, how many layers they have, and what their new keys and values are called.
const DECODERS: [(&str, usize, &str); 3] =
    [("gpt_small_decode", 2, "present"), ("gpt_small_decode_dynq", 2, "present"), ("gpt_medium_decode", 4, "new")];

const WAYS: [&str; 8] = [
    "--target",
    "host,cortex-m7",
    "--alloc",
    "static,heap",
    "--against",
    "onnxruntime,onnxruntime_exact,litert",
    "--peers",
    "models/peers.toml",
];

/// Whether all was measured.
pub(crate) fn report(args: &Args) -> Result<bool, String> {
    if !cargo(&["build", "--release", "-p", "zant-cli"])? {
        return Ok(false);
    }
    let names = if args.models.is_empty() { all()? } else { args.models.clone() };
    let paths: Vec<PathBuf> = names.iter().map(|name| model(name)).collect::<Result<_, _>>()?;
    let folder = root().join("target/report");
    let mut good = bench(args, &paths, &folder, args.keep, &[])?;
    for (name, layers, new) in DECODERS.into_iter().filter(|(name, ..)| names.iter().any(|n| n == name)) {
        let states: Vec<String> = (0..layers)
            .flat_map(|i| ["k", "v"].map(|t| format!("--state=past_{t}_{i}={new}_{t}_{i}")))
            .chain([format!("--name={}-state", name.replace('_', "-"))])
            .collect();
        good &= bench(args, &[model(name)?], &folder, true, &states)?;
    }
    let (operators, runs) = (root().join("target/report-operators"), args.runs.to_string());
    good &= zantc(&["bench", "ops", "--runs", &runs, "--output", &text(&operators)])?;
    if !args.dry {
        let page = page(&read(&folder)?, &read(&operators)?);
        std::fs::write(root().join("docs/report.md"), page).map_err(|e| format!("docs/report.md: {e}"))?;
    }
    Ok(good)
}

fn zantc(arguments: &[&str]) -> Result<bool, String> {
    run(&program(), arguments)
}

/// Measures models into a folder.
fn bench(args: &Args, models: &[PathBuf], folder: &Path, keep: bool, more: &[String]) -> Result<bool, String> {
    let (models, output, runs): (Vec<String>, _, _) =
        (models.iter().map(|path| text(path)).collect(), text(folder), args.runs.to_string());
    let mut command = vec!["bench"];
    command.extend(models.iter().chain(more).map(String::as_str));
    command.extend(WAYS);
    command.extend(["--floor", "--runs", &runs, "--output", &output]);
    command.extend(keep.then_some("--keep"));
    zantc(&command)
}

/// The models of the model set, those that it makes on demand among them.
fn all() -> Result<Vec<String>, String> {
    let shared = zant_tests::cases::shared().ok_or("the model set is not there")?;
    let folder = shared.join("models");
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("model.onnx").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .chain(LARGE.map(String::from))
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

fn read(folder: &Path) -> Result<String, String> {
    let path = folder.join("report.md");
    std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Both reports as one page: the operators are a part of it.
fn page(models: &str, operators: &str) -> String {
    let deeper = |line: &str| match line.strip_prefix("# ") {
        Some(_) => "## Operators".to_string(),
        None if line.starts_with("## ") => format!("#{line}"),
        None => line.to_string(),
    };
    let operators: Vec<String> = operators.lines().map(deeper).collect();
    format!("{}\n\n{}\n", models.trim_end(), operators.join("\n").trim_end())
}

#[cfg(test)]
mod tests {
    #[test]
    fn operators_are_a_part_of_the_page() {
        let page = super::page("# Models\n\n## Notes\n", "# Operators, measured\n\n## Notes\n\ntext\n");
        assert_eq!(page, "# Models\n\n## Notes\n\n## Operators\n\n### Notes\n\ntext\n");
    }
}
