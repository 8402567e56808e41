//! The search. A candidate costs minutes, a sketch of it a moment: sketches find how many channels must go, candidates how right what is
//! left is.

use super::{Cost, Limits, Recipe, Tried};
use crate::Outcome;
use crate::method::Step;

/// The largest share of channels that is removed, in percent.
const MOST: u32 = 90;
/// A candidate that is larger than its sketch loses so many percent more, so many times.
const AGAIN: u32 = 3;
/// How much more than what must go is tried, of the best ways.
const FURTHER: [u32; 3] = [4, 12, 24];
/// Ways of which more is tried.
const BEST: usize = 2;
/// Finalists, which are asked about all examples.
const FINALISTS: usize = 3;
/// Share of its value by which a candidate may seem worse and still be as good.
const DOUBT: f64 = 0.01;

/// Makes and measures candidates.
pub trait Trials {
    /// Whether the model has channels that can be removed.
    fn shrinks(&self) -> bool;

    /// What a candidate will take, about.
    ///
    /// # Errors
    /// A candidate that cannot be made.
    fn sketch(&mut self, recipe: &Recipe) -> Outcome<Cost>;

    /// Makes a candidate.
    ///
    /// # Errors
    /// A candidate that cannot be made.
    fn attempt(&mut self, recipe: &Recipe) -> Outcome<Tried>;

    /// Asks a candidate about all examples.
    ///
    /// # Errors
    /// As of [`Trials::attempt`].
    fn confirm(&mut self, tried: &Tried) -> Outcome<Tried>;

    /// Hears what is next.
    fn next(&mut self, done: usize, about: usize, name: &str);
}

/// What is searched for.
#[derive(Clone, Debug)]
pub struct Aim {
    /// What it may take.
    pub limits: Limits,
    /// How right it must be.
    pub least: Option<f64>,
    /// Whether more is better of the value.
    pub higher: bool,
    /// What may follow the removal of channels.
    pub finishes: Vec<Vec<Step>>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// All candidates, by their names.
    pub tried: Vec<Tried>,
    /// The place of the best that fits and is right enough.
    pub best: Option<usize>,
    /// What came nearest where nothing fits: its name and what it takes.
    pub nearest: Option<(String, Cost)>,
    /// Ways that led nowhere, and why.
    pub notes: Vec<String>,
}

struct Search<'a> {
    aim: &'a Aim,
    trials: &'a mut dyn Trials,
    tried: Vec<Tried>,
    nearest: Option<(f64, String, Cost)>,
    notes: Vec<String>,
    about: usize,
}

/// Searches for the best model.
///
/// # Errors
/// The model itself does not compile or run.
pub fn search(aim: &Aim, trials: &mut dyn Trials) -> Outcome<Found> {
    let about = 1 + 2 * aim.finishes.len() + BEST * FURTHER.len();
    let mut search = Search { aim, trials, tried: Vec::new(), nearest: None, notes: Vec::new(), about };
    search.attempt(&Recipe::original())?;
    let mut ways = Vec::new();
    for finish in &aim.finishes {
        ways.extend(search.least(false, finish));
    }
    // What loses few channels comes first: it bounds what loses more.
    ways.sort_by_key(|recipe| recipe.percent);
    search.about = 1 + ways.len() + ways.iter().filter(|w| w.percent > 0).count() + BEST * FURTHER.len();
    for recipe in &ways {
        search.way(recipe);
    }
    search.further();
    search.finish()
}

