//! Boards and parts with their memories, from the makers' data sheets. A model's weights and code
//! lie in one region, its arena, inputs and stack in another: what a linker script with one `FLASH` and one `RAM` has.

use super::Target;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The maker's name of it.
    pub name: &'static str,
    /// First address.
    pub origin: u32,
    /// Bytes.
    pub bytes: usize,
}

/// A board or a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Board {
    /// The name on the command line.
    pub name: &'static str,
    /// The name of its target.
    pub target: &'static str,
    /// Memories that keep code and constants.
    pub flash: &'static [Region],
    /// Memories that can be written.
    pub ram: &'static [Region],
    /// The name by which `probe-rs` knows the part; `None` for machines that are emulated alone.
    pub chip: Option<&'static str>,
}

const K: usize = 1 << 10;
const M: usize = 1 << 20;

const fn at(name: &'static str, origin: u32, bytes: usize) -> Region {
    Region { name, origin, bytes }
}

/// All boards.
pub const BOARDS: &[Board] = &[
    Board {
        name: "mps2-an500",
        target: "cortex-m7",
        flash: &[at("SSRAM1", 0, 4 * M), at("PSRAM", 0x6000_0000, 16 * M)],
        ram: &[at("SSRAM23", 0x2000_0000, 4 * M)],
        chip: None,
    },
    Board {
        name: "mps2-an386",
        target: "cortex-m4",
        flash: &[at("SSRAM1", 0, 4 * M), at("PSRAM", 0x2100_0000, 16 * M)],
        ram: &[at("SSRAM23", 0x2000_0000, 4 * M)],
        chip: None,
    },
    Board {
        name: "mps2-an505",
        target: "cortex-m33",
        flash: &[at("SSRAM1", 0x1000_0000, 4 * M), at("PSRAM", 0x8000_0000, 16 * M)],
        ram: &[at("SSRAM23", 0x3800_0000, 4 * M)],
        chip: None,
    },
    Board {
        name: "mps3-an547",
        target: "cortex-m55",
        flash: &[at("ITCM", 0, 512 * K), at("SRAM", 0x0100_0000, 2 * M)],
        ram: &[at("DTCM", 0x2000_0000, 512 * K), at("SRAM", 0x2100_0000, 4 * M)],
        chip: None,
    },
    Board {
        name: "nrf51822",
        target: "cortex-m0",
        flash: &[at("flash", 0, 256 * K)],
        ram: &[at("RAM", 0x2000_0000, 16 * K)],
        chip: Some("nRF51822_xxAA"),
    },
    Board {
        name: "nrf52832",
        target: "cortex-m4",
        flash: &[at("flash", 0, 512 * K)],
        ram: &[at("RAM", 0x2000_0000, 64 * K)],
        chip: Some("nRF52832_xxAA"),
    },
    Board {
        name: "nrf52840",
        target: "cortex-m4",
        flash: &[at("flash", 0, M)],
        ram: &[at("RAM", 0x2000_0000, 256 * K)],
        chip: Some("nRF52840_xxAA"),
    },
    Board {
        name: "nrf5340",
        target: "cortex-m33",
        flash: &[at("flash", 0, M)],
        ram: &[at("RAM", 0x2000_0000, 512 * K)],
        chip: Some("nRF5340_xxAA"),
    },
    Board {
        name: "rp2040",
        target: "cortex-m0",
        flash: &[at("XIP", 0x1000_0000, 2 * M)],
        ram: &[at("SRAM", 0x2000_0000, 264 * K)],
        chip: Some("RP2040"),
    },
    Board {
        name: "rp2350",
        target: "cortex-m33",
        flash: &[at("XIP", 0x1000_0000, 4 * M)],
        ram: &[at("SRAM", 0x2000_0000, 520 * K)],
        chip: Some("RP235x"),
    },
    Board {
        name: "stm32f407vg",
        target: "cortex-m4",
        flash: &[at("flash", 0x0800_0000, M)],
        ram: &[at("SRAM", 0x2000_0000, 128 * K), at("CCM", 0x1000_0000, 64 * K)],
        chip: Some("STM32F407VGTx"),
    },
    Board {
        name: "stm32f411ce",
        target: "cortex-m4",
        flash: &[at("flash", 0x0800_0000, 512 * K)],
        ram: &[at("SRAM", 0x2000_0000, 128 * K)],
        chip: Some("STM32F411CEUx"),
    },
    Board {
        name: "stm32f746ng",
        target: "cortex-m7",
        flash: &[at("flash", 0x0800_0000, M)],
        ram: &[at("DTCM and SRAM", 0x2000_0000, 320 * K)],
        chip: Some("STM32F746NGHx"),
    },
    Board {
        name: "stm32f767zi",
        target: "cortex-m7",
        flash: &[at("flash", 0x0800_0000, 2 * M)],
        ram: &[at("DTCM and SRAM", 0x2000_0000, 512 * K)],
        chip: Some("STM32F767ZITx"),
    },
    Board {
        name: "stm32h743zi",
        target: "cortex-m7",
        flash: &[at("flash", 0x0800_0000, 2 * M)],
        ram: &[at("AXI SRAM", 0x2400_0000, 512 * K), at("DTCM", 0x2000_0000, 128 * K)],
        chip: Some("STM32H743ZITx"),
    },
    Board {
        name: "stm32l476rg",
        target: "cortex-m4",
        flash: &[at("flash", 0x0800_0000, M)],
        ram: &[at("SRAM1", 0x2000_0000, 96 * K), at("SRAM2", 0x1000_0000, 32 * K)],
        chip: Some("STM32L476RGTx"),
    },
    Board {
        name: "stm32u585ai",
        target: "cortex-m33",
        flash: &[at("flash", 0x0800_0000, 2 * M)],
        ram: &[at("SRAM", 0x2000_0000, 768 * K)],
        chip: Some("STM32U585AIIx"),
    },
    Board {
        name: "microbit-v2",
        target: "cortex-m4",
        flash: &[at("flash", 0, 512 * K)],
        ram: &[at("RAM", 0x2000_0000, 128 * K)],
        chip: Some("nRF52833_xxAA"),
    },
    Board {
        name: "nucleo-f411re",
        target: "cortex-m4",
        flash: &[at("flash", 0x0800_0000, 512 * K)],
        ram: &[at("SRAM", 0x2000_0000, 128 * K)],
        chip: Some("STM32F411RETx"),
    },
    Board {
        name: "nucleo-f746zg",
        target: "cortex-m7",
        flash: &[at("flash", 0x0800_0000, M)],
        ram: &[at("DTCM and SRAM", 0x2000_0000, 320 * K)],
        chip: Some("STM32F746ZGTx"),
    },
    Board {
        name: "nucleo-h743zi",
        target: "cortex-m7",
        flash: &[at("flash", 0x0800_0000, 2 * M)],
        ram: &[at("AXI SRAM", 0x2400_0000, 512 * K), at("DTCM", 0x2000_0000, 128 * K)],
        chip: Some("STM32H743ZITx"),
    },
    Board {
        name: "rpi-pico",
        target: "cortex-m0",
        flash: &[at("XIP", 0x1000_0000, 2 * M)],
        ram: &[at("SRAM", 0x2000_0000, 264 * K)],
        chip: Some("RP2040"),
    },
    Board {
        name: "rpi-pico2",
        target: "cortex-m33",
        flash: &[at("XIP", 0x1000_0000, 4 * M)],
        ram: &[at("SRAM", 0x2000_0000, 520 * K)],
        chip: Some("RP235x"),
    },
    // Its flash is read through a cache, at one address as instructions and at 0x3c00_0000 as data; the boot loader keeps the rest of the RAM.
    Board {
        name: "esp32c3",
        target: "riscv32imc",
        flash: &[at("XIP", 0x4200_0000, 4 * M)],
        ram: &[at("DRAM", 0x3fc8_0000, 320 * K)],
        chip: Some("esp32c3"),
    },
];

