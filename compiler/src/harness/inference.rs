//! The module that runs an emitted crate in bare firmware: inputs and states from the host, one run, outputs to the host.
//!
//! The firmware around it has `super::File`, `super::read`, `super::write`, `super::begin`, `super::end` and `super::zant_exit`;
//! it calls the emitted crate `model`.

use crate::config::Alloc;
use crate::emit::call::element;
use crate::emit::names::Names;
use crate::emit::own_inputs::method;
use crate::emit::{SESSION, Source};
use crate::program::{Port, Program};

/// What a harness calls: the model of a crate, or one of the models of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Callee {
    /// The type that has the arena.
    pub(super) owner: String,
    /// Its method that runs the model.
    pub(super) method: String,
    /// The module with the model's own types.
    pub(super) module: String,
}

impl Callee {
    /// The only model of a crate.
    pub(super) fn only() -> Callee {
        Callee { owner: "model::Model".into(), method: "run".into(), module: "model".into() }
    }

    /// A model of a crate of several that share their states.
    pub(super) fn of_session(name: &str) -> Callee {
        let method = name.replace('-', "_");
        Callee { owner: format!("model::{SESSION}"), module: format!("model::{method}"), method }
    }
}

/// The function whose callees are the model's code.
pub const ENTRY: &str = "zant_infer";

/// The text of the module.
///
/// # Errors
/// Where the arena comes from a heap, which bare firmware has not.
pub fn emit_inference(source: &Source<'_>) -> Result<String, String> {
    let lent = match source.config.alloc {
        Alloc::Static => false,
        Alloc::Caller => true,
        Alloc::Heap => return Err("the firmware has no heap for the arena".into()),
    };
    let (program, names) = (source.program, Names::new(source.program));
    let mut text = String::from("//! The model, its inputs, and one run.\n\n");
    // In WebAssembly a section of its own is no memory.
    let section =
        |name: &str| format!("#[cfg_attr(not(target_family = \"wasm\"), unsafe(link_section = \".{name}\"))]\n");
    let model = if lent { "static MODEL: model::Model = model::Model::new();\n" } else { "" };
    text += model;
    text += &section("arena");
    text += match lent {
        true => "static mut ARENA: model::Arena<{ model::ARENA_BYTES }> = model::Arena::new();\n",
        false => "static mut MODEL: model::Model = model::Model::new();\n",
    };
    for (i, p) in program.inputs.iter().enumerate().filter(|_| !program.has_own_inputs()) {
        let zero = zero(p);
        text += &format!("{}static mut INPUT_{i}: {} = [{zero}; {}];\n", section("inputs"), array(p), p.ty.elements());
    }
    text += &run(source, &names, lent);
    text += &infer(source, &names, &Callee::only(), lent, "step");
    if source.config.observed {
        text += &format!("\nconst STEPS: usize = {};\n{MARKS}", source.program.steps.len());
    }
    Ok(text)
}

/// Bytes that a run writes after its outputs and states where the model tells of its steps: words of the fine timer, which counts
/// down; two before the first step, between which there is what noting takes, and one after each.
pub fn mark_bytes(source: &Source<'_>) -> usize {
    if source.config.observed { 4 * (source.program.steps.len() + 2) } else { 0 }
}

/// What notes the time after each step.
const MARKS: &str = "static mut MARKS: [u32; STEPS + 2] = [0; STEPS + 2];
static mut NEXT: usize = 0;

/// Notes the time after a step.
#[inline(never)]
fn step() {
    // SAFETY: there is one thread; the timer is this machine's.
    unsafe {
        let now = super::machine::mark();
        if let Some(mark) = (&mut *(&raw mut MARKS)).get_mut(NEXT) {
            *mark = now;
        }
        NEXT += 1;
    }
}
";

