//! `tests/golden.rs` of a session: runs of its models, one after the other, their outputs compared to the bit with what this compiler
//! computed.

use super::call::{element, helpers};
use super::golden::{SAME, infinity};
use super::module::identifier;
use super::names::Names;
use super::session::SESSION;
use super::words::in_doc;
use super::{Package, SessionRun, Source};
use crate::config::Alloc;

/// Adds the test and its vectors, where there are runs and the session has its arena.
pub(super) fn add_test(package: &mut Package, name: &str, sources: &[Source<'_>], runs: &[SessionRun]) {
    let alloc = sources.first().map_or(Alloc::Caller, |source| source.config.alloc);
    if runs.is_empty() || alloc == Alloc::Caller {
        return;
    }
    for (at, run) in runs.iter().enumerate() {
        for (kind, tensors) in [("input", &run.vector.inputs), ("output", &run.vector.outputs)] {
            for (i, tensor) in tensors.iter().enumerate() {
                package.bytes(&format!("tests/golden/{kind}_{at}_{i}.bin"), tensor.data().to_vec());
            }
        }
    }
    let mut text = format!(
        "//! Runs the models one after the other. Outputs must have the same bits (all NaN count as equal) as zantc computed with the same\n//! kernels when it made the crate.\n\nuse {}::*;\n\n",
        identifier(name)
    );
    let programs: Vec<_> = sources.iter().map(|source| source.program).collect();
    text += &helpers(&programs);
    if programs.iter().flat_map(|p| &p.outputs).any(|p| p.ty.dtype.is_float()) {
        text += SAME;
    }
    text += "#[test]\nfn models_go_on_from_each_other() {\n";
    text += &match alloc {
        Alloc::Static => format!(
            "    static SESSION: std::sync::Mutex<{SESSION}> = std::sync::Mutex::new({SESSION}::new());\n    let mut session = SESSION.lock().unwrap_or_else(|e| e.into_inner());\n"
        ),
        Alloc::Heap | Alloc::Caller => format!("    let mut session = {SESSION}::new();\n"),
    };
    text += "    session.reset();\n";
    for (at, run) in runs.iter().enumerate() {
        text += &block(&sources[run.model], at, run);
    }
    text += "}\n";
    package.text("tests/golden.rs", text);
}

/// A run, and what its outputs should be.
fn block(source: &Source<'_>, at: usize, run: &SessionRun) -> String {
    let (program, names, model) = (source.program, Names::new(source.program), identifier(source.name));
    let from = match &run.vector.data_set {
        Some(set) => format!("the inputs of {}", in_doc(set)),
        None => "pseudo-random inputs".into(),
    };
    let mut text = format!("    {{\n        // Run {at}: `{model}`, {from}.\n");
    for (i, (name, port)) in names.inputs.iter().zip(&program.inputs).enumerate() {
        text += &format!(
            "        let {name} = array::<{}, {}>(include_bytes!(\"golden/input_{at}_{i}.bin\"));\n",
            element(port.ty.dtype),
            port.ty.elements()
        );
    }
    let arguments = match names.inputs.as_slice() {
        [] => String::new(),
        [one] => format!("&{one}"),
        many => {
            let fields: Vec<String> = many.iter().map(|n| format!("{n}: &{n}")).collect();
            format!("{model}::Inputs {{ {} }}", fields.join(", "))
        }
    };
    let question = if program.is_fallible() { ".expect(\"the vectors are good\")" } else { "" };
    text += &format!("        let result = session.{model}({arguments}){question};\n");
    for (i, (name, port)) in names.outputs.iter().zip(&program.outputs).enumerate() {
        let value = if names.outputs.len() == 1 { "result".to_string() } else { format!("result.{name}") };
        let expected = format!("include_bytes!(\"golden/output_{at}_{i}.bin\")");
        let equal = match infinity(port.ty.dtype) {
            Some(bits) => format!("same::<{}>(&bytes({value}), {expected}, {bits})", port.ty.dtype.size()),
            None => format!("bytes({value}) == {expected}"),
        };
        text += &format!("        assert!({equal}, \"output {i} of run {at} differs\");\n");
    }
    text + "    }\n"
}
