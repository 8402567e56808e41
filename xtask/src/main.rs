//! Everything CI and people run, by one name: `cargo xtask`.
#![forbid(unsafe_code)]

mod attack;
mod bless;
mod boards;
mod command;
mod compression;
mod conformance;
mod crates;
mod dist;
mod exhaustive;
mod firmware;
mod fuzz;
mod install;
mod large;
mod layers;
mod lint;
mod miri;
mod mutants;
mod package;
mod pages;
mod projects;
mod report;
mod scale;
mod sessions;
mod sizes;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// Everything CI and people run, by one name.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    Attack(attack::Args),
    Test(test::Args),
    /// Formatting, clippy, documentation, and the direction of dependencies
    Lint,
    Bless(bless::Args),
    Boards(boards::Args),
    Compression(compression::Args),
    Conformance(conformance::Args),
    Dist(dist::Args),
    Exhaustive(exhaustive::Args),
    Firmware(firmware::Args),
    Fuzz(fuzz::Args),
    /// Install emulators, Rust's targets and Chromium, where they are missing
    Install,
    Large(large::Args),
    Miri(miri::Args),
    Mutants(mutants::Args),
    /// Check what a registry would get
    Package,
    /// Open the pages that are made in a browser, on a desktop and on a phone
    Pages,
    /// Projects that `zantc new` makes, by the commands of their READMEs
    Projects,
    Report(report::Args),
    /// Time and memory of models of many nodes
    Scale,
    Sessions(sessions::Args),
    Sizes(sizes::Args),
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Attack(args) => attack::attack(&args),
        Task::Test(args) => test::test(&args),
        Task::Lint => lint::lint(),
        Task::Bless(args) => bless::bless(&args),
        Task::Boards(args) => boards::boards(&args),
        Task::Compression(args) => compression::compression(&args),
        Task::Conformance(args) => conformance::conformance(&args),
        Task::Firmware(args) => firmware::firmware(&args),
        Task::Dist(args) => dist::dist(&args),
        Task::Exhaustive(args) => exhaustive::exhaustive(&args),
        Task::Fuzz(args) => fuzz::fuzz(&args),
        Task::Install => install::install(),
        Task::Large(args) => large::make(&args.models),
        Task::Miri(args) => miri::miri(&args),
        Task::Mutants(args) => mutants::mutants(&args),
        Task::Package => package::package(),
        Task::Pages => pages::pages(),
        Task::Projects => projects::projects(),
        Task::Report(args) => report::report(&args),
        Task::Scale => scale::scale(),
        Task::Sessions(args) => sessions::sessions(&args),
        Task::Sizes(args) => sizes::sizes(&args),
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
