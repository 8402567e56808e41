//! Makes candidates of a model, and roughly: as large as they will be, without solving anything.

use std::collections::BTreeMap;

use super::{Cost, Recipe, Trials, Tried};
use crate::Outcome;
use crate::data::Data;
use crate::method::{Bench, Step, compress};
use crate::net::Net;
use crate::prune::by_size;
use crate::prune::groups::Groups;
use crate::prune::structured::{Options, Ranking, Ratios, prune_by, ranked};
use crate::quantize::{self, Activations, Calibrated, Calibration};
use crate::ternary::three_valued;

/// Examples that ranges of rough models are measured on.
const FEW: usize = 2;

/// Says what a model takes, and how right it is.
pub trait Gauge {
    /// What it takes.
    ///
    /// # Errors
    /// The model does not compile.
    fn cost(&self, net: &Net) -> Outcome<Cost>;

    /// How right it is: on the examples of the search, or on all.
    ///
    /// # Errors
    /// The model does not run on them.
    fn value(&self, net: &Net, whole: bool) -> Outcome<f64>;
}

/// Keeps what was found, so that a search that was stopped goes on.
pub trait Keeper {
    /// What is known of a candidate.
    fn known(&self, name: &str) -> Option<Tried>;

    /// Keeps a candidate.
    ///
    /// # Errors
    /// What cannot be written.
    fn keep(&mut self, tried: &Tried) -> Outcome<()>;

    /// Hears how many candidates are done, of about how many, and which is next.
    fn next(&mut self, done: usize, about: usize, name: &str);
}

/// What candidates are made with.
pub struct Workshop<'a> {
    net: &'a Net,
    bench: &'a Bench<'a>,
    gauge: &'a dyn Gauge,
    keeper: &'a mut dyn Keeper,
    few: Data,
    groups: Groups,
    rankings: Option<Vec<Ranking>>,
    /// The last model that lost channels.
    pruned: Option<(bool, u32, Net)>,
    made: BTreeMap<String, Net>,
}

impl<'a> Workshop<'a> {
    /// For a model.
    ///
    /// # Errors
    /// The model does not compile.
    pub fn new(
        net: &'a Net,
        bench: &'a Bench<'a>,
        gauge: &'a dyn Gauge,
        keeper: &'a mut dyn Keeper,
    ) -> Outcome<Workshop<'a>> {
        let groups = Groups::find(net)?;
        let few = bench.data.spread(FEW.max(bench.data.batch()));
        Ok(Workshop { net, bench, gauge, keeper, few, groups, rankings: None, pruned: None, made: BTreeMap::new() })
    }

    /// The model of a recipe.
    ///
    /// # Errors
    /// A method that makes nothing of it.
    pub fn make(&mut self, recipe: &Recipe) -> Outcome<Net> {
        let name = recipe.name();
        if let Some(net) = self.made.get(&name) {
            return Ok(net.clone());
        }
        let known = self.pruned.as_ref().filter(|(u, p, _)| (*u, *p) == (recipe.uniform, recipe.percent));
        let net = match known {
            Some((_, _, net)) => net.clone(),
            None => self.removed(recipe, true)?,
        };
        if recipe.percent > 0 {
            self.pruned = Some((recipe.uniform, recipe.percent, net.clone()));
        }
        compress(&net, &recipe.finish, self.bench)
    }

    /// The model without channels, its other layers solved again or not.
    fn removed(&mut self, recipe: &Recipe, repair: bool) -> Outcome<Net> {
        if recipe.percent == 0 || self.groups.groups.is_empty() {
            return Ok(self.net.clone());
        }
        let options = Options { repair, ..Options::default() };
        if self.rankings.is_none() {
            (self.bench.progress)("ranking channels");
            self.rankings = Some(ranked(self.net, &self.groups, &options, self.bench)?);
        }
        let rankings = self.rankings.as_deref().unwrap_or_default();
        let ratios = if recipe.uniform { Ratios::Uniform } else { Ratios::Sensitivity };
        let shares = ratios.shares(&self.groups, rankings, recipe.percent);
        prune_by(self.net, &self.groups, rankings, &shares, &options, self.bench)
    }
}

/// A model with the bytes that a step will leave, but not with its numbers.
fn roughly(net: &Net, step: Step, bench: &Bench<'_>) -> Outcome<Net> {
    Ok(match step {
        Step::Int8 | Step::Int16x8 => {
            let is_wide = step == Step::Int16x8;
            let options = quantize::Options {
                activations: if is_wide { Activations::Int16 } else { Activations::Int8 },
                calibration: Calibration::MinMax,
                reconstruct: false,
                correct_biases: false,
                ..quantize::Options::default()
            };
            Calibrated::new(net, options, bench)?.without(&Default::default())
        }
        Step::WeightsInt8 => quantize::int8(net, None)?,
        Step::WeightsInt4 => quantize::int4(net, None)?,
        Step::Ternary => three_valued(net, None)?,
        Step::Unstructured(percent) => by_size(net, percent),
        Step::UnstructuredMagnitude(_)
        | Step::DynamicInt8
        | Step::Biases
        | Step::Structured(_)
        | Step::Sensitive(_)
        | Step::StructuredMagnitude(_) => compress(net, &[step], bench)?,
    })
}

impl Trials for Workshop<'_> {
    fn shrinks(&self) -> bool {
        !self.groups.groups.is_empty()
    }

    fn sketch(&mut self, recipe: &Recipe) -> Outcome<Cost> {
        let mut net = self.removed(recipe, false)?;
        let bench = Bench { data: &self.few, progress: self.bench.progress };
        for step in &recipe.finish {
            net = roughly(&net, *step, &bench)?;
        }
        self.gauge.cost(&net)
    }

    fn attempt(&mut self, recipe: &Recipe) -> Outcome<Tried> {
        if let Some(tried) = self.keeper.known(&recipe.name()) {
            return Ok(tried);
        }
        let net = self.make(recipe)?;
        let cost = self.gauge.cost(&net)?;
        let tried = Tried { recipe: recipe.clone(), cost, value: self.gauge.value(&net, false)?, whole: None };
        self.made.insert(recipe.name(), net);
        self.keeper.keep(&tried)?;
        Ok(tried)
    }

    fn confirm(&mut self, tried: &Tried) -> Outcome<Tried> {
        if let Some(known) = self.keeper.known(&tried.recipe.name()).filter(|known| known.whole.is_some()) {
            return Ok(known);
        }
        let net = self.make(&tried.recipe)?;
        let confirmed = Tried { whole: Some(self.gauge.value(&net, true)?), ..tried.clone() };
        self.keeper.keep(&confirmed)?;
        Ok(confirmed)
    }

    fn next(&mut self, done: usize, about: usize, name: &str) {
        self.keeper.next(done, about, name);
    }
}
