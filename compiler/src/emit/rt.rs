//! The runtime files that a program needs, and the `mod.rs` files between them.

use std::collections::{BTreeMap, BTreeSet};

use zant_runtime::sources::{FAMILIES, SOURCES, Source as RtSource};

use super::{Package, Source};
use crate::config::Optimize;
use crate::ir::Numerics;

/// What every emitted crate uses: the CPU it runs on, and its arena.
const ALWAYS: [&str; 3] = ["arch/host.rs", "arch/isa.rs", "arena.rs"];

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
    open.extend(sources.first().is_some_and(is_compact).then_some("arch/compact.rs"));
    for program in sources.iter().map(|s| s.program) {
        let uses: BTreeSet<&str> = program.steps.iter().flat_map(|s| s.call.uses()).collect();
        open.extend(uses.into_iter().map(file_of));
        open.extend(program.is_fallible().then_some("error.rs"));
    }
    let mut closed = BTreeSet::new();
    while let Some(path) = open.pop() {
        if closed.insert(path) {
            open.extend(find(path).needs);
        }
    }
    closed.into_iter().map(find).collect()
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
    folder.is_empty() && matches!(module, "arch" | "arena" | "loops")
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
        "" => "//! The kernels that the model uses, and what they need.\n",
        "arch" => "//! The instruction sets.\n",
        "kernels" => "//! The kernels.\n",
        "loops" => "//! Inner loops that are the same for all instruction sets.\n",
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

/// Whether kernels have one body: on targets for which the inner loops are written, where flash is short besides; and where
/// small code is preferred and the target has vector instructions, whose bodies would come on top of the plain ones.
fn is_compact(source: &Source<'_>) -> bool {
    let target = source.config.target;
    let is_small = source.config.optimize == Optimize::Size;
    target.has_arm_loops() || is_small && target.triple.is_none_or(|t| t.starts_with("x86_64"))
}

/// The CPU that kernels are called with.
pub(super) fn cpu_type(source: &Source<'_>) -> String {
    let (numerics, how) = match source.program.numerics {
        Numerics::Fused => ("Fused", "every product is rounded once, together with the sum it is added to"),
        Numerics::Separate => ("Separate", "every product is rounded before it is added"),
    };
    let cpu = if is_compact(source) { "compact::Compact" } else { "host::Host" };
    format!(
        "\n/// The CPU, with the best instruction set it was found to have; {how}.\n\
         pub type Cpu = arch::{cpu}<arch::isa::{numerics}>;\n"
    )
}
