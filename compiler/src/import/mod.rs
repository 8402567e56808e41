//! ONNX operators -> core IR, with the semantics of the model's opset.
//!
//! Shapes are static: symbolic dimensions are bound before the first node is read. Whatever can be computed from constants
//! is computed while importing. All findings of a model are collected, not only the first.

mod builder;
pub mod dims;
mod exporter;
mod graph;
mod halves;
mod inline;
mod labels;
mod loops;
mod meaning;
mod node;
mod nodes;
mod ops;
mod place;
mod ports;
pub mod registry;
mod scope;
mod signature;
mod tensor;
#[cfg(test)]
mod tests;
mod within;

use std::collections::BTreeMap;

use crate::diag::Diagnostic;
use crate::ir::{Graph, Numerics, Tensor};
use crate::onnx::proto::ModelProto;

pub use tensor::{dtype_of, from_raw, to_raw};

/// What a model leaves open and the caller decides.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Values of symbolic dimensions, by name; `INPUT[AXIS]` names one that has no name of its own.
    pub dims: BTreeMap<String, usize>,
    /// How often loops run at most whose trip counts are data, by the names of those or of the loops.
    pub bounds: BTreeMap<String, usize>,
    /// Graph inputs that are taken as constants, by name.
    pub constants: BTreeMap<String, Tensor>,
    /// How products are rounded in what is computed here.
    pub numerics: Numerics,
}

/// A translated model.
#[derive(Debug)]
pub struct Import {
    /// What it computes.
    pub graph: Graph,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

/// Translates a model, or gives everything that is wrong with it.
pub fn import(model: &ModelProto, options: &Options) -> Result<Import, Vec<Diagnostic>> {
    graph::Importer::new(model, options).run()
}
