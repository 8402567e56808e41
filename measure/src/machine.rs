//! The machines that firmware is run on: those that QEMU emulates, and WebAssembly's.

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub origin: u32,
    /// Bytes.
    pub bytes: u32,
}

/// Where firmware lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Where the processor starts, if not where the code lies.
    pub vectors: Option<Region>,
    /// Where code and constants lie.
    pub flash: Region,
    /// Where the arena and the stack lie.
    pub ram: Region,
    /// Slower memory, for what is too large for the other two.
    pub large: Region,
}

/// What counts the time of an emulated machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Ticks per second.
    pub hz: u32,
    /// Address of what counts each tick; zero where it is no memory.
    pub fine: u32,
    /// Address of what counts every 256th; zero where the first one has 64 bits.
    pub coarse: u32,
}

/// A program that runs firmware, with what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emulator {
    /// The program.
    pub program: &'static str,
    /// The command that installs it.
    pub install: &'static str,
    /// Its arguments beside the machine's name and the firmware's path.
    pub arguments: &'static [&'static str],
}

/// What the harness around a model is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Core {
    Armv6M,
    Armv7M,
    Sse300,
    Aarch64,
    Riscv32,
    Wasm32,
}

/// A machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The emulator's name of it.
    pub name: &'static str,
    /// The target of `zantc` that it is.
    pub cpu: &'static str,
    /// The compiler's name of its core: `-C target-cpu`.
    pub target_cpu: &'static str,
    /// The Rust target that its firmware is built for.
    pub triple: &'static str,
    /// What runs it.
    pub emulator: Emulator,
    /// Where firmware lies; `None` where the linker decides.
    pub memory: Option<Memory>,
    /// What counts its time, and thereby instructions; `None` where nothing does.
    pub clock: Option<Clock>,
    pub(crate) core: Core,
}

const fn region(origin: u32, bytes: u32) -> Region {
    Region { origin, bytes }
}

const MB: u32 = 1 << 20;

const fn memory(flash: Region, ram: Region, large: Region) -> Option<Memory> {
    Some(Memory { vectors: None, flash, ram, large })
}

const fn clock(hz: u32, fine: u32, coarse: u32) -> Option<Clock> {
    Some(Clock { hz, fine, coarse })
}

/// A machine of QEMU for Arm, whose name of a core is the compiler's; its triple, and what QEMU is told besides the name.
const fn arm(
    name: &'static str,
    (cpu, triple): (&'static str, &'static str),
    core: Core,
    (memory, clock): (Option<Memory>, Option<Clock>),
    arguments: &'static [&'static str],
) -> Machine {
    let install = "apt-get install --no-install-recommends qemu-system-arm";
    let emulator = Emulator { program: "qemu-system-arm", install, arguments };
    Machine { name, cpu, target_cpu: cpu, triple, emulator, memory, clock, core }
}

/// An MPS2 board: where its flash, its RAM and its PSRAM begin, its clock's MHz, and where its peripherals begin.
const fn mps2(
    name: &'static str,
    cpu: (&'static str, &'static str),
    [flash, ram, large]: [u32; 3],
    (mhz, peripherals): (u32, u32),
) -> Machine {
    let memory = memory(region(flash, 4 * MB), region(ram, 4 * MB), region(large, 16 * MB));
    let timers = clock(mhz * 1_000_000, peripherals, peripherals + 0x2000);
    arm(name, cpu, Core::Armv7M, (memory, timers), &[])
}

/// How fast a chip with a machine's core is, by its documentation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Millions of cycles in a second.
    pub mhz: f64,
    /// Cycles for each instruction.
    pub cycles: f64,
}

impl Pace {
    /// Microseconds of so many instructions.
    pub fn microseconds(self, instructions: u64) -> f64 {
        instructions as f64 * self.cycles / self.mhz
    }
}

