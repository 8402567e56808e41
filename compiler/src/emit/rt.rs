//! The runtime files that a program needs, and the `mod.rs` files between them.

use std::collections::{BTreeMap, BTreeSet};

use zant_runtime::sources::{FAMILIES, SOURCES, Source as RtSource};

use super::{Package, Source};
use crate::ir::Numerics;
use crate::targets::Target;

/// What every emitted crate uses: what a CPU is, its arena, and memory that is lent once.
const ALWAYS: [&str; 3] = ["arch/isa.rs", "arena.rs", "once.rs"];

/// Adds `src/rt`.
pub(super) fn add_files(package: &mut Package, source: &Source<'_>) {
    let files = files(std::slice::from_ref(source));
    for f in &files {
        package.text(&format!("src/rt/{}", f.path), f.text.to_string());
    }
    for (folder, modules) in folders(&files) {
        let path = if folder.is_empty() { "src/rt/mod.rs".into() } else { format!("src/rt/{folder}/mod.rs") };
        package.text(&path, module_file(&folder, &modules, source));
    }
}

/// The files that some models need, closed under their needs, in ascending order of paths. The CPU is the first one's.
pub(super) fn files(sources: &[Source<'_>]) -> Vec<&'static RtSource> {
    let mut open: Vec<&str> = ALWAYS.to_vec();
    let target = sources.first().map(|s| s.config.target);
    open.extend(sources.first().iter().flat_map(|s| Cpu::of(s).files()));
    for program in sources.iter().map(|s| s.program) {
        let uses: BTreeSet<&str> = program.steps.iter().flat_map(|s| s.call.uses()).collect();
        open.extend(uses.into_iter().map(file_of));
        open.extend(program.is_fallible().then_some("error.rs"));
    }
    let mut closed = BTreeSet::new();
    while let Some(path) = open.pop() {
        if target.is_some_and(|t| runs(t, path)) && closed.insert(path) {
            open.extend(find(path).needs);
            open.extend(target.and_then(|t| own(t, path)));
        }
    }
    closed.into_iter().map(find).collect()
}

/// Whether a target has the instructions of a file. What is made for no triple in particular may be built for any.
fn runs(target: &Target, path: &str) -> bool {
    let family = FAMILIES.iter().map(|(family, _)| *family).find(|family| path.starts_with(family));
    family.is_none_or(|family| target.triple.is_none() || target.loops.family == Some(family))
}

/// The file of a target's family that has loops for the interface in a file: the one of the same name.
fn own(target: &Target, path: &str) -> Option<&'static str> {
    let (family, name) = (target.loops.family?, path.strip_prefix("arch/")?);
    SOURCES.iter().map(|s| s.path).find(|own| own.strip_prefix(family) == Some(&format!("/{name}")))
}

/// The file in which an imported item is: the longest part of its path that is a file.
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

fn find(path: &str) -> &'static RtSource {
    SOURCES.iter().find(|s| s.path == path).unwrap_or_else(|| panic!("the runtime has no file {path}"))
}

/// The modules of each folder; the root's name is empty.
pub(super) fn folders(files: &[&RtSource]) -> BTreeMap<String, Vec<String>> {
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

fn module_file(folder: &str, modules: &[String], source: &Source<'_>) -> String {
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
        text += &cpu_type(source);
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

    /// The files that have it.
    fn files(self) -> impl Iterator<Item = &'static str> {
        self.compact.then_some(COMPACT).into_iter().chain([self.inner]).map(file_of)
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
