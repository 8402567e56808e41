//! The runtime files that a program needs, and the `mod.rs` files between them.

mod conditions;
mod fold;
mod imports;
mod index;
mod items;
mod lex;
mod print;
mod reach;

use std::collections::{BTreeMap, BTreeSet};

use zant_runtime::sources::{FAMILIES, SOURCES};

use super::{Package, Source};
use crate::ir::Numerics;
use crate::targets::Target;

/// A file of the runtime in an emitted crate: what the crate uses of it, for its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// The path below `src/rt`.
    pub(super) path: &'static str,
    /// Its text.
    pub(super) text: String,
}

/// Adds `src/rt` to a package that has all other code of the crate.
pub(super) fn add_files(package: &mut Package, source: &Source<'_>) {
    let code = package.files.iter().filter(|(path, _)| path.starts_with("src/")).map(|(_, content)| content.as_slice());
    let texts: Vec<&str> = code.filter_map(|content| std::str::from_utf8(content).ok()).collect();
    let files = files(source, &texts);
    let cpu = if takes_cpu(&texts) { cpu_type(source) } else { String::new() };
    let folders = folders(&files);
    for f in files {
        package.text(&format!("src/rt/{}", f.path), f.text);
    }
    for (folder, modules) in folders {
        let path = if folder.is_empty() { "src/rt/mod.rs".into() } else { format!("src/rt/{folder}/mod.rs") };
        package.text(&path, module_file(&folder, &modules, &cpu));
    }
}

/// What code reaches of the runtime, in ascending order of paths. The CPU is that of a source.
pub(super) fn files(source: &Source<'_>, texts: &[&str]) -> Vec<File> {
    let target = source.config.target;
    // What is made for no triple in particular may be built for any.
    let runs = |family: &&str| target.triple.is_none() || target.loops.family == Some(*family);
    let families = FAMILIES.iter().map(|(family, _)| *family).filter(runs).collect();
    let cpu = if takes_cpu(texts) { cpu_type(source) } else { String::new() };
    let reached = reach::reached(texts, &cpu, families, Cpu::of(source).facts());
    let of_items = reached.live.iter().map(|id| id.file);
    let used: BTreeSet<usize> = of_items.chain(reached.imports.iter().map(|(id, _)| id.file)).collect();
    let file = |file: usize| File { path: index::FILES[file].path, text: print::trimmed(file, &reached) };
    used.into_iter().map(file).collect()
}

/// Whether code names the CPU.
pub(super) fn takes_cpu(texts: &[&str]) -> bool {
    let is_name = |part: &str| part == "Cpu";
    texts.iter().any(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(is_name))
}

/// The file in which an item is: the longest part of its path that is a file.
fn file_of(item: &'static str) -> &'static str {
    let mut parts: Vec<&str> = item.split("::").collect();
    while !parts.is_empty() {
        let path = format!("{}.rs", parts.join("/"));
        if let Some(s) = SOURCES.iter().find(|s| s.path == path) {
            return s.path;
        }
        parts.pop();
    }
    panic!("no runtime file has {item}")
}

/// The modules of each folder; the root's name is empty.
pub(super) fn folders(files: &[File]) -> BTreeMap<String, Vec<String>> {
    let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for f in files {
        let path = f.path.trim_end_matches(".rs");
        let (folder, module) = path.rsplit_once('/').unwrap_or(("", path));
        folders.entry(folder.to_string()).or_default().insert(module.to_string());
        let mut below = folder;
        while !below.is_empty() {
            let (parent, name) = below.rsplit_once('/').unwrap_or(("", below));
            folders.entry(parent.to_string()).or_default().insert(name.to_string());
            below = parent;
        }
    }
    folders.into_iter().map(|(f, m)| (f, m.into_iter().collect())).collect()
}

/// The modules in which code may be unsafe.
pub(super) fn may_be_unsafe(folder: &str, module: &str) -> bool {
    folder.is_empty() && matches!(module, "arch" | "arena" | "loops" | "once")
}

/// The attribute of a module that is compiled for one family of instruction sets alone; empty for others.
pub(super) fn condition(folder: &str, module: &str) -> String {
    let path = format!("{folder}/{module}");
    let family = FAMILIES.iter().find(|(family, _)| *family == path);
    family.map_or_else(String::new, |(_, condition)| format!("#[cfg({condition})]\n"))
}

fn module_file(folder: &str, modules: &[String], cpu: &str) -> String {
    let mut text = String::from("// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0\n");
    text += match folder {
        "" => "//! The kernels of the model, and the files that they need.\n",
        "arch" => "//! Instruction sets.\n",
        "kernels" => "//! The kernels.\n",
        "loops" => "//! Inner loops that all instruction sets share.\n",
        "math" => "//! Elementary functions.\n",
        "terms" => "//! Plain data that loops and kernels share.\n",
        _ => "//! Part of the runtime.\n",
    };
    for m in modules {
        if may_be_unsafe(folder, m) {
            text += "#[allow(unsafe_code)]\n";
        }
        text += &condition(folder, m);
        text += &format!("pub mod {m};\n");
    }
    if folder.is_empty() {
        text += cpu;
    }
    text
}

/// Small code, with the inner loops of another CPU.
const COMPACT: &str = "arch::compact::Compact";
/// Plain Rust.
const PORTABLE: &str = "arch::portable::Portable";

/// The type of the CPU that kernels are called with.
struct Cpu {
    /// Whether kernels have one body, as the target or the user asks.
    compact: bool,
    /// Whose loops they have.
    inner: &'static str,
}

impl Cpu {
    fn of(source: &Source<'_>) -> Cpu {
        let Target { compact, loops, .. } = source.config.machine();
        Cpu { compact, inner: if compact { loops.small } else { loops.cpu } }
    }

    /// What is known of it.
    fn facts(&self) -> fold::Facts {
        fold::Facts { compact: self.compact, vectors: file_of(self.inner).starts_with("arch/x86") }
    }

    /// The type with an attribute, which is empty where it is for all machines; what a family has is plain Rust elsewhere.
    fn types(&self, numerics: &str) -> Vec<(String, String)> {
        let ty = |inner: &str| {
            let inner = format!("{inner}<arch::isa::{numerics}>");
            if self.compact { format!("{COMPACT}<{inner}>") } else { inner }
        };
        let family = FAMILIES.iter().find(|(family, _)| file_of(self.inner).starts_with(family));
        match family {
            None => vec![(String::new(), ty(self.inner))],
            Some((_, condition)) => vec![
                (format!("#[cfg({condition})]\n"), ty(self.inner)),
                (format!("#[cfg(not({condition}))]\n"), ty(PORTABLE)),
            ],
        }
    }
}

/// The CPU that kernels are called with.
pub(super) fn cpu_type(source: &Source<'_>) -> String {
    let (numerics, how) = match source.program.numerics {
        Numerics::Fused => ("Fused", "every product is rounded once, together with the sum it is added to"),
        Numerics::Separate => ("Separate", "every product is rounded before it is added"),
    };
    let types = Cpu::of(source).types(numerics);
    let item = |(attribute, ty)| {
        format!(
            "\n/// The CPU, with the best instruction set that was found; {how}.\n{attribute}pub type Cpu = {ty};\n"
        )
    };
    types.into_iter().map(item).collect()
}
