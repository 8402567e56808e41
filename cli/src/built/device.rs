//! The emitted crate as firmware of an emulated machine: its outputs, and what it takes there.

use zant_measure::{Built, Error, Firmware, Machine, Model, instructions};
use zantc::diag::{Diagnostic, codes};
use zantc::emit::{Package, Source, emit_crate};
use zantc::harness::{emit_inference, mark_bytes};
use zantc::ir::{Scalar, Tensor};
use zantc::program::Program;
use zantc::targets::{self, Board, HOST, PORTABLE, Target};

use super::kept::BuildFolder;
use super::memory;

/// Where a target's crates run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a process of this machine.
    Here,
    /// On a machine that is emulated.
    On(&'static Machine),
}

/// Where a target's crates run, if they can be run here.
///
/// # Errors
/// Where nothing here runs them, or what does is missing.
pub fn place(target: &Target) -> Result<Place, Diagnostic> {
    if let Some(machine) = Machine::with_cpu(target.name) {
        machine.require().map_err(|e| diagnostic(&e))?;
        return Ok(Place::On(machine));
    }
    if target.name == HOST.name || target.name == PORTABLE.name || target.name == "x86-64-v3" && is_v3() {
        return Ok(Place::Here);
    }
    let message = format!("nothing here runs crates for {}", target.name);
    Err(Diagnostic::error(codes::BAD_OPTION, message)
        .help("compute in this process alone with `--in-process`, which says nothing about the target"))
}

/// Whether this machine has what x86-64-v3 kernels use.
fn is_v3() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// An emitted crate with the firmware around it, in a folder that goes with it.
#[derive(Debug)]
pub struct Device {
    program: Program,
    firmware: Firmware,
    package: Package,
    /// Bytes that each run gives after its outputs: the marks of its steps.
    mark_bytes: usize,
    /// Holds both.
    _folder: BuildFolder,
}

/// What the model took and gave at one level of optimisation.
#[derive(Debug)]
pub struct Measured {
    /// Instructions of each run, where the machine counts them.
    pub instructions: Option<Vec<u64>>,
    /// The most bytes of stack that a run took, where the stack can be painted.
    pub stack_bytes: Option<u32>,
    /// Instructions of each step in each run, where the model tells of its steps.
    pub steps: Vec<Vec<u64>>,
    /// The outputs of each run.
    pub outputs: Vec<Vec<Tensor>>,
    /// The linked firmware.
    pub built: Built,
}

