//! `tests/golden.rs`: the model run on vectors, its outputs compared to the bit with what this compiler computed.

use super::call::{call, element, helpers, model, reset};
use super::names::Names;
use super::words::in_doc;
use super::{Package, Source, Vector};
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

/// The bits of positive infinity, above which those of NaN are.
pub(super) fn infinity(dtype: DType) -> Option<&'static str> {
    let floats = [
        (DType::F16, "0x7c00"),
        (DType::BF16, "0x7f80"),
        (DType::F32, "0x7f80_0000"),
        (DType::F64, "0x7ff0_0000_0000_0000"),
    ];
    floats.iter().find(|(float, _)| *float == dtype).map(|(_, bits)| *bits)
}

/// Compares floats of `N` bytes.
pub(super) const SAME: &str = r#"/// Whether floats of `N` bytes have the same bits; all NaN count as equal. `infinity` is the bits of infinity.
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
        "//! Runs the model on test vectors. Outputs must have the same bits (all NaN count as equal) as zantc computed with the same\n//! kernels when it made the crate. This shows that this machine computes the same, not that the model is right: `zantc verify`\n//! compares with the outputs of the model's own data sets.\n\n",
    );
    text += &format!("use {krate}::*;\n\n");
    text += &helpers(&[program]);
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
            None => "Pseudo-random inputs, since the model came without a data set.".into(),
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
        text += "\n/// Splits bytes into parts of these lengths.\nfn parts<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {\n    let mut parts = Vec::new();\n    for &n in lengths {\n        let (part, rest) = bytes.split_at(n);\n        parts.push(part);\n        bytes = rest;\n    }\n    parts\n}\n";
    }
    text
}
