//! The module that runs an emitted crate in a process of the host: inputs and states from memory, any number of runs, outputs
//! to a file.
//!
//! The harness around it has `super::libc::File`, `super::libc::write_all` and `super::stop`; it calls the emitted crate `model`.

use super::inference::{Callee, ENTRY, array, entry, infer, results};
use crate::config::Alloc;
use crate::emit::Source;
use crate::emit::names::Names;
use crate::emit::own_inputs::{fill, method};
use crate::program::Program;

/// Bytes between the starts of inputs: what any element and any vector wants.
const ALIGN: usize = 64;

/// Where each input and then each state begins in the harness's file of inputs, and the bytes of that file.
pub fn input_places(program: &Program) -> (Vec<usize>, usize) {
    let bytes = program.inputs.iter().map(|p| p.ty.bytes()).chain(program.states.iter().map(|s| s.bytes()));
    let mut end = 0;
    let place = |bytes: usize| {
        let start = end;
        end += bytes.next_multiple_of(ALIGN);
        start
    };
    (bytes.map(place).collect(), end)
}

/// The text of the module.
///
/// # Errors
/// Where the arena is the caller's: the model has it, or the heap.
pub fn emit_process(source: &Source<'_>) -> Result<String, String> {
    emitted(source, &Callee::only())
}

/// The same of a decoder and the reader of its prompt, in a crate of [`crate::emit::emit_session_crate`]: what is run, measured and compared is
/// the decoder, and there is `prompt` besides, whose inputs stand in the file behind all that [`input_places`] names for the decoder.
///
/// # Errors
/// As [`emit_process`]; a reader without scores.
pub fn emit_session_process(decoder: &Source<'_>, reader: &Source<'_>) -> Result<String, String> {
    let text = emitted(decoder, &Callee::of_session(decoder.name))?;
    let at = input_places(decoder.program).1;
    let prompt =
        prompt(reader, at, counts(decoder.program)).ok_or("the reader of the prompt has no output of floats")?;
    Ok(text + &prompt)
}

/// Whether a ring of a decoder's counts its parts, so that it has to be told how long a prompt is.
fn counts(program: &Program) -> bool {
    program.states.iter().filter_map(|state| state.ring.as_ref()).any(|ring| ring.slot.is_some())
}

fn emitted(source: &Source<'_>, callee: &Callee) -> Result<String, String> {
    let heap = match source.config.alloc {
        Alloc::Static => false,
        Alloc::Heap => true,
        Alloc::Caller => return Err("the model has its arena, static or heap".into()),
    };
    let names = Names::new(source.program);
    let (places, bytes) = input_places(source.program);
    let mut text = format!(
        "//! The model, its inputs, and its runs.\n\n/// Bytes of the inputs and states.\npub(crate) const INPUT_BYTES: usize = {bytes};\n/// Bytes of the model.\npub(crate) const MODEL_BYTES: usize = size_of::<{}>();\n\n",
        callee.owner
    );
    if source.config.observed {
        text += &format!(
            "/// Steps that the model tells of.\npub(crate) const STEPS: usize = {};\n\n",
            source.program.steps.len()
        );
    }
    text += &(if heap { HEAP } else { STATIC }).replace("model::Model", &callee.owner);
    text += &reset(source.program, &names, &places);
    text += &run(source.program, &names, &places, callee);
    text += &write(source.program, &names);
    text += &token(source.program, &names, &places, bytes);
    text += &infer(source, &names, callee, false, "super::steps::mark");
    Ok(text)
}

const STATIC: &str = "static mut MODEL: model::Model = model::Model::new();

/// The model. There is one thread, and one use at a time.
unsafe fn model() -> &'static mut model::Model {
    // SAFETY: as said.
    unsafe { &mut *(&raw mut MODEL) }
}

/// Makes the model.
pub(crate) unsafe fn start() {}

/// Lets it go.
pub(crate) unsafe fn stop() {}
";

const HEAP: &str = "static mut MODEL: Option<model::Model> = None;

