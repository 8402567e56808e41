//! `cargo xtask sizes`: what is made for size is never larger than what is made for speed, nor takes much more instructions, for
//! every model of the model set, on the host (callgrind, whose processor has AVX2 for both) and on a Cortex-M7 (QEMU).

use std::path::Path;

use zant_cli::bench::{Profile, Subject, Ways, measure};
use zant_measure::report::{Metric, Row};
use zant_tests::cases;
use zantc::Config;
use zantc::project::crate_name;
use zantc::targets;

/// Instructions of a small build by those of the fast one, at most.
const MOST: f64 = 1.5;
/// Values of the symbolic dimensions that models of the set have.
const DIMENSIONS: [&str; 2] = ["batch", "unk__23"];

/// Compare small builds with fast ones, over the model set: size and instructions
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Models of the set, by the folder's name [default: all]
    models: Vec<String>,
    /// Targets
    #[arg(long, value_delimiter = ',', default_value = "host,cortex-m7")]
    target: Vec<String>,
}

/// Measures the models; whether all small builds keep to what is promised. What is not there, or cannot be built for a target, is
/// counted as skipped.
pub(crate) fn sizes(args: &Args) -> Result<bool, String> {
    let Some(shared) = cases::shared() else {
        println!("skipped: the model set is not there");
        return Ok(true);
    };
    let targets =
        args.target.iter().map(|name| targets::find(name).ok_or_else(|| format!("there is no target {name}")));
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    let ways = Ways { targets, ..Ways::default() };
    let (mut good, mut compared, mut skipped) = (true, 0, 0);
    println!("| model | target | executable, fast | small | instructions, fast | small | times |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    for folder in folders(&shared.join("models"))? {
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if !args.models.is_empty() && !args.models.contains(&name) {
            continue;
        }
        let path = folder.join("model.onnx");
        if !path.is_file() {
            skipped += ways.targets.len();
            continue;
        }
        let config = DIMENSIONS.iter().fold(Config::new(), |config, name| config.dim(*name, 1));
        let name = crate_name(&config, &path).map_err(|d| d.message)?;
        let subject = Subject { name: &name, path: &path, config: &config };
        let findings = measure(&subject, &ways, &mut |_, _| {});
        for target in &ways.targets {
            let of = |profile: Profile| {
                let row = |r: &&Row| r.key.target == target.name && r.key.profile == profile.name();
                findings.rows.iter().find(row).and_then(numbers)
            };
            match (of(Profile::Fast), of(Profile::Small)) {
                (Some(fast), Some(small)) => {
                    good &= keeps(&name, target.name, fast, small);
                    compared += 1;
                }
                _ => skipped += 1,
            }
        }
        for why in &findings.failures {
            eprintln!("not compared: {why}");
        }
    }
    println!("{compared} compared, {skipped} skipped");
    Ok(good)
}

/// Bytes of the executable and instructions of a run.
fn numbers(row: &Row) -> Option<[f64; 2]> {
    Some([row.number(Metric::Executable)?, row.number(Metric::Instructions)?])
}

/// Prints a line; whether it is as promised.
fn keeps(name: &str, target: &str, fast: [f64; 2], small: [f64; 2]) -> bool {
    let times = small[1] / fast[1];
    let good = small[0] <= fast[0] && times <= MOST;
    let mark = if good { "" } else { " **too much**" };
    println!("| {name} | {target} | {} | {} | {} | {} | {times:.2}{mark} |", fast[0], small[0], fast[1], small[1]);
    good
}

/// The folders of the model set, in order.
fn folders(models: &Path) -> Result<Vec<std::path::PathBuf>, String> {
    let entries = std::fs::read_dir(models).map_err(|e| format!("{}: {e}", models.display()))?;
    let mut folders: Vec<_> = entries.flatten().map(|e| e.path()).filter(|p| p.join("info.json").is_file()).collect();
    folders.sort();
    Ok(folders)
}
