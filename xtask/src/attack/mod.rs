//! `cargo xtask attack`: inputs that somebody made to make the compiler fail.
//!
//! Cases run in a child process with little memory, which says what it begins; where it dies or takes too long, that is a
//! finding, and a new child goes on with the next case.

mod child;
mod kills;
mod worker;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Attack the compiler with random models, damaged files, hostile names, kills and bombs.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to attack with.
    #[arg(default_value = "all")]
    part: Part,
    /// Seconds for each part.
    #[arg(long)]
    seconds: Option<u64>,
    /// Cases of each part.
    #[arg(long)]
    count: Option<u64>,
    /// The first case.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// What CI runs: two minutes.
    #[arg(long)]
    short: bool,
    /// Write each random model with its inputs and zantc's outputs into a folder of its own in this one.
    #[arg(long)]
    dump: Option<PathBuf>,
    /// Print what became of the nodes of each operator.
    #[arg(long)]
    table: bool,
    /// This process is a child that runs cases.
    #[arg(long, hide = true)]
    worker: bool,
}

/// A kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Random models of all operators: the program computes what the reference computes.
    Models,
    /// Damaged files.
    Mutations,
    /// Names that would end a string, a comment or a path.
    Names,
    /// `zantc compile` killed at random.
    Kills,
    /// Small files that ask for much.
    Bombs,
    /// All of them.
    All,
}

impl Part {
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Cases where nothing else is asked for: as many as a short run takes, or a usual one.
    fn cases(self, short: bool) -> u64 {
        match (self, short) {
            (Part::Models, _) => 20_000,
            (Part::Mutations, true) => 3_000,
            (Part::Mutations, false) => 50_000,
            (Part::Names, true) => 100,
            (Part::Names, false) => 400,
            (Part::Bombs, _) => zant_tests::attack::bombs::BOMBS.len() as u64,
            (Part::Kills | Part::All, _) => 0,
        }
    }

    /// Seconds where nothing else is asked for.
    fn seconds(self, short: bool) -> Option<u64> {
        match self {
            Part::Models if short => Some(60),
            Part::Mutations | Part::Names if short => Some(30),
            _ => None,
        }
    }
}

/// What a part of the attack is asked to do.
pub(crate) struct Task<'a> {
    part: Part,
    from: u64,
    count: u64,
    until: Option<Instant>,
    args: &'a Args,
}

pub(crate) fn attack(args: &Args) -> Result<bool, String> {
    if args.worker {
        return worker::run(args.part, args.seed, args.count.unwrap_or(1), args.dump.as_deref(), args.table);
    }
    let all = [Part::Models, Part::Mutations, Part::Names, Part::Bombs, Part::Kills];
    let parts = if args.part == Part::All { all.to_vec() } else { vec![args.part] };
    let mut found = 0;
    for part in parts {
        let seconds = args.seconds.or(if args.count.is_none() { part.seconds(args.short) } else { None });
        // A time alone means as many cases as fit.
        let cases = if args.seconds.is_some() { u64::MAX } else { part.cases(args.short) };
        let count = if part == Part::Bombs { part.cases(false) } else { args.count.unwrap_or(cases) };
        let until = seconds.map(|s| Instant::now() + Duration::from_secs(s));
        let from = if part == Part::Bombs { 0 } else { args.seed };
        found += match part {
            Part::Kills => kills::run(args.short)?,
            _ => child::run(&Task { part, from, count, until, args })?,
        };
    }
    println!("{found} findings");
    Ok(found == 0)
}
