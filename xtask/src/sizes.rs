//! `cargo xtask sizes`: what is made for size is never larger than what is made for speed, nor takes much more instructions, for
//! every model of the model set, on the host (callgrind, whose processor has AVX2 for both) and on a Cortex-M7 (QEMU).

use zant_measure::report::{Key, Metric, Report, Row};
use zant_tests::cases;

use crate::command::{cargo, root};

/// Instructions of a small build by those of the fast one, at most.
const MOST: f64 = 1.5;

/// Compare small builds with fast ones, over the model set: size and instructions
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Models of the set, by the folder's name [default: all]
    models: Vec<String>,
    /// Targets
    #[arg(long, default_value = "host,cortex-m7")]
    target: String,
}

/// Measures the models; whether all small builds keep to what is promised. What is not there, or cannot be built for a target, is
/// counted as skipped.
pub(crate) fn sizes(args: &Args) -> Result<bool, String> {
    let Some(models) = cases::shared().map(|s| s.join("models")) else {
        println!("skipped: the model set is not there");
        return Ok(true);
    };
    let out = root().join("target/zant-sizes");
    // What an earlier run has written is none of this one's.
    let _ = std::fs::remove_dir_all(&out);
    let folder = out.to_string_lossy();
    let mut bench = vec!["run", "--quiet", "-p", "zant-cli", "--", "bench", "--runs", "1", "--target", &args.target];
    bench.extend(["--dim", "batch=1", "--dim", "unk__23=1", "-o", &folder]);
    let entries = std::fs::read_dir(&models).map_err(|e| format!("{}: {e}", models.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|e| e.path()).filter(|p| p.join("info.json").is_file()).collect();
    paths.retain(|p| args.models.is_empty() || args.models.iter().any(|name| p.ends_with(name)));
    paths.sort();
    let targets = args.target.split(',').count();
    let expected = paths.len() * targets;
    paths.retain(|p| p.join("model.onnx").is_file());
    bench.extend(paths.iter().filter_map(|p| p.to_str()));
    // It says what it cannot measure.
    cargo(&bench)?;
    let report = Report::read(&out.join("report.json")).map_err(|e| e.to_string())?;
    let small = |fast: &Row| report.row(&Key { profile: "small".into(), ..fast.key.clone() });
    let fast = report.rows.iter().filter(|r| r.key.profile == "fast");
    let pairs = fast.filter_map(|fast| Some((fast, numbers(fast)?, numbers(small(fast)?)?)));
    println!("| model | target | executable, fast | small | instructions, fast | small | times |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    let kept: Vec<bool> = pairs.map(|(row, fast, small)| keeps(&row.key, fast, small)).collect();
    println!("{} compared, {} skipped", kept.len(), expected - kept.len());
    Ok(kept.into_iter().all(|good| good))
}

/// Bytes of the executable and instructions of a run.
fn numbers(row: &Row) -> Option<[f64; 2]> {
    Some([row.number(Metric::Executable)?, row.number(Metric::Instructions)?])
}

/// Prints a line; whether it is as promised.
fn keeps(key: &Key, fast: [f64; 2], small: [f64; 2]) -> bool {
    let times = small[1] / fast[1];
    let good = small[0] <= fast[0] && times <= MOST;
    let (name, target, mark) = (&key.subject, &key.target, if good { "" } else { " **too much**" });
    println!("| {name} | {target} | {} | {} | {} | {} | {times:.2}{mark} |", fast[0], small[0], fast[1], small[1]);
    good
}
