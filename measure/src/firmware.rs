//! An emitted crate with a bare harness, built by cargo for a machine.

use std::fs;
use std::path::{Path, PathBuf};

use crate::elf::{self, Sizes};
use crate::machine::{Machine, Memory, Region};
use crate::{Error, cargo, manifest, wasm};

const MAIN: &str = include_str!("../harness/main.rs");
const MODULE: &str = include_str!("../harness/wasm/main.rs");
const BINARY: &str = "zant-firmware";

/// Bytes of stack that the harness keeps free.
const STACK: u32 = 256 << 10;
/// Bytes of flash beside the weights, and of RAM beside the arena, that are kept free.
const SPARE: u64 = 512 << 10;

/// A crate in a folder, to be built as firmware.
#[derive(Clone, Debug)]
pub struct Firmware {
    folder: PathBuf,
    machine: &'static Machine,
    weights_bytes: u64,
}

/// A linked firmware.
#[derive(Clone, Debug)]
pub struct Built {
    /// The ELF file.
    pub elf: PathBuf,
    /// What it takes.
    pub sizes: Sizes,
}

/// What the harness must know of a model.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// The folder of the emitted crate.
    pub folder: &'a Path,
    /// The name of the emitted crate.
    pub name: &'a str,
    /// The text of a module with `unsafe fn run(input: crate::File, output: crate::File)`, which fills the model's inputs,
    /// computes between `crate::begin()` and `crate::end(output, start)`, and writes the outputs.
    pub inference: &'a str,
    /// Bytes of weights.
    pub weights_bytes: u64,
    /// The link section of the weights, where they have one of their own.
    pub weights_section: Option<&'a str>,
    /// Bytes of the arena.
    pub arena_bytes: u64,
}

impl Firmware {
    /// Writes the harness for a model into `folder`, in which builds go as well.
    ///
    /// # Errors
    /// What the file system refused; memory that the machine does not have.
    pub fn write(folder: &Path, model: &Model<'_>, machine: &'static Machine) -> Result<Firmware, Error> {
        let source = folder.join("src");
        fs::create_dir_all(&source).map_err(Error::io("make a folder"))?;
        let mut files = vec![
            ("Cargo.toml", manifest::text(BINARY, model.name, model.folder, folder)),
            ("src/inference.rs", model.inference.to_string()),
        ];
        let clocked = machine.clock.and_then(|clock| machine.core.module(clock));
        match (machine.memory, clocked) {
            (Some(memory), Some(module)) => files.extend([
                ("link.x", link_script(model, machine.name, &memory)?),
                ("src/main.rs", MAIN.to_string()),
                ("src/machine.rs", module),
            ]),
            _ => files.push(("src/main.rs", MODULE.to_string())),
        }
        // What is there already keeps its time: it is not built again.
        for (name, text) in files.into_iter().map(|(name, text)| (folder.join(name), text)) {
            if fs::read(&name).is_ok_and(|old| old == text.as_bytes()) {
                continue;
            }
            fs::write(name, text).map_err(Error::io("write the harness"))?;
        }
        Ok(Firmware { folder: folder.to_path_buf(), machine, weights_bytes: model.weights_bytes })
    }

    /// The machine that it is for.
    pub fn machine(&self) -> &'static Machine {
        self.machine
    }

    /// Whether it links into a device's memories with so many bytes of stack: with the one linker script that a board's file of
    /// memories would give. The harness around the model is part of it, about a kilobyte of flash.
    ///
    /// # Errors
    /// A toolchain that is missing, or code that does not build for another reason.
    pub fn links(&self, level: &str, (flash, ram): (Region, Region), stack: u32) -> Result<bool, Error> {
        // The linker's script is no source to cargo: the file that names it is.
        let main = format!("{MAIN}\n// {flash:?} {ram:?} {stack}\n");
        for (name, text) in [("link.x", device_script(flash, ram, stack)), ("src/main.rs", main)] {
            fs::write(self.folder.join(name), text).map_err(Error::io("write the harness"))?;
        }
        match self.build(level, false) {
            Ok(_) => Ok(true),
            Err(Error::Build { output, .. }) if output.iter().any(|l| l.contains("will not fit in region")) => {
                Ok(false)
            }
            Err(e) => Err(e),
        }
    }

    /// Builds it at a level of optimisation, for any core of the target or, with `cpu`, for the machine's own.
    ///
    /// # Errors
    /// A toolchain that is missing, or code that does not build.
    pub fn build(&self, level: &str, cpu: bool) -> Result<Built, Error> {
        let profile = manifest::profile(level)?;
        cargo::require_target(self.machine.triple)?;
        let mut flags = Vec::new();
        match self.machine.memory {
            Some(_) => flags.push(format!("-Clink-arg=-T{}", self.folder.join("link.x").display())),
            None => flags.extend(["-Clink-arg=--no-entry", "-Clink-arg=--export=zant_main"].map(String::from)),
        }
        flags.extend(cpu.then(|| format!("-Ctarget-cpu={}", self.machine.target_cpu)));
        let target = self.folder.join("target").join(if cpu { self.machine.target_cpu } else { "any" });
        let mut command = cargo::command();
        command
            .current_dir(&self.folder)
            .args(["build", "--quiet", "--offline", "--color", "never", "--target", self.machine.triple])
            .args(["--profile", &profile])
            .arg("--target-dir")
            .arg(&target)
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        cargo::run(&mut command, &format!("the firmware at opt-level {level}"))?;
        let is_module = self.machine.memory.is_none();
        let binary = if is_module { format!("{BINARY}.wasm") } else { BINARY.into() };
        let elf = target.join(self.machine.triple).join(&profile).join(binary);
        let bytes = fs::read(&elf).map_err(Error::io("read the linked firmware"))?;
        let sizes = if is_module { wasm::sizes(&bytes, self.weights_bytes)? } else { elf::sizes(&bytes)? };
        Ok(Built { elf, sizes })
    }
}

