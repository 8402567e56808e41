//! `Cargo.toml` and `zant.json`.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::weights::Weights;
use super::{Package, Source, VERSION};
use crate::config::{Optimize, Word};
use crate::footprint::Footprint;
use crate::program::{Port, Program};

/// `rustfmt.toml`: the code is formatted, but by nobody's settings; `cargo fmt` of a workspace leaves it as it is.
pub(super) const RUSTFMT: &str = "# The code is generated; zantc formats it.\ndisable_all_formatting = true\n";

/// The manifest: no dependencies; a workspace of its own, so that it builds wherever it lies, unless it is to be another's member.
pub(super) fn cargo_toml(source: &Source<'_>) -> String {
    let head = format!(
        "[package]\n\
         name = \"{name}\"\n\
         version = \"0.1.0\"\n\
         edition = \"2024\"\n\
         rust-version = \"1.88\"\n\
         description = \"A neural network compiled to Rust by zantc\"\n\
         license = \"0BSD OR MIT OR Apache-2.0\"\n\
         publish = false\n\n",
        name = source.name,
    );
    let opt = match source.config.optimize {
        Optimize::Speed => "3",
        Optimize::Size => "\"z\"",
    };
    match source.config.member {
        // Profiles are the workspace's.
        true => head + "[dependencies]\n",
        false => format!(
            "{head}\
             # The crate has its own workspace, so that it builds in any folder. `zantc compile --member` leaves this out, for crates\n\
             # that are members of the surrounding workspace, or its dependencies by path.\n\
             [workspace]\n\
             \n\
             [dependencies]\n\
             \n\
             [profile.release]\n\
             opt-level = {opt}\n\
             codegen-units = 1\n"
        ),
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What the crate was made from, its memory plan, and its other files with their hashes: what zantc may replace or remove.
pub(super) fn zant_json(source: &Source<'_>, weights: &Weights, others: &Package) -> String {
    let mut value = description(source);
    value["weights"]["sha256"] = hex(&Sha256::digest(&weights.blob)).into();
    value["files"] = files(others);
    written(&value)
}

/// The same of a crate of several models that share a runtime.
pub(super) fn models_json(name: &str, sources: &[Source<'_>], others: &Package) -> String {
    let models = sources.iter().map(|s| (s.name.to_string(), description(s))).collect::<serde_json::Map<_, _>>();
    written(&json!({
        "zantc": VERSION,
        "model": { "name": name, "sha256": super::session::sha256(sources) },
        "weights": { "bytes": sources.iter().map(|s| s.program.weights_bytes()).sum::<usize>() },
        "models": models,
        "files": files(others),
    }))
}

/// The same of a crate of several models that have one state.
pub(super) fn session_json(name: &str, sources: &[Source<'_>], others: &Package) -> String {
    let programs: Vec<&Program> = sources.iter().map(|s| s.program).collect();
    let models = sources.iter().map(|s| (s.name.to_string(), description(s))).collect::<serde_json::Map<_, _>>();
    written(&json!({
        "zantc": VERSION,
        "model": { "name": name, "sha256": super::session::sha256(sources) },
        "weights": { "bytes": super::session::weights_bytes(&programs) },
        "models": models,
        "files": files(others),
    }))
}

/// The files of a package with their hashes.
fn files(package: &Package) -> serde_json::Value {
    let hashed = |(path, content): (&String, &Vec<u8>)| (path.clone(), hex(&Sha256::digest(content)).into());
    package.files.iter().map(hashed).collect::<serde_json::Map<_, _>>().into()
}

fn written(value: &serde_json::Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("the value is plain data");
    text.push('\n');
    text
}

/// What a model was made from, and its memory plan.
fn description(source: &Source<'_>) -> serde_json::Value {
    let (program, config) = (source.program, source.config);
    let layout = program.layout.as_ref();
    let buffers: Vec<_> = program
        .buffers
        .iter()
        .enumerate()
        .filter_map(|(i, b)| {
            let offset = layout.and_then(|l| l.offsets[i])?;
            Some(json!({ "name": b.name, "type": b.dtype.name(), "elements": b.elements, "offset": offset }))
        })
        .collect();
    let steps: Vec<_> = program
        .steps
        .iter()
        .enumerate()
        .map(|(i, s)| {
            let mut step = json!({
                "kernel": s.call.name(),
                "nodes": s.origin.iter().map(|o| o.name.as_str()).collect::<Vec<_>>(),
                "result": s.result.to_string(),
                "macs": s.macs,
                "live_bytes": layout.and_then(|l| l.live_bytes.get(i).copied()),
            });
            if let Some(bits) = program.weight_bits(s) {
                step["bits_per_weight"] = hundredths(bits).into();
            }
            if let Some(note) = &s.note {
                step["weights"] = note.as_str().into();
            }
            step
        })
        .collect();
    let mut value = json!({
        "zantc": VERSION,
        "model": { "name": program.name, "sha256": source.model_sha256 },
        "inputs": ports(program, &program.inputs),
        "outputs": ports(program, &program.outputs),
        "weights": { "bytes": program.weights_bytes() },
        "options": {
            "target": config.target.name,
            "numerics": program.numerics.word(),
            "optimize": config.optimize.word(),
            "alloc": config.alloc.word(),
            "dims": config.dims,
        },
        "memory": {
            "arena_bytes": layout.map(|l| l.arena_bytes),
            "in_all": Footprint::of(program, config).json(),
            "arena_lower_bound_bytes": layout.map(|l| l.lower_bound_bytes),
            "best_order": layout.map(|l| l.optimal_order),
            "gap": layout.and_then(|l| l.gap.clone()),
            "buffers": buffers,
        },
        "macs": program.macs(),
        "steps": steps,
    });
    for (key, section) in [("weights_section", &config.weights_section), ("arena_section", &config.arena_section)] {
        if let Some(name) = section {
            value["options"][key] = name.as_str().into();
        }
    }
    if let Some(board) = config.board {
        value["options"]["board"] = board.name.into();
    }
    if !program.states.is_empty() {
        let pair = |s: &crate::program::State| json!({ "input": s.name, "output": s.output_name });
        value["options"]["states"] = program.states.iter().map(pair).collect();
    }
    value
}

/// Inputs or outputs, with what their integers stand for.
pub fn ports(program: &Program, ports: &[Port]) -> serde_json::Value {
    let port = |p: &Port| {
        let mut value = json!({ "name": p.name, "type": p.ty.dtype.name(), "shape": p.ty.shape });
        if let Some(quantization) = program.quantization(p) {
            let range = super::numbers::range(p, quantization);
            value["quantization"] =
                json!({ "scale": quantization.scale, "zero_point": quantization.zero, "range": range });
        }
        value
    };
    ports.iter().map(port).collect()
}

/// A number with two digits behind the point.
fn hundredths(v: f64) -> f64 {
    (v * 100.0).round() / 100.0
}