impl Search<'_> {
    fn better(&self, a: f64, b: f64) -> bool {
        if self.aim.higher { a > b } else { a < b }
    }

    /// The best value of what fits.
    fn best(&self) -> Option<f64> {
        let fitting = self.tried.iter().filter(|t| self.aim.limits.hold(&t.cost)).map(|t| t.value);
        fitting.reduce(|a, b| if self.better(b, a) { b } else { a })
    }

    /// A value by which another may seem worse and be as good.
    fn doubted(&self, value: f64) -> f64 {
        if self.aim.higher { value * (1.0 - DOUBT) } else { value * (1.0 + 5.0 * DOUBT) }
    }

    /// Makes a candidate, once.
    fn attempt(&mut self, recipe: &Recipe) -> Outcome<Tried> {
        let name = recipe.name();
        if let Some(tried) = self.tried.iter().find(|t| t.recipe.name() == name) {
            return Ok(tried.clone());
        }
        self.about = self.about.max(self.tried.len() + 1);
        self.trials.next(self.tried.len(), self.about, &name);
        let tried = self.trials.attempt(recipe)?;
        self.tried.push(tried.clone());
        Ok(tried)
    }

    /// The same, where a failure ends only this way.
    fn tried(&mut self, recipe: &Recipe) -> Option<Tried> {
        let found = self.attempt(recipe);
        self.noted(&recipe.name(), found).filter(|t| t.value.is_finite())
    }

    fn noted<T>(&mut self, name: &str, found: Outcome<T>) -> Option<T> {
        match found {
            Ok(found) => Some(found),
            Err(faults) => {
                let why = faults.first().map_or_else(String::new, |f| f.message.clone());
                self.notes.push(format!("{name}: {why}"));
                None
            }
        }
    }

    /// Whether a sketch is within the limits.
    fn fits(&mut self, recipe: &Recipe) -> Option<bool> {
        let cost = self.trials.sketch(recipe);
        let cost = self.noted(&recipe.name(), cost)?;
        let excess = self.aim.limits.excess(&cost);
        if self.nearest.as_ref().is_none_or(|(known, ..)| excess < *known) {
            self.nearest = Some((excess, recipe.name(), cost));
        }
        Some(excess <= 1.0)
    }

    /// The recipe that removes the fewest channels and fits, by bisection of sketches.
    fn least(&mut self, uniform: bool, finish: &[Step]) -> Option<Recipe> {
        let at = |percent| Recipe { uniform, percent, finish: finish.to_vec() };
        if self.fits(&at(0))? {
            return Some(at(0));
        }
        if !self.trials.shrinks() || !self.fits(&at(MOST))? {
            return None;
        }
        let (mut low, mut high) = (0, MOST);
        while high - low > 1 {
            let middle = u32::midpoint(low, high);
            match self.fits(&at(middle))? {
                true => high = middle,
                false => low = middle,
            }
        }
        Some(at(high))
    }

    /// Whether a recipe can be the best. What follows the removal of channels only adds errors, and so does removing more of them: where
    /// the removal alone of no more channels is worse than the best that fits, beyond doubt, nothing with as many is.
    fn hopeful(&self, recipe: &Recipe) -> bool {
        let Some(best) = self.best() else { return true };
        let bound = self.doubted(best);
        !self.tried.iter().any(|t| {
            let bounds = t.recipe.finish.is_empty() && t.recipe.uniform == recipe.uniform;
            bounds && (1..=recipe.percent).contains(&t.recipe.percent) && self.better(bound, t.value)
        })
    }

    /// Tries a recipe that is said to fit; where it does not, with fewer channels.
    fn way(&mut self, recipe: &Recipe) -> Option<Tried> {
        let mut recipe = recipe.clone();
        for _ in 0..=AGAIN {
            if recipe.percent > 0 && !recipe.finish.is_empty() {
                if !self.hopeful(&recipe) {
                    return None;
                }
                self.tried(&Recipe { finish: Vec::new(), ..recipe.clone() })?;
            }
            if !self.hopeful(&recipe) {
                return None;
            }
            let tried = self.tried(&recipe)?;
            if self.aim.limits.hold(&tried.cost) {
                return Some(tried);
            }
            if !self.trials.shrinks() || recipe.percent >= MOST {
                return None;
            }
            recipe.percent += 1;
        }
        None
    }

    /// Fewer channels of the best ways, and equal shares in the best: what is smaller may be as right, and makes the front.
    fn further(&mut self) {
        let mut ways: Vec<Tried> = Vec::new();
        let mut fitting: Vec<Tried> = self.tried.iter().filter(|t| self.aim.limits.hold(&t.cost)).cloned().collect();
        fitting.sort_by(|a, b| {
            let by_value = a.value.total_cmp(&b.value);
            let by_value = if self.aim.higher { by_value.reverse() } else { by_value };
            by_value.then(a.cost.flash.cmp(&b.cost.flash)).then(a.recipe.name().cmp(&b.recipe.name()))
        });
        for tried in fitting {
            if ways.len() < BEST && !ways.iter().any(|w| w.recipe.finish == tried.recipe.finish) {
                ways.push(tried);
            }
        }
        if let Some(first) = ways.first().filter(|w| w.recipe.percent > 0).cloned()
            && let Some(recipe) = self.least(true, &first.recipe.finish)
        {
            self.way(&recipe);
        }
        for way in ways.iter().filter(|_| self.trials.shrinks()).cloned().collect::<Vec<Tried>>() {
            for more in FURTHER {
                let recipe = Recipe { percent: way.recipe.percent + more, ..way.recipe.clone() };
                if recipe.percent > MOST {
                    break;
                }
                let Some(tried) = self.tried(&recipe) else { break };
                let smaller = |t: &Tried| t.cost.flash <= tried.cost.flash && self.better(t.value, tried.value);
                let poor = self.aim.least.is_some_and(|least| self.better(least, tried.value));
                if poor || self.tried.iter().any(smaller) {
                    break;
                }
            }
        }
    }

    /// Asks the finalists about all examples.
    fn finish(mut self) -> Outcome<Found> {
        let limits = self.aim.limits;
        let (higher, least) = (self.aim.higher, self.aim.least);
        let order = move |a: &Tried, b: &Tried| {
            let value = |t: &Tried| t.whole.unwrap_or(t.value);
            let by_value = value(a).total_cmp(&value(b));
            let by_value = if higher { by_value.reverse() } else { by_value };
            by_value.then(a.cost.flash.cmp(&b.cost.flash)).then(a.recipe.name().cmp(&b.recipe.name()))
        };
        self.tried.sort_by(order);
        let best = self.best();
        let able = |s: &Search<'_>, t: &Tried| {
            t.value.is_finite() && limits.hold(&t.cost) && best.is_some_and(|b| !s.better(s.doubted(b), t.value))
        };
        let finalists: Vec<usize> =
            (0..self.tried.len()).filter(|at| able(&self, &self.tried[*at])).take(FINALISTS).collect();
        for at in &finalists {
            self.tried[*at] = self.trials.confirm(&self.tried[*at])?;
        }
        let mut confirmed: Vec<Tried> = finalists.iter().map(|at| self.tried[*at].clone()).collect();
        confirmed.sort_by(order);
        let enough = |v: f64| least.is_none_or(|least| if higher { v >= least } else { v <= least });
        let winner = confirmed.first().filter(|t| enough(t.whole.unwrap_or(t.value))).map(|t| t.recipe.name());
        let nearest = match confirmed.first() {
            Some(t) => Some((t.recipe.name(), t.cost)),
            None => self.nearest.map(|(_, name, cost)| (name, cost)),
        };
        self.tried.sort_by_key(|t| t.recipe.name());
        let best = winner.and_then(|name| self.tried.iter().position(|t| t.recipe.name() == name));
        self.notes.sort();
        self.notes.dedup();
        Ok(Found { tried: self.tried, best, nearest, notes: self.notes })
    }
}
