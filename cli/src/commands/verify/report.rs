//! What `zantc verify` prints of its comparison.

use zantc::config::Word;
use zantc::diag::{Diagnostic, codes, escape};
use zantc::ir::Origin;
use zantc::verify::data::DataSet;
use zantc::verify::distance::{Distance, Tolerance};
use zantc::verify::judge::{Evidence, Judged, Judgement};
use zantc::verify::layers::Layer;

use super::super::Outcome;
use super::super::shell::{Shell, table};
use super::Comparison;

/// Units in the last place beyond which they say nothing: near zero there are as many as one likes.
const MANY_ULPS: u64 = 1 << 20;

/// Columns of the table.
const HEAD: [&str; 9] = ["data set", "output", "max absolute", "quanta", "ULPs", "RMSE", "cosine", "arg-max", "result"];

/// Prints what was found; gives what is wrong.
pub(super) fn print(c: &Comparison<'_>, judged: &[Judgement], shell: &mut Shell) -> Outcome<Vec<Diagnostic>> {
    let mut rows = Vec::new();
    let mut findings = Vec::new();
    let ports = c.compiled.program.model_outputs();
    for (set, judgement) in c.sets.iter().zip(judged) {
        for (port, (output, reference)) in ports.iter().zip(judgement.outputs.iter().zip(&set.outputs)) {
            if shell.is_json() {
                shell.json(&json(c, &set.name, &port.name, output))?;
            }
            rows.push(row(&set.name, &port.name, output));
            let reference = reference.as_ref().map_or(String::new(), |r| r.ty().to_string());
            findings.extend(finding(&set.name, (&port.name, &port.ty.to_string(), &reference), output));
        }
    }
    if !shell.is_json() {
        shell.out(&table(&HEAD, &rows))?;
    }
    for (set, judgement) in c.sets.iter().zip(judged) {
        evidence(c, set, judgement, shell)?;
    }
    Ok(findings)
}

fn json(c: &Comparison<'_>, set: &str, output: &str, judged: &Judged) -> serde_json::Value {
    let Tolerance { relative, quanta } = c.tolerance;
    serde_json::json!({
        "reason": "verified", "set": set, "output": output, "reference": c.reference.name(), "distance": judged.distance,
        "verdict": judged.verdict, "tolerance": relative, "tolerance_quanta": quanta,
    })
}

fn finding(set: &str, (output, own, reference): (&str, &str, &str), judged: &Judged) -> Option<Diagnostic> {
    if judged.distance.is_none() {
        let message = format!("output {output:?} of {set} is {reference}, the model's is {own}");
        return Some(Diagnostic::error(codes::BAD_DATA, message));
    }
    (!judged.verdict.passes()).then(|| {
        let message = format!("output {output:?} differs from {set} beyond the tolerance");
        Diagnostic::error(codes::BEYOND_TOLERANCE, message)
            .help("`--per-node` compares step by step and names the first that differs")
    })
}

fn row(set: &str, output: &str, judged: &Judged) -> Vec<String> {
    let none = || "-".to_string();
    let of = |text: &dyn Fn(&Distance) -> Option<String>| judged.distance.as_ref().and_then(text).unwrap_or_else(none);
    vec![
        escape(set),
        escape(output),
        of(&|d| Some(format!("{:.3e}", d.max_absolute))),
        of(&|d| d.max_quanta.map(quanta)),
        of(&|d| d.max_ulps.filter(|&u| u <= MANY_ULPS).map(|u| u.to_string())),
        of(&|d| Some(format!("{:.3e}", d.rmse))),
        of(&|d| d.cosine.map(|c| format!("{c:.6}"))),
        of(&|d| d.arg_max.map(|(same, rows)| format!("{same}/{rows}"))),
        judged.verdict.to_string(),
    ]
}

/// A number of quanta: whole ones as such.
fn quanta(v: f64) -> String {
    if v.fract() == 0.0 { format!("{v}") } else { format!("{v:.2}") }
}

/// Prints how the graph as the model writes it stands to program and reference, where that was looked at.
fn evidence(c: &Comparison<'_>, set: &DataSet, judgement: &Judgement, shell: &mut Shell) -> Outcome {
    let lines = match (&judgement.evidence, &judgement.no_evidence) {
        (Some(found), _) => lines(c, found),
        (None, Some(why)) => vec![format!("layers could not be compared: {why}")],
        (None, None) => return Ok(()),
    };
    if !shell.is_json() {
        let text: String = lines.iter().map(|l| format!("{}: {}\n", escape(&set.name), escape(l))).collect();
        return shell.out(&text);
    }
    let found = judgement.evidence.as_ref();
    let layers = found.map(|f| f.layers.differing.iter().map(layer_json).collect::<Vec<_>>());
    let value = serde_json::json!({
        "reason": "layers", "set": set.name, "text": lines, "compared": found.map(|f| f.layers.compared),
        "elements": found.map(|f| f.layers.elements), "differing": layers,
        "ties_only": found.map(|f| f.layers.ties_only()), "reference_distance": found.map(|f| &f.own),
        "spread": found.map(|f| &f.spread),
    });
    shell.json(&value)
}

