//! The best model that fits into the memories of a device: methods and shares of channels, tried one after the other.
//!
//! Invariants: nothing in the search is random, and no decision depends on time, threads, or on what was known before it began.

mod search;
mod workshop;

pub use search::{Aim, Found, Trials, search};
pub use workshop::{Gauge, Keeper, Workshop};

use crate::Outcome;
use crate::method::{self, Step};

/// What a compiled model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Bytes of flash.
    pub flash: usize,
    /// Bytes of RAM.
    pub ram: usize,
    /// Multiply-adds.
    pub macs: u64,
}

/// What a model may take at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of flash.
    pub flash: Option<usize>,
    /// Bytes of RAM.
    pub ram: Option<usize>,
    /// Multiply-adds.
    pub macs: Option<u64>,
}

impl Limits {
    /// How many times the most exceeded limit is taken: up to 1 fits.
    pub fn excess(&self, cost: &Cost) -> f64 {
        let of = |is: f64, most: Option<f64>| {
            most.map_or(0.0, |most| if is <= most { is / most.max(1.0) } else { (is / most.max(1.0)).max(1.0 + 1e-9) })
        };
        of(cost.flash as f64, self.flash.map(|v| v as f64))
            .max(of(cost.ram as f64, self.ram.map(|v| v as f64)))
            .max(of(cost.macs as f64, self.macs.map(|v| v as f64)))
    }

    /// Whether a cost is within all of them.
    pub fn hold(&self, cost: &Cost) -> bool {
        self.excess(cost) <= 1.0
    }
}

/// How a candidate is made: channels are removed, then what follows is done to what is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Whether all groups lose the same share of channels; else each by what its channels are worth.
    pub uniform: bool,
    /// The share of channels, in percent: that of a model with as many weights, where groups lose different ones.
    pub percent: u32,
    /// What follows.
    pub finish: Vec<Step>,
}

impl Recipe {
    /// The model as it is.
    pub fn original() -> Recipe {
        Recipe { uniform: false, percent: 0, finish: Vec::new() }
    }

    /// The name: `sensitive-30+int8`.
    pub fn name(&self) -> String {
        let sharing = if self.uniform { "structured" } else { "sensitive" };
        let removed = (self.percent > 0).then(|| format!("{sharing}-{}", self.percent));
        let parts: Vec<String> =
            removed.into_iter().chain(self.finish.iter().map(|step| method::name(*step))).collect();
        if parts.is_empty() { "original".into() } else { parts.join("+") }
    }
}

/// What was found of a candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// How it was made.
    pub recipe: Recipe,
    /// What it takes.
    pub cost: Cost,
    /// How right it is on the examples of the search.
    pub value: f64,
    /// How right it is on all examples, where it was asked.
    pub whole: Option<f64>,
}

/// What follows the removal of channels where nothing else is said.
///
/// # Errors
/// None: the names are known.
pub fn usual_finishes() -> Outcome<Vec<Vec<Step>>> {
    let names = ["int8", "weights-int4", "ternary", "unstructured-50+int8", "unstructured-70+int8"];
    let named = names.iter().map(|name| method::named(name)).collect::<Outcome<Vec<_>>>()?;
    Ok(std::iter::once(Vec::new()).chain(named).collect())
}
