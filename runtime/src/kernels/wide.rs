// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Convolution and matrix product of 16-bit numbers with 8-bit weights: exact sums, and quantized numbers again.
//!
//! Invariants: sums of a chunk of the depth fit 32 bits, as whoever packs the weights has proved; those of several chunks are 64
//! bits wide. Integer sums have no order, so every instruction set gives the same bits.
//!
//! The windows of four pixels are gathered side by side, padding included; then every panel of eight output channels takes them.
use super::super::arch::words::{WideQuad, Words, halves};
use super::super::terms::wide::{COLUMNS, Ends, QUADS, ROWS, Sum, Wide2d};
use super::super::terms::window::div_ceil;
use super::level::Level;

/// The parts of the [`Ends`] of all channels: biases, multipliers, shifts.
pub type WideEnds<'a> = (&'a [i64], &'a [i32], &'a [u8]);

/// Computes the convolution of a depth of one chunk. Weights are packed group by group in panels of eight output channels,
/// `[depth / 4][8][4]`, with zeros for what is not there; the second and third of each four change places. From the bias of each
/// channel the sum of its weights times `2^lead`, the multiplier and the word that stands for 0 has been taken off. `words` has half
/// as many elements as [`Wide2d::scratch`] says.
pub fn conv2d_wide<C: Words, X: Level, Y: Level>(
    cpu: C,
    p: &Wide2d,
    x: &[X],
    w: &[i8],
    ends: WideEnds<'_>,
    words: &mut [u32],
    y: &mut [Y],
) {
    if p.together() == ROWS {
        convolve::<ROWS, i32, C, X, Y>(cpu, p, x, w, ends, words, y);
    } else {
        convolve::<1, i32, C, X, Y>(cpu, p, x, w, ends, words, y);
    }
}

/// The same of any depth.
pub fn conv2d_wide_deep<C: Words, X: Level, Y: Level>(
    cpu: C,
    p: &Wide2d,
    x: &[X],
    w: &[i8],
    ends: WideEnds<'_>,
    words: &mut [u32],
    y: &mut [Y],
) {
    if p.together() == ROWS {
        convolve::<ROWS, i64, C, X, Y>(cpu, p, x, w, ends, words, y);
    } else {
        convolve::<1, i64, C, X, Y>(cpu, p, x, w, ends, words, y);
    }
}

/// The sum of a depth.
trait Depth: Sum + Default {
    /// The sums of a panel.
    fn sums<const R: usize, C: Words>(cpu: C, p: &Wide2d, x: &[WideQuad<R>], w: &[[i8; QUADS]])
    -> [[Self; COLUMNS]; R];
}

impl Depth for i32 {
    #[inline(always)]
    fn sums<const R: usize, C: Words>(
        cpu: C,
        _p: &Wide2d,
        x: &[WideQuad<R>],
        w: &[[i8; QUADS]],
    ) -> [[i32; COLUMNS]; R] {
        let mut sums = [[0; COLUMNS]; R];
        cpu.add_words(x, w, &mut sums);
        sums
    }
}

impl Depth for i64 {
    /// Chunk by chunk.
    #[inline(always)]
    fn sums<const R: usize, C: Words>(cpu: C, p: &Wide2d, x: &[WideQuad<R>], w: &[[i8; QUADS]]) -> [[i64; COLUMNS]; R] {
        let mut all = [[0i64; COLUMNS]; R];
        let chunk = if p.chunk == 0 { 1 } else { p.chunk };
        let (mut x, mut w) = (x, w);
        while !x.is_empty() && !w.is_empty() {
            let (first, rest) = x.split_at_checked(chunk).unwrap_or((x, &[]));
            let mut sums = [[0; COLUMNS]; R];
            cpu.add_words(first, w, &mut sums);
            for (all, sum) in all.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
                *all = all.wrapping_add(i64::from(*sum));
            }
            (x, w) = (rest, w.get(chunk..).unwrap_or(&[]));
        }
        all
    }
}

/// The outputs of a group.
struct Group<'a> {
    w: &'a [[i8; QUADS]],
    ends: WideEnds<'a>,
    /// The first channel.
    first: usize,
}

