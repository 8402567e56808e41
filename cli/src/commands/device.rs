//! `zantc verify` for a target that has a machine: the bits of the firmware, and what it takes.

use zant_measure::Machine;
use zantc::budget::{Limit, exceeded};
use zantc::diag::{Diagnostic, codes};
use zantc::emit::Source;
use zantc::footprint::Footprint;

use super::Outcome;
use super::shell::{Shell, table};
use super::verify::Checked;
use crate::built::device::{Device, Measured, hash};

/// Builds firmware at each level of optimisation (for the machine's core alone where `cpu`), runs it on the data sets, and
/// compares its bits with this process.
pub(super) fn check(
    checked: &Checked<'_>,
    machine: &'static Machine,
    (levels, cpu): (&[&str], bool),
    shell: &mut Shell,
) -> Outcome<Vec<Diagnostic>> {
    let project = checked.project;
    let (name, program) = (&project.name, &checked.compiled.program);
    let model_sha256 = project.sha256()?;
    let source = Source { program, config: &project.config, name, file: "", model_sha256: &model_sha256, vectors: &[] };
    let device = Device::kept(&source, machine)?;
    let mut findings = Vec::new();
    let mut rows = Vec::new();
    for level in levels {
        shell.status("Building", &format!("{name} for {} at opt-level {level}", machine.cpu));
        let built = device.build(level, cpu)?;
        shell.status("Running", &format!("{name} on {}", machine.name));
        let measured = device.run(built, &checked.inputs())?;
        let place = format!("on {} at opt-level {level}", machine.name);
        findings.extend(checked.differing(&measured.outputs, &place));
        findings.extend(over_budget(checked, &measured, &place));
        if shell.is_json() {
            shell.json(&json(checked, machine, level, &measured))?;
        }
        rows.push(row(checked, level, &measured));
    }
    if !shell.is_json() {
        let head = ["opt-level", "instructions", "per MAC", "code", "of it text", "weights", "arena", "stack", "bits"];
        shell.out(&table(&head, &rows))?;
    }
    Ok(findings)
}

/// What exceeds a budget now that stack and code are measured, not estimated.
fn over_budget(checked: &Checked<'_>, measured: &Measured, place: &str) -> Vec<Diagnostic> {
    let config = &checked.project.config;
    let planned = Footprint::of(&checked.compiled.program, config);
    let stack = measured.stack_bytes.and_then(|b| usize::try_from(b).ok());
    let f = Footprint { stack, code: usize::try_from(measured.built.sizes.code).ok(), ..planned };
    let over = |((what, bytes), limit): ((&str, usize), Option<Limit>)| {
        let limit = limit?.bytes;
        let message = format!("{place} the model takes {bytes} bytes of {what}, more than the {limit} that it may");
        Some(Diagnostic::error(codes::OVER_BUDGET, message).help(format!("{f:?}")))
    };
    [("RAM", f.ram()), ("flash", f.flash())].into_iter().zip(exceeded(config, &f)).filter_map(over).collect()
}

fn json(checked: &Checked<'_>, machine: &Machine, level: &str, measured: &Measured) -> serde_json::Value {
    let program = &checked.compiled.program;
    let sizes = measured.built.sizes;
    let (here, there) = (hash(checked.outputs), hash(&measured.outputs));
    let footprint = Footprint::of(program, &checked.project.config);
    serde_json::json!({
        "reason": "measured",
        "name": checked.project.name,
        "target": machine.cpu,
        "machine": machine.name,
        "opt_level": level,
        "instructions_per_inference": measured.most_instructions(),
        "instructions": measured.instructions,
        "macs": program.macs(),
        "text_bytes": sizes.text,
        "code_bytes": sizes.code,
        "weights_bytes": program.weights_bytes(),
        "arena_bytes": program.arena_bytes(),
        "stack_bytes": measured.stack_bytes,
        "inputs_bytes": footprint.inputs,
        "stack_estimate_bytes": footprint.stack,
        "code_estimate_bytes": footprint.code,
        "output_hash": there,
        "host_hash": here,
    })
}

fn row(checked: &Checked<'_>, level: &str, measured: &Measured) -> Vec<String> {
    let program = &checked.compiled.program;
    let sizes = measured.built.sizes;
    let instructions = measured.most_instructions();
    let counted = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let equal = hash(checked.outputs) == hash(&measured.outputs);
    vec![
        level.to_string(),
        counted(instructions.map(|n| n.to_string())),
        counted(instructions.map(|n| format!("{:.2}", n as f64 / program.macs().max(1) as f64))),
        sizes.code.to_string(),
        sizes.text.to_string(),
        program.weights_bytes().to_string(),
        program.arena_bytes().to_string(),
        counted(measured.stack_bytes.map(|b| b.to_string())),
        if equal { "EQUAL" } else { "DIFFER" }.to_string(),
    ]
}
