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
    /// The loops that kernels have.
    pub loops: Loops,
    /// Whether kernels have one body even where speed is preferred: on targets for which the inner loops are written, and where
    /// flash is short.
    pub compact: bool,
    /// What it is.
    pub about: &'static str,
}

impl Target {
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

/// The loops that the runtime has for an instruction set family. All compute the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loops {
    /// The type of the CPU that kernels are called with, below the runtime's root, without its numerics.
    pub cpu: &'static str,
    /// The same where small code is preferred.
    pub small: &'static str,
    /// The folder of the runtime that has them; `None` where plain Rust is all there is.
    pub family: Option<&'static str>,
    /// How the weights of quantized products lie.
    pub packing: Packing,
    /// Whether products of bytes with weights of three values want those in two bits, for instructions that multiply bytes, rather
    /// than five in a byte, for a table of sums.
    pub codes: bool,
}

/// How the weights of quantized products lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// In panels of sixteen channels, four inputs side by side, for products of bytes.
    Quads,
    /// For products of two 16-bit numbers at once.
    Dual,
}

/// Plain Rust.
const PLAIN: Loops = Loops {
    cpu: "arch::portable::Portable",
    small: "arch::portable::Portable",
    family: None,
    packing: Packing::Quads,
    codes: false,
};

/// AVX2 with FMA, AVX-512F and VNNI, as the CPU is found to have them when the code runs.
const X86: Loops = Loops {
    cpu: "arch::host::Host",
    small: "arch::narrow::Narrow",
    family: Some("arch/x86"),
    packing: Packing::Quads,
    codes: true,
};

/// Armv8-A, 64 bits: plain Rust with the fused multiply-add.
const NEON: Loops = Loops { family: Some("arch/neon"), ..PLAIN };

/// Armv7E-M and Armv8-M with DSP instructions and an FPU.
const ARM: Loops = Loops {
    cpu: "arch::arm::dsp::Dsp",
    small: "arch::arm::dsp::Dsp",
    family: Some("arch/arm"),
    packing: Packing::Dual,
    codes: false,
};

/// What targets without vectors and without an FPU have in common.
const SMALL: Target = Target {
    name: "",
    triple: None,
    features: &[],
    numerics: Numerics::Separate,
    align: 8,
    loops: PLAIN,
    compact: true,
    about: "",
};

/// What Cortex-M with an FPU have in common.
const CORTEX_M: Target = Target { numerics: Numerics::Fused, features: &["dsp", "vfp4d16sp"], loops: ARM, ..SMALL };

/// What 64-bit machines have in common.
const LARGE: Target = Target { numerics: Numerics::Fused, align: 16, compact: false, ..SMALL };

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "host",
        loops: X86,
        about: "the machine that builds; x86-64 uses AVX2 and FMA where the CPU has them",
        ..LARGE
    },
    Target {
        name: "x86-64-v3",
        triple: Some("x86_64-unknown-linux-gnu"),
        features: &["avx2", "fma"],
        loops: X86,
        about: "x86-64 with AVX2 and FMA",
        ..LARGE
    },
    Target {
        name: "aarch64",
        triple: Some("aarch64-unknown-linux-gnu"),
        features: &["neon"],
        loops: NEON,
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
