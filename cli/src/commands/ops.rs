//! `zantc ops`: the table of supported operators.

use zantc::import::registry::{OpEntry, entries};

use super::Outcome;
use super::shell::{Shell, table};

/// List the supported ONNX operators
#[derive(clap::Args)]
pub(super) struct Args {
    /// Write the page of the documentation instead
    #[arg(long)]
    markdown: bool,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    let mut sorted: Vec<&OpEntry> = entries().collect();
    sorted.sort_by_key(|e| (e.domain, e.name));
    if args.markdown {
        return shell.out(&markdown(&sorted));
    }
    if shell.is_json() {
        return sorted.iter().try_for_each(|e| {
            let value = serde_json::json!({
                "reason": "operator", "domain": domain(e), "name": e.name, "limits": e.limits,
            });
            shell.json(&value)
        });
    }
    let rows: Vec<Vec<String>> =
        sorted.iter().map(|e| vec![e.name.to_string(), domain(e).to_string(), e.limits.to_string()]).collect();
    shell.out(&table(&["operator", "domain", "limits"], &rows))
}

/// The domain as ONNX spells it out.
fn domain(entry: &OpEntry) -> &'static str {
    if entry.domain.is_empty() { "ai.onnx" } else { entry.domain }
}

fn markdown(entries: &[&OpEntry]) -> String {
    let mut text = format!(
        "# Operators\n\n<!-- Made by `zantc ops --markdown`. -->\n\n{} operators are supported, with the semantics of every opset that defines them, save where the last column\nsays otherwise. Operators that ONNX defines as functions of others are taken apart. What cannot be compiled is a\ndiagnostic; `zantc check MODEL.onnx` lists all of them at once.\n\n| operator | domain | limits |\n| --- | --- | --- |\n",
        entries.len()
    );
    for e in entries {
        text += &format!("| {} | {} | {} |\n", e.name, domain(e), e.limits.replace('|', "\\|"));
    }
    text
}
