//! The files of a project: templates with `{{key}}` in the place of what differs.

use std::collections::BTreeMap;
use std::path::Path;

use zant_measure::Machine;
use zantc::Optimize;
use zantc::emit::{Package, Source};
use zantc::footprint::Footprint;
use zantc::harness::{emit_check, emit_project, project_frame};
use zantc::targets::{Board, Region};

use super::{Flavor, refused};

/// A template of this package.
macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../templates/", $path))
    };
}

/// What differs from board to board.
#[derive(Debug)]
pub(in super::super) struct Plan {
    board: &'static Board,
    flavor: Flavor,
    triple: &'static str,
    /// The emulated machine of the core.
    machine: &'static Machine,
}

/// What differs from model to model.
pub(in super::super) struct Made<'a> {
    /// The name of the project's package.
    pub(in super::super) package: &'a str,
    /// The model's file.
    pub(in super::super) file: &'a Path,
    pub(in super::super) footprint: &'a Footprint,
    pub(in super::super) source: &'a Source<'a>,
    /// The emitted crate.
    pub(in super::super) model: &'a Package,
}

type Keys<'a> = BTreeMap<&'a str, String>;

/// A template with its keys replaced.
fn fill(template: &str, keys: &Keys<'_>) -> String {
    let mut text = template.to_string();
    for (key, value) in keys {
        text = text.replace(&format!("{{{{{key}}}}}"), value);
    }
    debug_assert!(!text.contains("{{"), "{text}");
    text
}

impl Plan {
    /// The plan for a board, or why there is none.
    pub(in super::super) fn new(board: &'static Board, flavor: Flavor) -> Result<Plan, String> {
        let triple = board.target().triple.unwrap_or_default();
        let machine = Machine::with_cpu(board.target).filter(|m| m.memory.is_some_and(|m| m.vectors.is_none()));
        let machine = machine.ok_or_else(|| refused(board.name, "its vectors lie apart from its code"))?;
        if board.target == "riscv32imc" && flavor != Flavor::Plain {
            return Err(refused(board.name, "of this flavor; leave `--flavor` out"));
        }
        Ok(Plan { board, flavor, triple, machine })
    }

