//! `README.md` of an emitted crate.

use super::library::example;
use super::names::Names;
use super::numbers::{dimensions, has_float_products, quantized};
use super::state::state_doc;
use super::words::in_doc;
use super::{Source, VERSION};
use crate::config::Alloc;
use crate::footprint::Footprint;
use crate::ir::Numerics;
use crate::program::{Port, Program};

/// An input or output: its type, its name in the model, what its dimensions are, and what its integers stand for.
fn port(program: &Program, port: &Port) -> String {
    let dimensions = dimensions(program, port).map_or_else(String::new, |d| format!("; {d}"));
    let quantized = quantized(program, port).map_or_else(String::new, |q| format!("; {q}"));
    format!("{} {}{dimensions}{quantized}", port.ty, in_doc(&port.name).replace('|', "\\|"))
}

/// The text of the file.
pub(super) fn readme(source: &Source<'_>, names: &Names) -> String {
    let program = source.program;
    let mut text = format!("# {}\n\n{}\n\n", source.name, super::library::title(source));
    text += "`no_std`, no heap, no dependencies, no `unsafe` in the model's own code.\n\n";
    text += "| | |\n| --- | --- |\n";
    for (p, n) in program.inputs.iter().zip(&names.inputs) {
        text += &format!("| input `{n}` | {} |\n", port(program, p));
    }
    for (p, n) in program.outputs.iter().zip(&names.outputs) {
        text += &format!("| output `{n}` | {} |\n", port(program, p));
    }
    for (s, n) in program.states.iter().zip(&names.states) {
        text += &format!("| state `{n}` | {} |\n", state_doc(s).replace('|', "\\|"));
    }
    let layout = program.layout.as_ref();
    let footprint = Footprint::of(program, source.config);
    let what = if program.has_own_inputs() { "arena, with the inputs (RAM)" } else { "arena (RAM)" };
    text += &format!("| {what} | {} bytes |\n", footprint.arena);
    text += &format!(
        "| lower bound of the arena for this order of steps | {} bytes |\n",
        layout.map_or(0, |l| l.lower_bound_bytes)
    );
    if !program.has_own_inputs() {
        text += &format!("| inputs, lent by the caller (RAM) | {} bytes |\n", footprint.inputs);
    }
    if let Some(stack) = footprint.stack {
        text += &format!("| stack, estimated (RAM) | {stack} bytes |\n| RAM, total | {} bytes |\n", footprint.ram());
    }
    text += &format!("| constants (flash) | {} bytes |\n", footprint.weights);
    if let Some(code) = footprint.code {
        text +=
            &format!("| code, estimated (flash) | {code} bytes |\n| flash, total | {} bytes |\n", footprint.flash());
    }
    text += &format!("| multiply-adds | {} |\n", program.macs());
    text += &format!("| steps | {} |\n\n", program.steps.len());
    text += "## Use\n\n```rust\n";
    for line in example(source, names) {
        text += &format!("{line}\n");
    }
    text += "```\n\n";
    if source.config.alloc == Alloc::Static {
        text += "`take` lends the only model of the program, which lies in `.bss`. If the target has no atomic operations, or if you need\nseveral models, keep each `Model` in a `static` of your own: `Model::new` is `const` and consists of zero bytes.\n\n";
    }
    text += match program.numerics {
        _ if !has_float_products(program) => "The results have the same bits everywhere.\n\n",
        Numerics::Fused => {
            "Every product is an IEEE fused multiply-add: an instruction if the CPU has one, otherwise exact but slow software. The\nresults have the same bits everywhere.\n\n"
        }
        Numerics::Separate => {
            "Every product is rounded before it is added. The results have the same bits everywhere.\n\n"
        }
    };
    text += match super::golden::cases(source) {
        [] => {
            "The crate has no test vectors: none were small enough, or could be computed within the limits of time and memory."
        }
        _ => {
            "`cargo test` runs the test vectors in `tests/golden`. Their outputs were computed by zantc with the same kernels."
        }
    };
    text += " `zant.json` tells how the crate was made, and where every buffer lies.\n\n";
    text += &format!(
        "Made by zantc {VERSION} for `{}`. The code may be used under 0BSD, MIT or Apache-2.0, at your choice; the\nconstants have the license of the model.\n",
        source.config.target.name
    );
    text
}