fn layer_json(layer: &Layer) -> serde_json::Value {
    serde_json::json!({
        "step": layer.step.map(|(i, _)| i), "kernel": layer.step.map(|(_, k)| k),
        "nodes": layer.nodes.iter().map(|o| o.index).collect::<Vec<_>>(), "elements": layer.elements,
        "differing": layer.differing, "ties": layer.ties, "max_quanta": layer.max_quanta,
    })
}

/// ONNX nodes in words.
pub(super) fn nodes(origin: &[Origin]) -> String {
    let named: Vec<String> = origin.iter().map(|o| format!("node {} {:?} ({})", o.index, o.name, o.op_type)).collect();
    named.join(", ")
}

fn lines(c: &Comparison<'_>, found: &Evidence) -> Vec<String> {
    let layers = &found.layers;
    let (count, elements) = (layers.compared, layers.elements);
    let mut lines = Vec::new();
    if found.wrong_outputs > 0 {
        lines.push(format!("{} outputs are not those of the compiled graph: a kernel is wrong", found.wrong_outputs));
    }
    let fed = "fed with the bytes of the graph as the model writes it";
    match (layers.differing.first(), layers.first_unexplained()) {
        (None, _) => lines.push(format!("{fed}, all {count} layers give the same {elements} bytes")),
        (Some(first), unexplained) => {
            let most = layers.differing.iter().map(|l| l.max_quanta).max().unwrap_or(0);
            let verdict = if unexplained.is_none() { ": rounding ties only" } else { "" };
            let differing = layers.differing_elements();
            lines.push(format!(
                "{fed}, {count} layers differ in {differing} of {elements} bytes, by {} at most{verdict}",
                in_quanta(most)
            ));
            lines.push(format!("the first that differs: {}", described(first)));
            if let Some(layer) = unexplained {
                let open = layer.differing - layer.ties;
                lines.push(format!("not shown to be rounding ties: {open} of them, first in {}", described(layer)));
            }
        }
    }
    for i in &layers.wrong_outputs {
        lines.push(format!("output {i} is beyond the tolerance though all layers before it are fed the right bytes"));
    }
    lines.extend(against_reference(c, found));
    lines
}

fn in_quanta(v: u64) -> String {
    if v == 1 { "1 quantum".into() } else { format!("{v} quanta") }
}

fn described(layer: &Layer) -> String {
    let step = layer.step.map_or(String::new(), |(i, kernel)| format!("step {i} ({kernel}), "));
    let Layer { differing, elements, max_quanta, ties, .. } = layer;
    let verdict = if ties == differing { ", rounding ties only" } else { "" };
    format!(
        "{step}{differing} of {elements} bytes by {} at most{verdict}: {}",
        in_quanta(*max_quanta),
        nodes(&layer.nodes)
    )
}

/// How the graph as the model writes it stands to the reference.
fn against_reference(c: &Comparison<'_>, found: &Evidence) -> Vec<String> {
    if !c.reference.is_vectors() {
        return Vec::new();
    }
    let products = found.numerics.word();
    let ports = c.compiled.program.model_outputs();
    let mut lines = Vec::new();
    for (port, (own, spread)) in ports.iter().zip(found.own.iter().zip(&found.spread)) {
        let Some(own) = own else { continue };
        let name = format!("{:?}", port.name);
        lines.push(match (own.pass, spread) {
            (true, _) => {
                format!("the graph as the model writes it, with {products} products, gives the vectors' output {name}")
            }
            (false, None) => {
                let cosine = own.cosine.map_or("-".into(), |c| format!("{c:.6}"));
                let rmse = own.rmse;
                format!("the graph as the model writes it does not give the vectors' output {name}: RMSE {rmse:.3e}, cosine {cosine}")
            }
            (false, Some(s)) => {
                let judged = if s.holds() { "these vectors cannot tell the program from such an evaluation" } else { "ties do not explain it" };
                format!(
                    "output {name} is {:.2} % from the vectors (RMSE by root mean square), {:.3e} at most; {} evaluations that differ in ties alone are up to {:.2} % and {:.3e} apart: {judged}",
                    s.distance.rms * 100.0,
                    s.distance.max,
                    s.evaluations,
                    s.spread.rms * 100.0,
                    s.spread.max
                )
            }
        });
    }
    lines
}
