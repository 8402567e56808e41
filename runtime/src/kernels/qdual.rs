// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized convolution and matrix product for CPUs that multiply two pairs of 16-bit numbers at once: the windows of four
//! pixels are widened side by side, then every output channel takes them.
//!
//! Invariants: those of `qconv`, with equal bits, since integer sums have no order. Where windows reach into the padding, their
//! lines are copied with the padding first, so that no window needs a check.
use super::super::arch::byte::Byte;
use super::super::arch::dual::Dual;
use super::super::loops::dual::{bytes, pixel, pixels as four_pixels, widen, widen_one};
use super::super::terms::conv2d::Conv2d;
use super::super::terms::dual::{FOUR, Products};
use super::super::terms::qconv2d::QConv2d;
use super::super::terms::window::div_ceil;

/// The runs of neighbouring inputs in a window: elements of a run, and runs of a kernel row.
pub const fn runs(m: &Conv2d) -> (usize, usize) {
    match m.in_c.checked_div(m.groups) {
        Some(inputs) if m.groups == 1 && m.dilation_w == 1 => (m.kernel_w * inputs, 1),
        Some(inputs) => (inputs, m.kernel_w),
        None => (0, 0),
    }
}

/// The depth of a window by four: every run is filled up.
const fn quads(m: &Conv2d) -> usize {
    let (run, count) = runs(m);
    m.kernel_h * count * run.div_ceil(4)
}

/// Whether windows are read where they lie: all on the map, in runs of whole fours.
const fn is_direct(m: &Conv2d) -> bool {
    let (run, count) = runs(m);
    let reach_h = m.out_h.saturating_sub(1) * m.stride_h + (m.kernel_h - 1) * m.dilation_h;
    let reach_w = m.out_w.saturating_sub(1) * m.stride_w + (m.kernel_w - 1) * m.dilation_w;
    let touch = count > 1 || m.kernel_w == 1 || m.in_pitch == m.in_c;
    run.is_multiple_of(4) && touch && m.pad_top == 0 && m.pad_left == 0 && reach_h < m.in_h && reach_w < m.in_w
}

/// Whether the pixels of a map that is taken as it is are one row.
const fn is_flat(m: &Conv2d) -> bool {
    is_direct(m) && m.kernel_h * m.kernel_w * m.stride_h * m.stride_w == 1 && m.in_h * m.in_w == m.out_h * m.out_w
}

/// Rows of outputs whose lines are copied together: whole fours of pixels where there are so many rows.
const fn rows(m: &Conv2d) -> usize {
    let rows = match m.out_w % FOUR {
        0 => 1,
        2 => 2,
        _ => FOUR,
    };
    if rows < m.out_h { rows } else { m.out_h }
}

/// Elements of a line of inputs with its padding, as far as windows reach.
const fn line(m: &Conv2d) -> usize {
    (m.out_w.saturating_sub(1) * m.stride_w + (m.kernel_w - 1) * m.dilation_w + 1) * m.in_c
}

/// Lines of inputs that the windows of those rows lie in.
const fn lines(m: &Conv2d) -> usize {
    rows(m).saturating_sub(1) * m.stride_h + (m.kernel_h - 1) * m.dilation_h + 1
}

/// Pixels that are computed one after the other.
const fn pixels(m: &Conv2d) -> usize {
    if is_flat(m) {
        m.batch * m.out_h * m.out_w
    } else if is_direct(m) {
        m.out_h * m.out_w
    } else {
        rows(m) * m.out_w
    }
}

/// Whether there are four pixels to be computed together.
pub const fn is_wide(m: &Conv2d) -> bool {
    pixels(m) >= FOUR
}

/// Words of outputs that are held back: until a residual is added, or because fewer pixels are left than are computed.
const fn held(p: &QConv2d, together: usize) -> usize {
    let is_held = p.finish.residual.is_some() || pixels(&p.map) < together;
    if is_held { (together * p.map.out_c).div_ceil(4) } else { 0 }
}

/// Words of scratch that [`qconv2d_dual`] needs, or pixel by pixel [`qconv2d_dual_one`].
pub const fn scratch(p: &QConv2d, by_fours: bool) -> usize {
    let m = &p.map;
    let together = if by_fours { FOUR } else { 1 };
    // Widened windows, outputs that are held, lines; a run that is filled up reads what follows it.
    let lines = if is_direct(m) { 0 } else { (lines(m) * line(m)).div_ceil(4) + 1 };
    2 * together * quads(m) + held(p, together) + lines
}

