//! The best order of a small segment, by a table over all sets of its steps.
//!
//! The search that takes the most promising set first needs few of them in all graphs that models have, but
//! room and time for each. Where it needs too many this table still has the answer, in 16 bytes a set.

use super::search::Found;
use super::segment::Segment;

/// The order of the steps of `segment`, at most 63, with the lowest peak below `limit`. Peaks up to `floor`
/// count as equal.
pub(crate) fn table(segment: &Segment, floor: usize, limit: usize) -> Found {
    let steps = segment.steps.len();
    let needs: Vec<usize> = segment.steps.iter().map(|step| bits(&step.preds)).collect();
    let full = (1usize << steps) - 1;
    // Per set of steps: the lowest peak with which it can have run, and what is live then.
    let mut peaks = vec![usize::MAX; full + 1];
    let mut lives = vec![0; full + 1];
    (peaks[0], lives[0]) = (floor, segment.live_before);
    for done in 0..full {
        if peaks[done] == usize::MAX {
            continue;
        }
        for step in ready(&needs, done) {
            let effect = segment.effect(&[done as u64], lives[done], step);
            let peak = peaks[done].max(effect.during);
            let next = done | 1 << step;
            if peak < limit && peak < peaks[next] {
                (peaks[next], lives[next]) = (peak, effect.after);
            }
        }
    }
    if peaks[full] == usize::MAX {
        return Found::Nothing;
    }
    let mut order = Vec::with_capacity(steps);
    let mut done = full;
    while done != 0 {
        // The last step of a best order of `done`: the latest of the given order that can be.
        let last = (0..steps).rev().filter(|step| done >> step & 1 == 1).find(|&step| {
            let before = done & !(1 << step);
            peaks[before] <= peaks[done] && ready(&needs, before).any(|other| other == step) && {
                let effect = segment.effect(&[before as u64], lives[before], step);
                peaks[before].max(effect.during) == peaks[done]
            }
        });
        let Some(last) = last else { return Found::Unknown };
        order.push(last);
        done &= !(1 << last);
    }
    order.reverse();
    Found::Best { order, peak: peaks[full] }
}

fn bits(steps: &[usize]) -> usize {
    steps.iter().fold(0, |bits, &step| bits | 1 << step)
}

/// Steps not in `done` all of whose predecessors are, ascending.
fn ready(needs: &[usize], done: usize) -> impl Iterator<Item = usize> {
    (0..needs.len()).filter(move |&step| done >> step & 1 == 0 && needs[step] & !done == 0)
}