/// A linker's script: memories, in which of them each part lies, the weights' own section, and where the stack is.
fn script(
    regions: &[(&str, Region)],
    [start, weights, arena, inputs]: [&str; 4],
    own: Option<&str>,
    stack: &str,
) -> String {
    let region = |(name, r): &(&str, Region)| format!("  {name} : ORIGIN = {:#x}, LENGTH = {:#x}\n", r.origin, r.bytes);
    let regions: String = regions.iter().map(region).collect();
    let own = own.map_or(String::new(), |name| format!(" *({name})"));
    format!(
        "MEMORY {{\n{regions}}}\nENTRY(zant_reset)\nSECTIONS {{
  .vectors : {{ KEEP(*(.vectors)) }} > {start}
  .harness : {{ *(.harness .harness.*) }} > FLASH
  .text : {{ *(.text .text.*) }} > FLASH
  .weights : {{ *(.rodata.*7WEIGHTS*){own} }} > {weights}
  .rodata : {{ *(.rodata .rodata.* .srodata .srodata.*) }} > FLASH
  .data : {{ . = ALIGN(4); __data_start = .; *(.data .data.* .sdata .sdata.*); . = ALIGN(4); __data_end = .; }} > RAM AT> FLASH
  __data_load = LOADADDR(.data);
  .bss (NOLOAD) : {{ . = ALIGN(4); __bss_start = .; *(.bss .bss.* .sbss .sbss.*); . = ALIGN(4); __bss_end = .; }} > RAM
  .arena (NOLOAD) : {{ *(.arena) }} > {arena}
  .inputs (NOLOAD) : {{ *(.inputs); . = ALIGN(4); }} > {inputs}
  {stack}
  /DISCARD/ : {{ *(.ARM.exidx .ARM.exidx.* .ARM.extab .ARM.extab.* .eh_frame .eh_frame.*) }}
}}
"
    )
}

/// The script of a device: code and constants in one memory; data, arena, inputs and the stack's bytes in another.
fn device_script(flash: Region, ram: Region, stack: u32) -> String {
    let stack = format!(".stack (NOLOAD) : {{ __stack_limit = .; . += {stack}; __stack_top = .; }} > RAM");
    script(&[("FLASH", flash), ("RAM", ram)], ["FLASH", "FLASH", "RAM", "RAM"], None, &stack)
}

/// Where things go: weights and arena into the large memory where the machine's own does not hold them.
fn link_script(model: &Model<'_>, machine: &str, memory: &Memory) -> Result<String, Error> {
    let fits = |bytes: u64, region: Region| bytes + SPARE <= u64::from(region.bytes);
    let weights = if fits(model.weights_bytes, memory.flash) { "FLASH" } else { "LARGE" };
    let arena = if fits(model.arena_bytes, memory.ram) { "RAM" } else { "LARGE" };
    let large: u64 = [(weights, model.weights_bytes), (arena, model.arena_bytes)]
        .iter()
        .filter(|(place, _)| *place == "LARGE")
        .map(|(_, bytes)| bytes)
        .sum();
    if !fits(large, memory.large) {
        let message = format!(
            "{} bytes of weights and {} of arena do not fit into the {} bytes of {machine}",
            model.weights_bytes, model.arena_bytes, memory.large.bytes
        );
        return Err(Error::Run(message));
    }
    let mut regions = vec![("FLASH", memory.flash), ("RAM", memory.ram), ("LARGE", memory.large)];
    regions.extend(memory.vectors.map(|v| ("VECTORS", v)));
    let start = if memory.vectors.is_some() { "VECTORS" } else { "FLASH" };
    let stack = format!(
        "__stack_top = ORIGIN(RAM) + LENGTH(RAM);
  __stack_limit = __stack_top - {STACK};
  ASSERT(__bss_end <= __stack_limit, \"the stack overlaps the data\")"
    );
    Ok(script(&regions, [start, weights, arena, "LARGE"], model.weights_section, &stack))
}