/// The model. There is one thread, and one use at a time.
unsafe fn model() -> &'static mut model::Model {
    // SAFETY: as said.
    match unsafe { &mut *(&raw mut MODEL) } {
        Some(model) => model,
        None => super::stop(super::USAGE),
    }
}

/// Makes the model.
pub(crate) unsafe fn start() {
    // SAFETY: as for `model`.
    unsafe { *(&raw mut MODEL) = Some(model::Model::new()) };
}

/// Lets it go.
pub(crate) unsafe fn stop() {
    // SAFETY: as for `model`.
    unsafe { *(&raw mut MODEL) = None };
}
";

/// States become those of the file.
fn reset(program: &Program, names: &Names, places: &[usize]) -> String {
    let mut text = String::from(
        "\n/// Gives the states the values of the file.\npub(crate) unsafe fn reset(input: *const u8) {\n",
    );
    if program.states.is_empty() {
        return text + "    let _ = input;\n}\n";
    }
    text += "    // SAFETY: the file has inputs and states, each aligned.\n    unsafe {\n        model().reset();\n";
    for (name, place) in names.states.iter().zip(places.iter().skip(program.inputs.len())) {
        text += &format!(
            "        let state = model().{name}();\n        let len = state.len();\n        state.copy_from_slice(&*core::ptr::slice_from_raw_parts(input.add({place}).cast(), len));\n"
        );
    }
    text + "    }\n}\n"
}

/// One run: for its result, and for nothing but its time.
fn run(program: &Program, names: &Names, places: &[usize], callee: &Callee) -> String {
    let own = program.has_own_inputs();
    let inputs = program.inputs.iter().zip(places);
    let fills: String = inputs
        .clone()
        .enumerate()
        .filter(|_| own)
        .map(|(at, (p, place))| {
            let from = format!("(&*input.add({place}).cast::<{}>())", array(p));
            format!(
                "    // SAFETY: the file has inputs and states, each aligned.\n    unsafe {{ {} }}\n",
                fill(p, &format!("model().{}()", method(names, at)), &from)
            )
        })
        .collect();
    let arguments: String =
        inputs.filter(|_| !own).map(|(p, place)| format!(", &*input.add({place}).cast::<{}>()", array(p))).collect();
    let checked = match program.is_fallible() {
        true => "match result {\n        Ok(result) => result,\n        Err(_) => super::stop(super::REFUSED),\n    }",
        false => "result",
    };
    let unused = if program.inputs.is_empty() { "    let _ = input;\n" } else { "" };
    format!(
        "\nunsafe fn result(input: *const u8) -> {} {{\n{unused}{fills}    // SAFETY: the file has inputs and states, each aligned.\n    let result = unsafe {{ {ENTRY}(model(){arguments}) }};\n    {checked}\n}}\n\n/// Computes once.\npub(crate) unsafe fn run(input: *const u8) {{\n    // SAFETY: the caller's promise is the same.\n    core::hint::black_box(unsafe {{ result(core::hint::black_box(input)) }});\n}}\n",
        results(program, callee)
    )
}

/// Computes once and writes the outputs and the states.
fn write(program: &Program, names: &Names) -> String {
    let mut text = String::from(
        "\n/// Computes once and writes outputs and states.\npub(crate) unsafe fn write(input: *const u8, file: super::libc::File) {\n    // SAFETY: the caller's promise is the same.\n    unsafe {\n        let result = result(input);\n",
    );
    for n in &names.outputs {
        let value = if names.outputs.len() == 1 { "result".to_string() } else { format!("result.{n}") };
        text += &format!("        super::libc::write_all(file, {value}.as_ptr().cast(), size_of_val({value}));\n");
    }
    for name in &names.states {
        text += &format!(
            "        let state = model().{name}();\n        super::libc::write_all(file, state.as_ptr().cast(), size_of_val(state));\n"
        );
    }
    debug_assert_eq!(names.outputs.len(), program.outputs.len());
    text + "    }\n}\n"
}

