//! `zantc explain`: what a diagnostic code means.

use zantc::diag::codes::{CODES, Code, find};

use super::shell::{Shell, table};
use super::{Failure, Outcome};

/// Explain a diagnostic code, such as ZA0204; without one, list them
#[derive(clap::Args)]
pub(super) struct Args {
    /// The code
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// Write the page of all codes instead
    #[arg(long, conflicts_with = "code")]
    markdown: bool,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    if args.markdown {
        return shell.out(&markdown());
    }
    let Some(given) = args.code.as_deref() else { return list(shell) };
    match find(given) {
        Some(code) if shell.is_json() => shell.json(&json(code)),
        Some(code) => shell.out(&format!("{}: {}\n\n{}\n", code.code, code.title, code.text)),
        None => {
            let near = nearest(&given.to_ascii_uppercase());
            Err(Failure::Usage(format!("there is no code {given:?}; the nearest is {} ({})", near.code, near.title)))
        }
    }
}

/// All codes with their titles.
fn list(shell: &mut Shell) -> Outcome {
    if shell.is_json() {
        return CODES.iter().try_for_each(|code| shell.json(&json(code)));
    }
    let rows: Vec<Vec<String>> = CODES.iter().map(|c| vec![c.code.to_string(), c.title.to_string()]).collect();
    shell.out(&table(&["code", "what"], &rows))
}

fn json(code: &Code) -> serde_json::Value {
    let Code { code, title, text } = code;
    serde_json::json!({ "reason": "explanation", "code": code, "title": title, "text": text })
}

/// The code that takes the fewest edits; the first of those.
fn nearest(given: &str) -> &'static Code {
    zantc::diag::nearest(given, CODES.iter().map(|c| c.code)).and_then(find).expect("there are codes")
}

fn markdown() -> String {
    let mut text = String::from(
        "# Diagnostic codes\n\n<!-- Made by `zantc explain --markdown`. -->\n\nCodes are stable. `zantc explain CODE` prints the same text.\n",
    );
    for c in CODES {
        text += &format!("\n## {}: {}\n\n{}\n", c.code, c.title, c.text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{CODES, markdown, nearest};

    #[test]
    fn a_mistyped_code_has_a_neighbour() {
        assert_eq!(nearest(concat!("ZA", "0240")).code, "ZA0210");
        assert_eq!(nearest("ZA204").code, "ZA0204");
        assert_eq!(nearest("ZA0204").code, "ZA0204");
    }

    #[test]
    fn the_page_has_every_code() {
        let page = markdown();
        assert!(CODES.iter().all(|c| page.contains(&format!("## {}: ", c.code))));
    }
}
