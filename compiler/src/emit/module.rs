//! `--emit module`: the whole model as one file that `include!` accepts, and the blob beside it.
//!
//! Nothing stands on top of the file but one module: `include!` refuses inner attributes and documentation there. The blob is named
//! after its content: a module never includes another one's constants, however the two files came into a folder.

use sha2::{Digest, Sha256};

use super::library::QUIET;
use super::model::{Form, model};
use super::names::Names;
use super::weights::Weights;
use super::words::is_unusual;
use super::{Package, Source, library, rt};
use crate::config::Alloc;

/// What stands in the first line of each module.
pub(crate) const MODULE_MARK: &str = "compiled by zantc ";
/// Digits of a blob's hash that its name has.
const DIGITS: usize = 16;

/// Whether a file's name is that of a module's blob.
pub(crate) fn is_blob_of(module: &str, file: &str) -> bool {
    let hash = file.strip_prefix(module).and_then(|f| f.strip_prefix('-')).and_then(|f| f.strip_suffix(".bin"));
    hash.is_some_and(|h| h.len() == DIGITS && h.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `NAME.rs` and `NAME-HASH.bin`.
pub fn emit_module(source: &Source<'_>) -> Package {
    let mut package = Package::default();
    let mut body = model_module(source, &Names::new(source.program), &mut package);
    body += &runtime(source, &body);
    let module = identifier(source.name);
    let text = format!(
        "/// {}\n{}pub mod {module} {{\n{}}}\n",
        library::title(source),
        attributes(source.name),
        indented(&body)
    );
    package.text(&format!("{module}.rs"), text);
    package
}

/// The modules of several models, without the runtime.
pub(super) fn model_modules(sources: &[Source<'_>], names: &[Names], package: &mut Package) -> String {
    let mut body = String::new();
    for (source, names) in sources.iter().zip(names) {
        let text = format!("use super::rt;\n{}", model_module(source, names, package));
        body += &format!(
            "/// {}\n{}pub mod {} {{\n{}}}\n\n",
            library::title(source),
            unusual(source.name),
            identifier(source.name),
            indented(&text)
        );
    }
    body
}

/// What stands before the module of an included file: in a program nothing of it is reached from outside.
pub(super) fn attributes(name: &str) -> String {
    format!("#[allow(unreachable_pub)]\n{}", unusual(name))
}

/// What stands before a module whose name Rust would warn of.
pub(super) fn unusual(name: &str) -> &'static str {
    if is_unusual(name) { "#[allow(non_snake_case)]\n" } else { "" }
}

pub(super) fn identifier(name: &str) -> String {
    name.replace('-', "_")
}

/// All of a model's module but its runtime, which is called `rt` there.
fn model_module(source: &Source<'_>, names: &Names, package: &mut Package) -> String {
    let weights = Weights::new(source.program, names);
    let hash = super::hex(&Sha256::digest(&weights.blob));
    let blob = format!("{}-{}.bin", identifier(source.name), &hash[..DIGITS]);
    let mut body = String::from("#[allow(unused_imports)]\npub use model::*;\n");
    for line in library::exports(source).lines() {
        body += &format!("#[allow(unused_imports)]\n{line}\n");
    }
    body += &library::take(source);
    body += &format!("\n#[forbid(unsafe_code)]\n{QUIET}mod model {{\n");
    if source.config.alloc == Alloc::Heap {
        body += "    extern crate alloc;\n\n";
    }
    body += &indented(&model(source, names, Form::Module));
    let seen = if names.lends { "pub(super) " } else { "" };
    body += &format!("}}\n\n#[allow(unsafe_code)]\n{QUIET}{seen}mod weights {{\n");
    body += &indented(&weights.source(&blob, source.config.weights_section.as_deref()));
    body += "}\n\n";
    package.bytes(&blob, weights.blob);
    body
}

/// What code uses of the runtime as nested modules.
pub(super) fn runtime(source: &Source<'_>, code: &str) -> String {
    let files = rt::files(source, &[code]);
    let folders = rt::folders(&files);
    let mut text = nested("", &folders[""], &files, &folders);
    if rt::takes_cpu(&[code]) {
        text += &rt::cpu_type(source);
    }
    format!("#[allow(dead_code, unused_imports, unused_variables)]\n{QUIET}mod rt {{\n{}}}\n", indented(&text))
}

fn nested(
    folder: &str,
    modules: &[String],
    files: &[rt::File],
    folders: &std::collections::BTreeMap<String, Vec<String>>,
) -> String {
    let mut text = String::new();
    for m in modules {
        let path = if folder.is_empty() { m.clone() } else { format!("{folder}/{m}") };
        let content = match files.iter().find(|f| f.path == format!("{path}.rs")) {
            Some(f) => f.text.clone(),
            None => nested(&path, &folders[&path], files, folders),
        };
        if rt::may_be_unsafe(folder, m) {
            text += "#[allow(unsafe_code)]\n";
        }
        text += &rt::condition(folder, m);
        text += &format!("pub mod {m} {{\n{}}}\n", indented(&content));
    }
    text
}

/// Each line that is not empty four spaces further right.
pub(super) fn indented(text: &str) -> String {
    text.lines().map(|l| if l.is_empty() { "\n".to_string() } else { format!("    {l}\n") }).collect()
}
