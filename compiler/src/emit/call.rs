//! Rust that calls an emitted crate from outside: in its own tests, and in the programs around it that are built and measured.

use super::Source;
use super::model::STACK_LIMIT;
use super::names::Names;
use crate::config::Alloc;
use crate::footprint::arena_bytes;
use crate::ir::DType;
use crate::program::Program;

/// The element of a port in Rust.
pub(crate) fn element(dtype: DType) -> &'static str {
    if dtype.is_half() {
        "u16"
    } else if matches!(dtype, DType::Mini(_)) {
        "u8"
    } else {
        dtype.name()
    }
}

/// The call of the model on variables that are named as its inputs are.
pub(crate) fn call(source: &Source<'_>, names: &Names) -> String {
    let arena = if source.config.alloc == Alloc::Caller { "&mut arena, " } else { "" };
    if source.program.has_own_inputs() {
        let inputs: Vec<String> = names.inputs.iter().map(|n| format!("&{n}")).collect();
        return format!("model.run_with({arena}{})", inputs.join(", "));
    }
    match names.inputs.as_slice() {
        [] => format!("model.run({})", arena.trim_end_matches(", ")),
        [one] => format!("model.run({arena}&{one})"),
        many => {
            let fields: Vec<String> = many.iter().map(|n| format!("{n}: &{n}")).collect();
            format!("model.run({arena}Inputs {{ {} }})", fields.join(", "))
        }
    }
}

/// Forgets what earlier runs left, where a model has a state.
pub(crate) fn reset(source: &Source<'_>) -> String {
    let arena = if source.config.alloc == Alloc::Caller { "&mut arena" } else { "" };
    if source.program.states.is_empty() { String::new() } else { format!("    model.reset({arena});\n") }
}

/// The model, never on the stack.
pub(crate) fn model(source: &Source<'_>) -> String {
    match source.config.alloc {
        Alloc::Static => {
            "    static MODEL: std::sync::Mutex<Model> = std::sync::Mutex::new(Model::new());\n    let mut model = MODEL.lock().unwrap_or_else(|e| e.into_inner());\n".into()
        }
        Alloc::Heap => "    let mut model = Model::new();\n".into(),
        Alloc::Caller if arena_bytes(source.program) > STACK_LIMIT => {
            "    static ARENA: std::sync::Mutex<Arena<ARENA_BYTES>> = std::sync::Mutex::new(Arena::new());\n    let mut arena = ARENA.lock().unwrap_or_else(|e| e.into_inner());\n    let model = Model::new();\n".into()
        }
        Alloc::Caller => "    let mut arena = Arena::<ARENA_BYTES>::new();\n    let model = Model::new();\n".into(),
    }
}

/// Conversions between arrays of numbers and their bytes, for the types that the models' inputs and outputs have.
pub(crate) fn helpers(programs: &[&Program]) -> String {
    let ports = programs.iter().flat_map(|p| p.inputs.iter().chain(&p.outputs)).map(|p| element(p.ty.dtype));
    // Bools lie in the memory of a state as bytes.
    let states = programs
        .iter()
        .flat_map(|p| &p.states)
        .map(|s| if s.ty.dtype == DType::Bool { "u8" } else { element(s.ty.dtype) });
    let mut used: Vec<&str> = ports.chain(states).collect();
    used.sort_unstable();
    used.dedup();
    // A model without inputs reads nothing.
    let loads = programs.iter().any(|p| !p.inputs.is_empty());
    let load = if loads { "    fn load(bytes: &[u8]) -> Self;\n" } else { "" };
    let mut text = format!(
        "/// An element of an input or output, as little-endian bytes.\ntrait Element: Copy {{\n{load}    fn store(self) -> Vec<u8>;\n}}\n\n"
    );
    for t in &used {
        let (load, store) = match *t {
            "bool" => ("bytes[0] != 0".to_string(), "vec![u8::from(self)]"),
            t => (format!("{t}::from_le_bytes(bytes.try_into().unwrap())"), "self.to_le_bytes().to_vec()"),
        };
        let load = format!("    fn load(bytes: &[u8]) -> {t} {{\n        {load}\n    }}\n");
        let load = if loads { load.as_str() } else { "" };
        text += &format!(
            "impl Element for {t} {{\n{load}    fn store(self) -> Vec<u8> {{\n        {store}\n    }}\n}}\n\n"
        );
    }
    if loads {
        text += "/// Elements on the heap instead of the stack.\nfn array<T: Element, const N: usize>(bytes: &[u8]) -> Box<[T; N]> {\n    let elements: Vec<T> = bytes.chunks_exact(size_of::<T>()).map(T::load).collect();\n    elements.into_boxed_slice().try_into().ok().expect(\"the vector has the model's length\")\n}\n\n";
    }
    text += "fn bytes<T: Element>(elements: &[T]) -> Vec<u8> {\n    elements.iter().flat_map(|e| e.store()).collect()\n}\n\n";
    text
}
