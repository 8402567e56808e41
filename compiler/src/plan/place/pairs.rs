//! Which in-place pairs must share for the arena to be as small as its bound, and which only may.
//!
//! Sharing a start saves room at one step, and fixes an address at many. Where a step is not the peak, a pair
//! may as well lie apart, which can be just what lets everything else fit.

use crate::plan::liveness::{Liveness, Sharing};
use crate::plan::problem::{Problem, StepIx};
use crate::plan::sharing::{meet, saving};

/// Sets of pairs that are tried exhaustively, at most.
const MAX_SETS: usize = 64;

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
}

/// Sets of pairs to join so that the live bytes of no step exceed `height`, and whether these are all there are.
/// First the one that shares most.
pub(crate) fn combinations(
    problem: &Problem,
    order: &[StepIx],
    liveness: &Liveness,
    height: usize,
) -> (Vec<Vec<Sharing>>, bool) {
    let mut sets: Vec<Vec<Sharing>> = vec![Vec::new()];
    let mut complete = true;
    let (mut taken, mut possible) = (&liveness.sharing[..], &liveness.possible[..]);
    for (position, &step) in order.iter().enumerate() {
        let here = taken.iter().take_while(|shared| shared.step == step).count();
        let could = possible.iter().take_while(|shared| shared.step == step).count();
        let saved: usize = taken[..here].iter().map(|s| saving(problem, &s.pair)).sum();
        let excess = (liveness.live_bytes[position] + saved).saturating_sub(height);
        let mut choices = compatible(problem, &possible[..could], excess);
        if sets.len() * choices.len() > MAX_SETS {
            complete = false;
            choices = vec![taken[..here].to_vec()];
        }
        sets = choices.iter().flat_map(|choice| sets.iter().map(|set| [&set[..], choice].concat())).collect();
        (taken, possible) = (&taken[here..], &possible[could..]);
    }
    (sets, complete)
}

/// All sets of the pairs of one step that can be taken together, contain the mandatory ones and save at least `excess` bytes,
/// those that save most first.
fn compatible(problem: &Problem, pairs: &[Sharing], excess: usize) -> Vec<Vec<Sharing>> {
    let mut sets: Vec<Vec<Sharing>> = vec![Vec::new()];
    for &pair in pairs {
        let with = sets.iter().filter(|set| set.iter().all(|other| !meet(&other.pair, &pair.pair)));
        let with: Vec<Vec<Sharing>> = with.map(|set| [&set[..], &[pair]].concat()).collect();
        match pair.pair.mandatory {
            true => sets = with,
            false if saving(problem, &pair.pair) == 0 => {}
            false => sets.extend(with),
        }
    }
    let saved = |set: &[Sharing]| set.iter().map(|s| saving(problem, &s.pair)).sum::<usize>();
    sets.retain(|set| saved(set) >= excess);
    sets.sort_by_key(|set| std::cmp::Reverse(saved(set)));
    sets
}
