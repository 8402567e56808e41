//! What a target has: its Rust triple, how products are rounded there, how buffers are aligned, which bodies kernels have; and
//! the memories of boards.

mod boards;
mod triples;

pub use boards::{BOARDS, Board, Region, find_board};
pub(crate) use triples::Platform;
pub use triples::of_triple;

use crate::ir::Numerics;

/// A target of emitted crates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name on the command line.
    pub name: &'static str,
    /// The Rust target triple; `None` for the machine that builds.
    pub triple: Option<&'static str>,
    /// What the instruction set has that kernels are written for, by the compiler's names.
    pub features: &'static [&'static str],
    /// How products are rounded unless the user says otherwise: fused where an instruction does it.
    pub numerics: Numerics,
    /// Alignment of buffers in the arena, in bytes: a vector register's, or a word's.
    pub align: usize,
    /// The bodies that kernels have, the fastest first. All compute the same bits.
    pub bodies: &'static [Body],
    /// Whether kernels have one body even where speed is preferred: on targets for which the inner loops are written, and where
    /// flash is short.
    pub compact: bool,
    /// What it is.
    pub about: &'static str,
}

impl Target {
    /// Whether the CPU runs the loops that the runtime has for Armv7E-M and Armv8-M.
    pub fn has_arm_loops(&self) -> bool {
        self.bodies.contains(&Body::ArmDsp)
    }

    /// The folder of the runtime with the loops of its instruction set; `None` where plain Rust is all there is.
    pub fn family(&self) -> Option<&'static str> {
        self.bodies.iter().find_map(|body| body.family())
    }

    /// Bytes of the largest arena that some memory of such a target can hold, and what says so. A Cortex-M has room for memory
    /// of at most 1 GiB in one piece, at 0x6000_0000; no object of a machine of 32 bits has 2 GiB; 64-bit machines have
    /// addresses of 47 bits for a process.
    pub fn largest_arena(&self) -> (usize, &'static str) {
        let (bits, why) = match self.triple {
            Some(triple) if triple.starts_with("thumb") => (30, "a Cortex-M addresses in one piece"),
            Some(triple) if triple.contains("32") => (31, "an object has on a machine of 32 bits"),
            Some(_) | None => (47, "a process addresses"),
        };
        (usize::try_from(1u64 << bits).unwrap_or(usize::MAX), why)
    }
}

/// Loops written for an instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// x86-64 with AVX-512F; chosen when the code runs.
    Avx512,
    /// x86-64 with AVX2 and FMA; chosen when the code runs.
    Avx2,
    /// Armv7E-M and Armv8-M with DSP instructions and an FPU.
    ArmDsp,
    /// Armv8-A, 64 bits: plain Rust with the fused multiply-add.
    Neon,
    /// Plain Rust.
    Portable,
}

impl Body {
    /// Its name, as documentation and reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Body::Avx512 => "AVX-512",
            Body::Avx2 => "AVX2",
            Body::ArmDsp => "Arm DSP",
            Body::Neon => "NEON",
            Body::Portable => "portable",
        }
    }

    /// The folder of the runtime that has it.
    pub fn family(self) -> Option<&'static str> {
        match self {
            Body::Avx512 | Body::Avx2 => Some("arch/x86"),
            Body::ArmDsp => Some("arch/arm"),
            Body::Neon => Some("arch/neon"),
            Body::Portable => None,
        }
    }

    /// Rows and columns of the results that its matrix product keeps in registers.
    pub fn tile(self) -> [usize; 2] {
        match self {
            Body::Avx512 => [12, 32],
            Body::Avx2 => [6, 16],
            Body::ArmDsp | Body::Neon | Body::Portable => [2, 8],
        }
    }
}

/// What targets without vectors and without an FPU have in common.
const SMALL: Target = Target {
    name: "",
    triple: None,
    features: &[],
    numerics: Numerics::Separate,
    align: 8,
    bodies: &[Body::Portable],
    compact: true,
    about: "",
};

/// What Cortex-M with an FPU have in common.
const CORTEX_M: Target = Target {
    numerics: Numerics::Fused,
    features: &["dsp", "vfp4d16sp"],
    bodies: &[Body::ArmDsp, Body::Portable],
    ..SMALL
};

/// What 64-bit machines have in common.
const LARGE: Target = Target { numerics: Numerics::Fused, align: 16, compact: false, ..SMALL };

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "host",
        bodies: &[Body::Avx512, Body::Avx2, Body::Portable],
        about: "the machine that builds; x86-64 uses AVX2 and FMA where the CPU has them",
        ..LARGE
    },
    Target {
        name: "x86-64-v3",
        triple: Some("x86_64-unknown-linux-gnu"),
        features: &["avx2", "fma"],
        bodies: &[Body::Avx512, Body::Avx2, Body::Portable],
        about: "x86-64 with AVX2 and FMA",
        ..LARGE
    },
    Target {
        name: "aarch64",
        triple: Some("aarch64-unknown-linux-gnu"),
        features: &["neon"],
        bodies: &[Body::Neon],
        about: "Armv8-A, 64 bits",
        ..LARGE
    },
    Target {
        name: "cortex-m7",
        triple: Some("thumbv7em-none-eabihf"),
        features: &["dsp", "fp-armv8d16"],
        about: "Armv7E-M with a double-precision FPU",
        ..CORTEX_M
    },
    Target {
        name: "cortex-m4",
        triple: Some("thumbv7em-none-eabihf"),
        about: "Armv7E-M with a single-precision FPU",
        ..CORTEX_M
    },
    Target {
        name: "cortex-m33",
        triple: Some("thumbv8m.main-none-eabihf"),
        features: &["dsp", "fp-armv8d16sp"],
        about: "Armv8-M Mainline with a single-precision FPU",
        ..CORTEX_M
    },
    Target {
        name: "cortex-m55",
        triple: Some("thumbv8m.main-none-eabihf"),
        features: &["dsp", "fp-armv8d16", "mve.fp"],
        about: "Armv8.1-M Mainline with a double-precision FPU and vectors, which `-C target-cpu` lets the compiler use",
        ..CORTEX_M
    },
    Target {
        name: "cortex-m0",
        triple: Some("thumbv6m-none-eabi"),
        about: "Armv6-M; floating point in software",
        ..SMALL
    },
    Target {
        name: "riscv32imc",
        triple: Some("riscv32imc-unknown-none-elf"),
        features: &["m", "c"],
        about: "RISC-V without FPU; floating point in software",
        ..SMALL
    },
    Target { name: "wasm32", triple: Some("wasm32-unknown-unknown"), about: "WebAssembly", ..SMALL },
    PORTABLE,
];

/// Any other machine.
pub const PORTABLE: Target =
    Target { name: "portable", about: "any other little-endian machine, by plain Rust", compact: false, ..SMALL };

/// The target with a name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|t| t.name == name)
}

/// The machine that builds.
pub const HOST: &Target = &TARGETS[0];
