//! The command line: one file per subcommand, one group of options for all of them.
//!
//! Status goes to stderr, data to stdout; files are written only where the user names them. [`EXIT_CODES`] says how commands end.

mod bench;
mod boards;
mod certify;
mod check;
mod compare;
mod compile;
mod compress;
mod device;
mod doctor;
mod dot;
mod eval;
mod explain;
mod fit;
mod inspect;
mod ladder;
mod new;
mod numbers;
mod ops;
mod options;
mod pages;
mod probe;
mod profile;
mod project;
mod run;
mod session;
mod shell;
mod stdin;
mod targets;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use zant_measure::process;
use zantc::diag::{Diagnostic, Severity, codes};

use shell::{Color, Format, Shell, Verbosity};

/// How commands end.
const EXIT_CODES: &str = "Exit codes: 0 good; 1 a verdict: a model that cannot be compiled or is wrong, a budget that is exceeded, a regression; \
2 a command that makes no sense, or files that cannot be read; 101 a bug; 128 and more a signal";

/// Compiles ONNX models to standalone, allocation-free Rust crates
#[derive(Parser)]
#[command(name = "zantc", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    /// How diagnostics and results are written
    #[arg(long, global = true, value_enum, default_value = "human")]
    message_format: Format,
    /// Print errors and data only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say what is being done, each phase with its time
    #[arg(short, long, global = true)]
    verbose: bool,
    /// When text has colours
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Compile(compile::Args),
    New(new::Args),
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
    Targets(targets::Args),
    Boards(boards::Args),
    Doctor(doctor::Args),
    Completions(pages::CompletionArgs),
    Man(pages::ManArgs),
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
    let verbosity = match (cli.quiet, cli.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    };
    let mut shell = Shell::new(cli.message_format, verbosity, cli.color);
    let outcome = match &cli.command {
        Command::Compile(args) => compile::run(args, &mut shell),
        Command::New(args) => new::run(args, &mut shell),
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
        Command::Targets(args) => targets::run(args, &mut shell),
        Command::Boards(args) => boards::run(args, &mut shell),
        Command::Doctor(args) => doctor::run(args, &mut shell),
        Command::Completions(args) => pages::completions(args, &mut shell),
        Command::Man(args) => pages::man(args, &mut shell),
    };
    process::settle();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Diagnostics(diagnostics)) => {
            shell.diagnostics(&diagnostics);
            ExitCode::from(code(&diagnostics))
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

/// The code of a file that cannot be written; those of files that cannot be read stand before it.
const CANNOT_WRITE: &str = "ZA0011";

/// How a command ends with findings: 2 where files or options cannot be read, else 1.
fn code(diagnostics: &[Diagnostic]) -> u8 {
    let unreadable = |d: &Diagnostic| d.code < CANNOT_WRITE || d.code == codes::BAD_OPTION;
    let mut errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    if errors.any(unreadable) { 2 } else { 1 }
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
    fn what_contradicts_itself_is_refused() {
        for wrong in [
            &["zantc", "compile", "m.onnx", "--quiet", "--verbose"][..],
            &["zantc", "compile", "m.onnx", "--target", "host", "--target", "wasm32"],
            &["zantc", "check", "m.onnx", "--max-ram", "1K", "--max-ram", "2K"],
            &["zantc", "check", "m.onnx", "--dim", "n=1", "--dim", "n=2"],
            &["zantc", "inspect", "m.onnx", "--json", "--html", "-"],
            &["zantc", "boards", "--fits"],
            &["zantc", "run", "m.onnx", "-i", "a.npy", "b.npy"],
            &["zantc", "run", "m.onnx", "--format", "npy"],
        ] {
            assert!(Cli::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
        assert!(Cli::try_parse_from(["zantc", "check", "m.onnx", "--dim", "n=1", "--dim", "k=2"]).is_ok());
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
