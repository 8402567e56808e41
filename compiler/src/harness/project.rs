//! The module of a user's firmware project that has the model, its memory and one run: what `zantc new` writes once, for its user to change.

use crate::emit::call::element;
use crate::emit::names::Names;
use crate::emit::{Source, VERSION};
use crate::ir::DType;
use crate::program::Port;

use super::inference::{array, zero};

/// The text of the module. The emitted crate is called `model`, its memory is its own ([`crate::config::Alloc::Static`]).
pub fn emit_project(source: &Source<'_>) -> String {
    let (program, names) = (source.program, Names::new(source.program));
    let ports: Vec<(&String, &Port)> = names.inputs.iter().zip(&program.inputs).collect();
    let mut text = format!(
        "//! The model with its memory, and one run of it; nothing of it is ever on the stack. Written once by zantc {VERSION}.\n\nuse core::fmt;\n\nuse static_cell::ConstStaticCell;\n\n"
    );
    text += "/// What the sensor fills: a buffer for each input of the model.\npub struct Frame {\n";
    for (name, port) in &ports {
        text += &format!("    /// {}.\n    pub {name}: &'static mut {},\n", port.ty, array(port));
    }
    text += "}\n\n/// The model, and the inputs of its next run.\npub struct Inference {\n    model: &'static mut model::Model,\n    pub frame: Frame,\n}\n\n";
    text += "impl Inference {\n    /// The only one: a second call panics.\n    pub fn take() -> Inference {\n";
    text += "        static MODEL: ConstStaticCell<model::Model> = ConstStaticCell::new(model::Model::new());\n";
    for (name, port) in &ports {
        let (array, zero, elements) = (array(port), zero(port), port.ty.elements());
        text += &format!(
            "        static {}: ConstStaticCell<{array}> = ConstStaticCell::new([{zero}; {elements}]);\n",
            static_name(name)
        );
    }
    let fields: Vec<String> = ports.iter().map(|(name, _)| format!("{name}: {}.take()", static_name(name))).collect();
    text += &format!(
        "        let frame = Frame {{ {} }};\n        Inference {{ model: MODEL.take(), frame }}\n    }}\n\n",
        fields.join(", ")
    );
    let (outputs, fallible) = (outputs(source), program.is_fallible());
    let result = if fallible { format!("Result<{outputs}, model::DataError>") } else { outputs.clone() };
    let own = program.has_own_inputs();
    let call = if own { "run_with" } else { "run" };
    let arguments = match names.inputs.as_slice() {
        many if own => many.iter().map(|n| format!("self.frame.{n}")).collect::<Vec<_>>().join(", "),
        [] => String::new(),
        [one] => format!("self.frame.{one}"),
        many => {
            let fields: Vec<String> = many.iter().map(|n| format!("{n}: self.frame.{n}")).collect();
            format!("model::Inputs {{ {} }}", fields.join(", "))
        }
    };
    text += &format!(
        "    /// Computes the outputs of what is in the frame.\n    pub fn run(&mut self) -> {result} {{\n        self.model.{call}({arguments})\n    }}\n\n    /// The same as a line of text.\n    pub fn answer(&mut self) -> Answer<'_> {{\n        Answer(self.run())\n    }}\n}}\n\n"
    );
    text += &format!(
        "/// What a run gave, as a line of text.\npub struct Answer<'a>({});\n\nimpl fmt::Display for Answer<'_> {{\n    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{\n",
        result.replace("'_", "'a").replace("&[", "&'a [")
    );
    text += match fallible {
        true => "        let Ok(outputs) = &self.0 else { return f.write_str(\"these inputs cannot be computed\") };\n",
        false => "        let outputs = &self.0;\n",
    };
    for (i, (name, port)) in names.outputs.iter().zip(&program.outputs).enumerate() {
        let value = if names.outputs.len() == 1 { "outputs".to_string() } else { format!("outputs.{name}") };
        let separator = if i > 0 { "        f.write_str(\"; \")?;\n" } else { "" };
        text += separator;
        text += &described(name, port, &value);
    }
    text + "        Ok(())\n    }\n}\n"
}

/// What a frame holds, as lines of documentation.
pub fn project_frame(source: &Source<'_>) -> String {
    let names = Names::new(source.program);
    let line = |(name, port): (&String, &Port)| format!("/// `{name}` is {}.", port.ty);
    names.inputs.iter().zip(&source.program.inputs).map(line).collect::<Vec<_>>().join("\n")
}

/// The name of a static, after an input's.
fn static_name(name: &str) -> String {
    name.trim_start_matches("r#").to_uppercase()
}

/// The Rust type of what a run gives.
fn outputs(source: &Source<'_>) -> String {
    match source.program.outputs.as_slice() {
        [one] => format!("&{}", array(one)),
        _ => "model::Outputs<'_>".into(),
    }
}

