//! `cargo xtask boards`: which models fit which boards, as `--board` says and as the linker does with the board's memories.
//!
//! The link is the truth: firmware with the model's weights and code in the board's flash; its arena, its inputs and the stack
//! that the certificate bounds (on processors without one, the stack that was painted) in the board's RAM. A board that `zantc`
//! accepts must link. A model that it refuses must not, unless only the reserve of the estimates stood against it.

use std::path::{Path, PathBuf};

use zant_cli::built::device::{Device, Place, place};
use zant_measure::audit::audit;
use zantc::budget::exceeded;
use zantc::config::Options;
use zantc::emit::Source;
use zantc::footprint::Footprint;
use zantc::harness::ENTRY;
use zantc::targets::BOARDS;
use zantc::verify::seeded;
use zantc::{Compiled, Config, project};

use crate::firmware;

/// Compare the verdicts of `--board` with links
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Models to link [default: all that are there]
    pub(crate) model: Vec<String>,
}

/// A model's firmware for a target.
struct Linked {
    device: Device,
    footprint: Footprint,
    /// Bytes of stack and of code that the firmware takes.
    stack: u32,
    code: usize,
}

pub(crate) fn boards(args: &Args) -> Result<bool, String> {
    let mut good = true;
    let (mut links, mut spared) = (0, 0);
    for (name, path) in firmware::models(&args.model)? {
        let mut targets: Vec<&str> = BOARDS.iter().map(|b| b.target).collect();
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            let linked = linked(&name, &path, target)?;
            let Footprint { stack, code, .. } = linked.footprint;
            let within = stack.is_some_and(|s| linked.stack as usize <= s) && code.is_some_and(|c| linked.code <= c);
            println!(
                "{name} for {target}: stack {} of {} estimated, code {} of {}{}",
                linked.stack,
                stack.unwrap_or(0),
                linked.code,
                code.unwrap_or(0),
                if within { "" } else { ": MORE THAN ESTIMATED" }
            );
            if !within {
                eprintln!("error: {name} for {target} takes more than is estimated, see compiler/src/footprint.rs");
            }
            good &= within;
            for board in BOARDS.iter().filter(|b| b.target == target) {
                let accepted = exceeded(&Config::new().board(board), &linked.footprint) == [None, None];
                let fits = linked.device.links("3", board, linked.stack).map_err(|d| said(&d))?;
                links += 1;
                let reserve = !accepted && fits && is_close(&linked, board);
                spared += usize::from(reserve);
                if accepted != fits && !reserve {
                    let verdict = if accepted { "accepted" } else { "refused" };
                    eprintln!("error: {name} on {}: {verdict}, but the link says otherwise", board.name);
                    good = false;
                }
            }
        }
    }
    println!("{links} links; {spared} refused that would fit without the reserve of the estimates");
    Ok(good)
}

/// Whether a model that links is refused for the reserve of the estimates alone.
fn is_close(linked: &Linked, board: &zantc::targets::Board) -> bool {
    let f = &linked.footprint;
    f.arena + f.inputs + linked.stack as usize <= board.max_ram() && f.weights + linked.code <= board.max_flash()
}

fn said(d: &zantc::diag::Diagnostic) -> String {
    format!("{} {}", d.message, d.help.join("; "))
}

/// Compiles, links and runs a model for a target.
fn linked(name: &str, path: &Path, target: &str) -> Result<Linked, String> {
    let all = |d: Vec<zantc::diag::Diagnostic>| d.iter().map(said).collect::<String>();
    let found = zantc::targets::find(target).ok_or_else(|| format!("no target {target}"))?;
    let mut config = Config::new().target(found);
    if let Some((_, options)) = project::read_options(path).map_err(all)? {
        config = config.with_options(&Options { target: None, board: None, ..options });
    }
    let model = zantc::read(path).map_err(all)?;
    let Compiled { program, .. } = zantc::compile(&model, &config).map_err(all)?;
    let Place::On(machine) = place(found).map_err(|d| said(&d))? else { return Err(format!("no machine is {target}")) };
    let krate = zantc::emit::crate_name(name);
    let source = Source { program: &program, config: &config, name: &krate, file: "", model_sha256: "", vectors: &[] };
    let device = Device::write(&source, machine).map_err(|d| said(&d))?;
    let built = device.build("3", false).map_err(|d| said(&d))?;
    let elf: PathBuf = built.elf.clone();
    let inputs = seeded::inputs(program.model_inputs().iter().map(|p| &p.ty));
    let measured = device.run(built, &[inputs]).map_err(|d| said(&d))?;
    let mut stack = measured.stack_bytes.unwrap_or(0);
    if machine.has_arm_loops() {
        let elf = std::fs::read(elf).map_err(|e| e.to_string())?;
        stack = stack.max(audit(&elf, ENTRY).map_err(|e| e.to_string())?.stack_bytes.unwrap_or(u32::MAX));
    }
    let code = usize::try_from(measured.built.sizes.code).map_err(|e| e.to_string())?;
    Ok(Linked { footprint: Footprint::of(&program, &config), device, stack, code })
}
