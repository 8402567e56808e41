//! Several models as one crate or module: a module for each, one runtime and, on wish, one arena.

use super::library::{take_static, title};
use super::module::{MODULE_MARK, attributes, identifier, indented, model_modules, runtime};
use super::names::Names;
use super::{Package, Source, VERSION, manifest};
use crate::footprint::{Footprint, arena_bytes};

/// The type of the arena that models share.
const ARENA: &str = "SharedArena";

/// Several models that share one runtime: `NAME.rs` with a module for each model, and their blobs. The models have names of
/// their own and round products alike.
pub fn emit_modules(name: &str, sources: &[Source<'_>]) -> Package {
    let mut package = Package::default();
    let body = body(sources, &mut package);
    let module = identifier(name);
    let text = format!("/// {}\n{}pub mod {module} {{\n{}}}\n", about(), attributes(name), indented(&body));
    package.text(&format!("{module}.rs"), text);
    package
}

/// A crate of the same.
pub fn emit_models_crate(name: &str, sources: &[Source<'_>]) -> Package {
    let (mut package, mut blobs) = (Package::default(), Package::default());
    let body = body(sources, &mut blobs);
    for (path, content) in blobs.files {
        package.bytes(&format!("src/{path}"), content);
    }
    let models = sources.iter().map(|s| format!("//! - [`{}`]: {}\n", identifier(s.name), title(s)));
    let head = format!(
        "//! {}\n//!\n{}#![no_std]\n#![deny(unsafe_code)]\n\n#[cfg(target_endian = \"big\")]\ncompile_error!(\"the constants are little-endian; \
         big-endian targets are not supported\");\n\n",
        about(),
        models.collect::<String>()
    );
    package.text("src/lib.rs", head + &body);
    if let Some(first) = sources.first() {
        package.text("Cargo.toml", manifest::cargo_toml(&Source { name, ..*first }));
    }
    package.text("rustfmt.toml", manifest::RUSTFMT.into());
    package.text("README.md", readme(name, sources));
    let manifest = manifest::models_json(name, sources, &package);
    package.text("zant.json", manifest);
    package
}

fn about() -> String {
    format!("Neural networks that share one runtime, {MODULE_MARK}{VERSION} from ONNX models.")
}

fn shares_arena(sources: &[Source<'_>]) -> bool {
    sources.iter().any(|source| source.config.share_arena)
}

fn body(sources: &[Source<'_>], package: &mut Package) -> String {
    let names = sources.iter().map(|source| Names::new(source.program)).collect::<Vec<_>>();
    let mut body = match sources.first() {
        Some(first) if shares_arena(sources) => arena(first),
        Some(_) | None => String::new(),
    };
    body += &model_modules(sources, &names, package);
    body += &sources.first().map_or(String::new(), |first| runtime(first, &body));
    body
}

/// The arena that all models work in, one after the other.
fn arena(first: &Source<'_>) -> String {
    let bytes = arena_bytes(first.program);
    let take = take_static(first, ARENA, false)
        .replace("only model", "only arena")
        .replace("a model is bytes", "an arena is bytes");
    format!(
        "/// Bytes of the arena: as many as the model that needs the most.\npub const ARENA_BYTES: usize = {bytes};\n\n\
         /// The arena that all models work in, one after the other: each leaves its outputs there until the next run of any.\n\
         pub type {ARENA} = rt::arena::Arena<ARENA_BYTES>;\n{take}\n"
    )
}

fn readme(name: &str, sources: &[Source<'_>]) -> String {
    let mut text = format!("# {name}\n\n{}\n\n", about());
    text += "`no_std`, no heap, no dependencies, no `unsafe` in the models' own code. A module for each model:\n\n";
    text += "| model | arena (RAM) | constants (flash) | multiply-adds |\n| --- | --- | --- | --- |\n";
    for source in sources {
        let footprint = Footprint::of(source.program, source.config);
        text += &format!(
            "| `{}` | {} bytes | {} bytes | {} |\n",
            identifier(source.name),
            footprint.arena,
            footprint.weights,
            source.program.macs()
        );
    }
    if let (true, Some(first)) = (shares_arena(sources), sources.first()) {
        let krate = identifier(name);
        text += &format!(
            "\nThe models share one arena of {} bytes, which `take` lends:\n\n```rust\nlet arena = {krate}::take().expect(\"taken once\");\n```\n\n\
             Each run borrows it, and its outputs lie in it until the next run of any model.\n",
            arena_bytes(first.program)
        );
    }
    text += &format!(
        "\nMade by zantc {VERSION}. The code may be used under 0BSD, MIT or Apache-2.0, at your choice; the\nconstants have the license of the models.\n"
    );
    text
}