/// All machines. Memory maps: Arm's application notes AN500, AN386, AN505 and AN547, the nRF51's reference manual, and the
/// documentation of QEMU's `virt`, as QEMU implements them. The micro:bit's memories are made larger than the chip's: an option
/// of the emulator, which changes nothing about its core. A machine that is also a board of `zantc` has that board's memories.
pub const MACHINES: &[Machine] = &[
    mps2("mps2-an500", ("cortex-m7", "thumbv7em-none-eabihf"), [0, 0x2000_0000, 0x6000_0000], (25, 0x4000_0000)),
    mps2("mps2-an386", ("cortex-m4", "thumbv7em-none-eabihf"), [0, 0x2000_0000, 0x2100_0000], (25, 0x4000_0000)),
    // The processor starts in the secure state, where memories and peripherals have a second address.
    mps2(
        "mps2-an505",
        ("cortex-m33", "thumbv8m.main-none-eabihf"),
        [0x1000_0000, 0x3800_0000, 0x8000_0000],
        (20, 0x5000_0000),
    ),
    arm(
        "mps3-an547",
        ("cortex-m55", "thumbv8m.main-none-eabihf"),
        Core::Sse300,
        (
            Some(Memory {
                vectors: Some(region(0x1000_0000, MB / 2)),
                flash: region(0x1100_0000, 2 * MB),
                ram: region(0x3100_0000, 2 * MB),
                large: region(0x7000_0000, 64 * MB),
            }),
            clock(32_000_000, 0x5810_0000, 0),
        ),
        &[],
    ),
    arm(
        "microbit",
        ("cortex-m0", "thumbv6m-none-eabi"),
        Core::Armv6M,
        (
            memory(region(0, 16 * MB), region(0x2000_0000, 8 * MB), region(0x2080_0000, 8 * MB)),
            clock(16_000_000, 0x4000_8000, 0x4000_9000),
        ),
        &["-global", "nrf51-soc.flash-size=16777216", "-global", "nrf51-soc.sram-size=16777216"],
    ),
    Machine {
        name: "virt",
        cpu: "riscv32imc",
        target_cpu: "generic-rv32",
        triple: "riscv32imc-unknown-none-elf",
        emulator: Emulator {
            program: "qemu-system-riscv32",
            install: "apt-get install --no-install-recommends qemu-system-misc",
            arguments: &["-bios", "none", "-cpu", "rv32,a=false,f=false,d=false"],
        },
        memory: memory(region(0x8000_0000, 16 * MB), region(0x8100_0000, 16 * MB), region(0x8200_0000, 64 * MB)),
        clock: clock(1_000_000_000, 0, 0),
        core: Core::Riscv32,
    },
    Machine {
        name: "virt",
        cpu: "aarch64",
        target_cpu: "cortex-a53",
        triple: "aarch64-unknown-none",
        emulator: Emulator {
            program: "qemu-system-aarch64",
            install: "apt-get install --no-install-recommends qemu-system-arm",
            arguments: &["-cpu", "cortex-a53"],
        },
        memory: memory(region(0x4040_0000, 16 * MB), region(0x4200_0000, 16 * MB), region(0x4300_0000, 64 * MB)),
        clock: clock(62_500_000, 0, 0),
        core: Core::Aarch64,
    },
    Machine {
        name: "node",
        cpu: "wasm32",
        target_cpu: "generic",
        triple: "wasm32-unknown-unknown",
        emulator: Emulator { program: "node", install: "apt-get install nodejs", arguments: &[] },
        memory: None,
        clock: None,
        core: Core::Wasm32,
    },
];

impl Machine {
    /// How fast a well-known chip with this core is: an estimate, whose reasons docs/measuring.md has. None for cores of which nothing is said.
    pub fn pace(&self) -> Option<Pace> {
        // An STM32F746; the core issues up to two instructions a cycle.
        (self.cpu == "cortex-m7").then_some(Pace { mhz: 216.0, cycles: 1.0 })
    }

    /// The machine of a target.
    pub fn with_cpu(cpu: &str) -> Option<&'static Machine> {
        MACHINES.iter().find(|m| m.cpu == cpu)
    }

    /// Checks that the program that runs it and Rust's libraries for it are there.
    ///
    /// # Errors
    /// Where one is not, with the command that installs it.
    pub fn require(&self) -> Result<(), crate::Error> {
        let Emulator { program, install, .. } = self.emulator;
        if crate::cargo::version(program).is_err() {
            return Err(crate::Error::Missing { what: program.into(), install: install.into() });
        }
        crate::cargo::require_target(self.triple)
    }

    /// Whether it is a Cortex-M with an FPU: the kernels that it runs are the loops for Arm's DSP instructions, and the
    /// instructions of its linked firmware can be read.
    pub fn has_arm_loops(&self) -> bool {
        matches!(self.core, Core::Armv7M | Core::Sse300)
    }
}

/// The line of the harness at which a processor with an FPU enables it, and how.
const NO_FPU: &str = "    \"@ An FPU is enabled here.\",\n";
const FPU: &str = r#"    "ldr r0, =0xE000ED88", "ldr r1, [r0]", "orr r1, r1, #0xF00000", "str r1, [r0]", "dsb", "isb",
"#;

impl Core {
    /// The text of the harness's module for the machine; `None` where the harness has none.
    pub(crate) fn module(self, clock: Clock) -> Option<String> {
        const CORTEX_M: &str = include_str!("../harness/machine/cortex_m.rs");
        let fine = format!("\nconst FINE: usize = {:#x};\n", clock.fine);
        let both = format!("{fine}const COARSE: usize = {:#x};\n", clock.coarse);
        let with_fpu = || CORTEX_M.replace(NO_FPU, FPU);
        Some(match self {
            Core::Armv6M => format!("{CORTEX_M}{both}{}", include_str!("../harness/machine/nrf51.rs")),
            Core::Armv7M => format!("{}{both}{}", with_fpu(), include_str!("../harness/machine/cmsdk.rs")),
            Core::Sse300 => format!("{}{fine}{}", with_fpu(), include_str!("../harness/machine/sse.rs")),
            Core::Riscv32 => include_str!("../harness/machine/riscv32.rs").into(),
            Core::Aarch64 => include_str!("../harness/machine/aarch64.rs").into(),
            Core::Wasm32 => return None,
        })
    }
}
