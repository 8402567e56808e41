//! What a target has: its Rust triple, how products are rounded there, how buffers are aligned.

use crate::ir::Numerics;

/// A target of emitted crates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name on the command line.
    pub name: &'static str,
    /// The Rust target triple; `None` for the machine that builds.
    pub triple: Option<&'static str>,
    /// How products are rounded unless the user says otherwise: fused where an instruction does it.
    pub numerics: Numerics,
    /// Alignment of buffers in the arena, in bytes: a vector register's, or a word's.
    pub align: usize,
    /// What it is.
    pub about: &'static str,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "host",
        triple: None,
        numerics: Numerics::Fused,
        align: 16,
        about: "the machine that builds; x86-64 uses AVX2 and FMA where the CPU has them",
    },
    Target {
        name: "x86-64-v3",
        triple: Some("x86_64-unknown-linux-gnu"),
        numerics: Numerics::Fused,
        align: 16,
        about: "x86-64 with AVX2 and FMA",
    },
    Target {
        name: "cortex-m7",
        triple: Some("thumbv7em-none-eabihf"),
        numerics: Numerics::Fused,
        align: 8,
        about: "Armv7E-M with a double-precision FPU",
    },
    Target {
        name: "cortex-m4",
        triple: Some("thumbv7em-none-eabihf"),
        numerics: Numerics::Fused,
        align: 8,
        about: "Armv7E-M with a single-precision FPU",
    },
    Target {
        name: "cortex-m33",
        triple: Some("thumbv8m.main-none-eabihf"),
        numerics: Numerics::Fused,
        align: 8,
        about: "Armv8-M Mainline with a single-precision FPU",
    },
    Target {
        name: "cortex-m0",
        triple: Some("thumbv6m-none-eabi"),
        numerics: Numerics::Separate,
        align: 8,
        about: "Armv6-M; floating point in software",
    },
    Target {
        name: "riscv32imc",
        triple: Some("riscv32imc-unknown-none-elf"),
        numerics: Numerics::Separate,
        align: 8,
        about: "RISC-V without FPU; floating point in software",
    },
    Target {
        name: "wasm32",
        triple: Some("wasm32-unknown-unknown"),
        numerics: Numerics::Separate,
        align: 8,
        about: "WebAssembly",
    },
];

/// The target with a name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|t| t.name == name)
}

/// The machine that builds.
pub const HOST: &Target = &TARGETS[0];
