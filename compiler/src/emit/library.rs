//! `src/lib.rs`: documentation and the crate's face.

use super::module::MODULE_MARK;
use super::names::Names;
use super::ports::port_doc;
use super::state::state_doc;
use super::words::{in_doc, is_unusual};
use super::{Source, VERSION, map};
use crate::config::Alloc;
use crate::footprint::arena_bytes;
use crate::ir::DType;

/// The text of the file.
pub(super) fn library(source: &Source<'_>, names: &Names) -> String {
    let program = source.program;
    let mut text = format!("{}\n//! {}\n//!\n", map::generated(source), title(source));
    for (p, n) in program.inputs.iter().zip(&names.inputs) {
        text += &format!("//! - input `{n}`:{}\n", port_doc(program, p));
    }
    for (p, n) in program.outputs.iter().zip(&names.outputs) {
        text += &format!("//! - output `{n}`:{}\n", port_doc(program, p));
    }
    for (s, n) in program.states.iter().zip(&names.states) {
        text += &format!("//! - state `{n}`: {}\n", state_doc(s));
    }
    text += &format!(
        "//!\n//! {} bytes of arena, {} bytes of constants, {} multiply-adds a run; no heap{}.\n//!\n{}",
        arena_bytes(program),
        program.weights_bytes(),
        program.macs(),
        if source.config.alloc == Alloc::Heap { " but for the arena" } else { "" },
        doc_example(source, names),
    );
    text += "#![no_std]\n#![deny(unsafe_code)]\n";
    if is_unusual(source.name) {
        text += "#![allow(non_snake_case)]\n";
    }
    text += "\n";
    text += "#[cfg(target_endian = \"big\")]\ncompile_error!(\"weights.bin is little-endian; big-endian targets are not supported\");\n\n";
    if source.config.alloc == Alloc::Heap {
        text += "extern crate alloc;\n\n";
    }
    text += &format!(
        "{QUIET}mod model;\n/// What the model uses of the runtime: kernels, and what they need.\n#[allow(dead_code, unused_imports, unused_variables)]\n{QUIET}mod rt;\n#[allow(unsafe_code)]\n{QUIET}mod weights;\n\n"
    );
    text += "pub use model::*;\n";
    text += &exports(source);
    text += &take(source);
    text
}

/// Generated code keeps its own habits under any lints of the code around it.
pub(super) const QUIET: &str = "#[allow(unreachable_pub, clippy::all, clippy::pedantic)]\n";

/// What the crate re-exports of its runtime.
pub(super) fn exports(source: &Source<'_>) -> String {
    let mut text = String::new();
    if source.config.alloc == Alloc::Caller {
        text += "pub use rt::arena::{Arena, ArenaError};\n";
    }
    if source.program.is_fallible() {
        text += "pub use rt::error::DataError;\n";
    }
    if super::numbers::has_scores(source.program) {
        text += "pub use rt::math::argmax::argmax;\n";
    }
    text
}

/// One line that says what the crate is.
pub(super) fn title(source: &Source<'_>) -> String {
    format!("The neural network {}, {MODULE_MARK}{VERSION} from an ONNX model.", in_doc(source.title()))
}

/// How the model is used.
pub(super) fn doc_example(source: &Source<'_>, names: &Names) -> String {
    let mut text = String::from("//! ```\n");
    for line in example(source, names) {
        text += &format!("//! {line}\n");
    }
    text + "//! ```\n"
}

