//! Everything CI and people run, by one name: `cargo xtask`.
#![forbid(unsafe_code)]

mod attack;
mod bench;
mod bless;
mod command;
mod conformance;
mod crates;
mod firmware;
mod large;
mod layers;
mod lint;
mod package;
mod pages;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// Everything CI and people run, by one name.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    Attack(attack::Args),
    Test(test::Args),
    Lint,
    Bless(bless::Args),
    Bench(bench::Args),
    Conformance(conformance::Args),
    Firmware(firmware::Args),
    Large,
    Package,
    Pages,
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Attack(args) => attack::attack(&args),
        Task::Test(args) => test::test(&args),
        Task::Lint => lint::lint(),
        Task::Bless(args) => bless::bless(&args),
        Task::Bench(args) => bench::bench(&args),
        Task::Conformance(args) => conformance::conformance(&args),
        Task::Firmware(args) => firmware::firmware(&args),
        Task::Large => large::large(),
        Task::Package => package::package(),
        Task::Pages => pages::pages(),
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
