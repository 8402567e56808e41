//! Planned programs -> the files of a crate. Everything is made in memory; [`crate::install`] puts it on disk as a whole.
//!
//! Invariants: equal programs and options give equal bytes; names from the model become identifiers and escaped text only.

pub(crate) mod call;
mod golden;
mod group;
mod library;
mod manifest;
mod map;
mod model;
mod module;
pub(crate) mod names;
pub(crate) mod numbers;
pub(crate) mod own_inputs;
mod package;
mod pieces;
mod ports;
mod readme;
mod regions;
mod rt;
mod session;
mod session_golden;
mod state;
mod stepping;
mod steps;
mod weights;
mod words;

use crate::config::Config;
use crate::ir::Tensor;
use crate::program::Program;

pub use crate::footprint::arena_bytes;
pub use golden::MAX_VECTORS_BYTES;
pub(crate) use manifest::hex;
pub use manifest::ports;
pub(crate) use module::{MODULE_MARK, is_blob_of};
pub(crate) use weights::MAGIC as BLOB_MAGIC;

pub use group::{emit_models_crate, emit_modules};
pub use module::emit_module;
pub use package::{Package, WriteError};
pub use session::{SESSION, emit_session_crate, emit_session_module, weights_bytes};
pub use words::{crate_name, is_crate_name};

/// The version of this compiler, which emitted files name.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Inputs of one run and the outputs it should give.
#[derive(Clone, Debug)]
pub struct Vector {
    /// One tensor per input of the model.
    pub inputs: Vec<Tensor>,
    /// One tensor per output, to the bit; any NaN is any other.
    pub outputs: Vec<Tensor>,
    /// The name of the data set that the inputs are from; `None` where they were made up.
    pub data_set: Option<String>,
}

/// A run of one of a session's models, which goes on from what the runs before it kept.
#[derive(Clone, Debug)]
pub struct SessionRun {
    /// The model's place among the sources.
    pub model: usize,
    /// What it is run with, and what it computes.
    pub vector: Vector,
}

/// What is emitted.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The planned program.
    pub program: &'a Program,
    /// The user's choices.
    pub config: &'a Config,
    /// The crate's name.
    pub name: &'a str,
    /// The model's file as documentation names it: `mnist-8.onnx`, or with its folder where it is called `model.onnx`.
    pub file: &'a str,
    /// SHA-256 of the model file, in hex.
    pub model_sha256: &'a str,
    /// Vectors for the crate's own tests.
    pub vectors: &'a [Vector],
}

impl<'a> Source<'a> {
    /// What documentation calls the model: its file without its ending, or its folder.
    pub(crate) fn title(&self) -> &'a str {
        let name = self.file.strip_suffix("/model.onnx").unwrap_or(self.file);
        match name.strip_suffix(".onnx").unwrap_or(name) {
            "" => self.name,
            title => title,
        }
    }
}

/// The files of a standalone crate.
pub fn emit_crate(source: &Source<'_>) -> Package {
    let names = names::Names::new(source.program);
    let weights = weights::Weights::new(source.program, &names);
    let mut package = Package::default();
    package.text("Cargo.toml", manifest::cargo_toml(source));
    package.text("rustfmt.toml", manifest::RUSTFMT.into());
    package.text("README.md", readme::readme(source, &names));
    package.text("src/lib.rs", library::library(source, &names));
    package.text("src/model.rs", model::model(source, &names, model::Form::Crate));
    package.text("src/weights.rs", weights.source("../weights.bin", source.config.weights_section.as_deref()));
    package.bytes("weights.bin", weights.blob.clone());
    rt::add_files(&mut package, source);
    golden::add_test(&mut package, source, &names);
    weights::add_test(&mut package, &weights.blob);
    let manifest = manifest::zant_json(source, &weights, &package);
    package.text("zant.json", manifest);
    package
}