/// The board with a name.
pub fn find_board(name: &str) -> Option<&'static Board> {
    BOARDS.iter().find(|b| b.name == name)
}

impl Board {
    /// Its target.
    pub fn target(&self) -> &'static Target {
        super::find(self.target).expect("boards have targets that exist")
    }

    /// The largest of some memories, in bytes.
    fn largest(regions: &[Region]) -> usize {
        regions.iter().map(|r| r.bytes).max().unwrap_or(0)
    }

    /// Bytes of its largest memory that can be written: arena, inputs and stack lie there.
    pub fn max_ram(&self) -> usize {
        Board::largest(self.ram)
    }

    /// Bytes of its largest memory for constants: constants and code lie there.
    pub fn max_flash(&self) -> usize {
        Board::largest(self.flash)
    }
}

#[cfg(test)]
mod tests {
    use super::{BOARDS, find_board};

    #[test]
    fn boards_are_sorted_by_kind_and_sound() {
        for b in BOARDS {
            assert_eq!(b.target().name, b.target);
            assert_eq!(find_board(b.name), Some(b));
            let regions = || b.flash.iter().chain(b.ram);
            for (i, r) in regions().enumerate() {
                let end = u64::from(r.origin) + r.bytes as u64;
                assert!(r.bytes > 0 && end <= 1 << 32, "{}: {}", b.name, r.name);
                for other in regions().skip(i + 1) {
                    let apart = u64::from(other.origin) >= end
                        || u64::from(other.origin) + other.bytes as u64 <= u64::from(r.origin);
                    assert!(apart, "{}: {} and {} overlap", b.name, r.name, other.name);
                }
            }
        }
        assert_eq!(find_board("stm32h743zi").map(|b| (b.max_ram(), b.max_flash())), Some((512 << 10, 2 << 20)));
    }
}