impl Measured {
    /// The most instructions that a run took, where the machine counts them.
    pub fn most_instructions(&self) -> Option<u64> {
        self.instructions.as_ref()?.iter().copied().max()
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
    /// As [`Device::kept`].
    pub fn write(source: &Source<'_>, machine: &'static Machine) -> Result<Device, Diagnostic> {
        Device::within(source, machine, false)
    }

    /// Writes crate and firmware to a folder that is kept where it can be, so that the same firmware is not built again.
    ///
    /// # Errors
    /// What the file system refused, an arena on the heap, an emulator that is missing, memory that the machine does not have.
    pub fn kept(source: &Source<'_>, machine: &'static Machine) -> Result<Device, Diagnostic> {
        Device::within(source, machine, true)
    }

    fn within(source: &Source<'_>, machine: &'static Machine, keep: bool) -> Result<Device, Diagnostic> {
        machine.require().map_err(|e| diagnostic(&e))?;
        if source.config.observed && machine.clock.is_none() {
            return Err(Diagnostic::error(codes::BAD_OPTION, format!("{} keeps no time of steps", machine.name))
                .help("profile the model on the host or on another target"));
        }
        let failed = |why: String| Diagnostic::error(codes::BUILD_FAILED, why);
        let inference = emit_inference(source).map_err(|why| Diagnostic::error(codes::BAD_OPTION, why))?;
        let package = emit_crate(source);
        let mut harness = Package::default();
        harness.files.insert(format!("{}.rs", machine.name), inference.clone().into_bytes());
        let folder = BuildFolder::with(&[("model", &package), ("harness", &harness)], keep).map_err(failed)?;
        let krate = folder.path().join("model");
        let program = source.program;
        let model = Model {
            folder: &krate,
            name: source.name,
            inference: &inference,
            weights_bytes: program.weights_bytes() as u64,
            weights_section: source.config.weights_section.as_deref(),
            arena_bytes: program.arena_bytes() as u64,
        };
        let firmware = Firmware::write(folder.path(), &model, machine).map_err(|e| diagnostic(&e))?;
        let mark_bytes = mark_bytes(source);
        Ok(Device { program: program.clone(), firmware, package, mark_bytes, _folder: folder })
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
        let vectors: Vec<Vec<u8>> = sets.iter().map(|inputs| memory::inputs(&self.program, inputs).concat()).collect();
        let output_bytes = memory::output_bytes(&self.program);
        let machine = self.firmware.machine();
        let runs = built.run(machine, &vectors, output_bytes + self.mark_bytes).map_err(|e| diagnostic(&e))?;
        Ok(Measured {
            instructions: runs.iter().map(|r| r.instructions).collect(),
            stack_bytes: runs.iter().filter_map(|r| r.stack_bytes).max(),
            steps: runs.iter().map(|r| steps(machine, &r.outputs[output_bytes..])).collect(),
            outputs: runs.iter().map(|r| memory::outputs(&self.program, &r.outputs)).collect(),
            built,
        })
    }

    /// Whether the firmware links into the memories of a board with so many bytes of stack.
    ///
    /// # Errors
    /// A toolchain that is missing, or a crate that does not build.
    pub fn links(&self, level: &str, board: &Board, stack: u32) -> Result<bool, Diagnostic> {
        let largest = |regions: &[targets::Region]| {
            let region = regions.iter().max_by_key(|r| r.bytes);
            let bytes = region.and_then(|r| u32::try_from(r.bytes).ok()).unwrap_or(0);
            zant_measure::Region { origin: region.map_or(0, |r| r.origin), bytes }
        };
        let memories = (largest(board.flash), largest(board.ram));
        self.firmware.links(level, memories, stack).map_err(|e| diagnostic(&e))
    }

    /// The files of the crate.
    pub fn package(&self) -> &Package {
        &self.package
    }
}

/// Instructions of each step, without those of noting, from the marks of a timer that counts down.
fn steps(machine: &Machine, marks: &[u8]) -> Vec<u64> {
    let marks: Vec<u32> = marks.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
    let between: Vec<u64> =
        marks.windows(2).map(|m| instructions(machine, u64::from(m[0].wrapping_sub(m[1]))).unwrap_or(0)).collect();
    let Some((noting, steps)) = between.split_first() else { return Vec::new() };
    steps.iter().map(|n| n.saturating_sub(*noting)).collect()
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
    use zantc::ir::Tensor;
    use zantc::targets::{PORTABLE, TARGETS, Target};

    use super::{Place, hash, place};

    #[test]
    fn every_target_has_its_place_or_none() {
        for target in TARGETS {
            match place(target) {
                Ok(Place::On(machine)) => assert_eq!(machine.cpu, target.name),
                Ok(Place::Here) => assert!(["host", "portable", "x86-64-v3"].contains(&target.name), "{}", target.name),
                Err(d) => assert!(!d.help.is_empty(), "{}", d.message),
            }
        }
        let unknown = Target { name: "pdp-11", ..PORTABLE };
        assert!(place(&unknown).unwrap_err().message.contains("nothing here runs crates for pdp-11"));
    }

    #[test]
    fn hashes_tell_bits_apart_but_not_nans() {
        let of = |v: f32| hash(&[vec![Tensor::from_elements([1], &[v])]]);
        assert_eq!(hash(&[]), "cbf29ce484222325");
        assert_ne!(of(0.0), of(-0.0));
        assert_eq!(of(f32::NAN), of(f32::from_bits(0xFFC0_0001)));
    }
}
