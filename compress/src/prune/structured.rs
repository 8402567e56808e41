//! Channels removed, and what is left solved again so that it does their work: smaller networks without training.

use std::collections::BTreeSet;

use crate::Outcome;
use crate::gram::Budget;
use crate::method::Bench;
use crate::net::Net;
use crate::prune::groups::Groups;
use crate::prune::repair::repair;

pub use crate::prune::importance::{Importance, Ranking, rank};
pub use crate::prune::sensitivity::by_sensitivity;

/// How channels are removed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// How channels are compared.
    pub importance: Importance,
    /// How large a share each group loses.
    pub ratios: Ratios,
    /// Whether the layers are solved again.
    pub repair: bool,
    /// What holds solved weights near those that they were: a share of the mean square of what a layer reads.
    pub damping: f32,
    /// Rounds of conjugate gradients.
    pub rounds: usize,
    /// Examples that are looked at, at most.
    pub examples: usize,
    /// Rows of a layer's input that are taken of them, at most about.
    pub rows: usize,
}

/// How large a share of its channels each group loses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ratios {
    /// All groups lose the same share.
    #[default]
    Uniform,
    /// Groups lose most where least is lost by it, and as many weights are left; for [`Importance::SecondOrder`], which knows the errors.
    Sensitivity,
}

impl Ratios {
    /// The share of each group, 0 to 1, where `percent` are to go.
    pub(crate) fn shares(self, groups: &Groups, rankings: &[Ranking], percent: u32) -> Vec<f64> {
        match self {
            Ratios::Uniform => vec![f64::from(percent) / 100.0; groups.groups.len()],
            Ratios::Sensitivity => by_sensitivity(groups, rankings, percent),
        }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options { importance: Importance::default(), repair: true, ..PLAIN }
    }
}

/// What removes the channels of the least weights, and leaves the rest as it is: what a repair is compared with.
pub const PLAIN: Options = Options {
    importance: Importance::Magnitude,
    ratios: Ratios::Uniform,
    repair: false,
    damping: 1e-2,
    rounds: 32,
    examples: 1024,
    rows: 16_384,
};

/// Removes such a share of the channels of every group, or as many weights as that removes.
///
/// # Errors
/// A model that does not compile, or does not run on the examples.
pub fn structured(net: &Net, percent: u32, options: &Options, bench: &Bench<'_>) -> Outcome<Net> {
    let groups = Groups::find(net)?;
    let rankings = ranked(net, &groups, options, bench)?;
    let shares = options.ratios.shares(&groups, &rankings, percent);
    prune_by(net, &groups, &rankings, &shares, options, bench)
}

/// The rankings of all groups.
pub(crate) fn ranked(net: &Net, groups: &Groups, options: &Options, bench: &Bench<'_>) -> Outcome<Vec<Ranking>> {
    let budget = Budget { examples: options.examples.min(512), rows: options.rows, ..Budget::default() };
    rank(net, groups, options.importance, budget, bench)
}

/// Removes a share (0 to 1) of the channels of each group.
///
/// # Errors
/// A model that does not run on the examples.
pub fn prune(net: &Net, groups: &Groups, shares: &[f64], options: &Options, bench: &Bench<'_>) -> Outcome<Net> {
    let rankings = ranked(net, groups, options, bench)?;
    prune_by(net, groups, &rankings, shares, options, bench)
}

/// The same by rankings that are known: many shares are tried with one ranking.
///
/// # Errors
/// A model that does not run on the examples.
pub fn prune_by(
    net: &Net,
    groups: &Groups,
    rankings: &[Ranking],
    shares: &[f64],
    options: &Options,
    bench: &Bench<'_>,
) -> Outcome<Net> {
    let gone = chosen(groups, rankings, shares);
    let small = groups.remove(net, &gone);
    if !options.repair || gone.is_empty() {
        return Ok(small);
    }
    repair(net, groups, &gone, small, options, bench)
}

/// The units that go: the first of each ranking, but for those that would leave some part of the model empty.
fn chosen(groups: &Groups, rankings: &[Ranking], shares: &[f64]) -> BTreeSet<usize> {
    let mut gone = BTreeSet::new();
    for ((group, ranking), kept) in groups.groups.iter().zip(rankings).zip(groups.kept(shares)) {
        let mut left = group.units.len() - kept;
        for place in &ranking.order {
            if left == 0 {
                break;
            }
            gone.insert(group.units[*place]);
            if groups.empties(&gone) {
                gone.remove(&group.units[*place]);
            } else {
                left -= 1;
            }
        }
    }
    gone
}