/// Computes the convolution, four pixels at a time: best where a map [`is_wide`]. Weights are those of one output channel after the other, with the depth
/// in the order of kernel row, kernel column, input channel; kernel rows are filled up to whole fours by zeros, or taps, where
/// there are groups or taps that do not touch. The bias is less the sum of the channel's weights times the number that stands
/// for 0, wrapped. The finish has `lo <= zero <= hi`, and multipliers are finite. `words` has as many as [`scratch`] says.
pub fn qconv2d_dual<C: Dual, X: Byte, Y: Byte>(
    cpu: C,
    p: &QConv2d,
    x: &[X],
    w: &[i8],
    sums: (&[i32], &[f32]),
    words: &mut [u32],
    y: &mut [Y],
) {
    convolve::<FOUR, C, X, Y>(cpu, p, x, w, sums, words, y);
}

/// Computes the convolution pixel by pixel. Weights are packed group by group in panels of four output channels,
/// `[depth / 4][4][4]`, with zeros for what is not there; all else is as for [`qconv2d_dual`].
pub fn qconv2d_dual_one<C: Dual, X: Byte, Y: Byte>(
    cpu: C,
    p: &QConv2d,
    x: &[X],
    w: &[i8],
    sums: (&[i32], &[f32]),
    words: &mut [u32],
    y: &mut [Y],
) {
    convolve::<1, C, X, Y>(cpu, p, x, w, sums, words, y);
}

/// Whether there is one row of one group to be multiplied, and nothing to be added afterwards.
pub const fn is_row(p: &QConv2d) -> bool {
    let m = &p.map;
    let taps = m.kernel_h * m.kernel_w * m.groups;
    let pixels = m.batch * m.in_h * m.in_w * m.out_h * m.out_w;
    taps == 1 && pixels == 1 && m.pad_top + m.pad_left == 0 && p.finish.residual.is_none()
}

/// The same as [`qconv2d_dual_one`] where there [`is_row`], without the code for maps: small models consist of little else.
pub fn qmatvec_dual<C: Dual, X: Byte, Y: Byte>(
    cpu: C,
    p: &QConv2d,
    x: &[X],
    w: &[i8],
    (bias, multiplier): (&[i32], &[f32]),
    words: &mut [u32],
    y: &mut [Y],
) {
    let m = &p.map;
    debug_assert!(is_row(p) && words.len() >= scratch(p, false));
    let quads = div_ceil(m.in_c, 4);
    let Some((patch, copies)) = words.split_at_mut_checked(2 * quads) else { return };
    if m.in_c.is_multiple_of(4) {
        widen_one(cpu, x, quads, patch);
    } else {
        // What fills up the last four is multiplied by zeros.
        let copies = X::of_bits(bytes(copies));
        cpu.copy(x.get(..m.in_c).unwrap_or(x), copies);
        widen_one(cpu, copies, quads, patch);
    }
    let (Some(bias), Some(multiplier)) = (bias.get(..m.out_c), multiplier.get(..m.out_c)) else { return };
    pixel(cpu, &Products { patch, w, quads, bias, multiplier, range: p.finish.range }, y);
}

/// `P` pixels at a time.
#[inline(never)]
fn convolve<const P: usize, C: Dual, X: Byte, Y: Byte>(
    cpu: C,
    p: &QConv2d,
    x: &[X],
    w: &[i8],
    (bias, multiplier): (&[i32], &[f32]),
    words: &mut [u32],
    y: &mut [Y],
) {
    let m = &p.map;
    debug_assert!(x.len() >= m.in_len() && y.len() >= m.out_len() && words.len() >= scratch(p, P == FOUR));
    let (Some(inputs), Some(outputs)) = (m.in_c.checked_div(m.groups), m.out_c.checked_div(m.groups)) else { return };
    let quads = quads(m);
    let Some((patch, rest)) = words.split_at_mut_checked(2 * P * quads) else { return };
    let Some((sums, copies)) = rest.split_at_mut_checked(held(p, P)) else { return };
    let (sums, copies) = (Y::of_bits(bytes(sums)), X::of_bits(bytes(copies)));
    let (direct, row) = (is_direct(m), if is_direct(m) { m.in_w * m.in_pitch } else { line(m) });
    let pitch = if direct { m.in_pitch } else { m.in_c };
    let (run, columns) = runs(m);
    let mut layer = Layer::<P, C, Y> {
        cpu,
        p,
        w,
        bias,
        multiplier,
        sizes: [inputs, outputs],
        taps: [m.kernel_h, columns, run.div_ceil(4)],
        steps: [m.dilation_h * row, m.dilation_w * pitch],
        walk: Walk::new(m.stride_w * pitch, m.stride_h * row, if is_flat(m) { pixels(m) } else { m.out_w }),
        pixels: pixels(m),
        patch,
        sums,
    };
    if direct {
        for batch in 0..if is_flat(m) { 1 } else { m.batch } {
            let x = x.get(batch * m.in_h * row..).unwrap_or(&[]);
            let y = y.get_mut(batch * m.out_h * m.out_w * m.out_pitch..).unwrap_or(&mut []);
            layer.compute(x, 0, y);
        }
        return;
    }
    cpu.fill(copies, X::narrow(p.zero));
    for batch in 0..m.batch {
        let mut next = 0;
        while next < m.out_h {
            // The last rows once more where fewer are left.
            let first = if m.out_h - next < rows(m) { m.out_h - rows(m) } else { next };
            fill(cpu, p, x, [batch, first], copies);
            let y = y.get_mut((batch * m.out_h + first) * m.out_w * m.out_pitch..).unwrap_or(&mut []);
            layer.compute(copies, (next - first) * m.out_w, y);
            next = first + rows(m);
        }
    }
}

