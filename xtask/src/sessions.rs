//! `cargo xtask sessions`: sessions of the model set's transformers, as docs/sessions.md.

use crate::command::{cargo, program, root, run, text};
use crate::large::{model, python};

/// Play sessions of transformers beside onnxruntime, and write docs/sessions.md
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Transformers of the model set: NAME_decode and NAME_prefill
    #[arg(default_values_t = ["gpt_small", "gpt_medium"].map(String::from))]
    names: Vec<String>,
    /// Sessions of each
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// Leave docs/sessions.md as it is, and write target/sessions alone
    #[arg(long)]
    dry: bool,
}

/// Tokens of a prompt: as many as the readers of the model set take.
const PROMPT: &str = "32";

const HEAD: &str = "# Sessions of decoders

Made by `cargo xtask sessions`: `zantc bench session` with a small transformer (128 wide, 2 layers) and a medium one (256 wide, 4 layers), both with a
vocabulary of 512 and room for 128 tokens. Each is a decoder and a reader of its prompt, of the same weights, as one crate; `models/expose_caches.py`
makes the keys and values of the model set's readers outputs. onnxruntime plays in turns with ours, on one thread, with both models and its caches as
inputs and outputs. [Measuring](measuring.md) says how sessions are played and what the columns mean.
";

/// Whether all was made.
pub(crate) fn sessions(args: &Args) -> Result<bool, String> {
    let folder = root().join("target/sessions");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let python = python(&root().join("target/zant-venv"), &["numpy", "onnx", "onnxruntime"])?;
    let (mut decoders, mut readers) = (Vec::new(), Vec::new());
    for name in &args.names {
        let (decoder, whole) = (model(&format!("{name}_decode"))?, model(&format!("{name}_prefill"))?);
        let reader = folder.join(format!("{name}_prefill.onnx"));
        if !run(&python, &["models/expose_caches.py", &text(&whole), &text(&reader)])? {
            return Ok(false);
        }
        decoders.push(text(&decoder));
        readers.push(text(&reader));
    }
    if !cargo(&["build", "--release", "-p", "zant-cli"])? {
        return Ok(false);
    }
    let (readers, output, rounds) = (readers.join(","), text(&folder), args.rounds.to_string());
    let mut command = vec!["bench", "session"];
    command.extend(decoders.iter().map(String::as_str));
    command.extend(["--prefill", &readers, "--prompt", PROMPT, "--tokens", "25", "--rounds", &rounds]);
    command.extend(["--against", "onnxruntime", "--target", "cortex-m7", "--output", &output]);
    if !run(&program(), &command)? {
        return Ok(false);
    }
    let made = folder.join("report.md");
    let report = std::fs::read_to_string(&made).map_err(|e| format!("{}: {e}", made.display()))?;
    let body = report.split_once('\n').map_or("", |(_, body)| body);
    let page = root().join("docs/sessions.md");
    if args.dry {
        return Ok(true);
    }
    std::fs::write(&page, format!("{HEAD}{body}")).map_err(|e| format!("{}: {e}", page.display()))?;
    Ok(true)
}