/// The lines of an example that compiles.
pub(super) fn example(source: &Source<'_>, names: &Names) -> Vec<String> {
    let program = source.program;
    let krate = source.name.replace('-', "_");
    let zero = |d: DType| match (d, d.is_float()) {
        (DType::Bool, _) => "false".to_string(),
        (DType::F16 | DType::BF16, _) => "0u16".into(),
        (DType::Mini(_), _) => "0u8".into(),
        (d, true) => format!("0.0{d}"),
        (d, false) => format!("0{d}"),
    };
    let value = |i: usize| {
        let ty = &program.inputs[i].ty;
        format!("&[{}; {}]", zero(ty.dtype), ty.elements())
    };
    let arena = if source.config.alloc == Alloc::Caller { "&mut arena, " } else { "" };
    let mut lines = Vec::new();
    let own = program.has_own_inputs();
    let call = match program.inputs.len() {
        _ if own => format!("model.run({})", arena.trim_end_matches(", ")),
        0 => format!("model.run({})", arena.trim_end_matches(", ")),
        1 => format!("model.run({arena}{})", value(0)),
        n => {
            let fields: Vec<String> = (0..n).map(|i| format!("{}: {}", names.inputs[i], value(i))).collect();
            format!("model.run({arena}{krate}::Inputs {{ {} }})", fields.join(", "))
        }
    };
    // Neither a model nor an arena is put on a stack, however small: on a microcontroller that may be smaller.
    if source.config.alloc == Alloc::Static {
        lines.push(format!("let model = {krate}::take().expect(\"taken once\");"));
    } else {
        if source.config.alloc == Alloc::Caller {
            lines.push(format!(
                "static ARENA: std::sync::Mutex<{krate}::Arena<{{ {krate}::ARENA_BYTES }}>> = std::sync::Mutex::new({krate}::Arena::new());"
            ));
            lines.push("let mut arena = ARENA.lock().unwrap();".into());
        }
        let mutable = if source.config.alloc == Alloc::Caller { "" } else { "mut " };
        lines.push(format!("let {mutable}model = {krate}::Model::new();"));
    }
    let call = call.replace("&mut arena", "&mut *arena");
    if own {
        let lent = if source.config.alloc == Alloc::Caller { "&mut *arena" } else { "" };
        lines.extend((0..program.inputs.len()).map(|at| {
            let ty = &program.inputs[at].ty;
            let value = if ty.dtype == DType::Bool { "0u8".to_string() } else { zero(ty.dtype) };
            format!("model.{}({lent}).fill({value});", super::own_inputs::method(names, at))
        }));
    }
    let first = if names.outputs.len() == 1 { String::new() } else { format!(".{}", names.outputs[0]) };
    let check = format!("assert_eq!(result{first}.len(), {})", program.outputs[0].ty.elements());
    if program.is_fallible() {
        // Zeros may be what the model cannot compute with.
        lines.push(format!("match {call} {{"));
        lines.push(format!("    Ok(result) => {check},"));
        lines.push("    Err(refused) => println!(\"{refused}\"),".into());
        lines.push("}".into());
    } else {
        lines.push(format!("let result = {call};"));
        lines.push(format!("{check};"));
    }
    lines
}

/// The one static model, for those who would otherwise put it on a stack.
pub(super) fn take(source: &Source<'_>) -> String {
    if source.config.alloc != Alloc::Static {
        return String::new();
    }
    take_static(source, "Model", !source.program.states.is_empty())
}

/// The same for whatever type has the arena.
pub(super) fn take_static(source: &Source<'_>, of: &str, has_states: bool) -> String {
    if let Some(section) = &source.config.arena_section {
        return take_from(section, has_states).replace("Model", of);
    }
    let text = "\n/// Lends the only model of the program the first time; returns `None` afterwards. It lies in `.bss`, never on the stack.\n\
     #[cfg(target_has_atomic = \"8\")]\n\
     #[must_use]\n\
     pub fn take() -> Option<&'static mut Model> {\n    \
     static MODEL: rt::once::Once<Model> = rt::once::Once::new(Model::new());\n    \
     MODEL.take()\n}\n";
    text.replace("Model", of)
}

/// The same with the model in a section, which may hold anything at the start: its flag lies in `.bss`, and its states are cleared.
fn take_from(section: &str, has_states: bool) -> String {
    let lend = "unsafe { TAKEN.lend(&MODEL) }";
    let body = match has_states {
        true => format!("    let model = {lend}?;\n    model.reset();\n    Some(model)\n"),
        false => format!("    {lend}\n"),
    };
    let states = if has_states { " Its states are zeros." } else { "" };
    format!(
        "\n/// Lends the only model of the program the first time after a reset; returns `None` afterwards. It lies in `{section}`, never\n\
         /// on the stack, and start-up code need not clear or load that section.{states}\n\
         #[cfg(target_has_atomic = \"8\")]\n\
         #[allow(unsafe_code)]\n\
         #[must_use]\n\
         pub fn take() -> Option<&'static mut Model> {{\n    \
         static TAKEN: rt::once::Taken = rt::once::Taken::new();\n    \
         // SAFETY: where it lies changes nothing about the value.\n    \
         #[unsafe(link_section = {section:?})]\n    \
         static MODEL: rt::once::Place<Model> = rt::once::Place::new(Model::new());\n    \
         // SAFETY: nothing else lends this place; a model is bytes, of which all are values.\n{body}}}\n"
    )
}
