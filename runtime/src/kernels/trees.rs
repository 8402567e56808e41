// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Decision trees: a walk without branches over slots of four (or eight) bytes.
//!
//! Every test is `x <= t`. The thresholds of a column (a feature) are sorted, and a row's value becomes its rank: the number of
//! thresholds that it is not at most. A slot holds the rank from which on the test fails, so that a step is a difference of small
//! integers whatever the type of the numbers is. A slot's two successors lie side by side: where the test holds, the second is next. A
//! leaf follows itself, so all walks take as many steps as the longest needs.
//!
//! Slots of four bytes: the column in bits 0 to 7, the successor's place in a window of `N` slots in bits 8 to 19, the rank in bits 20 to
//! 30. A leaf has bit 31, its number in the bits of rank and column, and itself as its second successor. Slots of eight bytes: 16 bits, 24, and
//! 23; the window is everything.
use super::number::Number;

/// `x [rows, features]`, `y [rows, targets]`. A window has `N` slots, a power of two and one more (slots of eight bytes have none).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trees<const N: usize> {
    /// Number of rows.
    pub rows: usize,
    /// Numbers in a row of `x`.
    pub features: usize,
    /// Numbers in a row of `y`.
    pub targets: usize,
    /// Steps from a root to the farthest leaf.
    pub depth: usize,
    /// How the numbers of leaves meet: 0 is their sum, 1 the least, 2 the greatest. Of none it is 0.
    pub meeting: u8,
}

/// The tables of [`trees`], which the compiler packs.
#[derive(Clone, Copy, Debug)]
pub struct Forest<'a, T, S> {
    /// Two numbers for each column: the feature, with bit 31 where NaN passes every test; the end of its thresholds.
    pub columns: &'a [u32],
    /// The thresholds of all columns, each column's ascending.
    pub thresholds: &'a [T],
    /// The slots of all trees.
    pub slots: &'a [S],
    /// Two numbers for each tree: the start of its window, and its root there.
    pub roots: &'a [u32],
    /// The targets that leaves add to, one entry after the other, bit 15 at the last of a leaf. A leaf's number is that of its first
    /// entry. Empty where there is one target: then leaves have one entry each.
    pub targets: &'a [u16],
    /// The number of each entry.
    pub weights: &'a [T],
}

/// A step of a walk, or a leaf.
pub trait Slot: Copy {
    /// The column that is tested.
    fn column(self) -> usize;
    /// The place of the first successor.
    fn next(self) -> usize;
    /// The rank from which on the test fails, less than 2^31; of a leaf beyond all ranks.
    fn rank(self) -> u32;
    /// The number of a leaf.
    fn leaf(self) -> usize;
}

impl Slot for u32 {
    #[inline(always)]
    fn column(self) -> usize {
        (self & 0xff) as usize
    }

    #[inline(always)]
    fn next(self) -> usize {
        (self >> 8 & 0xfff) as usize
    }

    #[inline(always)]
    fn rank(self) -> u32 {
        self >> 20
    }

    #[inline(always)]
    fn leaf(self) -> usize {
        (self >> 20 & 0x7ff | (self & 0xff) << 11) as usize
    }
}

impl Slot for u64 {
    #[inline(always)]
    fn column(self) -> usize {
        (self & 0xffff) as usize
    }

    #[inline(always)]
    fn next(self) -> usize {
        (self >> 16 & 0xff_ffff) as usize
    }

    #[inline(always)]
    fn rank(self) -> u32 {
        (self >> 40) as u32
    }

    #[inline(always)]
    fn leaf(self) -> usize {
        (self >> 40 & 0x7f_ffff) as usize
    }
}

/// The trees' results for each row. Slots of four bytes; `ranks` has 256 elements, of which those of columns are used.
pub fn trees<T: Number, const N: usize>(
    p: &Trees<N>,
    x: &[T],
    forest: &Forest<'_, T, u32>,
    ranks: &mut [u32],
    y: &mut [T],
) {
    let Some(ranks) = ranks.first_chunk_mut::<256>() else { return debug_assert!(false, "trees: too few ranks") };
    // Leaves look at a column too.
    ranks.fill(0);
    each_row(p, x, forest, ranks, y, |ranks, start, root| {
        let window = forest.slots.get(start..).and_then(<[u32]>::first_chunk::<N>);
        let Some(window) = window else { return 0 };
        walk(p.depth, root & (N - 2), |at| window.get(at).copied(), |c| ranks.get(c).copied(), N - 2)
    });
}

/// The same of slots of eight bytes; `ranks` has an element for each column.
pub fn trees_wide<T: Number, const N: usize>(
    p: &Trees<N>,
    x: &[T],
    forest: &Forest<'_, T, u64>,
    ranks: &mut [u32],
    y: &mut [T],
) {
    each_row(p, x, forest, ranks, y, |ranks, start, root| {
        let window = forest.slots.get(start..).unwrap_or_default();
        walk(p.depth, root, |at| window.get(at).copied(), |c| ranks.get(c).copied(), usize::MAX)
    });
}