/// Copies the lines that the windows of a few rows of outputs lie in, with their padding.
fn fill<C: Dual, X: Byte>(cpu: C, p: &QConv2d, x: &[X], [batch, first]: [usize; 2], copies: &mut [X]) {
    let m = &p.map;
    for (at, line) in copies.chunks_exact_mut(line(m).max(1)).take(lines(m)).enumerate() {
        match (first * m.stride_h + at).checked_sub(m.pad_top).filter(|&h| h < m.in_h) {
            Some(h) => copy_row(cpu, m, x.get((batch * m.in_h + h) * m.in_w * m.in_pitch..).unwrap_or(&[]), line),
            None => cpu.fill(line, X::narrow(p.zero)),
        }
    }
}

/// The first inputs of the windows of pixels, one after the other.
#[derive(Clone, Copy)]
struct Walk {
    at: usize,
    /// Pixels that are left in the row.
    left: usize,
    /// From pixel to pixel.
    pixel: usize,
    /// From behind the last pixel of a row to the first of the next; wraps.
    turn: usize,
    /// Pixels of a row.
    width: usize,
}

impl Walk {
    /// Rows of `width` pixels, so many inputs apart.
    const fn new(pixel: usize, line: usize, width: usize) -> Self {
        Walk { at: 0, left: width, pixel, turn: line.wrapping_sub(width * pixel), width }
    }

    /// The same, from a pixel on.
    #[inline(always)]
    fn from(self, pixel: usize) -> Self {
        let row = pixel.checked_div(self.width).unwrap_or(0);
        let at = pixel * self.pixel;
        Walk { at: at.wrapping_add(row.wrapping_mul(self.turn)), left: self.width - (pixel - row * self.width), ..self }
    }

    /// The first input of the next window.
    #[inline(always)]
    fn next(&mut self) -> usize {
        let at = self.at;
        self.at = at + self.pixel;
        self.left -= 1;
        if self.left == 0 {
            (self.at, self.left) = (self.at.wrapping_add(self.turn), self.width);
        }
        at
    }
}

/// A convolution with its operands and scratch.
struct Layer<'a, const P: usize, C, Y> {
    cpu: C,
    p: &'a QConv2d,
    w: &'a [i8],
    bias: &'a [i32],
    multiplier: &'a [f32],
    /// Inputs and outputs of a group.
    sizes: [usize; 2],
    /// Kernel rows, runs in each, and fours in each run.
    taps: [usize; 3],
    /// Inputs from kernel row to kernel row, and from tap to tap.
    steps: [usize; 2],
    walk: Walk,
    /// Pixels that are computed one after the other.
    pixels: usize,
    patch: &'a mut [u32],
    /// Outputs before the residual.
    sums: &'a mut [Y],
}

