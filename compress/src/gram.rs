//! What layers read, measured: the products of their inputs with each other, from which weights are solved again.

use zantc::ir::Tensor;

use crate::Outcome;
use crate::data::Data;
use crate::layer::{Form, Layer, SAME_LOWER, SAME_UPPER, Window};
use crate::linalg::add_products;
use crate::net::Net;
use crate::probe::Probe;

/// Sums over rows that a layer (or a group of one) multiplies by its weights: patches of a convolution, rows of a product.
#[derive(Clone, Debug)]
pub struct Gram {
    /// Numbers in a row.
    pub n: usize,
    /// `sum x x^T`, `[n][n]`, symmetric.
    pub sums: Vec<f64>,
    /// `sum x`.
    pub totals: Vec<f64>,
    /// How many rows there were.
    pub rows: usize,
}

impl Gram {
    /// Of no rows yet.
    pub fn new(n: usize) -> Gram {
        Gram { n, sums: vec![0.0; n * n], totals: vec![0.0; n], rows: 0 }
    }

    /// Adds rows `[count][n]`.
    pub fn add(&mut self, rows: &[f32]) {
        let count = rows.len() / self.n.max(1);
        add_products(&mut self.sums, rows, rows, [count, self.n, self.n], true);
        for row in rows.chunks(self.n.max(1)) {
            self.totals.iter_mut().zip(row).for_each(|(t, v)| *t += f64::from(*v));
        }
        self.rows += count;
    }

    /// Writes the other half of the sums.
    pub fn complete(&mut self) {
        for i in 0..self.n {
            for j in 0..i {
                self.sums[i * self.n + j] = self.sums[j * self.n + i];
            }
        }
    }

    /// The sums as floats, divided by the rows.
    pub fn means(&self) -> Vec<f32> {
        let rows = self.rows.max(1) as f64;
        self.sums.iter().map(|v| (v / rows) as f32).collect()
    }

    /// The sums divided by the rows, with a share of the mean diagonal added to the diagonal, so that inputs that never vary do no harm.
    /// `None` where nothing was measured, or what is no number.
    pub fn damped(&self, share: f64) -> Option<Vec<f64>> {
        if self.rows == 0 || !self.sums.iter().all(|v| v.is_finite()) {
            return None;
        }
        let n = self.n;
        let mut damped: Vec<f64> = self.sums.iter().map(|v| v / self.rows as f64).collect();
        let more = share * (0..n).map(|i| damped[i * n + i]).sum::<f64>() / n.max(1) as f64;
        (0..n).for_each(|i| damped[i * n + i] += more.max(1e-12));
        Some(damped)
    }

    /// Gives biases what changed rows `[outputs][n]` lack in the mean of the inputs.
    pub fn correct(&self, biases: &mut [f32], rows: &[f32], changed: &[f32]) {
        let mean = self.mean();
        for ((bias, row), changed) in biases.iter_mut().zip(rows.chunks(self.n)).zip(changed.chunks(self.n)) {
            let lack = row.iter().zip(changed).zip(&mean).map(|((w, c), m)| (f64::from(*w) - f64::from(*c)) * m);
            let corrected = f64::from(*bias) + lack.sum::<f64>();
            if corrected.is_finite() {
                *bias = corrected as f32;
            }
        }
    }

    /// The mean of each number of a row.
    pub fn mean(&self) -> Vec<f64> {
        self.totals.iter().map(|t| t / self.rows.max(1) as f64).collect()
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Examples.
    pub examples: usize,
    /// Rows of a layer, at most about.
    pub rows: usize,
    /// Bytes of sums that are held at once.
    pub bytes: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { examples: 512, rows: 32_768, bytes: 700 << 20 }
    }
}

/// Rows that are added at once.
const ROWS: usize = 512;

/// Measures the inputs of layers, some layers at a time; `take` gets the index of each layer and one Gram for each of its groups. Transposed
/// convolutions are left out.
///
/// # Errors
/// The model does not compile or run, or the data cannot be read.
pub fn measure(
    net: &Net,
    layers: &[Layer],
    data: &Data,
    budget: Budget,
    take: &mut dyn FnMut(usize, Vec<Gram>) -> Outcome<()>,
) -> Outcome<()> {
    let bytes = |layer: &Layer| layer.groups * layer.depth * layer.depth * size_of::<f64>();
    let mut open: Vec<usize> =
        (0..layers.len()).filter(|&at| !matches!(layers[at].form, Form::ConvTranspose { .. })).collect();
    while !open.is_empty() {
        let mut held = 0;
        let fits = |at: &&usize| {
            held += bytes(&layers[**at]);
            held <= budget.bytes
        };
        let count = open.iter().take_while(fits).count().max(1);
        let some: Vec<usize> = open.drain(..count).collect();
        let names: Vec<String> = some.iter().map(|&at| layers[at].input.clone()).collect();
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        let probe = Probe::new(net, &unique)?;
        let mut samplers: Vec<Sampler> = some.iter().map(|&at| Sampler::new(&layers[at], budget, data)).collect();
        probe.each(data, 0..budget.examples, &mut |values| {
            for (sampler, name) in samplers.iter_mut().zip(&names) {
                let at = unique.binary_search(name).expect("all names are there");
                sampler.take(&values[at]);
            }
        })?;
        for (at, sampler) in some.into_iter().zip(samplers) {
            take(at, sampler.finish())?;
        }
    }
    Ok(())
}

