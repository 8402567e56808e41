//! Everything CI and people run, by one name: `cargo xtask`.
#![forbid(unsafe_code)]

mod conformance;

use std::process::ExitCode;

use clap::Parser;

/// Everything CI and people run, by one name.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    Conformance(conformance::Args),
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Conformance(args) => conformance::conformance(&args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}