impl<const P: usize, C: Dual, Y: Byte> Layer<'_, P, C, Y> {
    /// All pixels that are computed one after the other but the first `done`.
    fn compute<X: Byte>(&mut self, x: &[X], done: usize, y: &mut [Y]) {
        let [inputs, outputs] = self.sizes;
        let [height, columns, run] = self.taps;
        let (quads, filled) =
            (height * columns * run, if P == FOUR { outputs } else { outputs.next_multiple_of(FOUR) });
        for group in 0..self.p.map.groups {
            let bias = self.bias.get(group * outputs..).and_then(|all| all.get(..outputs));
            let multiplier = self.multiplier.get(group * outputs..).and_then(|all| all.get(..outputs));
            let (Some(bias), Some(multiplier)) = (bias, multiplier) else { return };
            let w = self.w.get(group * filled * 4 * quads..).unwrap_or(&[]);
            let (x, y) = (x.get(group * inputs..).unwrap_or(&[]), y.get_mut(group * outputs..).unwrap_or(&mut []));
            let group = Group { w, bias, multiplier, quads };
            self.group(x, &group, done, y);
        }
    }

    /// The outputs of a group; the residual is added to all pixels but the first `done`.
    #[inline(always)]
    fn group<X: Byte>(&mut self, x: &[X], group: &Group<'_>, done: usize, y: &mut [Y]) {
        let (range, pitch) = (self.p.finish.range, self.p.map.out_pitch);
        let Group { w, bias, multiplier, quads } = *group;
        let (mut next, mut walk) = (done, self.walk.from(done));
        let held = self.p.finish.residual.is_some() || self.pixels < P;
        while next < self.pixels {
            let mut first = next;
            if self.pixels - next < P {
                // The last ones once more where fewer are left.
                first = self.pixels.saturating_sub(P);
                walk = self.walk.from(first);
            }
            let mut at = [0; P];
            for (i, at) in at.iter_mut().enumerate() {
                // Missing pixels repeat the first one.
                *at = if first + i < self.pixels { walk.next() } else { self.walk.at };
            }
            self.gather(x, at);
            let products = Products { patch: self.patch, w, quads, bias, multiplier, range };
            if held {
                compute::<P, C, Y>(self.cpu, &products, self.sums, bias.len());
                let mut pixel = next;
                while pixel < first + P && pixel < self.pixels {
                    let sums = self.sums.get((pixel - first) * bias.len()..).and_then(|sums| sums.get(..bias.len()));
                    let (Some(sums), Some(y)) = (sums, y.get_mut(pixel * pitch..)) else { return };
                    match &self.p.finish.residual {
                        Some(residual) => self.cpu.add(residual, sums, y),
                        None => self.cpu.copy(sums, y),
                    }
                    pixel += 1;
                }
            } else {
                let Some(y) = y.get_mut(first * pitch..) else { return };
                compute::<P, C, Y>(self.cpu, &products, y, pitch);
            }
            next = first + P;
        }
    }

    /// Widens the windows that begin at `at`.
    #[inline(always)]
    fn gather<X: Byte>(&mut self, x: &[X], at: [usize; P]) {
        let [height, columns, run] = self.taps;
        let mut to = 0;
        for kh in 0..height {
            for kw in 0..columns {
                let tap = kh * self.steps[0] + kw * self.steps[1];
                let Some(patch) = self.patch.get_mut(to..) else { return };
                match at.first_chunk::<FOUR>() {
                    Some(four) => widen(self.cpu, x, four.map(|at| at + tap), run, patch),
                    None => widen_one(self.cpu, at.first().and_then(|at| x.get(at + tap..)).unwrap_or(&[]), run, patch),
                }
                to += run * 2 * P;
            }
        }
    }
}

/// What the outputs of a group are computed with.
struct Group<'a> {
    w: &'a [i8],
    bias: &'a [i32],
    multiplier: &'a [f32],
    quads: usize,
}

/// The outputs of `P` pixels: four or one.
#[inline(always)]
fn compute<const P: usize, C: Dual, Y: Byte>(cpu: C, products: &Products<'_>, y: &mut [Y], pitch: usize) {
    if P == FOUR {
        four_pixels(cpu, products, y, pitch);
    } else {
        pixel(cpu, products, y);
    }
}

/// Copies a row of inputs into a line, behind the padding.
fn copy_row<C: Dual, X: Byte>(cpu: C, m: &Conv2d, x: &[X], line: &mut [X]) {
    let Some(line) = line.get_mut(m.pad_left * m.in_c..) else { return };
    // Pixels that lie side by side are one.
    let (pixels, channels) = if m.in_pitch == m.in_c { (1, m.in_w * m.in_c) } else { (m.in_w, m.in_c) };
    for pixel in 0..pixels {
        let (from, to) = (x.get(pixel * m.in_pitch..), line.get_mut(pixel * m.in_c..));
        let (Some(from), Some(to)) = (from, to) else { return };
        cpu.copy(from.get(..channels).unwrap_or(from), to);
    }
}
