//! Evaluations in parts, on one machine after the other or on many at once, which come to the very number of one process.
//!
//! Invariant: parts are added up in the order of the examples, and only where they are of the same inputs and none is missing. A part has
//! counts where the metric is made of them, else all answers, as the bits of their floats: JSON has no NaN.

use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zantc::pipeline::Compiled;

use crate::data::Data;
use crate::evaluate::{Asked, ask, runs};
use crate::metric::{Expected, Metric, Score};
use crate::{Outcome, bad, bad_but};

/// What stands in the field `format` of each part.
pub const FORMAT: &str = "zantc-evaluation-part";
/// The version of the format.
pub const VERSION: u32 = 1;

/// One of so many parts: `3/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Which, from 1.
    pub number: usize,
    /// Of how many.
    pub count: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parts = text.split_once('/').and_then(|(n, of)| Some((n.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, count)) if (1..=count).contains(&number) => Ok(Shard { number, count }),
            _ => Err("expected a part of so many, from 1 on: 3/8".into()),
        }
    }
}

impl Shard {
    /// How many examples it has of some data.
    pub fn examples(self, data: &Data) -> usize {
        let of = self.of(runs(data));
        (of.end * data.batch()).min(data.len()) - (of.start * data.batch()).min(data.len())
    }

    /// Its share of so many runs; all shares are the same but for one run.
    fn of(self, runs: usize) -> Range<usize> {
        let start = |number: usize| (runs as u128 * number as u128 / self.count as u128) as usize;
        start(self.number - 1)..start(self.number)
    }
}

/// What was found in a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// What all parts of an evaluation have in common: hashes of the model and of the data, options.
    pub inputs: BTreeMap<String, String>,
    /// What is measured.
    pub metric: Metric,
    /// Which part it is.
    pub shard: Shard,
    /// Examples of all parts.
    pub examples: usize,
    /// Examples of this one.
    pub here: usize,
    found: Found,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Found {
    /// How many examples are right, and how many have answers that are not finite.
    Counts { right: usize, not_finite: usize },
    /// The bits of all answers, and what was expected.
    Answers { answers: Vec<Vec<u32>>, expected: Vec<Expected> },
}

/// Asks a model about the examples of one part. `inputs` says what all parts must have in common.
///
/// # Errors
/// As [`crate::evaluate`].
pub fn evaluate_part(
    (compiled, data): (&Compiled, &Data),
    metric: Metric,
    shard: Shard,
    inputs: BTreeMap<String, String>,
    progress: &(dyn Fn(usize) + Sync),
) -> Outcome<Part> {
    let asked = ask(compiled, data, metric, shard.of(runs(data)), progress)?;
    let here = asked.answers.len();
    let Asked { answers, expected } = asked;
    let found = match metric.counts() {
        true => {
            let score = metric.of(&answers, &expected);
            Found::Counts { right: score.right.unwrap_or(0), not_finite: score.not_finite }
        }
        false => {
            let answers = answers.iter().map(|answer| answer.iter().map(|v| v.to_bits()).collect()).collect();
            Found::Answers { answers, expected }
        }
    };
    Ok(Part { format: FORMAT.into(), version: VERSION, inputs, metric, shard, examples: data.len(), here, found })
}

/// The score of all parts together, and of how many examples.
///
/// # Errors
/// Parts of other evaluations, missing ones, and such that are there twice.
pub fn collect(mut parts: Vec<Part>) -> Outcome<(Metric, Score, usize)> {
    parts.sort_by_key(|part| part.shard.number);
    let Some(first) = parts.first().cloned() else { return Err(bad("there is no part")) };
    for part in &parts {
        let name = format!("part {}/{}", part.shard.number, part.shard.count);
        if part.format != FORMAT || part.version != VERSION {
            return Err(bad(format!("{name} is of another format or version")));
        }
        let keys = first.inputs.keys().chain(part.inputs.keys());
        if let Some(key) = keys.into_iter().find(|key| first.inputs.get(*key) != part.inputs.get(*key)) {
            let why = format!("{name} and part {}/{} differ in `{key}`", first.shard.number, first.shard.count);
            return Err(bad_but(why, "all parts are to be of one model, the same data and the same options"));
        }
        if (part.metric, part.shard.count, part.examples) != (first.metric, first.shard.count, first.examples) {
            return Err(bad(format!("{name} is of another evaluation: of {} {}", part.examples, part.metric.name())));
        }
    }
    let mut missing = (1..=first.shard.count).filter(|n| !parts.iter().any(|part| part.shard.number == *n));
    if let Some(number) = missing.next() {
        let more = missing.count();
        let others = if more == 0 { String::new() } else { format!(" and {more} others") };
        let help = "`--shard` makes it";
        return Err(bad_but(format!("part {number}/{}{others} is missing", first.shard.count), help));
    }
    if let Some(pair) = parts.windows(2).find(|pair| pair[0].shard.number == pair[1].shard.number) {
        return Err(bad(format!("part {}/{} is there twice", pair[0].shard.number, pair[0].shard.count)));
    }
    let here: usize = parts.iter().map(|part| part.here).sum();
    if here != first.examples {
        return Err(bad(format!("the parts have {here} examples, and the data {}", first.examples)));
    }
    Ok((first.metric, added(parts, first.metric, here)?, here))
}

/// The score of parts in their order.
fn added(parts: Vec<Part>, metric: Metric, examples: usize) -> Outcome<Score> {
    let (mut right, mut not_finite) = (0, 0);
    let (mut answers, mut expected) = (Vec::new(), Vec::new());
    for part in parts {
        match part.found {
            Found::Counts { right: r, not_finite: n } if metric.counts() => {
                (right, not_finite) = (right + r, not_finite + n)
            }
            Found::Answers { answers: a, expected: e } if !metric.counts() && a.len() == e.len() => {
                answers.extend(a.into_iter().map(|bits| bits.into_iter().map(f32::from_bits).collect::<Vec<f32>>()));
                expected.extend(e);
            }
            Found::Counts { .. } | Found::Answers { .. } => {
                return Err(bad("a part does not have what its metric needs"));
            }
        }
    }
    match metric.counts() {
        true => Ok(Score { value: right as f64 / examples as f64, right: Some(right), not_finite }),
        false if answers.len() == examples && alike(&answers, &expected) => Ok(metric.of(&answers, &expected)),
        false => Err(bad("the answers of the parts do not fit each other")),
    }
}

/// Whether answers have as many numbers each, and what was expected as many where it is numbers: parts may come from anywhere.
fn alike(answers: &[Vec<f32>], expected: &[Expected]) -> bool {
    let size = answers.first().map_or(0, Vec::len);
    let fits = |e: &Expected| match e {
        Expected::Class(class) => *class < 1 << 24,
        Expected::Numbers(numbers) => numbers.len() == size,
    };
    size > 0 && answers.iter().all(|a| a.len() == size) && expected.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::Shard;

    #[test]
    fn shares_follow_each_other_and_are_all() {
        for (runs, count) in [(1, 1), (7, 3), (2, 8), (1000, 7), (0, 2)] {
            let mut next = 0;
            for number in 1..=count {
                let share = Shard { number, count }.of(runs);
                assert_eq!(share.start, next);
                assert!(share.len() <= runs.div_ceil(count));
                next = share.end;
            }
            assert_eq!(next, runs);
        }
    }

    #[test]
    fn shards_are_numbered_from_one() {
        assert_eq!("3/8".parse(), Ok(Shard { number: 3, count: 8 }));
        for wrong in ["0/8", "9/8", "1/0", "1", "a/b", "", "-1/2", "1/2/3"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
