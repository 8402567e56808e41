//! What `arm-none-eabi-gcc` builds of others, in the harness of our firmware.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::firmware::{Firmware, Model};
use crate::machine::Machine;
use crate::qemu::Run;
use crate::{Error, Sizes, process};

/// The compiler of C.
pub(crate) const GCC: &str = "arm-none-eabi-gcc";
/// The compiler of C++.
pub(crate) const GXX: &str = "arm-none-eabi-g++";
/// How both build for cores with the FPU of the machines.
const FLAGS: [&str; 5] = ["-O3", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-d16", "-w"];

/// A compiler with the flags of a machine.
pub(crate) fn compiler(program: &str, machine: &Machine) -> Command {
    let mut command = Command::new(program);
    command.args(FLAGS).arg(format!("-mcpu={}", machine.target_cpu));
    command
}

/// Code that an archive has, around which the harness is linked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreign<'a> {
    /// Whose it is: a crate's name.
    pub(crate) name: &'a str,
    /// The module that runs it, as [`Model::inference`].
    pub(crate) inference: &'a str,
    /// The archive.
    pub(crate) archive: &'a Path,
    /// Libraries of the compiler's that it needs, where the compiler has them.
    pub(crate) libraries: &'a [&'a str],
    /// The section of its constants.
    pub(crate) weights_section: &'a str,
    /// Bytes of the constants, about.
    pub(crate) weights_bytes: u64,
    /// Bytes of the section `.arena`.
    pub(crate) arena_bytes: u64,
}

impl Foreign<'_> {
    /// Links it in a folder, and runs it on a vector: the bytes of its inputs; it writes `output_bytes`.
    ///
    /// # Errors
    /// Programs that are missing, symbols that nobody has, code that does not fit or does not end.
    pub(crate) fn measure(
        &self,
        machine: &'static Machine,
        folder: &Path,
        vector: Vec<u8>,
        output_bytes: usize,
    ) -> Result<(Run, Sizes), Error> {
        let krate = folder.join("peer");
        let source = krate.join("src");
        fs::create_dir_all(&source).map_err(Error::io("make a folder"))?;
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n",
            self.name
        );
        let library = "//! Nothing: the code is linked.\n#![no_std]\n";
        let model = Model {
            folder: &krate,
            name: self.name,
            inference: self.inference,
            weights_bytes: self.weights_bytes,
            weights_section: Some(self.weights_section),
            arena_bytes: self.arena_bytes,
        };
        let firmware = Firmware::write(folder, &model, machine)?;
        let files = [
            (krate.join("Cargo.toml"), manifest),
            (source.join("lib.rs"), library.into()),
            (folder.join("build.rs"), self.script(machine)),
        ];
        for (path, text) in files {
            fs::write(path, text).map_err(Error::io("write the harness"))?;
        }
        let built = firmware.build("3", false)?;
        let run = built.run(machine, &[vector], output_bytes)?.pop();
        let run = run.ok_or_else(|| Error::Run("the firmware ran on nothing".into()))?;
        Ok((run, built.sizes))
    }

    /// The build script that links the archive and the libraries.
    fn script(&self, machine: &Machine) -> String {
        let libraries = self.libraries.iter().filter_map(|name| library(machine, name));
        let all = std::iter::once(self.archive.to_path_buf()).chain(libraries);
        let lines: String = all.map(|p| format!("    println!(\"cargo::rustc-link-arg={{}}\", {p:?});\n")).collect();
        format!("//! Links the code.\nfn main() {{\n{lines}}}\n")
    }
}

/// Puts objects into a new archive.
pub(crate) fn archive(archive: &Path, objects: &[PathBuf]) -> Result<(), Error> {
    let _ = fs::remove_file(archive);
    tool(Command::new("arm-none-eabi-ar").arg("rcs").arg(archive).args(objects), "an archive")
}

/// A library of the compiler's, where it has it.
fn library(machine: &Machine, name: &str) -> Option<PathBuf> {
    let said = process::output(compiler(GCC, machine).arg(format!("-print-file-name={name}"))).ok()?;
    let path = PathBuf::from(String::from_utf8(said.stdout).ok()?.trim());
    path.is_absolute().then_some(path)
}

/// The compiler, with its version.
pub(crate) fn version() -> Result<String, Error> {
    let said = process::output(Command::new(GCC).arg("-dumpfullversion")).map_err(missing)?;
    Ok(format!("{GCC} {}", String::from_utf8_lossy(&said.stdout).trim()))
}

fn missing(_: std::io::Error) -> Error {
    let install = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib";
    Error::Missing { what: GCC.into(), install: install.into() }
}

/// Runs a program of the compiler's.
pub(crate) fn tool(command: &mut Command, what: &str) -> Result<(), Error> {
    let said = process::output(command).map_err(missing)?;
    if said.status.success() { Ok(()) } else { Err(Error::build(what, &said.stderr)) }
}
