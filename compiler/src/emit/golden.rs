//! `tests/golden.rs`: the model run on vectors, its outputs compared to the bit with what this compiler computed.

use super::model::STACK_LIMIT;
use super::names::{Names, in_doc};
use super::{Package, Source, Vector};
use crate::config::Alloc;
use crate::footprint::arena_bytes;
use crate::ir::DType;
use crate::program::Port;

/// Bytes that all vectors of a crate's tests together may take.
pub const MAX_VECTORS_BYTES: usize = 1 << 20;

/// Tensors of one kind that have a file each; more of them lie in one file, one behind the other.
const MAX_FILES: usize = 64;

/// The vectors that become part of the crate: as many as stay small.
pub(super) fn cases<'a>(source: &Source<'a>) -> &'a [Vector] {
    let mut total = 0usize;
    let fits = |v: &&Vector| {
        total += v.inputs.iter().chain(&v.outputs).map(|t| t.data().len()).sum::<usize>();
        total <= MAX_VECTORS_BYTES
    };
    &source.vectors[..source.vectors.iter().take_while(fits).count()]
}

/// Adds the test and its vectors.
pub(super) fn add_test(package: &mut Package, source: &Source<'_>, names: &Names) {
    let vectors = cases(source);
    for (case, v) in vectors.iter().enumerate() {
        for (kind, tensors) in [("input", &v.inputs), ("output", &v.outputs)] {
            if tensors.len() > MAX_FILES {
                let all = tensors.iter().flat_map(|t| t.data().iter().copied()).collect();
                package.bytes(&format!("tests/golden/{kind}s_{case}.bin"), all);
                continue;
            }
            for (i, t) in tensors.iter().enumerate() {
                package.bytes(&format!("tests/golden/{kind}_{case}_{i}.bin"), t.data().to_vec());
            }
        }
    }
    if !vectors.is_empty() {
        package.text("tests/golden.rs", test(source, names, vectors));
    }
}

/// The element of a port in Rust, and how it is read from bytes.
pub(super) fn element(dtype: DType) -> &'static str {
    if dtype.is_half() { "u16" } else { dtype.name() }
}

/// The bits of positive infinity, above which those of NaN are.
fn infinity(dtype: DType) -> Option<&'static str> {
    match dtype {
        DType::F16 => Some("0x7c00"),
        DType::BF16 => Some("0x7f80"),
        DType::F32 => Some("0x7f80_0000"),
        DType::F64 => Some("0x7ff0_0000_0000_0000"),
        DType::Bool
        | DType::I8
        | DType::I16
        | DType::I32
        | DType::I64
        | DType::U8
        | DType::U16
        | DType::U32
        | DType::U64 => None,
    }
}

/// Compares floats of `N` bytes.
const SAME: &str = r#"/// Whether floats of `N` bytes have the same bits; all NaN are one. `infinity` has the bits of that number.
fn same<const N: usize>(result: &[u8], expected: &[u8], infinity: u64) -> bool {
    let bits = |e: &[u8]| e.iter().rev().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    let is_nan = |bits: u64| bits & !(1 << (8 * N - 1)) > infinity;
    let mut pairs = result.chunks_exact(N).zip(expected.chunks_exact(N)).map(|(a, b)| (bits(a), bits(b)));
    result.len() == expected.len() && pairs.all(|(a, b)| a == b || (is_nan(a) && is_nan(b)))
}

"#;