    /// Rust's target.
    pub(in super::super) fn triple(&self) -> &'static str {
        self.triple
    }

    /// The files of the project, without the model's.
    pub(super) fn files(&self, made: &Made<'_>) -> Package {
        let mut keys = self.keys(made);
        let mut package = Package::default();
        let mut add = |path: &str, text: String| package.files.insert(path.into(), text.into_bytes());
        let mut dependencies = fill(self.dependencies(), &keys);
        if self.board.chip == Some("RP2040") {
            dependencies += "rp2040-boot2 = \"0.3\"\n";
        }
        keys.insert("dependencies", dependencies);
        add("Cargo.toml", fill(template!("Cargo.toml.in"), &keys));
        add("README.md", fill(template!("README.md.in"), &keys));
        add(".gitignore", template!("gitignore.in").into());
        add(".cargo/config.toml", fill(template!("config.toml.in"), &keys));
        add("src/main.rs", fill(self.main(), &keys));
        add("src/sensor.rs", fill(template!("sensor.rs.in"), &keys));
        add("src/inference.rs", emit_project(made.source));
        if self.is_arm() {
            add("build.rs", template!("cortex-m/build.rs.in").into());
            add("memory.x", fill(template!("cortex-m/memory.x.in"), &keys));
        } else {
            add("build.rs", template!("esp32c3/build.rs.in").into());
        }
        if self.flavor == Flavor::Rtic {
            add("src/device.rs", fill(template!("cortex-m/rtic/device.rs.in"), &keys));
        }
        self.emulated(&mut keys, made, &mut add);
        package
    }

    /// The test on an emulated core, into a folder of the project.
    fn emulated(&self, keys: &mut Keys<'_>, made: &Made<'_>, add: &mut impl FnMut(&str, String) -> Option<Vec<u8>>) {
        let memory = self.machine.memory.expect("the plan has looked");
        let region = |r: zant_measure::Region| (format!("{:#010x}", r.origin), r.bytes.to_string());
        let ((flash, flash_bytes), (ram, ram_bytes)) = (region(memory.flash), region(memory.ram));
        for (key, value) in [
            ("flash_origin", flash),
            ("flash_bytes", flash_bytes),
            ("ram_origin", ram),
            ("ram_bytes", ram_bytes),
            ("sections", String::new()),
            ("boot", String::new()),
            ("board", self.machine.name.into()),
            ("runner", self.emulator()),
        ] {
            keys.insert(key, value);
        }
        for (path, text) in self.test(keys, made) {
            add(&format!("qemu/{path}"), text);
        }
    }

    /// The same test with the memories of the board itself, beside the model and `src/inference.rs`: what a probe runs.
    pub(in super::super) fn on_board(&self, made: &Made<'_>) -> Package {
        let mut keys = self.keys(made);
        let mut package = Package::default();
        for (path, text) in self.test(&mut keys, made) {
            package.files.insert(format!("test/{path}"), text.into_bytes());
        }
        package.files.insert("src/inference.rs".into(), emit_project(made.source).into_bytes());
        package
    }

    /// A program that runs the vectors of the model's own tests and says by semihosting whether their bits are right.
    fn test(&self, keys: &mut Keys<'_>, made: &Made<'_>) -> Vec<(&'static str, String)> {
        let (dependencies, runtime) = match self.is_arm() {
            true => (
                "cortex-m = { version = \"0.7\", features = [\"critical-section-single-core\"] }\ncortex-m-rt = \"0.7\"\n",
                "cortex_m_rt",
            ),
            false => (
                "riscv = { version = \"0.16\", features = [\"critical-section-single-hart\"] }\nriscv-rt = { version = \"0.18\", features = [\"single-hart\"] }\n",
                "riscv_rt",
            ),
        };
        let boot = if keys["boot"].contains("rp2040_boot2") { "rp2040-boot2 = \"0.3\"\n" } else { "" };
        keys.insert("dependencies", format!("{dependencies}{boot}"));
        keys.insert("runtime", runtime.into());
        keys.insert("core_crate", runtime.trim_end_matches("_rt").into());
        keys.insert("core", self.board.target.into());
        let (memory, build) = match self.is_arm() {
            true => (template!("cortex-m/memory.x.in"), template!("cortex-m/build.rs.in").to_string()),
            false => (template!("qemu/riscv/memory.x.in"), template!("qemu/riscv/build.rs.in").to_string()),
        };
        let vector = |v: &usize| made.model.files.contains_key(&format!("tests/golden/output_{v}_0.bin"));
        let vectors = (0..).take_while(vector).count();
        vec![
            ("Cargo.toml", fill(template!("qemu/Cargo.toml.in"), keys)),
            (".cargo/config.toml", fill(template!("config.toml.in"), keys)),
            ("build.rs", build),
            ("memory.x", fill(memory, keys)),
            ("src/main.rs", fill(template!("qemu/main.rs.in"), keys)),
            ("src/vectors.rs", emit_check(made.source, vectors, "../../model/tests/golden")),
        ]
    }

    fn is_arm(&self) -> bool {
        self.triple.starts_with("thumb")
    }

    fn main(&self) -> &'static str {
        match self.flavor {
            _ if !self.is_arm() => template!("esp32c3/main.rs.in"),
            Flavor::Plain => template!("cortex-m/plain/main.rs.in"),
            Flavor::Embassy => template!("cortex-m/embassy/main.rs.in"),
            Flavor::Rtic => template!("cortex-m/rtic/main.rs.in"),
        }
    }

    fn dependencies(&self) -> &'static str {
        match self.flavor {
            _ if !self.is_arm() => template!("esp32c3/dependencies.toml.in"),
            Flavor::Plain => template!("cortex-m/plain/dependencies.toml.in"),
            Flavor::Embassy => template!("cortex-m/embassy/dependencies.toml.in"),
            Flavor::Rtic => template!("cortex-m/rtic/dependencies.toml.in"),
        }
    }

    /// The command that runs firmware on the emulated machine.
    fn emulator(&self) -> String {
        let emulator = self.machine.emulator;
        let more: String = emulator.arguments.iter().map(|a| format!(" {a}")).collect();
        format!(
            "{} -machine {}{more} -nographic -monitor none -serial none -semihosting-config enable=on,target=native -kernel",
            emulator.program, self.machine.name
        )
    }

    fn keys<'a>(&self, made: &Made<'_>) -> Keys<'a> {
        let largest = |regions: &[Region]| regions.iter().max_by_key(|r| r.bytes).copied();
        let place = |regions: &[Region]| largest(regions).map_or((0, 0), |r| (r.origin, r.bytes));
        let ((flash, flash_bytes), (ram, ram_bytes)) = (place(self.board.flash), place(self.board.ram));
        // The first block of RP2040's flash is the second stage of its boot.
        let (flash, flash_bytes, sections, boot) = match self.board.chip {
            Some("RP2040") => (flash + 0x100, flash_bytes - 0x100, BOOT2_SECTION, BOOT2),
            Some("RP235x") => (flash, flash_bytes, IMAGE_SECTION, IMAGE),
            Some(_) | None => (flash, flash_bytes, "", ""),
        };
        let (runner, tool) = match self.board.chip {
            Some(chip) if self.is_arm() => {
                (format!("probe-rs run --chip {chip}"), format!("`probe-rs` writes the firmware to the {chip}"))
            }
            Some(_) => ("espflash flash --monitor".into(), "`espflash` writes the firmware to the chip".to_string()),
            None => (self.emulator(), format!("`{}` is the board", self.machine.emulator.program)),
        };
        let source = made.source;
        let optimize = source.config.optimize;
        let name = made.file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        [
            ("title", source.name.to_string()),
            ("model", source.name.to_string()),
            ("package", made.package.to_string()),
            ("board", self.board.name.to_string()),
            ("target", self.board.target.to_string()),
            ("triple", self.triple.to_string()),
            ("opt_level", if optimize == Optimize::Size { "\"z\"".into() } else { "3".to_string() }),
            ("flash_origin", format!("{flash:#010x}")),
            ("flash_bytes", flash_bytes.to_string()),
            ("ram_origin", format!("{ram:#010x}")),
            ("ram_bytes", ram_bytes.to_string()),
            ("sections", sections.to_string()),
            ("boot", boot.to_string()),
            ("runner", runner),
            ("tool", tool),
            ("rustflags", String::new()),
            ("emulator", self.machine.emulator.program.to_string()),
            ("ram", made.footprint.ram_text()),
            ("flash", made.footprint.flash_text()),
            ("model_file", plain(&name)),
            ("options", format!("--board {} --name {} --force", self.board.name, source.name)),
            ("fields", project_frame(source)),
            ("async", if self.flavor == Flavor::Embassy { "async ".into() } else { String::new() }),
            ("rtic_backend", backend(self.triple).to_string()),
            ("priority_bits", priority_bits(self.board).to_string()),
            ("pac", "stm32f7, nrf52840-pac, rp235x-pac, ..".to_string()),
        ]
        .into_iter()
        .collect()
    }
}

