//! `cargo xtask miri`: the runtime's tests under Miri, which finds undefined behaviour in what they run.

use std::time::Instant;

use crate::command::{command, run, status};

/// Run the tests of every module of the runtime under Miri, on a nightly toolchain (installed where it lacks).
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these test targets (`lib` for the unit tests).
    targets: Vec<String>,
}

/// The test targets, those of memory first. `math_accuracy` is left out: it compares with f64 functions of std, of which Miri
/// makes inexact ones on purpose; three tests of the other `math` files say the same of themselves.
#[rustfmt::skip]
const TARGETS: [&str; 25] = [
    "lib", "arena", "arch", "copy", "gather", "select", "separable", "pool", "quant", "qfloat", "reduce", "softmax",
    "norm", "map", "integer", "place_row", "matmul", "conv", "math_fma", "math_pow", "math_f64", "math_special",
    "coded", "sparse", "ternary",
];

/// Integers are no pointers, and alignment is not had by luck.
const FLAGS: &str = "-Zmiri-strict-provenance -Zmiri-symbolic-alignment-check";

pub(crate) fn miri(args: &Args) -> Result<bool, String> {
    if !run("rustup", &["toolchain", "install", "nightly", "--profile", "minimal", "--component", "miri,rust-src"])? {
        return Err("no nightly toolchain with Miri".into());
    }
    let targets: Vec<&str> = match args.targets.as_slice() {
        [] => TARGETS.to_vec(),
        some => some.iter().map(String::as_str).collect(),
    };
    let mut lines = Vec::new();
    let mut ok = true;
    for target in targets {
        let started = Instant::now();
        let which: &[&str] = if target == "lib" { &["--lib"] } else { &["--test", target] };
        let mut c = command("cargo", &["+nightly", "miri", "test", "-p", "zant-runtime"]);
        // Cargo, run by cargo, would run the stable one again.
        let passed = status(c.args(which).env("MIRIFLAGS", FLAGS).env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN"))?;
        ok &= passed;
        let minutes = started.elapsed().as_secs_f64() / 60.0;
        lines.push(format!("{target:10} {} {minutes:.1} min", if passed { "passed" } else { "FAILED" }));
    }
    lines.iter().for_each(|l| println!("{l}"));
    Ok(ok)
}
