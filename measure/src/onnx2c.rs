//! onnx2c beside ours on a Cortex-M: the C that it writes for a model, built by `arm-none-eabi-gcc` at `-O3`, in the harness of our firmware.
//!
//! Invariant: its tensors, constants and code are counted as ours are; what runs is the function `entry`, with the model's inputs and
//! outputs in the model's order.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::gcc::{Foreign, GCC, archive, compiler, tool, version};
use crate::machine::Machine;
use crate::qemu::Run;
use crate::{Error, Sizes, process};

/// The section of its constants.
const CONSTANTS: &str = ".onnx2c";
/// Bytes of the largest C file.
const LONGEST: u64 = 1 << 30;

/// A model for onnx2c.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// The program.
    pub program: &'a Path,
    /// The ONNX file.
    pub model: &'a Path,
    /// Rust's types of the elements, and how many there are, of each input.
    pub inputs: Vec<(&'static str, usize)>,
    /// The same of each output.
    pub outputs: Vec<(&'static str, usize)>,
}

/// What its code takes and gives.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The run.
    pub run: Run,
    /// What is linked.
    pub sizes: Sizes,
    /// The compiler's version.
    pub compiler: String,
}

impl Job<'_> {
    /// Builds and runs it in a folder, on a vector: the bytes of its inputs; it gives `output_bytes`.
    ///
    /// # Errors
    /// Programs that are missing, a model that onnx2c refuses, C that does not build or that does not fit.
    pub fn measure(
        &self,
        machine: &'static Machine,
        folder: &Path,
        vector: Vec<u8>,
        output_bytes: usize,
    ) -> Result<Measured, Error> {
        let object = self.object(machine, folder)?;
        let library = folder.join("libonnx2c.a");
        archive(&library, std::slice::from_ref(&object))?;
        let foreign = Foreign {
            name: "onnx2c-model",
            inference: &self.inference(),
            archive: &library,
            libraries: &["libm.a", "libc.a"],
            weights_section: CONSTANTS,
            weights_bytes: fs::metadata(&object).map_err(Error::io("read the object"))?.len(),
            arena_bytes: 0,
        };
        let (run, sizes) = foreign.measure(machine, folder, vector, output_bytes)?;
        Ok(Measured { run, sizes, compiler: version()? })
    }

    /// The C as an object, its constants in a section of their own.
    fn object(&self, machine: &Machine, folder: &Path) -> Result<PathBuf, Error> {
        let program = self.program.display();
        let said = process::output(Command::new(self.program).arg(self.model))
            .map_err(|e| Error::Io(format!("cannot run {program}: {e}")))?;
        if !said.status.success() || said.stdout.is_empty() || said.stdout.len() as u64 > LONGEST {
            let why = String::from_utf8_lossy(&said.stderr).lines().last().unwrap_or("it writes no C").to_string();
            return Err(Error::Run(format!("{program} refuses the model: {why}")));
        }
        let (source, object) = (folder.join("model.c"), folder.join("model.o"));
        fs::write(&source, said.stdout).map_err(Error::io("write the C"))?;
        let mut command = compiler(GCC, machine);
        command.arg("-std=gnu99").arg("-c").arg(&source).arg("-o").arg(&object);
        tool(&mut command, "the C of onnx2c")?;
        let rename = format!(".rodata={CONSTANTS},alloc,load,readonly,data,contents");
        tool(Command::new("arm-none-eabi-objcopy").args(["--rename-section", &rename]).arg(&object), "its object")?;
        Ok(object)
    }

    /// The module that runs `entry`.
    fn inference(&self) -> String {
        let mut text = String::from("//! The C, its inputs and outputs, and one run.\n\nuse model as _;\n\n");
        let parameters = |ports: &[(&str, usize)], pointer: &str, name: &str| -> Vec<String> {
            ports.iter().enumerate().map(|(i, (ty, _))| format!("{name}_{i}: *{pointer} {ty}")).collect()
        };
        let all = [parameters(&self.inputs, "const", "input"), parameters(&self.outputs, "mut", "output")].concat();
        text += &format!("unsafe extern \"C\" {{\n    fn entry({});\n}}\n\n", all.join(", "));
        for (name, ports) in [("INPUT", &self.inputs), ("OUTPUT", &self.outputs)] {
            for (i, (ty, elements)) in ports.iter().enumerate() {
                let zero = if ty.starts_with('f') { "0.0" } else { "0" };
                text += &format!(
                    "#[unsafe(link_section = \".inputs\")]\nstatic mut {name}_{i}: [{ty}; {elements}] = [{zero}; {elements}];\n"
                );
            }
        }
        text += "\npub(crate) unsafe fn run(input: super::File, output: super::File) {\n    // SAFETY: there is one thread; the tensors have the model's types.\n    unsafe {\n";
        for i in 0..self.inputs.len() {
            text += &format!(
                "        super::read(input, (&raw mut INPUT_{i}).cast(), size_of_val(&*(&raw const INPUT_{i})));\n"
            );
        }
        let arguments = (0..self.inputs.len()).map(|i| format!("(&raw const INPUT_{i}).cast()"));
        let arguments = arguments.chain((0..self.outputs.len()).map(|i| format!("(&raw mut OUTPUT_{i}).cast()")));
        let arguments = arguments.collect::<Vec<_>>().join(", ");
        text += &format!(
            "        let start = super::begin();\n        entry({arguments});\n        super::end(output, start);\n"
        );
        for i in 0..self.outputs.len() {
            text += &format!(
                "        super::write(output, (&raw const OUTPUT_{i}).cast(), size_of_val(&*(&raw const OUTPUT_{i})));\n"
            );
        }
        text + "    }\n}\n"
    }
}
