//! `README.md` of an emitted crate.

use super::library::example;
use super::names::{Names, in_doc};
use super::state::state_doc;
use super::{Source, VERSION};
use crate::config::Alloc;
use crate::footprint::Footprint;
use crate::ir::Numerics;

/// The text of the file.
pub(super) fn readme(source: &Source<'_>, names: &Names) -> String {
    let program = source.program;
    let mut text = format!("# {}\n\n{}\n\n", source.name, super::library::title(source));
    text += "`no_std`, no heap, no dependencies, no `unsafe` in the model's own code.\n\n";
    text += "| | |\n| --- | --- |\n";
    for (p, n) in program.inputs.iter().zip(&names.inputs) {
        text += &format!("| input `{n}` | {} {} |\n", p.ty, in_doc(&p.name).replace('|', "\\|"));
    }
    for (p, n) in program.outputs.iter().zip(&names.outputs) {
        text += &format!("| output `{n}` | {} {} |\n", p.ty, in_doc(&p.name).replace('|', "\\|"));
    }
    for (s, n) in program.states.iter().zip(&names.states) {
        text += &format!("| state `{n}` | {} |\n", state_doc(s).replace('|', "\\|"));
    }
    let layout = program.layout.as_ref();
    let footprint = Footprint::of(program, source.config);
    text += &format!("| arena (RAM) | {} bytes |\n", footprint.arena);
    text += &format!("| least RAM for this order of steps | {} bytes |\n", layout.map_or(0, |l| l.lower_bound_bytes));
    text += &format!("| inputs, lent (RAM) | {} bytes |\n", footprint.inputs);
    if let Some(stack) = footprint.stack {
        text += &format!("| stack, estimated (RAM) | {stack} bytes |\n| RAM in all | {} bytes |\n", footprint.ram());
    }
    text += &format!("| constants (flash) | {} bytes |\n", footprint.weights);
    if let Some(code) = footprint.code {
        text +=
            &format!("| code, estimated (flash) | {code} bytes |\n| flash in all | {} bytes |\n", footprint.flash());
    }
    text += &format!("| multiply-adds | {} |\n", program.macs());
    text += &format!("| steps | {} |\n\n", program.steps.len());
    text += "## Use\n\n```rust\n";
    for line in example(source, names) {
        text += &format!("{line}\n");
    }
    text += "```\n\n";
    if source.config.alloc == Alloc::Static {
        text += "`take` gives the one model of the program, which lies in `.bss`. Where the target has no atomic operations, or where there are\nseveral, keep a `Model` in a `static` of yours: `Model::new` is `const`, and all zero bytes.\n\n";
    }
    text += match program.numerics {
        Numerics::Fused => {
            "Every product is an IEEE fused multiply-add: by an instruction where the CPU has one, else in exact (slow)\nsoftware. The results have the same bits everywhere.\n\n"
        }
        Numerics::Separate => {
            "Every product is rounded before it is added. The results have the same bits everywhere.\n\n"
        }
    };
    text += match super::golden::cases(source) {
        [] => {
            "The crate has no vectors for its own tests: there were none that could be computed in bounded time and memory, and\nthat are small."
        }
        _ => {
            "`cargo test` runs the vectors in `tests/golden`, whose outputs are what zantc computed by the same kernels;"
        }
    };
    text += " `zant.json` says how the crate was made and where every buffer lies.\n\n";
    text += &format!(
        "Made by zantc {VERSION} for `{}`. The code may be used under 0BSD, MIT or Apache-2.0, at your choice; the\nconstants are the model's.\n",
        source.config.target.name
    );
    text
}
