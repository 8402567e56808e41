//! Slots of trees in windows.

use std::collections::{BTreeMap, HashMap};

use super::{Step, Tests};
use crate::ir::Meeting;
use crate::ir::trees::{Forest, Place, heights};

/// Windows of slots of four bytes have this many at most, and one more.
const WIDEST: usize = 4096;
/// The last entry of a leaf.
const LAST: u16 = 1 << 15;

/// The tables of a forest.
pub(super) struct Packed {
    pub(super) slots: Slots,
    /// The window and the root in it of each tree.
    pub(super) roots: Vec<u32>,
    /// Targets of entries; none where there is one target and each leaf has one entry.
    pub(super) targets: Vec<u16>,
    pub(super) weights: Vec<f64>,
    /// Steps to the farthest leaf.
    pub(super) depth: usize,
    window: usize,
}

/// Slots as the kernel has them.
pub(super) enum Slots {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

/// A slot before it is written.
#[derive(Clone, Copy)]
enum Draft {
    /// A column, the rank from which on the test fails, and the first successor.
    Test(usize, usize, usize),
    /// The number of a leaf.
    Leaf(usize),
}

impl Packed {
    /// Where the tables have room for them.
    pub(super) fn of(forest: &Forest, tests: &Tests, targets: usize, meeting: Meeting) -> Option<Packed> {
        let leaves = Leaves::of(forest, targets, meeting)?;
        let fits = tests.columns.len() <= 256 && leaves.weights.len() < 1 << 19;
        let windows = (4..=12).map(|bits| 1 << bits).filter(|_| fits);
        let narrow = windows.filter_map(|n| Layout::of(forest, tests, &leaves.numbers, n).map(|l| (l, n)));
        let shortest = narrow.min_by_key(|(layout, n)| (layout.slots.len().max(n + 1), usize::MAX - n));
        let (layout, window) = match shortest {
            Some((layout, n)) => (layout.spread(n + 1), n + 1),
            None => (Layout::of(forest, tests, &leaves.numbers, usize::MAX)?, 0),
        };
        let wide_fits = layout.slots.len() < 1 << 24 && tests.columns.len() < 1 << 16 && leaves.weights.len() < 1 << 23;
        let slots = if window > 0 { Slots::Narrow(layout.narrow()) } else { Slots::Wide(layout.wide()) };
        let roots = layout.roots.iter().flat_map(|&(w, root)| [layout.windows[w], root]).map(|n| n as u32).collect();
        let depth = layout.depth();
        let Leaves { targets, weights, .. } = leaves;
        wide_fits.then_some(Packed { slots, roots, targets, weights, depth, window })
    }

    /// Slots of a window, where they have four bytes.
    pub(super) fn window(&self) -> Option<usize> {
        (self.window > 0).then_some(self.window)
    }
}

/// What leaves give, equal ones once.
struct Leaves {
    /// The number of each leaf.
    numbers: Vec<usize>,
    targets: Vec<u16>,
    weights: Vec<f64>,
}

impl Leaves {
    fn of(forest: &Forest, targets: usize, meeting: Meeting) -> Option<Leaves> {
        if targets >= usize::from(LAST) - 1 {
            return None;
        }
        let single = targets == 1 && forest.leaves.iter().all(|entries| entries.len() == 1);
        let mut leaves = Leaves { numbers: Vec::new(), targets: Vec::new(), weights: Vec::new() };
        let mut known: HashMap<Vec<(usize, u64)>, usize> = HashMap::new();
        for entries in &forest.leaves {
            // Zeros change no sum that begins with +0.
            let counts = |&(_, w): &(usize, f64)| single || meeting != Meeting::Sum || w != 0.0;
            let kept: Vec<(usize, u64)> =
                entries.iter().copied().filter(counts).map(|(t, w)| (t, w.to_bits())).collect();
            let number = *known.entry(kept.clone()).or_insert_with(|| leaves.add(&kept, single));
            leaves.numbers.push(number);
        }
        Some(leaves)
    }

    fn add(&mut self, entries: &[(usize, u64)], single: bool) -> usize {
        let number = self.weights.len();
        // A target that there is not, for a leaf without entries.
        let nothing = [(usize::from(LAST) - 1, 0)];
        let entries = if entries.is_empty() { &nothing } else { entries };
        self.weights.extend(entries.iter().map(|&(_, w)| f64::from_bits(w)));
        if !single {
            self.targets.extend(entries.iter().map(|&(t, _)| t as u16));
            *self.targets.last_mut().expect("there is an entry") |= LAST;
        }
        number
    }
}

/// Trees in windows.
struct Layout {
    slots: Vec<Draft>,
    /// The first slot of each window.
    windows: Vec<usize>,
    /// The window of each tree, and the place of its root there.
    roots: Vec<(usize, usize)>,
    /// The window of each slot.
    of: Vec<usize>,
    /// Pairs of leaves in the last window.
    pairs: HashMap<[usize; 2], usize>,
}

impl Layout {
    /// In windows of `n` slots; `None` where a tree has more.
    fn of(forest: &Forest, tests: &Tests, numbers: &[usize], n: usize) -> Option<Layout> {
        let empty = Layout { slots: vec![], windows: vec![0], roots: vec![], of: vec![], pairs: HashMap::new() };
        let mut layout = empty;
        for &root in &forest.roots {
            let (start, last) = (layout.slots.len(), layout.windows.len() - 1);
            layout.add(root, tests, numbers);
            if layout.slots.len() - layout.windows[last] > n {
                if layout.windows[last] == start {
                    return None;
                }
                layout.slots.truncate(start);
                layout.roots.pop();
                layout.pairs.clear();
                layout.windows.push(start);
                layout.add(root, tests, numbers);
                if layout.slots.len() - start > n {
                    return None;
                }
            }
            layout.of.resize(layout.slots.len(), layout.windows.len() - 1);
        }
        Some(layout)
    }