fn test(source: &Source<'_>, names: &Names, vectors: &[Vector]) -> String {
    let program = source.program;
    let krate = source.name.replace('-', "_");
    let mut text = String::from(
        "//! Runs the model on vectors. Outputs are compared to the bit (any NaN is any other) with what zantc computed by the same\n//! kernels when it made the crate: that this machine computes the same is shown, not that the model is right. `zantc verify`\n//! compares with the outputs of the model's own data sets.\n\n",
    );
    text += &format!("use {krate}::*;\n\n");
    text += &helpers(program);
    if program.outputs.iter().any(|p| p.ty.dtype.is_float()) {
        text += SAME;
    }
    let inputs = if program.inputs.is_empty() { "_inputs" } else { "inputs" };
    text += &format!("fn check({inputs}: &[&[u8]], outputs: &[&[u8]]) {{\n");
    for (i, p) in program.inputs.iter().enumerate() {
        text += &format!(
            "    let {} = array::<{}, {}>(inputs[{i}]);\n",
            names.inputs[i],
            element(p.ty.dtype),
            p.ty.elements()
        );
    }
    let question = if program.is_fallible() { ".expect(\"the vectors are good\")" } else { "" };
    text += &model(source);
    text += &reset(source);
    let call = call(source, names);
    text += &format!("    let result = {call}{question};\n");
    for (i, (n, p)) in names.outputs.iter().zip(&program.outputs).enumerate() {
        let value = if names.outputs.len() == 1 { "result".to_string() } else { format!("result.{n}") };
        let equal = match infinity(p.ty.dtype) {
            Some(bits) => format!("same::<{}>(&bytes({value}), outputs[{i}], {bits})", p.ty.dtype.size()),
            None => format!("bytes({value}) == outputs[{i}]"),
        };
        text += &format!("    assert!({equal}, \"output {i} differs\");\n");
    }
    text += "}\n";
    for (c, vector) in vectors.iter().enumerate() {
        let from = match &vector.data_set {
            Some(name) => format!("The inputs of {}.", in_doc(name)),
            None => "Pseudo-random inputs: there was no data set beside the model.".into(),
        };
        let list = |kind: &str, ports: &[Port]| {
            if ports.len() > MAX_FILES {
                let lengths: Vec<String> = ports.iter().map(|p| p.ty.bytes().to_string()).collect();
                return format!("&parts(include_bytes!(\"golden/{kind}s_{c}.bin\"), &[{}])", lengths.join(", "));
            }
            let file = |i: usize| format!("include_bytes!(\"golden/{kind}_{c}_{i}.bin\")");
            format!("&[{}]", (0..ports.len()).map(file).collect::<Vec<_>>().join(", "))
        };
        text += &format!(
            "\n/// {from}\n#[test]\nfn vector_{c}() {{\n    check({}, {});\n}}\n",
            list("input", &program.inputs),
            list("output", &program.outputs)
        );
    }
    if program.inputs.len().max(program.outputs.len()) > MAX_FILES {
        text += "\n/// Parts of these lengths, one behind the other.\nfn parts<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {\n    let mut parts = Vec::new();\n    for &n in lengths {\n        let (part, rest) = bytes.split_at(n);\n        parts.push(part);\n        bytes = rest;\n    }\n    parts\n}\n";
    }
    text
}

/// The call of the model on variables that are named as its inputs are.
pub(super) fn call(source: &Source<'_>, names: &Names) -> String {
    let arena = if source.config.alloc == Alloc::Caller { "&mut arena, " } else { "" };
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
pub(super) fn reset(source: &Source<'_>) -> String {
    let arena = if source.config.alloc == Alloc::Caller { "&mut arena" } else { "" };
    if source.program.states.is_empty() { String::new() } else { format!("    model.reset({arena});\n") }
}

/// The model, never on the stack.
pub(super) fn model(source: &Source<'_>) -> String {
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

/// Conversions between arrays of numbers and their bytes, for the types that the model's inputs and outputs have.
pub(super) fn helpers(program: &crate::program::Program) -> String {
    let ports = program.inputs.iter().chain(&program.outputs).map(|p| element(p.ty.dtype));
    // Bools lie in the memory of a state as bytes.
    let states = program.states.iter().map(|s| if s.ty.dtype == DType::Bool { "u8" } else { element(s.ty.dtype) });
    let mut used: Vec<&str> = ports.chain(states).collect();
    used.sort_unstable();
    used.dedup();
    // A model without inputs reads nothing.
    let loads = !program.inputs.is_empty();
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
        text += "/// Elements in memory of their own, off the stack.\nfn array<T: Element, const N: usize>(bytes: &[u8]) -> Box<[T; N]> {\n    let elements: Vec<T> = bytes.chunks_exact(size_of::<T>()).map(T::load).collect();\n    elements.into_boxed_slice().try_into().ok().expect(\"the vector has the model's length\")\n}\n\n";
    }
    text += "fn bytes<T: Element>(elements: &[T]) -> Vec<u8> {\n    elements.iter().flat_map(|e| e.store()).collect()\n}\n\n";
    text
}
