//! `zantc boards`: boards and parts with their memories, and which of them a model fits.

use std::collections::BTreeMap;
use std::path::PathBuf;

use zantc::budget::exceeded;
use zantc::compile;
use zantc::diag::{Diagnostic, codes};
use zantc::footprint::Footprint;
use zantc::project::Project;
use zantc::targets::{BOARDS, Board, Region, Target};

use super::options::ModelOptions;
use super::project::{model_path, opened};
use super::shell::{Shell, table};
use super::{Failure, Outcome};

/// List boards and parts with their memories, and say which of them a model fits
#[derive(clap::Args)]
pub(super) struct Args {
    /// A model, of which each board is asked whether it fits: constants and code into flash, arena, inputs and stack into RAM
    #[arg(value_name = "MODEL", value_parser = model_path())]
    model: Option<PathBuf>,
    /// List only what the model fits
    #[arg(long, requires = "model")]
    fits: bool,
    #[command(flatten)]
    options: ModelOptions,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    let chosen = &args.options.0;
    if chosen.board.is_some() || chosen.max_ram.is_some() || chosen.max_flash.is_some() {
        let message = "all boards are asked: leave `--board`, `--max-ram` and `--max-flash` out";
        return Err(Failure::Usage(message.into()));
    }
    let boards: Vec<&Board> =
        BOARDS.iter().filter(|b| chosen.target.is_none_or(|t: &Target| t.name == b.target)).collect();
    let Some(model) = &args.model else { return list(&boards, None, shell) };
    let project = opened(model, &args.options)?;
    shell.status("Compiling", &format!("{} ({})", project.name, project.path.display()));
    let fits = fits(&project, &boards, shell)?;
    let shown: Vec<&Board> = boards.into_iter().filter(|b| !args.fits || fits[b.name].fits()).collect();
    list(&shown, Some(&fits), shell)
}

/// What a board says of a model.
pub(super) struct Fit {
    /// What the model takes there.
    pub(super) footprint: Footprint,
    /// Bytes of RAM and of flash beyond what the board has.
    pub(super) over: [usize; 2],
}

impl Fit {
    /// Whether there is room for it.
    pub(super) fn fits(&self) -> bool {
        self.over == [0, 0]
    }

    pub(super) fn text(&self) -> String {
        match self.over {
            [0, 0] => "fits".into(),
            [ram, 0] => format!("no: {ram} bytes of RAM too many"),
            [0, flash] => format!("no: {flash} bytes of flash too many"),
            [ram, flash] => format!("no: {ram} bytes of RAM and {flash} of flash too many"),
        }
    }
}

/// Compiles a model for each kind of core and asks each board.
pub(super) fn fits(
    project: &Project,
    boards: &[&'static Board],
    shell: &mut Shell,
) -> Outcome<BTreeMap<&'static str, Fit>> {
    let mut footprints: BTreeMap<&str, Footprint> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for board in boards {
        let mut config = project.config.clone();
        (config.board, config.max_ram, config.max_flash) = (None, None, None);
        config.target = board.target();
        if !footprints.contains_key(board.target) {
            shell.progress(&format!("{} for {}", project.name, board.target));
            let footprint = match compile(&project.model, &config) {
                Ok(compiled) => Footprint::of(&compiled.program, &config),
                // Beyond what the core addresses: no board has that.
                Err(faults) if faults.iter().all(|d: &Diagnostic| d.code == codes::OVER_BUDGET) => NOWHERE,
                Err(faults) => return Err(faults.into()),
            };
            footprints.insert(board.target, footprint);
        }
        let footprint = footprints[board.target];
        let [ram, flash] = exceeded(&config.board(board), &footprint);
        let over = [(ram, footprint.ram()), (flash, footprint.flash())];
        let over = over.map(|(limit, bytes)| limit.map_or(0, |l| bytes - l.bytes));
        found.insert(board.name, Fit { footprint, over });
    }
    Ok(found)
}

/// The footprint of what no memory holds.
const NOWHERE: Footprint = Footprint { arena: usize::MAX, inputs: 0, stack: None, weights: 0, code: None };

fn list(boards: &[&'static Board], fits: Option<&BTreeMap<&'static str, Fit>>, shell: &mut Shell) -> Outcome {
    if shell.is_json() {
        return boards.iter().try_for_each(|board| shell.json(&json(board, fits.and_then(|f| f.get(board.name)))));
    }
    let mut head = vec!["board", "target", "flash", "RAM"];
    head.extend(fits.map(|_| "the model"));
    let rows: Vec<Vec<String>> = boards
        .iter()
        .map(|board| {
            let mut row =
                vec![board.name.to_string(), board.target.to_string(), memories(board.flash), memories(board.ram)];
            row.extend(fits.map(|fits| fits[board.name].text()));
            row
        })
        .collect();
    shell.out(&table(&head, &rows))
}

/// Memories with their sizes.
pub(super) fn memories(regions: &[Region]) -> String {
    regions.iter().map(|r| format!("{} {}", bytes(r.bytes), r.name)).collect::<Vec<_>>().join(" + ")
}

/// A size as people write it: `64K`, `2M`.
fn bytes(n: usize) -> String {
    match n {
        n if n > 0 && n.is_multiple_of(1 << 20) => format!("{}M", n >> 20),
        n if n > 0 && n.is_multiple_of(1 << 10) => format!("{}K", n >> 10),
        n => n.to_string(),
    }
}

fn json(board: &Board, fit: Option<&Fit>) -> serde_json::Value {
    let regions = |regions: &[Region]| -> Vec<serde_json::Value> {
        let one = |r: &Region| serde_json::json!({ "name": r.name, "origin": r.origin, "bytes": r.bytes });
        regions.iter().map(one).collect()
    };
    let mut value = serde_json::json!({
        "reason": "board", "name": board.name, "target": board.target, "chip": board.chip,
        "flash": regions(board.flash), "ram": regions(board.ram),
    });
    if let Some(fit) = fit {
        value["fits"] = fit.fits().into();
        value["needs"] = fit.footprint.json();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::{Fit, NOWHERE, bytes};

    #[test]
    fn sizes_and_what_is_too_much_are_readable() {
        assert_eq!([0, 100, 64 << 10, 3 << 20, 1536 << 10].map(bytes), ["0", "100", "64K", "3M", "1536K"]);
        let text = |over| Fit { footprint: NOWHERE, over }.text();
        assert_eq!(text([0, 0]), "fits");
        assert_eq!(text([5, 0]), "no: 5 bytes of RAM too many");
        assert_eq!(text([5, 6]), "no: 5 bytes of RAM and 6 of flash too many");
    }
}
