//! `zantc targets`: what crates can be made for, and where they run here.

use zant_measure::Machine;
use zantc::config::Word;
use zantc::targets::{TARGETS, Target};

use super::Outcome;
use super::shell::{Shell, table};
use crate::built::device::{Place, place};

/// List the targets: Rust's triple, how products are rounded, and what runs them here
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, shell: &mut Shell) -> Outcome {
    if shell.is_json() {
        return TARGETS.iter().try_for_each(|t| {
            let machine = Machine::with_cpu(t.name).map(|m| m.name);
            shell.json(&serde_json::json!({
                "reason": "target", "name": t.name, "triple": t.triple, "features": t.features,
                "numerics": t.numerics.word(), "about": t.about, "machine": machine, "runs": place(t).is_ok(),
            }))
        });
    }
    let rows: Vec<Vec<String>> = TARGETS
        .iter()
        .map(|t| {
            let triple = t.triple.unwrap_or("of the host");
            [t.name, triple, t.numerics.word(), &runs(t), t.about].map(str::to_string).into()
        })
        .collect();
    shell.out(&table(&["target", "triple", "products", "runs", "what"], &rows))?;
    shell.out("\n`--target` takes Rust's triples too; `zantc boards` lists boards and parts with their memories.\n")
}

/// Where crates for a target run.
fn runs(target: &Target) -> String {
    match (place(target), Machine::with_cpu(target.name)) {
        (Ok(Place::Here), _) => "here".into(),
        (Ok(Place::On(machine)), _) => format!("{} ({})", machine.emulator.program, machine.name),
        (Err(_), Some(machine)) => format!("needs {}", machine.emulator.program),
        (Err(_), None) => "elsewhere".into(),
    }
}
