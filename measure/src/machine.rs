//! The machines that QEMU emulates and firmware is measured on.

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub origin: u32,
    /// Bytes.
    pub bytes: u32,
}

/// A machine of `qemu-system-arm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// QEMU's name of it.
    pub name: &'static str,
    /// The compiler's name of its core: `-C target-cpu`, and the target of `zantc`.
    pub cpu: &'static str,
    /// The Rust target that its firmware is built for.
    pub triple: &'static str,
    /// Where code and constants lie, and where the processor starts.
    pub flash: Region,
    /// Where the arena and the stack lie.
    pub ram: Region,
    /// Slower memory, for what is too large for the other two.
    pub large: Region,
    /// Ticks per second of the timers.
    pub timer_hz: u32,
    /// Address of the CMSDK timer that counts each tick.
    pub fine_timer: u32,
    /// Address of the CMSDK dual timer that counts every 256th.
    pub coarse_timer: u32,
}

const fn region(origin: u32, bytes: u32) -> Region {
    Region { origin, bytes }
}

const MB: u32 = 1 << 20;

/// All machines. Memory maps: Arm's application notes AN500, AN386 and AN505, as QEMU implements them.
pub const MACHINES: &[Machine] = &[
    Machine {
        name: "mps2-an500",
        cpu: "cortex-m7",
        triple: "thumbv7em-none-eabihf",
        flash: region(0, 4 * MB),
        ram: region(0x2000_0000, 4 * MB),
        large: region(0x6000_0000, 16 * MB),
        timer_hz: 25_000_000,
        fine_timer: 0x4000_0000,
        coarse_timer: 0x4000_2000,
    },
    Machine {
        name: "mps2-an386",
        cpu: "cortex-m4",
        triple: "thumbv7em-none-eabihf",
        flash: region(0, 4 * MB),
        ram: region(0x2000_0000, 4 * MB),
        large: region(0x2100_0000, 16 * MB),
        timer_hz: 25_000_000,
        fine_timer: 0x4000_0000,
        coarse_timer: 0x4000_2000,
    },
    Machine {
        name: "mps2-an505",
        cpu: "cortex-m33",
        triple: "thumbv8m.main-none-eabihf",
        flash: region(0x1000_0000, 4 * MB),
        ram: region(0x3800_0000, 4 * MB),
        large: region(0x8000_0000, 16 * MB),
        timer_hz: 20_000_000,
        // The processor starts in the secure state, where peripherals have a second address.
        fine_timer: 0x5000_0000,
        coarse_timer: 0x5000_2000,
    },
];

impl Machine {
    /// The machine with a core.
    pub fn with_cpu(cpu: &str) -> Option<&'static Machine> {
        MACHINES.iter().find(|m| m.cpu == cpu)
    }
}