/// Fills the inputs and the states, computes, writes the outputs and the states.
fn run(source: &Source<'_>, names: &Names, lent: bool) -> String {
    let program = source.program;
    let (model, arena) = match lent {
        true => ("MODEL", "&mut *(&raw mut ARENA)"),
        false => ("(*(&raw mut MODEL))", ""),
    };
    let mut text = String::from(
        "\n#[cfg_attr(not(target_family = \"wasm\"), unsafe(link_section = \".harness.run\"))]\npub(crate) unsafe fn run(input: super::File, output: super::File) {\n    // SAFETY: there is one thread, and no reference to the statics outlives its line.\n    unsafe {\n",
    );
    for i in 0..program.inputs.len() {
        if program.has_own_inputs() {
            let method = method(names, i);
            text += &format!(
                "        let memory: *mut [_] = {model}.{method}({arena});\n        super::read(input, memory.cast(), size_of_val(&*memory));\n"
            );
            continue;
        }
        text += &format!(
            "        super::read(input, (&raw mut INPUT_{i}).cast(), size_of_val(&*(&raw const INPUT_{i})));\n"
        );
    }
    if !program.states.is_empty() {
        text += &format!("        {model}.reset({arena});\n");
    }
    for name in &names.states {
        text += &format!(
            "        let state: *mut [_] = {model}.{name}({arena});\n        super::read(input, state.cast(), size_of_val(&*state));\n"
        );
    }
    let lent_inputs = if program.has_own_inputs() { 0 } else { program.inputs.len() };
    let inputs: Vec<String> = (0..lent_inputs).map(|i| format!("&*(&raw const INPUT_{i})")).collect();
    let first = if lent { arena.to_string() } else { "&mut *(&raw mut MODEL)".into() };
    let arguments = [vec![first], inputs].concat().join(", ");
    let mark = if source.config.observed { "        NEXT = 0;\n        step();\n        step();\n" } else { "" };
    text += &format!(
        "        let start = super::begin();\n{mark}        let result = {ENTRY}({arguments});\n        super::end(output, start);\n"
    );
    if program.is_fallible() {
        text += "        let Ok(result) = result else { super::zant_exit(super::REFUSED) };\n";
    }
    for n in &names.outputs {
        let value = if names.outputs.len() == 1 { "result".to_string() } else { format!("result.{n}") };
        text += &format!("        super::write(output, {value}.as_ptr().cast(), size_of_val({value}));\n");
    }
    for name in &names.states {
        text += &format!(
            "        let state: *mut [_] = {model}.{name}({arena});\n        super::write(output, state.cast(), size_of_val(&*state));\n"
        );
    }
    if source.config.observed {
        text += "        super::write(output, (&raw const MARKS).cast(), size_of_val(&*(&raw const MARKS)));\n";
    }
    text + "    }\n}\n"
}

/// The function that is measured. `observer` is a path to what a model that tells of its steps calls.
pub(super) fn infer(source: &Source<'_>, names: &Names, callee: &Callee, lent: bool, observer: &str) -> String {
    entry(ENTRY, source, names, callee, lent, observer)
}

/// The same under a name.
pub(super) fn entry(
    entry: &str,
    source: &Source<'_>,
    names: &Names,
    callee: &Callee,
    lent: bool,
    observer: &str,
) -> String {
    let program = source.program;
    let ports = program.inputs.iter().enumerate();
    let first = match lent {
        true => "arena: &'static mut model::Arena<{ model::ARENA_BYTES }>".to_string(),
        false => format!("model: &'static mut {}", callee.owner),
    };
    let own = program.has_own_inputs();
    let parameters: Vec<String> = std::iter::once(first)
        .chain(ports.filter(|_| !own).map(|(i, p)| format!("input_{i}: &'static {}", array(p))))
        .collect();
    let result = match program.is_fallible() {
        true => format!("Result<{}, {}::DataError>", results(program, callee), callee.module),
        false => results(program, callee),
    };
    let receiver = if lent { "MODEL" } else { "model" };
    let mut arguments = if lent { vec!["arena".to_string()] } else { Vec::new() };
    arguments.extend(source.config.observed.then(|| format!("&mut {observer}")));
    match names.inputs.as_slice() {
        _ if own => {}
        [] => {}
        [_] => arguments.push("input_0".into()),
        many => {
            let fields: Vec<String> = many.iter().enumerate().map(|(i, n)| format!("{n}: input_{i}")).collect();
            arguments.push(format!("{}::Inputs {{ {} }}", callee.module, fields.join(", ")));
        }
    }
    format!(
        "\n#[inline(never)]\nfn {entry}({}) -> {result} {{\n    {receiver}.{}({})\n}}\n",
        parameters.join(", "),
        callee.method,
        arguments.join(", ")
    )
}

/// The Rust type of what a run gives.
pub(super) fn results(program: &Program, callee: &Callee) -> String {
    match program.outputs.as_slice() {
        [one] => format!("&'static {}", array(one)),
        _ => format!("{}::Outputs<'static>", callee.module),
    }
}

/// The Rust type of an input or output.
pub(super) fn array(p: &Port) -> String {
    format!("[{}; {}]", element(p.ty.dtype), p.ty.elements())
}

/// The literal of zero of a port's elements.
pub(super) fn zero(p: &Port) -> &'static str {
    match element(p.ty.dtype) {
        "bool" => "false",
        "f32" | "f64" => "0.0",
        _ => "0",
    }
}
