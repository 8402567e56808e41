//! The runtime files that a program needs, and the `mod.rs` files between them.

use std::collections::{BTreeMap, BTreeSet};

use zant_runtime::sources::{FAMILIES, SOURCES, Source as RtSource};

use super::{Package, Source};
use crate::ir::Numerics;
use crate::targets::Target;

/// What every emitted crate uses: what a CPU is, and its arena.
const ALWAYS: [&str; 2] = ["arch/isa.rs", "arena.rs"];

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
    family.is_none_or(|family| target.triple.is_none() || target.family() == Some(family))
}

/// The file of a target's family that has loops for the interface in a file: the one of the same name.
fn own(target: &Target, path: &str) -> Option<&'static str> {
    let own = path.strip_prefix("arch/").map(|name| format!("{}/{name}", target.family()?).into());
    let own: Option<String> = own.flatten();
    SOURCES.iter().map(|s| s.path).find(|path| own.as_deref() == Some(path))
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

/// The CPU that kernels are called with, as a type of the runtime.
enum Cpu {
    /// The one that the code runs on, with what it is found to have.
    Host,
    /// Plain Rust.
    Portable,
    /// Small code whose inner loops are those of the one that the code runs on.
    CompactHost,
    /// Small code in plain Rust.
    CompactPortable,
    /// Small code whose inner loops are those for Armv7E-M and Armv8-M, where it is compiled for such a CPU.
    CompactDsp,
}

impl Cpu {
    /// Kernels have one body where the target or the user asks for it.
    fn of(source: &Source<'_>) -> Cpu {
        let target = source.config.target;
        let finds = target.triple.is_none() || target.family() == Some("arch/x86");
        match (source.config.machine().compact, finds) {
            (true, _) if target.has_arm_loops() => Cpu::CompactDsp,
            (true, true) => Cpu::CompactHost,
            (true, false) => Cpu::CompactPortable,
            (false, true) => Cpu::Host,
            (false, false) => Cpu::Portable,
        }
    }

    /// The files that have it.
    fn files(&self) -> &'static [&'static str] {
        match self {
            Cpu::Host => &["arch/host.rs"],
            Cpu::Portable => &["arch/portable.rs"],
            Cpu::CompactHost => &["arch/compact.rs", "arch/host.rs"],
            Cpu::CompactPortable => &["arch/compact.rs", "arch/portable.rs"],
            Cpu::CompactDsp => &["arch/arm/dsp.rs", "arch/compact.rs", "arch/portable.rs"],
        }
    }

    /// The type, after an attribute where it is for some machines alone.
    fn types(&self, numerics: &str) -> Vec<(String, String)> {
        let n = format!("arch::isa::{numerics}");
        let always = |ty: String| vec![(String::new(), ty)];
        match self {
            Cpu::Host => always(format!("arch::host::Host<{n}>")),
            Cpu::Portable => always(format!("arch::portable::Portable<{n}>")),
            Cpu::CompactHost => always(format!("arch::compact::Compact<arch::host::Host<{n}>>")),
            Cpu::CompactPortable => always(format!("arch::compact::Compact<arch::portable::Portable<{n}>>")),
            Cpu::CompactDsp => {
                let (_, condition) = FAMILIES.iter().find(|(family, _)| *family == "arch/arm").expect("it is a family");
                let dsp = format!("arch::compact::Compact<arch::arm::dsp::Dsp<{n}>>");
                let plain = format!("arch::compact::Compact<arch::portable::Portable<{n}>>");
                vec![(format!("#[cfg({condition})]\n"), dsp), (format!("#[cfg(not({condition}))]\n"), plain)]
            }
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
            "\n/// The CPU, with the best instruction set it was found to have; {how}.\n{attribute}pub type Cpu = {ty};\n"
        )
    };
    types.into_iter().map(item).collect()
}
