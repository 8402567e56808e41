//! `zantc inspect`: what a model costs, step by step.

mod page;

use std::path::PathBuf;

use serde_json::{Value, json};
use zant_measure::process::uninterrupted;
use zant_measure::report::{
    INSPECTION, Key, Kind, MachineInfo, Metric, Report, Row, VERSION, Value as Measured, step_name,
};
use zantc::Compiled;
use zantc::diag::escape;
use zantc::footprint::Footprint;
use zantc::install::replace;
use zantc::program::{Arg, Program, Step};

use super::Outcome;
use super::compile::unwritable;
use super::project::{ModelArgs, compile};
use super::shell::{Shell, cut, table};

/// Show what a model costs: per step shapes, parameters, multiply-adds and live bytes, and the arena
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Write JSON
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// Write a page: graph, steps, arena over time, weights and RAM by step, quantization, and the boards that it fits
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Draw the arena: time across, address up, one box a buffer, the peak marked
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    let project = args.model.open()?;
    let compiled = compile(&project, shell)?;
    if let Some(path) = &args.svg {
        uninterrupted(|| replace(path, compiled.picture().as_bytes())).map_err(|e| unwritable(path, &e))?;
    }
    if let Some(path) = &args.html {
        let page = page::page(&project, &compiled, shell)?;
        uninterrupted(|| replace(path, page.as_bytes())).map_err(|e| unwritable(path, &e))?;
        shell.status("Wrote", &path.display().to_string());
        return Ok(());
    }
    if args.json {
        let text = serde_json::to_string_pretty(&report(&project.name, project.config.target.name, &compiled))
            .expect("plain data");
        return shell.out(&format!("{text}\n"));
    }
    if shell.is_json() {
        let mut value = report(&project.name, project.config.target.name, &compiled);
        value["reason"] = "inspected".into();
        return shell.json(&value);
    }
    shell.out(&text(&project.name, &compiled, &Footprint::of(&compiled.program, &project.config)))
}

/// Numbers in the constants that a step reads.
fn parameters(program: &Program, step: &Step) -> usize {
    let weights = step.args.iter().map(|a| match a {
        // Bitmaps hold none.
        Arg::Weight(w) if program.weight(*w).values == 0 => 0,
        Arg::Weight(w) => program.weight(*w).data.len().max(program.weight(*w).values),
        Arg::Buffer(..) | Arg::Empty(_) => 0,
    });
    weights.sum()
}

fn live(program: &Program, step: usize) -> usize {
    program.layout.as_ref().and_then(|l| l.live_bytes.get(step).copied()).unwrap_or(0)
}

/// What `zantc compare` reads: the model, then its steps.
fn comparable(name: &str, target: &str, compiled: &Compiled) -> Report {
    use Metric::{Arena, Live, Macs, Weights};
    let program = &compiled.program;
    let count = |n: usize| Measured::Count(n as u64);
    let key = Key { subject: name.into(), target: target.into(), ..Key::default() };
    let model = [
        (Macs, Measured::Count(program.macs())),
        (Arena, count(program.arena_bytes())),
        (Weights, count(program.weights_bytes())),
    ];
    let mut report = Report::new(Kind::Inspect, zantc::emit::VERSION, MachineInfo::default());
    report.rows.push(Row::new(key.clone(), model.into()));
    for (i, step) in program.steps.iter().enumerate() {
        let node = step.origin.last().map_or("", |o| o.name.as_str());
        let key = Key { step: Some(step_name(i, step.call.name(), node)), ..key.clone() };
        let values = [(Macs, Measured::Count(step.macs)), (Live, count(live(program, i)))].into();
        report.rows.push(Row::new(key, values));
    }
    report
}

