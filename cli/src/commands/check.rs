//! `zantc check`: everything in a model that cannot be compiled, at once; and what it takes where all can be.

use std::collections::{BTreeMap, BTreeSet};

use zantc::Config;
use zantc::diag::{Diagnostic, Severity, escape};
use zantc::footprint::Footprint;
use zantc::import::dims::{OpenDim, batches, open};
use zantc::pipeline::Compiled;
use zantc::project::Project;

use super::project::{ModelArgs, compile_silently};
use super::shell::{Shell, counted, table};
use super::{Failure, Outcome};

/// List everything in a model that cannot be compiled, with what to do
///
/// Where dimensions have no value, the last line has the options to copy that give them one; what else is wrong is looked for with 1.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    let mut project = args.model.open()?;
    shell.status("Checking", &project.name);
    let nodes = project.model.proto.graph.node.len();
    let checked = attempt(&project, shell)?;
    let missing = missing(&project);
    let mut findings = match &checked {
        Ok(compiled) => compiled.warnings.clone(),
        Err(findings) => findings.clone(),
    };
    if !missing.is_empty() {
        project.config = missing.iter().fold(project.config.clone(), |config, d| config.dim(d.name.clone(), 1));
        findings.extend(further(attempt(&project, shell)?, &findings));
    }
    shell.diagnostics(&findings);
    let errors: Vec<&Diagnostic> = findings.iter().filter(|d| d.severity == Severity::Error).collect();
    say(&errors, nodes, &missing, shell)?;
    match checked {
        Ok(compiled) => costs(nodes, &compiled, &project.config, shell),
        Err(_) => Err(Failure::Said),
    }
}

/// What compiling gives: a program, or what is wrong.
fn attempt(project: &Project, shell: &mut Shell) -> Outcome<Result<Compiled, Vec<Diagnostic>>> {
    match compile_silently(project, shell) {
        Ok(compiled) => Ok(Ok(compiled)),
        Err(Failure::Diagnostics(findings)) => Ok(Err(findings)),
        Err(other) => Err(other),
    }
}

/// The dimensions that the user must give a value.
fn missing(project: &Project) -> Vec<OpenDim> {
    let graph = &project.model.proto.graph;
    let batches = batches(graph);
    let dims = &project.config.dims;
    let given = |d: &OpenDim| dims.contains_key(&d.name) || dims.contains_key(&d.place()) || batches.contains(&d.name);
    open(graph).into_iter().filter(|d| !given(d)).collect()
}

/// What else is wrong when dimensions have values.
fn further(checked: Result<Compiled, Vec<Diagnostic>>, known: &[Diagnostic]) -> Vec<Diagnostic> {
    let found = checked.err().unwrap_or_default().into_iter();
    found.filter(|d| d.severity == Severity::Error && !known.contains(d)).collect()
}

/// The table of what is wrong, and the line to copy.
fn say(errors: &[&Diagnostic], nodes: usize, missing: &[OpenDim], shell: &mut Shell) -> Outcome {
    let groups = grouped(errors);
    let line = (!missing.is_empty()).then(|| arguments(missing));
    if shell.is_json() {
        let groups: Vec<_> = groups
            .iter()
            .map(|((op, code), n)| serde_json::json!({ "operator": op, "code": code, "count": n }))
            .collect();
        let value = serde_json::json!({
            "reason": "checked", "nodes": nodes, "errors": errors.len(), "groups": groups, "arguments": line,
        });
        return shell.json(&value);
    }
    if !groups.is_empty() {
        let rows: Vec<Vec<String>> = groups
            .iter()
            .map(|((op, code), n)| vec![op.clone(), n.to_string(), (*code).to_string(), title(code)])
            .collect();
        shell.out(&table(&["operator", "nodes", "code", "what"], &rows))?;
    }
    line.map_or(Ok(()), |line| shell.out(&format!("\ngive each dimension its value (1 stands for it here):\n{line}\n")))
}

/// Options that give dimensions a value, for a POSIX shell. A name that a terminal would not show as it is gives way to its place.
fn arguments(missing: &[OpenDim]) -> String {
    let mut seen = BTreeSet::new();
    let names = missing.iter().map(|d| if escape(&d.name) == d.name { d.name.clone() } else { d.place() });
    let options =
        names.filter(|n| seen.insert(n.clone())).map(|name| format!("--dim {}", quoted(&format!("{name}=1"))));
    options.collect::<Vec<_>>().join(" ")
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%".contains(c);
    if word.chars().all(plain) { word.to_string() } else { format!("'{}'", escape(word).replace('\'', "'\\''")) }
}

/// What the model takes.
fn costs(nodes: usize, compiled: &Compiled, config: &Config, shell: &mut Shell) -> Outcome {
    let footprint = Footprint::of(&compiled.program, config);
    let macs = compiled.program.macs();
    if shell.is_json() {
        let mut value = serde_json::json!({ "reason": "costs", "target": config.target.name, "macs": macs });
        if let (Some(value), serde_json::Value::Object(memory)) = (value.as_object_mut(), footprint.json()) {
            value.extend(memory);
        }
        return shell.json(&value);
    }
    shell.out(&format!(
        "{}\n{}\n{macs} multiply-adds in {} for {}\n",
        footprint.ram_text(),
        footprint.flash_text(),
        counted(compiled.program.steps.len(), "step"),
        config.target.name
    ))?;
    shell.status(
        "Finished",
        &format!("{} can be compiled", if nodes == 1 { "the one node".into() } else { format!("all {nodes} nodes") }),
    );
    Ok(())
}

/// How many errors there are per operator and code; findings that are about no node stand under `(model)`.
fn grouped(errors: &[&Diagnostic]) -> BTreeMap<(String, &'static str), usize> {
    let mut groups = BTreeMap::new();
    for d in errors {
        let op = d.node.as_ref().map_or_else(|| "(model)".to_string(), |n| escape(&n.op_type));
        *groups.entry((op, d.code)).or_insert(0) += 1;
    }
    groups
}

fn title(code: &str) -> String {
    zantc::diag::codes::find(code).map_or_else(String::new, |c| c.title.to_string())
}

#[cfg(test)]
mod tests {
    use zantc::diag::{Diagnostic, NodePlace, codes};
    use zantc::import::dims::OpenDim;

    use super::{arguments, grouped};

    #[test]
    fn errors_are_counted_per_operator() {
        let at = |op: &str| NodePlace {
            index: 0,
            name: String::new(),
            op_type: op.into(),
            line: String::new(),
            span: None,
            scope: Vec::new(),
        };
        let error = |op: &str| Diagnostic::error(codes::UNSUPPORTED_OPERATOR, "no").at(at(op));
        let (a, b, c) = (error("Foo"), error("Bar"), error("Foo"));
        let groups = grouped(&[&a, &b, &c]);
        let flat: Vec<(&str, usize)> = groups.iter().map(|((op, _), &n)| (op.as_str(), n)).collect();
        assert_eq!(flat, [("Bar", 1), ("Foo", 2)]);
    }

    #[test]
    fn the_line_can_be_copied_whatever_the_names() {
        let dim = |name: &str| OpenDim { name: name.into(), input: "it's".into(), axis: 2 };
        let line = arguments(&[dim("seq"), dim("seq + 1"), dim("a\n--x"), dim("b\u{202e}")]);
        assert_eq!(line, "--dim seq=1 --dim 'seq + 1=1' --dim 'it'\\''s[2]=1'");
    }
}