/// Statements that describe an output: the position of the largest of several numbers, or the number. Floats are shown as thousandths:
/// formatting them takes more flash than many a model.
fn described(name: &str, port: &Port, value: &str) -> String {
    let (elements, name) = (port.ty.elements(), name.trim_start_matches("r#"));
    let dtype = port.ty.dtype;
    match elements {
        2.. if !dtype.is_half() && dtype != DType::Bool => format!(
            "        let largest = (0..{elements}).fold(0, |best, i| if {value}[i] > {value}[best] {{ i }} else {{ best }});\n        write!(f, \"{name}: number {{largest}} of {elements} is the largest\")?;\n"
        ),
        1 if matches!(element(dtype), "f32" | "f64") => {
            format!("        write!(f, \"{name}: {{}} thousandths\", ({value}[0] * 1000.0) as i32)?;\n")
        }
        1 if !dtype.is_half() => format!("        write!(f, \"{name}: {{}}\", {value}[0])?;\n"),
        _ => format!("        let _ = {value};\n        write!(f, \"{name}: {elements} elements\")?;\n"),
    }
}

/// The text of functions that a test on an emulator needs: `fill` gives a frame the inputs of a vector, `equal` compares what a run gives.
/// The vectors are those of the emitted crate's own tests, in the folder `golden`.
pub fn emit_check(source: &Source<'_>, vectors: usize, golden: &str) -> String {
    let (program, names) = (source.program, Names::new(source.program));
    let mut text = String::from(concat!(
        "//! The vectors of the model's own tests, and whether a run gives them to the bit. Written once by zantc.\n\nuse crate",
        "::inference::Inference;\n\n"
    ));
    text += &format!("/// How many vectors there are.\npub const VECTORS: usize = {vectors};\n\n");
    let files = |kind: &str, count: usize| -> String {
        let of = |v: usize| {
            let each: Vec<String> =
                (0..count).map(|i| format!("include_bytes!(\"{golden}/{kind}_{v}_{i}.bin\")")).collect();
            format!("    [{}],\n", each.join(", "))
        };
        (0..vectors).map(of).collect()
    };
    for (constant, kind, ports) in
        [("INPUTS", "input", program.inputs.len()), ("OUTPUTS", "output", program.outputs.len())]
    {
        text += &format!("static {constant}: [[&[u8]; {ports}]; VECTORS] = [\n{}];\n\n", files(kind, ports));
    }
    text += "/// Whether the model gives the outputs of a vector.\npub fn vector(inference: &mut Inference, number: usize) -> bool {\n    let (inputs, expected) = (&INPUTS[number], &OUTPUTS[number]);\n";
    for (i, (name, port)) in names.inputs.iter().zip(&program.inputs).enumerate() {
        text += &format!("    {}\n", load(port, &format!("inference.frame.{name}"), &format!("inputs[{i}]")));
    }
    if program.inputs.is_empty() {
        text += "    let _ = inputs;\n";
    }
    text += match program.is_fallible() {
        true => "    let Ok(outputs) = inference.run() else { return false };\n",
        false => "    let outputs = inference.run();\n",
    };
    let compared = names.outputs.iter().zip(&program.outputs).enumerate().map(|(i, (name, port))| {
        let value = if names.outputs.len() == 1 { "outputs".to_string() } else { format!("outputs.{name}") };
        same(port, &value, &format!("expected[{i}]"))
    });
    text + &format!("    {}\n}}\n", compared.collect::<Vec<_>>().join("\n        && "))
}

/// A statement that fills an array from bytes.
fn load(port: &Port, array: &str, bytes: &str) -> String {
    match element(port.ty.dtype) {
        "bool" => format!("for (x, b) in {array}.iter_mut().zip({bytes}) {{ *x = *b != 0; }}"),
        t => format!("for (x, b) in {array}.iter_mut().zip({bytes}.as_chunks().0) {{ *x = {t}::from_le_bytes(*b); }}"),
    }
}

/// An expression: whether an array has the bits of some bytes. All NaN count as equal.
fn same(port: &Port, array: &str, bytes: &str) -> String {
    match element(port.ty.dtype) {
        "bool" => format!("{array}.iter().zip({bytes}).all(|(x, b)| u8::from(*x) == *b)"),
        t @ ("f32" | "f64") => format!(
            "{array}.iter().zip({bytes}.as_chunks().0).all(|(x, b)| {{\n            let y = {t}::from_le_bytes(*b);\n            x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan())\n        }})"
        ),
        t => format!("{array}.iter().zip({bytes}.as_chunks().0).all(|(x, b)| *x == {t}::from_le_bytes(*b))"),
    }
}
