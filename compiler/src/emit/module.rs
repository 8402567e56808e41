//! `--emit module`: the whole model as one file that `include!` accepts, and the blob beside it.
//!
//! Nothing stands on top of the file but one module: `include!` refuses inner attributes and documentation there.

use super::model::{Form, model};
use super::names::Names;
use super::weights::Weights;
use super::{Package, Source, library, rt};
use crate::config::Alloc;

/// `NAME.rs` and `NAME.bin`.
pub fn emit_module(source: &Source<'_>) -> Package {
    let names = Names::new(source.program);
    let weights = Weights::new(source.program, &names);
    let module = source.name.replace('-', "_");
    let mut body = String::new();
    if source.config.alloc == Alloc::Heap {
        body += "extern crate alloc;\n";
    }
    body += "#[allow(unused_imports)]\npub use model::*;\n";
    for line in library::exports(source).lines() {
        body += &format!("#[allow(unused_imports)]\n{line}\n");
    }
    body += &library::take(source);
    body += "\n#[forbid(unsafe_code)]\nmod model {\n";
    body += &indented(&model(source, &names, Form::Module));
    body += "}\n\n#[allow(unsafe_code)]\nmod weights {\n";
    body += &indented(&weights.source(&format!("{module}.bin")));
    body += "}\n\n#[allow(dead_code)]\nmod rt {\n";
    body += &indented(&runtime(source));
    body += "}\n";
    let text = format!("/// {}\npub mod {module} {{\n{}}}\n", library::title(source), indented(&body));
    let mut package = Package::default();
    package.text(&format!("{module}.rs"), text);
    package.bytes(&format!("{module}.bin"), weights.blob);
    package
}

/// The runtime's files as nested modules.
fn runtime(source: &Source<'_>) -> String {
    let files = rt::files(source.program);
    let folders = rt::folders(&files);
    let mut text = nested("", &folders[""], &files, &folders);
    text += &rt::cpu_type(source);
    text
}

fn nested(
    folder: &str,
    modules: &[String],
    files: &[&zant_runtime::sources::Source],
    folders: &std::collections::BTreeMap<String, Vec<String>>,
) -> String {
    let mut text = String::new();
    for m in modules {
        let path = if folder.is_empty() { m.clone() } else { format!("{folder}/{m}") };
        let content = match files.iter().find(|f| f.path == format!("{path}.rs")) {
            Some(f) => f.text.to_string(),
            None => nested(&path, &folders[&path], files, folders),
        };
        if rt::may_be_unsafe(folder, m) {
            text += "#[allow(unsafe_code)]\n";
        }
        text += &format!("pub mod {m} {{\n{}}}\n", indented(&content));
    }
    text
}

/// Each line that is not empty four spaces further right.
fn indented(text: &str) -> String {
    text.lines().map(|l| if l.is_empty() { "\n".to_string() } else { format!("    {l}\n") }).collect()
}