/// The figures as JSON.
fn report(name: &str, target: &str, compiled: &Compiled) -> Value {
    let program = &compiled.program;
    let layout = program.layout.as_ref();
    let types = |types: &[zantc::ir::Type]| types.iter().map(ToString::to_string).collect::<Vec<_>>();
    let nodes = |origin: &[zantc::ir::Origin]| -> Vec<Value> {
        origin.iter().map(|o| json!({ "name": o.name, "op_type": o.op_type })).collect()
    };
    let stays_float = compiled.graph.stays_float.iter();
    let stays_float: Vec<Value> =
        stays_float.map(|s| json!({ "nodes": nodes(&s.origin), "reason": s.reason })).collect();
    let steps: Vec<Value> = program
        .steps
        .iter()
        .enumerate()
        .map(|(i, s)| {
            json!({
                "kernel": s.call.name(),
                "parameters_of_kernel": s.call.describe(),
                "nodes": nodes(&s.origin),
                "operands": types(&s.operands),
                "result": s.result.to_string(),
                "parameters": parameters(program, s),
                "macs": s.macs,
                "live_bytes": live(program, i),
                "bits_per_weight": program.weight_bits(s),
                "weights": s.note,
            })
        })
        .collect();
    json!({
        "format": INSPECTION,
        "version": VERSION,
        "report": comparable(name, target, compiled),
        "name": name,
        "arena_bytes": layout.map(|l| l.arena_bytes),
        "arena_lower_bound_bytes": layout.map(|l| l.lower_bound_bytes),
        "best_order": layout.map(|l| l.optimal_order),
        "gap": layout.and_then(|l| l.gap.clone()),
        "peak_step": layout.map(|l| l.peak_step),
        "weights_bytes": program.weights_bytes(),
        "macs": program.macs(),
        "inputs": zantc::emit::ports(program, &program.inputs),
        "outputs": zantc::emit::ports(program, &program.outputs),
        "steps": steps,
        "stays_float": stays_float,
    })
}

/// The figures as a table and a few lines.
fn text(name: &str, compiled: &Compiled, footprint: &Footprint) -> String {
    let program = &compiled.program;
    let layout = program.layout.as_ref();
    let rows: Vec<Vec<String>> = program
        .steps
        .iter()
        .enumerate()
        .map(|(i, s)| {
            let mark = if layout.is_some_and(|l| l.peak_step == i) { " <- peak" } else { "" };
            let nodes: Vec<&str> = s.origin.iter().map(|o| o.name.as_str()).collect();
            vec![
                i.to_string(),
                s.call.name().to_string(),
                s.result.to_string(),
                parameters(program, s).to_string(),
                s.macs.to_string(),
                live(program, i).to_string(),
                escape(&short(&nodes)) + mark,
            ]
        })
        .collect();
    let mut text = table(&["step", "kernel", "result", "parameters", "MACs", "live bytes", "nodes"], &rows);
    text += &format!("\n{name}: {} steps, {} multiply-adds\n", program.steps.len(), program.macs());
    text += &format!("{}\n{}\n", footprint.ram_text(), footprint.flash_text());
    if let Some(l) = layout {
        let order = if l.optimal_order { "for the best order of steps there is" } else { "for this order of steps" };
        text += &format!("arena {} bytes, lower bound {} bytes {order}\n", l.arena_bytes, l.lower_bound_bytes);
        if let Some(gap) = &l.gap {
            text += &format!("gap: {gap}\n");
        }
    }
    for s in &program.steps {
        text += &low_bits(program, s);
        if let (Some(note), Some(node)) = (&s.note, s.origin.last()) {
            text += &format!("weights: {}: {note}\n", escape(&node.name));
        }
    }
    for s in &compiled.graph.stays_float {
        let nodes: Vec<String> = s.origin.iter().map(|o| format!("{} {:?}", escape(&o.op_type), o.name)).collect();
        text += &format!("in floats: {}: {}\n", nodes.join(", "), s.reason);
    }
    text
}

/// The nodes that a step computes: the last one, and how many others.
fn short(nodes: &[&str]) -> String {
    let cut = |n: &str| cut(n, 40);
    match nodes {
        [] => String::new(),
        [one] => cut(one),
        [others @ .., last] => format!("{} (+{})", cut(last), others.len()),
    }
}

/// What a step with weights of few bits saves.
fn low_bits(program: &Program, step: &Step) -> String {
    let weights = step.args.iter().filter_map(|a| if let Arg::Weight(w) = a { Some(program.weight(*w)) } else { None });
    let line = |w: &zantc::program::Weight| {
        let (bits, bytes) = (w.bits()?, w.bytes());
        let less = (4 * w.values).saturating_sub(bytes);
        let name = escape(&w.name);
        Some(format!(
            "low bits: {name}: {} weights of {bits:.2} bits, {bytes} bytes, {less} less than as f32\n",
            w.values
        ))
    };
    weights.filter_map(line).collect()
}