    /// A tree at the end of the last window.
    fn add(&mut self, root: Place, tests: &Tests, numbers: &[usize]) {
        let window = self.windows.len() - 1;
        let start = self.windows[window];
        if self.slots.len() == start {
            // A leaf's first successor is the slot before it, so that nothing is at the start of a window.
            self.slots.push(Draft::Leaf(0));
        }
        self.roots.push((window, self.slots.len() - start));
        self.slots.push(Draft::Leaf(0));
        // Steps that several others lead to stand once: all but the first jump there.
        let mut known: BTreeMap<usize, usize> = BTreeMap::new();
        let mut open = vec![(self.slots.len() - 1, root)];
        while let Some((at, place)) = open.pop() {
            self.slots[at] = match place {
                Place::Leaf(leaf) => Draft::Leaf(numbers[leaf]),
                // A test that always fails goes on at the first of its successors.
                Place::Node(n) if known.contains_key(&n) => Draft::Test(0, 0, known[&n] - start),
                Place::Node(n) => {
                    known.insert(n, at);
                    let step: &Step = &tests.steps[n];
                    let (column, rank) = tests.rank(step);
                    Draft::Test(column, rank, self.successors(step, numbers, &mut open) - start)
                }
            };
        }
    }

    /// Two slots side by side for where a step leads; those of two leaves may be there already.
    fn successors(&mut self, step: &Step, numbers: &[usize], open: &mut Vec<(usize, Place)>) -> usize {
        let pair = self.slots.len();
        if let (Place::Leaf(yes), Place::Leaf(no)) = (step.yes, step.no) {
            let same = self.pairs.entry([numbers[no], numbers[yes]]).or_insert(pair);
            if *same < pair {
                return *same;
            }
        }
        self.slots.extend([Draft::Leaf(0); 2]);
        open.extend([(pair + 1, step.yes), (pair, step.no)]);
        pair
    }

    /// Windows of `n` slots each, none beyond the end.
    fn spread(mut self, n: usize) -> Layout {
        // The second successor of the last place of a window is one more, which is no leaf of any tree.
        let (len, last) = ((self.slots.len() + 1).max(n), self.windows.len() - 1);
        self.slots.resize(len, Draft::Leaf(0));
        self.of.resize(len, last);
        let shifts: Vec<usize> =
            self.windows.iter().map(|&start| (start + n).saturating_sub(self.slots.len())).collect();
        for (slot, &window) in self.slots.iter_mut().zip(&self.of) {
            if let Draft::Test(_, _, next) = slot {
                *next += shifts[window];
            }
        }
        for (window, root) in &mut self.roots {
            *root += shifts[*window];
        }
        self.windows.iter_mut().zip(&shifts).for_each(|(start, shift)| *start -= shift);
        self
    }

    /// Steps from a root to the farthest leaf.
    fn depth(&self) -> usize {
        let of = |at: usize| match self.slots[at] {
            Draft::Leaf(_) => [None; 2],
            Draft::Test(_, 0, next) => [Some(self.windows[self.of[at]] + next), None],
            Draft::Test(_, _, next) => [0, 1].map(|i| Some(self.windows[self.of[at]] + next + i)),
        };
        // Leaves count as nodes here.
        let heights = heights(self.slots.len(), of).expect("trees have been found sound");
        self.roots.iter().map(|&(w, root)| heights[self.windows[w] + root] - 1).max().unwrap_or(0)
    }

    fn narrow(&self) -> Vec<u32> {
        let slots = self.slots.iter().enumerate();
        let slots = slots.map(|(at, slot)| match *slot {
            Draft::Test(column, rank, next) => (column | next << 8 | rank << 20) as u32,
            Draft::Leaf(number) => {
                // Nothing leads to the first slot of a window.
                let before = (at - self.windows[self.of[at]]).saturating_sub(1);
                (number >> 11 | (before & (WIDEST - 1)) << 8 | (number & 0x7ff) << 20 | 1 << 31) as u32
            }
        });
        slots.collect()
    }

    fn wide(&self) -> Vec<u64> {
        let slots = self.slots.iter().enumerate();
        let slots = slots.map(|(at, slot)| match *slot {
            Draft::Test(column, rank, next) => column as u64 | (next as u64) << 16 | (rank as u64) << 40,
            Draft::Leaf(number) => {
                let before = (at - self.windows[self.of[at]]).saturating_sub(1);
                (before as u64) << 16 | (number as u64) << 40 | 1 << 63
            }
        });
        slots.collect()
    }
}
