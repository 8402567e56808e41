//! Models whose names are hostile: text that would end a string, a comment or a path if it were taken as it is.

use prost::Message as _;
use zantc::onnx::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto};

use super::{Ended, compiled, package};
use crate::random::Random;

/// Pieces that hostile names are made of.
const PIECES: [&str; 44] = [
    "\"",
    "'",
    "\\",
    "\n",
    "\r\n",
    "*/",
    "/*",
    "//",
    "\u{202e}",
    "\u{2066}",
    "{",
    "}",
    "{}",
    "fn",
    "self",
    "crate",
    "Self",
    "super",
    "r#\"",
    "\"#",
    "../",
    "/etc/passwd",
    "C:\\x",
    "\0",
    "#![",
    "]",
    "x",
    "X",
    "_",
    "0",
    "ä",
    "漢",
    "\u{200b}",
    "\u{301}",
    "🦀",
    "<script>",
    "$(x)",
    "`",
    "%s",
    "model",
    "run",
    "input",
    "output",
    "type",
];

/// A hostile name.
fn name(r: &mut Random, long: bool) -> String {
    match r.below(12) {
        0 => String::new(),
        1 if long => r.pick(&PIECES).repeat(60_000 / 4),
        2 => r
            .pick(&[
                "fn", "self", "Self", "crate", "super", "_", "async", "r#fn", "Model", "Inputs", "Outputs", "u8",
                "f32", "main",
            ])
            .into(),
        _ => (0..r.within(1, 6)).map(|_| r.pick(&PIECES)).collect(),
    }
}

/// The model of a case.
pub fn model(case: u64) -> ModelProto {
    let mut r = Random::new(case ^ 0x0bad_0000);
    let count = r.within(1, 4);
    let mut names: Vec<String> = (0..2 * count).map(|_| name(&mut r, case.is_multiple_of(16))).collect();
    // A value without a name is none; names must differ as bytes, though perhaps not as identifiers.
    for i in 0..names.len() {
        while names[i].is_empty() || names[..i].contains(&names[i]) {
            names[i].push_str(r.pick(&["_", "-", ".", " "]));
        }
    }
    let (inputs, outputs) = names.split_at(count);
    let node = |(i, (input, output)): (usize, (&String, &String))| NodeProto {
        op_type: ["Relu", "Sigmoid", "Neg", "Identity"][i % 4].into(),
        input: vec![input.clone()],
        output: vec![output.clone()],
        name: name(&mut Random::new(case + i as u64), false),
        doc_string: PIECES[i].into(),
        ..NodeProto::default()
    };
    let info = |n: &String| crate::random::info(n, &[2, 3], 1);
    let graph = GraphProto {
        name: name(&mut r, false),
        node: inputs.iter().zip(outputs).enumerate().map(node).collect(),
        input: inputs.iter().map(info).collect(),
        output: outputs.iter().map(info).collect(),
        doc_string: name(&mut r, true),
        ..GraphProto::default()
    };
    let entry = StringStringEntryProto { key: name(&mut r, false), value: name(&mut r, false) };
    ModelProto {
        ir_version: 10,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        producer_name: name(&mut r, false),
        domain: name(&mut r, false),
        doc_string: name(&mut r, false),
        metadata_props: vec![entry],
        graph,
        ..ModelProto::default()
    }
}

/// Runs a case: what is emitted is Rust and TOML, and stays in its folder. With a folder it is written there to be built.
///
/// # Errors
/// What is wrong with how it ended.
pub fn run(case: u64, build: Option<&std::path::Path>) -> Result<Ended, String> {
    let (ended, compiled) = compiled(model(case).encode_to_vec())?;
    let Some(compiled) = compiled else { return Ok(ended) };
    let package = package(&compiled);
    for (path, content) in &package.files {
        let parts: Vec<&str> = path.split('/').collect();
        if path.contains('\\') || parts.iter().any(|p| p.is_empty() || *p == ".." || *p == ".") {
            return Err(format!("the path {path:?} leaves the crate"));
        }
        let text = || std::str::from_utf8(content).map_err(|e| format!("{path}: {e}"));
        if path.ends_with(".rs") {
            syn::parse_file(text()?).map_err(|e| format!("{path} is no Rust: {e}"))?;
            if text()?.chars().any(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) {
                return Err(format!("{path} has text that runs backwards"));
            }
        }
        if path.ends_with(".json") {
            serde_json::from_slice::<serde_json::Value>(content).map_err(|e| format!("{path} is no JSON: {e}"))?;
        }
    }
    if let Some(folder) = build {
        package.write(folder).map_err(|e| e.to_string())?;
    }
    Ok(ended)
}
