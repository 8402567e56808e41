//! The emitted crate as firmware of an emulated machine: its outputs, and what it takes there.

use zant_measure::{Built, Error, Firmware, Machine, Model};

use crate::diag::{Diagnostic, codes};
use crate::emit::{Package, Source, emit_crate, emit_inference};
use crate::ir::{Scalar, Tensor};
use crate::program::Program;

/// An emitted crate with the firmware around it, in a folder that goes with it.
#[derive(Debug)]
pub struct Device {
    program: Program,
    firmware: Firmware,
    package: Package,
    /// Holds both, and goes with this.
    _folder: tempfile::TempDir,
}

/// What the model took and gave at one level of optimisation.
#[derive(Debug)]
pub struct Measured {
    /// Instructions of each run.
    pub instructions: Vec<u64>,
    /// The most bytes of stack that a run took.
    pub stack_bytes: u32,
    /// The outputs of each run.
    pub outputs: Vec<Vec<Tensor>>,
    /// The linked firmware.
    pub built: Built,
}

impl Measured {
    /// The most instructions that a run took.
    pub fn most_instructions(&self) -> u64 {
        self.instructions.iter().copied().max().unwrap_or(0)
    }
}

/// What could not be measured, as a diagnostic.
pub fn diagnostic(error: &Error) -> Diagnostic {
    match error {
        Error::Missing { what, install } => {
            Diagnostic::error(codes::BUILD_FAILED, format!("{what} is missing")).help(format!("run `{install}`"))
        }
        Error::Io(why) | Error::Run(why) => Diagnostic::error(codes::BUILD_FAILED, why.clone()),
        Error::Build { what, output } => {
            let message = format!("{what} does not build");
            output.iter().fold(Diagnostic::error(codes::BUILD_FAILED, message), |d, line| d.help(line.clone()))
        }
    }
}

impl Device {
    /// Writes crate and firmware to a temporary folder.
    ///
    /// # Errors
    /// What the file system refused, an arena on the heap, memory that the machine does not have.
    pub fn write(source: &Source<'_>, machine: &'static Machine) -> Result<Device, Diagnostic> {
        let failed = |why: String| Diagnostic::error(codes::BUILD_FAILED, why);
        let folder = tempfile::Builder::new().prefix("zantc-").tempdir();
        let folder = folder.map_err(|e| failed(format!("cannot make a temporary folder: {e}")))?;
        let inference = emit_inference(source).map_err(|why| Diagnostic::error(codes::BAD_OPTION, why))?;
        let krate = folder.path().join("model");
        let package = emit_crate(source);
        package.write(&krate).map_err(|e| failed(e.to_string()))?;
        let program = source.program;
        let model = Model {
            folder: &krate,
            name: source.name,
            inference: &inference,
            weights_bytes: program.weights_bytes() as u64,
            weights_section: source.config.weights_section.as_deref(),
            arena_bytes: program.layout.as_ref().map_or(0, |l| l.arena_bytes) as u64,
        };
        let firmware = Firmware::write(folder.path(), &model, machine).map_err(|e| diagnostic(&e))?;
        Ok(Device { program: program.clone(), firmware, package, _folder: folder })
    }

    /// Builds at a level of optimisation, for any core of the target or for the machine's own.
    ///
    /// # Errors
    /// A toolchain that is missing, or a crate that does not build.
    pub fn build(&self, level: &str, cpu: bool) -> Result<Built, Diagnostic> {
        self.firmware.build(level, cpu).map_err(|e| diagnostic(&e))
    }

    /// Runs the model on sets of inputs. States are inputs and outputs like the others.
    ///
    /// # Errors
    /// An emulator that is missing, firmware that stops.
    pub fn run(&self, built: Built, sets: &[Vec<Tensor>]) -> Result<Measured, Diagnostic> {
        let vectors: Vec<Vec<u8>> = sets.iter().map(|inputs| self.vector(inputs)).collect();
        let outputs: usize = self.program.outputs.iter().map(|p| p.ty.bytes()).sum();
        let states: usize = self.program.states.iter().map(crate::program::State::bytes).sum();
        let runs = built.run(self.firmware.machine(), &vectors, outputs + states).map_err(|e| diagnostic(&e))?;
        Ok(Measured {
            instructions: runs.iter().map(|r| r.instructions).collect(),
            stack_bytes: runs.iter().map(|r| r.stack_bytes).max().unwrap_or(0),
            outputs: runs.iter().map(|r| self.outputs(&r.outputs)).collect(),
            built,
        })
    }

    /// The files of the crate.
    pub fn package(&self) -> &Package {
        &self.package
    }

    /// The bytes of a run's inputs and states.
    fn vector(&self, inputs: &[Tensor]) -> Vec<u8> {
        let (lent, states) = self.program.split_inputs(inputs);
        let mut bytes: Vec<u8> = lent.iter().flat_map(|t| t.data().to_vec()).collect();
        for (state, value) in self.program.states.iter().zip(&states) {
            let mut memory = vec![0; state.bytes()];
            state.store(value, &mut memory);
            bytes.extend(memory);
        }
        bytes
    }

    /// The model's outputs from the bytes of a run's outputs and states.
    fn outputs(&self, mut bytes: &[u8]) -> Vec<Tensor> {
        let mut next = |len: usize| {
            let (part, rest) = bytes.split_at(len);
            bytes = rest;
            part.to_vec()
        };
        let outputs =
            self.program.outputs.iter().map(|p| {
                Tensor::from_bytes(p.ty.clone(), next(p.ty.bytes()).into()).expect("the run gave so many bytes")
            });
        let outputs: Vec<Tensor> = outputs.collect();
        let states = self.program.states.iter().map(|s| s.output_of(&s.load(&next(s.bytes()))));
        let states: Vec<Tensor> = states.collect();
        self.program.join_outputs(outputs, states)
    }
}

/// A hash of the bits of outputs, with one NaN for all: FNV-1a, 64 bits.
pub fn hash(outputs: &[Vec<Tensor>]) -> String {
    let bits = |v: Scalar| if v.dtype().is_float() && v.to_f64().is_nan() { u64::MAX } else { v.bits() };
    let bytes = outputs.iter().flatten().flat_map(Tensor::scalars).flat_map(|v| bits(v).to_le_bytes());
    let hash =
        bytes.fold(0xCBF2_9CE4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01B3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::hash;
    use crate::ir::Tensor;

    #[test]
    fn hashes_tell_bits_apart_but_not_nans() {
        let of = |v: f32| hash(&[vec![Tensor::from_elements([1], &[v])]]);
        assert_eq!(hash(&[]), "cbf29ce484222325");
        assert_ne!(of(0.0), of(-0.0));
        assert_eq!(of(f32::NAN), of(f32::from_bits(0xFFC0_0001)));
    }
}
