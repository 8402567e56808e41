//! What a user can choose. One table, used by the command line, by `zant.toml` and by build scripts.

use std::collections::BTreeMap;

use crate::ir::Numerics;
use crate::target::{HOST, Target};

/// What is preferred where the two conflict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optimize {
    /// Fewer instructions.
    #[default]
    Speed,
    /// Fewer bytes of code.
    Size,
}

/// Who owns the arena of an emitted model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alloc {
    /// It lies inside `Model`.
    #[default]
    Static,
    /// The caller lends it to each run.
    Caller,
    /// `Model::new` takes it from the heap (`alloc`).
    Heap,
}

/// What to make of a model.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of the emitted crate; by default made from the file's name.
    pub name: Option<String>,
    /// Values of symbolic dimensions.
    pub dims: BTreeMap<String, usize>,
    /// Where the crate runs.
    pub target: &'static Target,
    /// What is preferred.
    pub optimize: Optimize,
    /// Who owns the arena.
    pub alloc: Alloc,
    /// How products are rounded; by default the target's way.
    pub numerics: Option<Numerics>,
    /// Bytes of RAM that a model may take; more is an error.
    pub max_ram: Option<usize>,
    /// Bytes of flash that weights may take; more is an error.
    pub max_flash: Option<usize>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            name: None,
            dims: BTreeMap::new(),
            target: HOST,
            optimize: Optimize::default(),
            alloc: Alloc::default(),
            numerics: None,
            max_ram: None,
            max_flash: None,
        }
    }
}

/// Each method sets one option.
impl Config {
    /// The defaults.
    pub fn new() -> Config {
        Config::default()
    }

    /// Names the emitted crate.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Config {
        self.name = Some(name.into());
        self
    }

    /// Gives a symbolic dimension a value.
    #[must_use]
    pub fn dim(mut self, name: impl Into<String>, value: usize) -> Config {
        self.dims.insert(name.into(), value);
        self
    }

    /// Chooses the target.
    #[must_use]
    pub fn target(mut self, target: &'static Target) -> Config {
        self.target = target;
        self
    }

    /// Chooses between speed and size.
    #[must_use]
    pub fn optimize(mut self, optimize: Optimize) -> Config {
        self.optimize = optimize;
        self
    }

    /// Chooses who owns the arena.
    #[must_use]
    pub fn alloc(mut self, alloc: Alloc) -> Config {
        self.alloc = alloc;
        self
    }

    /// Chooses how products are rounded.
    #[must_use]
    pub fn numerics(mut self, numerics: Numerics) -> Config {
        self.numerics = Some(numerics);
        self
    }

    /// Refuses models that need more RAM.
    #[must_use]
    pub fn max_ram(mut self, bytes: usize) -> Config {
        self.max_ram = Some(bytes);
        self
    }

    /// Refuses models whose weights need more flash.
    #[must_use]
    pub fn max_flash(mut self, bytes: usize) -> Config {
        self.max_flash = Some(bytes);
        self
    }

    /// How products are rounded: as chosen, else the target's way.
    pub fn effective_numerics(&self) -> Numerics {
        self.numerics.unwrap_or(self.target.numerics)
    }
}