/// One run of a decoder and the token that is the most likely after it, for a session: nothing where no output is of floats.
fn token(program: &Program, names: &Names, places: &[usize], bytes: usize) -> String {
    let Some(at) = logits(program) else { return String::new() };
    let head = places.get(program.inputs.len()).copied().unwrap_or(bytes);
    let logits = if names.outputs.len() == 1 { "result".into() } else { format!("result.{}", names.outputs[at]) };
    let rows = program.outputs[at].ty.shape.last().copied().unwrap_or(1).max(1);
    format!(
        "\n/// Bytes of the inputs alone.\n#[cfg(feature = \"session\")]\npub(crate) const HEAD_BYTES: usize = {head};\n\n/// Computes once; the time when that was done, and the place of the largest number in the last row of the first output.\n#[cfg(feature = \"session\")]\npub(crate) unsafe fn token(input: *const u8) -> (u64, usize) {{\n    // SAFETY: the caller's promise is the same.\n    let result = unsafe {{ result(core::hint::black_box(input)) }};\n    let done = super::libc::now();\n    let row: &[f32] = {logits}.rchunks_exact({rows}).next().unwrap_or_default();\n    let mut best = 0;\n    for (at, v) in row.iter().enumerate() {{\n        if *v > row[best] {{\n            best = at;\n        }}\n    }}\n    (done, best)\n}}\n"
    )
}

/// A run of the reader of a prompt and the token that is the most likely after it, whose inputs stand in the file from byte `at`.
fn prompt(source: &Source<'_>, at: usize, rewinds: bool) -> Option<String> {
    const READ: &str = "zant_read";
    let (program, names) = (source.program, Names::new(source.program));
    let scores = logits(program)?;
    let callee = Callee::of_session(source.name);
    // States are the decoder's.
    let ports = input_places(program).0;
    let bytes: usize = program.inputs.iter().map(|p| p.ty.bytes().next_multiple_of(ALIGN)).sum();
    let inputs = program.inputs.iter().zip(&ports);
    let arguments: String = inputs.map(|(p, place)| format!(", &*input.add({place}).cast::<{}>()", array(p))).collect();
    let checked = match program.is_fallible() {
        true => "let Ok(result) = result else { super::stop(super::REFUSED) };\n",
        false => "",
    };
    let output = if names.outputs.len() == 1 { "result".into() } else { format!("result.{}", names.outputs[scores]) };
    let width = program.outputs[scores].ty.shape.last().copied().unwrap_or(1).max(1);
    // A reader may give the scores of the last token alone.
    let row = if program.outputs[scores].ty.elements() == width { "0" } else { "length.saturating_sub(1)" };
    let rewind = if rewinds {
        "    // SAFETY: there is one thread.\n    unsafe { model().rewind(length as u32) };\n"
    } else {
        ""
    };
    let mut text = format!(
        "\n/// Where the inputs of the reader of a prompt begin in the file, and their bytes.\npub(crate) const PROMPT: [usize; 2] = [{at}, {bytes}];\n\n/// Reads a prompt, of which so many tokens count; the time when that was done, and the place of the largest number in the row of the last one.\npub(crate) unsafe fn prompt(input: *const u8, length: usize) -> (u64, usize) {{\n    // SAFETY: memory has the inputs, each aligned.\n    let result = unsafe {{ {READ}(model(){arguments}) }};\n    {checked}    let row: &[f32] = {output}.chunks_exact({width}).nth({row}).unwrap_or_default();\n    let done = super::libc::now();\n    let mut best = 0;\n    for (at, v) in row.iter().enumerate() {{\n        if *v > row[best] {{\n            best = at;\n        }}\n    }}\n{rewind}    (done, best)\n}}\n"
    );
    text += &entry(READ, source, &names, &callee, false, "");
    Some(text)
}

/// The first output of floats: the scores of tokens, where the model is a decoder.
pub fn logits(program: &Program) -> Option<usize> {
    program.outputs.iter().position(|port| port.ty.dtype.name() == "f32")
}