/// From a root to a leaf, whose number is the result.
#[inline(always)]
fn walk<S: Slot>(
    depth: usize,
    root: usize,
    slot: impl Fn(usize) -> Option<S>,
    rank: impl Fn(usize) -> Option<u32>,
    places: usize,
) -> usize {
    let step = |at: usize| {
        let Some(slot) = slot(at) else { return at };
        // Its sign says which it is.
        let value = rank(slot.column()).unwrap_or(0);
        (slot.next() & places) + (value.wrapping_sub(slot.rank()) >> 31) as usize
    };
    let mut at = root;
    for _ in 0..depth.div_ceil(4) {
        at = step(step(step(step(at))));
    }
    slot(at).map_or(0, S::leaf)
}

/// Ranks, walks and sums of each row.
#[inline(always)]
fn each_row<T: Number, S, R: AsMut<[u32]> + ?Sized, const N: usize>(
    p: &Trees<N>,
    x: &[T],
    forest: &Forest<'_, T, S>,
    ranks: &mut R,
    y: &mut [T],
    walk: impl Fn(&R, usize, usize) -> usize,
) {
    debug_assert!(x.len() == p.rows * p.features && y.len() == p.rows * p.targets);
    for row in 0..p.rows {
        let (x, y) = (x.get(row * p.features..), y.get_mut(row * p.targets..(row + 1) * p.targets));
        let (Some(x), Some(y)) = (x, y) else { return debug_assert!(false, "trees: a row lies outside") };
        rank_all(forest, x, ranks.as_mut());
        y.fill(match p.meeting {
            0 => T::ZERO,
            1 => T::HIGHEST,
            _ => T::LOWEST,
        });
        let leaves =
            forest.roots.as_chunks::<2>().0.iter().map(|&[start, root]| walk(ranks, start as usize, root as usize));
        match (p.meeting, forest.targets.is_empty()) {
            (0, true) => sum_one(forest.weights, leaves, y),
            (0, false) => meet(forest, leaves, y, T::add),
            (1, _) => meet(forest, leaves, y, |a, b| if b < a { b } else { a }),
            _ => meet(forest, leaves, y, |a, b| if b > a { b } else { a }),
        }
        if p.meeting != 0 {
            y.iter_mut().filter(|v| **v == T::HIGHEST || **v == T::LOWEST).for_each(|v| *v = T::ZERO);
        }
    }
}

/// The rank of each column's value among its thresholds.
fn rank_all<T: Number, S>(forest: &Forest<'_, T, S>, x: &[T], ranks: &mut [u32]) {
    let mut start = 0;
    for (&[feature, end], rank) in forest.columns.as_chunks::<2>().0.iter().zip(ranks) {
        let thresholds = forest.thresholds.get(start..end as usize).unwrap_or_default();
        start = end as usize;
        let passes_nan = feature >> 31 == 1;
        let Some(&value) = x.get((feature & 0x7fff_ffff) as usize) else { continue };
        *rank = if passes_nan && value.is_nan() { 0 } else { rank_of(thresholds, value) };
    }
}

/// How many ascending thresholds a value is not at most: all for NaN.
#[inline(always)]
#[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN is at most no threshold")]
fn rank_of<T: Number>(thresholds: &[T], value: T) -> u32 {
    let (mut below, mut len) = (0, thresholds.len());
    while len > 0 {
        let half = len.div_ceil(2);
        if let Some(&t) = thresholds.get(below + half - 1)
            && !(value <= t)
        {
            below += half;
        }
        len -= half;
    }
    below as u32
}

/// One target: the sum of the leaves' numbers.
#[inline(always)]
fn sum_one<T: Number>(weights: &[T], leaves: impl Iterator<Item = usize>, y: &mut [T]) {
    let numbers = leaves.filter_map(|leaf| weights.get(leaf).copied());
    let sum = numbers.fold(T::ZERO, T::add);
    if let [y] = y {
        *y = sum;
    }
}

/// The entries of the leaves, in their order, each joined with its target.
#[inline(always)]
fn meet<T: Number, S>(
    forest: &Forest<'_, T, S>,
    leaves: impl Iterator<Item = usize>,
    y: &mut [T],
    join: impl Fn(T, T) -> T,
) {
    for leaf in leaves {
        let Some(weights) = forest.weights.get(leaf..) else { return };
        if forest.targets.is_empty() {
            if let ([y], Some(&w)) = (&mut *y, weights.first()) {
                *y = join(*y, w);
            }
            continue;
        }
        let targets = forest.targets.get(leaf..).unwrap_or_default();
        for (&target, &weight) in targets.iter().zip(weights) {
            if let Some(y) = y.get_mut(usize::from(target & 0x7fff)) {
                *y = join(*y, weight);
            }
            if target >> 15 == 1 {
                break;
            }
        }
    }
}