/// A file's name in a command: as it is where it is plain.
fn plain(name: &str) -> String {
    let usable = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if !name.is_empty() && name.chars().all(usable) { name.into() } else { "MODEL.onnx".into() }
}

fn backend(triple: &str) -> &'static str {
    match triple {
        t if t.starts_with("thumbv6m") => "thumbv6-backend",
        t if t.starts_with("thumbv8m.main") => "thumbv8main-backend",
        _ => "thumbv7-backend",
    }
}

/// Bits of a priority: two on Armv6-M, three on Nordic's parts, four on most others, as the makers' device headers have them.
fn priority_bits(board: &Board) -> u32 {
    match board.chip {
        _ if board.target == "cortex-m0" => 2,
        Some(chip) if chip.starts_with("nRF") => 3,
        Some(_) => 4,
        None => 3,
    }
}

const BOOT2: &str = "
/// The second stage of the boot, which makes the flash readable.
#[unsafe(link_section = \".boot2\")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;
";
const BOOT2_SECTION: &str = "
MEMORY { BOOT2 : ORIGIN = 0x10000000, LENGTH = 0x100 }

SECTIONS {
  .boot2 ORIGIN(BOOT2) : { KEEP(*(.boot2)); } > BOOT2
} INSERT BEFORE .text;
";
/// The RP2350's data sheet, 5.9.5.1: the smallest block that makes an executable for Arm in the secure state.
const IMAGE: &str = "
/// What the boot ROM looks for in the first 4 KiB of flash: an executable for Arm, secure (RP2350 data sheet, 5.9.5.1).
#[unsafe(link_section = \".start_block\")]
#[used]
static IMAGE: [u32; 5] = [0xffff_ded3, 0x1021_0142, 0x0000_01ff, 0, 0xab12_3579];
";
const IMAGE_SECTION: &str = "
SECTIONS {
  .start_block : ALIGN(4) { KEEP(*(.start_block)); } > FLASH
} INSERT AFTER .vector_table;

_stext = ADDR(.start_block) + SIZEOF(.start_block);
";
