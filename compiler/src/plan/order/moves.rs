//! Small changes of an order, and the improvement of one by them, for as long as a budget lasts that every try lowers.

use super::segment::{Segment, insert};
use crate::plan::rng::Rng;

/// The order with one step moved to another place that its dependencies allow; `None` if the one picked
/// cannot move. `links` gives the predecessors and the successors of a step, each ascending.
pub(crate) fn moved<'a>(
    order: &[usize],
    links: impl Fn(usize) -> (&'a [usize], &'a [usize]),
    rng: &mut Rng,
) -> Option<Vec<usize>> {
    let from = rng.below(order.len());
    let step = order[from];
    let (preds, succs) = links(step);
    let before = order[..from].iter().rposition(|other| preds.binary_search(other).is_ok());
    let after = order[from..].iter().position(|other| succs.binary_search(other).is_ok());
    let first = before.map_or(0, |position| position + 1);
    let end = after.map_or(order.len(), |position| from + position);
    if end - first < 2 {
        return None;
    }
    // Any place but its own.
    let pick = first + rng.below(end - first - 1);
    let to = if pick >= from { pick + 1 } else { pick };
    let mut next = order.to_vec();
    next.remove(from);
    next.insert(to, step);
    Some(next)
}

/// Improves an order of the local steps of `segment` until its peak is within `floor`, or `budget`
/// (elementary operations) is spent. The result is no worse.
pub(crate) fn polish(segment: &Segment, mut order: Vec<usize>, floor: usize, budget: &mut usize) -> Vec<usize> {
    let cost = 1 + segment.steps.iter().map(|step| step.work).sum::<usize>();
    let mut rng = Rng::new(order.len() as u64);
    let mut score = score(segment, &order, usize::MAX);
    while score.0 > floor && *budget >= cost {
        *budget -= cost;
        let links = |step: usize| (&segment.steps[step].preds[..], &segment.steps[step].succs[..]);
        if let Some(next) = moved(&order, links, &mut rng) {
            let found = self::score(segment, &next, score.0);
            if found <= score {
                (order, score) = (next, found);
            }
        }
    }
    order
}

/// The peak of an order and how often it occurs; anything above `limit` if the peak is.
fn score(segment: &Segment, order: &[usize], limit: usize) -> (usize, usize) {
    let (mut done, mut live) = (segment.none(), segment.live_before);
    let (mut peak, mut times) = (0, 0);
    for &step in order {
        let effect = segment.effect(&done, live, step);
        if effect.during > peak {
            (peak, times) = (effect.during, 0);
        }
        times += usize::from(effect.during == peak);
        if peak > limit {
            break;
        }
        live = effect.after;
        insert(&mut done, step);
    }
    (peak, times)
}