/// Takes rows of a layer's inputs, evenly, until there are enough.
struct Sampler<'l> {
    layer: &'l Layer,
    grams: Vec<Gram>,
    pending: Vec<Vec<f32>>,
    runs: usize,
    budget: usize,
    seen: usize,
}

impl<'l> Sampler<'l> {
    fn new(layer: &'l Layer, budget: Budget, data: &Data) -> Self {
        let runs = (budget.examples.min(data.len()) / data.batch()).max(1);
        let grams = (0..layer.groups).map(|_| Gram::new(layer.depth)).collect();
        Sampler { layer, grams, pending: vec![Vec::new(); layer.groups], runs, budget: budget.rows, seen: 0 }
    }

    fn take(&mut self, value: &Tensor) {
        let Some(patches) = Patches::of(self.layer, value) else { return };
        // An odd distance meets every column of an even width.
        let apart = (patches.count() * self.runs).div_ceil(self.budget.max(1)) | 1;
        let first = (apart - self.seen % apart) % apart;
        for place in (first..patches.count()).step_by(apart) {
            for (group, pending) in self.pending.iter_mut().enumerate() {
                patches.push(place, group, pending);
            }
        }
        self.seen += patches.count();
        if self.pending[0].len() >= ROWS * self.layer.depth {
            self.flush();
        }
    }

    fn flush(&mut self) {
        for (gram, pending) in self.grams.iter_mut().zip(&mut self.pending) {
            gram.add(pending);
            pending.clear();
        }
    }

    fn finish(mut self) -> Vec<Gram> {
        self.flush();
        self.grams.iter_mut().for_each(Gram::complete);
        self.grams
    }
}

/// The rows that a layer multiplies, of one value.
pub struct Patches<'l> {
    layer: &'l Layer,
    value: Vec<f32>,
    /// Batch, channels, height, width; of products of rows: rows, numbers.
    shape: [usize; 4],
    /// Height and width of the output, and the pads before.
    out: [usize; 2],
    before: [usize; 2],
}

impl<'l> Patches<'l> {
    /// Of the value that a layer reads; `None` where it does not fit, and of transposed convolutions.
    pub fn of(layer: &'l Layer, value: &Tensor) -> Option<Patches<'l>> {
        let floats = value.to_vec::<f32>()?;
        match &layer.form {
            Form::Rows | Form::Columns => {
                let rows = floats.len() / layer.depth;
                Some(Patches { layer, value: floats, shape: [rows, layer.depth, 1, 1], out: [1, 1], before: [0, 0] })
            }
            Form::Conv(window) => {
                let shape = match *value.shape() {
                    [n, c, w] => [n, c, 1, w],
                    [n, c, h, w] => [n, c, h, w],
                    _ => return None,
                };
                let mut out = [0, 0];
                let mut before = [0, 0];
                for a in 0..2 {
                    (out[a], before[a]) = extent(window, shape[a + 2], a)?;
                }
                Some(Patches { layer, value: floats, shape, out, before })
            }
            Form::ConvTranspose { .. } => None,
        }
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.shape[0] * self.out[0] * self.out[1]
    }

    /// Writes a row of a group behind what is there.
    pub fn push(&self, place: usize, group: usize, to: &mut Vec<f32>) {
        let [_, channels, height, width] = self.shape;
        let Form::Conv(window) = &self.layer.form else {
            return to.extend(&self.value[place * self.layer.depth..][..self.layer.depth]);
        };
        let [kh, kw] = window.kernel;
        let each = self.layer.depth / (kh * kw);
        let (image, pixel) = (place / (self.out[0] * self.out[1]), place % (self.out[0] * self.out[1]));
        let corner = [pixel / self.out[1] * window.stride[0], pixel % self.out[1] * window.stride[1]];
        for channel in group * each..(group + 1) * each {
            for tap in 0..kh * kw {
                let y = (corner[0] + tap / kw * window.dilation[0]).wrapping_sub(self.before[0]);
                let x = (corner[1] + tap % kw * window.dilation[1]).wrapping_sub(self.before[1]);
                let inside = y < height && x < width && channel < channels;
                to.push(if inside { self.value[((image * channels + channel) * height + y) * width + x] } else { 0.0 });
            }
        }
    }
}

/// The output's extent along a dimension, and the pads before it.
fn extent(window: &Window, size: usize, a: usize) -> Option<(usize, usize)> {
    let reach = (window.kernel[a] - 1) * window.dilation[a] + 1;
    let stride = window.stride[a];
    if window.pads == SAME_UPPER || window.pads == SAME_LOWER {
        let out = size.div_ceil(stride);
        let total = ((out.saturating_sub(1)) * stride + reach).saturating_sub(size);
        return Some((out, if window.pads == SAME_UPPER { total / 2 } else { total.div_ceil(2) }));
    }
    let whole = size.checked_add(window.pads[a])?.checked_add(window.pads[a + 2])?;
    Some((whole.checked_sub(reach)?.checked_div(stride)? + 1, window.pads[a]))
}
