//! The table of supported ONNX operators: what `import` calls, `zantc ops` prints and `docs/operators.md` is made of.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::node::{Imported, NodeCx};
use super::ops;

/// Translates one node.
pub type ImportFn = fn(&mut NodeCx<'_>) -> Imported;

/// One supported operator.
pub struct OpEntry {
    /// The operator's domain; empty for ONNX's own.
    pub domain: &'static str,
    /// The operator's name.
    pub name: &'static str,
    /// Its translation; `None` where the importer itself has it, because it has graphs within.
    pub import: Option<ImportFn>,
    /// What is left out, or empty.
    pub limits: &'static str,
}

/// An operator of ONNX's own domain.
pub(super) const fn op(name: &'static str, import: ImportFn) -> OpEntry {
    OpEntry { domain: "", name, import: Some(import), limits: "" }
}

/// An operator of ONNX's own domain with something left out.
pub(super) const fn limited(name: &'static str, import: ImportFn, limits: &'static str) -> OpEntry {
    OpEntry { domain: "", name, import: Some(import), limits }
}

/// An operator of ONNX Runtime's domain.
pub(super) const fn contributed(name: &'static str, import: ImportFn, limits: &'static str) -> OpEntry {
    OpEntry { domain: "com.microsoft", name, import: Some(import), limits }
}

/// An operator of ONNX's domain of classical models.
pub(super) const fn classical(name: &'static str, import: ImportFn, limits: &'static str) -> OpEntry {
    OpEntry { domain: "ai.onnx.ml", name, import: Some(import), limits }
}

/// An operator of ONNX's own domain with graphs within.
const fn control(name: &'static str, limits: &'static str) -> OpEntry {
    OpEntry { domain: "", name, import: None, limits }
}

/// The operators that have graphs within.
const CONTROL: &[OpEntry] = &[
    control("If", "branches that give one type"),
    control("Loop", "a constant trip count, or a bound of it (`--bound`); carried values keep their types"),
    control("Scan", "constant lengths of sequences"),
];

/// All supported operators, family by family.
pub fn entries() -> impl Iterator<Item = &'static OpEntry> {
    ops::FAMILIES.iter().flat_map(|f| f.iter()).chain(CONTROL)
}

/// The entry of an operator. The domain `ai.onnx` is another name of ONNX's own.
pub fn find(domain: &str, name: &str) -> Option<&'static OpEntry> {
    let domain = if domain == "ai.onnx" { "" } else { domain };
    static BY_NAME: LazyLock<BTreeMap<(&str, &str), &OpEntry>> =
        LazyLock::new(|| entries().map(|e| ((e.name, e.domain), e)).collect());
    BY_NAME.get(&(name, domain)).copied()
}