/// `R` pixels at a time, the last one again where fewer are left.
#[inline(always)]
fn convolve<const R: usize, S: Depth, C: Words, X: Level, Y: Level>(
    cpu: C,
    p: &Wide2d,
    x: &[X],
    w: &[i8],
    (bias, multiplier, shift): WideEnds<'_>,
    words: &mut [u32],
    y: &mut [Y],
) {
    let m = &p.map;
    debug_assert!(x.len() >= m.in_len() && y.len() >= m.out_len() && 2 * words.len() >= p.scratch());
    let (Some(inputs), Some(outputs)) = (m.in_c.checked_div(m.groups), m.out_c.checked_div(m.groups)) else { return };
    let packed = w.as_chunks::<QUADS>().0;
    for index in 0..m.groups {
        let first = index * outputs;
        let of_group = |at: usize| at..at + outputs;
        let (Some(bias), Some(multiplier), Some(shift)) =
            (bias.get(of_group(first)), multiplier.get(of_group(first)), shift.get(of_group(first)))
        else {
            return;
        };
        let w = packed.get(index * div_ceil(outputs, COLUMNS) * p.quads()..).unwrap_or(&[]);
        let group = Group { w, ends: (bias, multiplier, shift), first };
        let mut next = 0;
        while next < p.pixels() {
            let count = if p.pixels() - next < R { p.pixels() - next } else { R };
            for row in 0..R {
                let pixel = next + if row < count { row } else { count - 1 };
                gather::<R, X>(p, x.get(index * inputs..).unwrap_or(&[]), [pixel, row], halves(words));
            }
            let quads = words.as_chunks::<2>().0.as_chunks::<R>().0;
            let y = y.get_mut(next * m.out_pitch..).unwrap_or(&mut []);
            panels::<R, S, C, Y>(cpu, p, &group, quads.get(..p.quads()).unwrap_or(quads), count, y);
            next += count;
        }
    }
}

/// Puts the window of a pixel into its row of the patch. `x` begins with the group's first input.
#[inline(always)]
fn gather<const R: usize, X: Level>(p: &Wide2d, x: &[X], [pixel, row]: [usize; 2], patch: &mut [i16]) {
    let m = &p.map;
    let Some(inputs) = m.in_c.checked_div(m.groups) else { return };
    let (Some(line), Some(column)) = (pixel.checked_div(m.out_w), pixel.checked_rem(m.out_w)) else { return };
    let (Some(batch), Some(line)) = (line.checked_div(m.out_h), line.checked_rem(m.out_h)) else { return };
    let zero = p.zero.wrapping_sub(X::LESS) as i16;
    let mut at = 0;
    for kh in 0..m.kernel_h {
        let h = (line * m.stride_h + kh * m.dilation_h).checked_sub(m.pad_top).filter(|&h| h < m.in_h);
        for kw in 0..m.kernel_w {
            let v = (column * m.stride_w + kw * m.dilation_w).checked_sub(m.pad_left).filter(|&v| v < m.in_w);
            let place = |(h, v): (usize, usize)| ((batch * m.in_h + h) * m.in_w + v) * m.in_pitch;
            let run = h.zip(v).and_then(|at| x.get(place(at)..)).and_then(|x| x.get(..inputs));
            match run {
                Some(run) if at % 4 == 0 && inputs % 4 == 0 => quads::<R, X>(run, [at, row], patch),
                Some(run) => numbers::<R>(run.iter().map(|x| x.word()), [at, row], patch),
                None => numbers::<R>((0..inputs).map(|_| zero), [at, row], patch),
            }
            at += inputs;
        }
    }
}

/// Puts numbers into a row of the patch, from a place of the depth on.
#[inline(always)]
fn numbers<const R: usize>(x: impl Iterator<Item = i16>, [at, row]: [usize; 2], patch: &mut [i16]) {
    let (mut place, mut left) = (4 * (at / 4 * R + row) + at % 4, 4 - at % 4);
    for x in x {
        if let Some(to) = patch.get_mut(place) {
            *to = x;
        }
        (place, left) = (place + 1, left - 1);
        if left == 0 {
            (place, left) = (place + 4 * (R - 1), 4);
        }
    }
}

/// The same of whole fours at the begin of one.
#[inline(always)]
fn quads<const R: usize, X: Level>(x: &[X], [at, row]: [usize; 2], patch: &mut [i16]) {
    let patch = patch.as_chunks_mut::<4>().0.get_mut(at / 4 * R + row..).unwrap_or(&mut []);
    for (x, to) in x.as_chunks::<4>().0.iter().zip(patch.iter_mut().step_by(R)) {
        *to = x.map(Level::word);
    }
}

/// All output channels of a group for the first `count` of some pixels.
#[inline(always)]
fn panels<const R: usize, S: Depth, C: Words, Y: Level>(
    cpu: C,
    p: &Wide2d,
    group: &Group<'_>,
    x: &[WideQuad<R>],
    count: usize,
    y: &mut [Y],
) {
    let (bias, multiplier, shift) = group.ends;
    let mut column = 0;
    let mut w = group.w;
    while column < bias.len() {
        let sums = S::sums(cpu, p, x, w);
        for (row, sums) in sums.iter().enumerate().take(count) {
            let y = y.get_mut(row * p.map.out_pitch + group.first + column..).unwrap_or(&mut []);
            let ends = bias.iter().zip(multiplier).zip(shift).skip(column);
            for ((sum, ((&bias, &multiplier), &shift)), y) in sums.iter().zip(ends).zip(y) {
                let v = Ends { bias, multiplier, shift }.round(*sum, p.lead);
                *y = Y::narrow(p.range.place(v));
            }
        }
        column += COLUMNS;
        w = w.get(x.len()..).unwrap_or(&[]);
    }
}
