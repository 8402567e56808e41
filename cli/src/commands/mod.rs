//! The command line: one file per subcommand, one group of options for all of them.
//!
//! Status goes to stderr, data to stdout; files are written only where the user names them. Exit codes: 0 good, 1 diagnostics, 2 usage and reports that cannot be compared,
//! 101 a bug, 128 and more a signal.

mod bench;
mod certify;
mod check;
mod compare;
mod compile;
mod compress;
mod device;
mod dot;
mod eval;
mod explain;
mod fit;
mod inspect;
mod ladder;
mod ops;
mod options;
mod profile;
mod project;
mod run;
mod session;
mod shell;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use zant_measure::process;
use zantc::diag::Diagnostic;

use shell::{Format, Shell};

/// Compiles ONNX models to standalone, allocation-free Rust crates
#[derive(Parser)]
#[command(name = "zantc", version, max_term_width = 100)]
struct Cli {
    /// How diagnostics and results are written
    #[arg(long, global = true, value_enum, default_value = "human")]
    message_format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Compile(compile::Args),
    Run(run::Args),
    Eval(eval::Args),
    Quantize(compress::QuantizeArgs),
    Prune(compress::PruneArgs),
    Ternarize(compress::TernarizeArgs),
    Ladder(ladder::Args),
    Fit(fit::Args),
    Verify(verify::Args),
    Certify(certify::Args),
    Inspect(inspect::Args),
    Bench(bench::Args),
    Profile(profile::Args),
    Check(check::Args),
    Compare(compare::Args),
    Ops(ops::Args),
    Explain(explain::Args),
}

/// Why a command did not succeed.
enum Failure {
    /// Something is wrong with the model, the data or the system: exit code 1.
    Diagnostics(Vec<Diagnostic>),
    /// It has all been said: exit code 1.
    Said,
    /// What the command compares cannot be read or compared: exit code 2.
    Unreadable(Vec<Diagnostic>),
    /// The command makes no sense: exit code 2.
    Usage(String),
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(diagnostics: Vec<Diagnostic>) -> Failure {
        Failure::Diagnostics(diagnostics)
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Failure {
        Failure::Diagnostics(vec![diagnostic])
    }
}

type Outcome<T = ()> = Result<T, Failure>;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(report_bug));
    // Without it, signals end the program as they end others, and leave what it has started.
    drop(process::end_on_signals());
    let cli = Cli::parse();
    let mut shell = Shell::new(cli.message_format);
    let outcome = match &cli.command {
        Command::Compile(args) => compile::run(args, &mut shell),
        Command::Run(args) => run::run(args, &mut shell),
        Command::Eval(args) => eval::run(args, &mut shell),
        Command::Quantize(args) => compress::quantize(args, &mut shell),
        Command::Prune(args) => compress::prune(args, &mut shell),
        Command::Ternarize(args) => compress::ternarize(args, &mut shell),
        Command::Ladder(args) => ladder::run(args, &mut shell),
        Command::Fit(args) => fit::run(args, &mut shell),
        Command::Verify(args) => verify::run(args, &mut shell),
        Command::Certify(args) => certify::run(args, &mut shell),
        Command::Inspect(args) => inspect::run(args, &mut shell),
        Command::Bench(args) => bench::run(args, &mut shell),
        Command::Profile(args) => profile::run(args, &mut shell),
        Command::Check(args) => check::run(args, &mut shell),
        Command::Compare(args) => compare::run(args, &mut shell),
        Command::Ops(args) => ops::run(args, &mut shell),
        Command::Explain(args) => explain::run(args, &mut shell),
    };
    process::settle();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Diagnostics(diagnostics)) => {
            shell.diagnostics(&diagnostics);
            ExitCode::from(1)
        }
        Err(Failure::Unreadable(diagnostics)) => {
            shell.diagnostics(&diagnostics);
            ExitCode::from(2)
        }
        Err(Failure::Said) => ExitCode::from(1),
        Err(Failure::Usage(message)) => {
            shell.error(&message);
            ExitCode::from(2)
        }
    }
}

/// A panic is a bug of this program; paths of the machine that built it are nobody's business. Rust then exits with 101.
fn report_bug(info: &std::panic::PanicHookInfo<'_>) {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_string())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into());
    let place = match info.location() {
        Some(at) if std::path::Path::new(at.file()).is_relative() => format!(" ({}:{})", at.file(), at.line()),
        Some(_) | None => String::new(),
    };
    eprintln!(
        "error: this is a bug in zantc {}: {}{place}\nplease report it, if you can with the model: {}/issues",
        zantc::emit::VERSION,
        zantc::diag::escape(&message),
        env!("CARGO_PKG_REPOSITORY"),
    );
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_mean_the_same_on_every_command() {
        for command in ["compile", "run", "verify", "certify", "inspect", "check", "profile"] {
            let line = ["zantc", command, "m.onnx", "--dim", "batch=1", "--target", "cortex-m7", "--max-ram", "64K"];
            assert!(Cli::try_parse_from(line).is_ok(), "{command}");
            for wrong in [["--dim", "batch"], ["--target", "pdp-11"], ["--alloc", "stack"], ["--max-flash", "1T"]] {
                assert!(Cli::try_parse_from(["zantc", command, "m.onnx"].iter().chain(&wrong)).is_err(), "{wrong:?}");
            }
        }
    }
}
