//! Which in-place pairs must share for the arena to be as small as its bound, and which only may.
//!
//! Sharing a start saves room at one step, and fixes an address at many. Where a step is not the peak, a pair
//! may as well lie apart, which can be just what lets everything else fit.

use crate::plan::liveness::{Liveness, Sharing};
use crate::plan::problem::{Problem, StepIx};
use crate::plan::sharing::{meet, saving};

/// With more pairs that may or may not share, not every combination is tried exhaustively.
const MAX_FREE: usize = 4;

/// The in-place pairs of an order.
#[derive(Debug)]
pub(crate) struct Pairs {
    /// They share: the bound counts on it, or they are mandatory. At most one per buffer and role.
    pub(crate) fixed: Vec<Sharing>,
    /// They may share or not without moving the bound, if they do not lie over a third one.
    pub(crate) free: Vec<Sharing>,
}

impl Pairs {
    pub(crate) fn new(problem: &Problem, order: &[StepIx], liveness: &Liveness) -> Self {
        let mut pairs = Self { fixed: Vec::new(), free: Vec::new() };
        let peak = liveness.peak_bytes();
        let at = |list: &[Sharing], step: StepIx| -> Vec<Sharing> {
            list.iter().take_while(|shared| shared.step == step).copied().collect()
        };
        let (mut taken, mut possible) = (&liveness.sharing[..], &liveness.possible[..]);
        for (position, &step) in order.iter().enumerate() {
            let (here, could) = (at(taken, step), at(possible, step));
            (taken, possible) = (&taken[here.len()..], &possible[could.len()..]);
            let begin = pairs.fixed.len();
            let mut slack = peak - liveness.live_bytes[position];
            let mut by_saving = here;
            by_saving.sort_by_key(|shared| saving(problem, &shared.pair));
            for shared in by_saving {
                let cost = saving(problem, &shared.pair);
                if shared.pair.mandatory || cost > slack {
                    pairs.fixed.push(shared);
                } else {
                    slack -= cost;
                }
            }
            let fixed = &pairs.fixed[begin..];
            pairs.free.extend(could.iter().filter(|p| fixed.iter().all(|f| !meet(&f.pair, &p.pair))));
        }
        pairs
    }

    /// Sets of pairs to join, and whether these are all there are. First the one that shares most.
    pub(crate) fn combinations(&self, most: &[Sharing]) -> (Vec<Vec<Sharing>>, bool) {
        if self.free.len() > MAX_FREE {
            return (vec![most.to_vec(), self.fixed.clone()], false);
        }
        let mut sets: Vec<Vec<Sharing>> = Vec::new();
        for bits in (0..1u32 << self.free.len()).rev() {
            let chosen = (0..self.free.len()).filter(|i| bits >> i & 1 == 1).map(|i| self.free[i]);
            let chosen: Vec<Sharing> = chosen.collect();
            let apart =
                |(i, a): (usize, &Sharing)| chosen[..i].iter().all(|b| a.step != b.step || !meet(&a.pair, &b.pair));
            if chosen.iter().enumerate().all(apart) {
                sets.push(self.fixed.iter().chain(&chosen).copied().collect());
            }
        }
        (sets, true)
    }
}
