//! `zantc check`: everything in a model that cannot be compiled, at once.

use std::collections::BTreeMap;

use zantc::diag::{Diagnostic, Severity, escape};

use super::project::{ModelArgs, compile_silently};
use super::shell::{Shell, table};
use super::{Failure, Outcome};

/// List everything in a model that cannot be compiled, with what to do
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    let project = args.model.open()?;
    shell.status("Checking", &project.name);
    let nodes = project.model.proto.graph.node.len();
    let findings = match compile_silently(&project, shell) {
        Ok(compiled) => compiled.warnings,
        Err(Failure::Diagnostics(findings)) => findings,
        Err(other) => return Err(other),
    };
    shell.diagnostics(&findings);
    let errors: Vec<&Diagnostic> = findings.iter().filter(|d| d.severity == Severity::Error).collect();
    let groups = grouped(&errors);
    if shell.is_json() {
        let groups: Vec<_> = groups
            .iter()
            .map(|((op, code), n)| serde_json::json!({ "operator": op, "code": code, "count": n }))
            .collect();
        let value =
            serde_json::json!({ "reason": "checked", "nodes": nodes, "errors": errors.len(), "groups": groups });
        shell.json(&value)?;
    } else if !groups.is_empty() {
        let rows: Vec<Vec<String>> = groups
            .iter()
            .map(|((op, code), n)| vec![op.clone(), n.to_string(), (*code).to_string(), title(code)])
            .collect();
        shell.out(&table(&["operator", "nodes", "code", "what"], &rows))?;
    }
    if !errors.is_empty() {
        return Err(Failure::Said);
    }
    shell.status("Finished", &format!("all {nodes} nodes can be compiled"));
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

    use super::grouped;

    #[test]
    fn errors_are_counted_per_operator() {
        let at =
            |op: &str| NodePlace { index: 0, name: String::new(), op_type: op.into(), line: String::new(), span: None };
        let error = |op: &str| Diagnostic::error(codes::UNSUPPORTED_OPERATOR, "no").at(at(op));
        let (a, b, c) = (error("Foo"), error("Bar"), error("Foo"));
        let groups = grouped(&[&a, &b, &c]);
        let flat: Vec<(&str, usize)> = groups.iter().map(|((op, _), &n)| (op.as_str(), n)).collect();
        assert_eq!(flat, [("Bar", 1), ("Foo", 2)]);
    }
}
