//! `--per-node`: the steps of the program against the naive reference of the compiled graph, to the bit.

use zantc::diag::{Diagnostic, codes, escape};
use zantc::verify::data::DataSet;
use zantc::verify::distance::compare;
use zantc::verify::judge::Subject;
use zantc::verify::per_node;

use super::super::run::failure;
use super::super::shell::Shell;
use super::super::{Failure, Outcome};
use super::{Comparison, report};

/// Compares the steps on every data set; gives what is wrong.
pub(super) fn steps(c: &Comparison<'_>, subject: &Subject<'_>, shell: &mut Shell) -> Outcome<Vec<Diagnostic>> {
    let mut findings = Vec::new();
    for set in c.sets {
        shell.progress(&format!("evaluating the reference for {}", set.name));
        let lines = of_set(c, subject, set, &mut findings)?;
        if shell.is_json() {
            shell.json(&serde_json::json!({ "reason": "nodes", "set": set.name, "text": lines }))?;
        } else {
            shell.out(&lines.iter().map(|l| format!("{}: {}\n", escape(&set.name), escape(l))).collect::<String>())?;
        }
    }
    Ok(findings)
}

fn of_set(
    c: &Comparison<'_>,
    subject: &Subject<'_>,
    set: &DataSet,
    findings: &mut Vec<Diagnostic>,
) -> Outcome<Vec<String>> {
    let (program, graph) = (&c.compiled.program, &c.compiled.graph);
    let fails =
        |why: String| Failure::from(Diagnostic::error(codes::RUN_FAILED, format!("the reference fails: {why}")));
    let values = per_node::values(graph, &set.inputs, program.numerics)
        .map_err(|(node, why)| fails(format!("at node {node}: {why}")))?;
    let wrong =
        per_node::first_wrong(program, &c.compiled.places, &values, &set.inputs).map_err(|e| failure(program, &e))?;
    let mut lines = vec![match &wrong {
        None => format!("all {} steps equal the reference of the compiled graph to the bit", program.steps.len()),
        Some(w) => {
            let (nodes, elements) = (report::nodes(&w.nodes), w.elements);
            let message =
                format!("step {} ({}) computes {} of {elements} elements wrong: {nodes}", w.step, w.kernel, w.unequal);
            findings.push(
                Diagnostic::error(codes::BEYOND_TOLERANCE, message.clone())
                    .help("the kernel or its lowering is at fault; please report it"),
            );
            message
        }
    }];
    let own = subject.literal().evaluate(&set.inputs, program.numerics).map_err(fails)?;
    for (i, own) in subject.literal().outputs(&own).iter().enumerate() {
        let (measure, after) = (&subject.measures()[i], &graph.outputs[i]);
        let after = values[after.value.index()].as_ref();
        if let Some(d) = after.and_then(|after| compare(own, after, measure, &c.tolerance)) {
            lines.push(format!("passes change output {i} by {:.3e} at most", d.max_absolute));
        }
        let expected = set.outputs[i].as_ref().filter(|_| c.reference.is_vectors());
        if let Some(d) = expected.and_then(|r| compare(r, own, measure, &c.tolerance)) {
            lines.push(format!("the graph as the model writes it is {:.3e} at most from the vectors", d.max_absolute));
        }
    }
    Ok(lines)
}
