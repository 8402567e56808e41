//! Problems shaped like models: sizes in bytes of f32 maps, steps as a lowered network has them.

use crate::plan::problem::{BufferIx, BufferSpec, InPlace, Problem, StepSpec};
use crate::plan::svg::Names;

/// A problem under construction.
pub(super) struct Net {
    pub(super) problem: Problem,
    pub(super) names: Names,
}

impl Net {
    pub(super) fn new() -> Self {
        Self {
            problem: Problem { align: 16, buffers: Vec::new(), steps: Vec::new() },
            names: Names { buffers: Vec::new(), steps: Vec::new() },
        }
    }

    /// A buffer of `side` x `side` x `channels` f32.
    pub(super) fn map(&mut self, name: &str, side: usize, channels: usize) -> BufferIx {
        self.buffer(name, BufferSpec { bytes: 4 * side * side * channels, ..BufferSpec::default() })
    }

    pub(super) fn buffer(&mut self, name: &str, spec: BufferSpec) -> BufferIx {
        self.problem.buffers.push(spec);
        self.names.buffers.push(name.to_owned());
        BufferIx(self.problem.buffers.len() - 1)
    }

    pub(super) fn output(&mut self, buffer: BufferIx) {
        self.problem.buffers[buffer.0].live_to_end = true;
    }

    pub(super) fn step(&mut self, name: &str, reads: &[BufferIx], write: BufferIx) -> &mut StepSpec {
        self.names.steps.push(name.to_owned());
        let step = StepSpec { reads: reads.to_vec(), writes: vec![write], ..StepSpec::default() };
        self.problem.steps.push(step);
        let last = self.problem.steps.len() - 1;
        &mut self.problem.steps[last]
    }

    /// A step that may write over its first operand.
    pub(super) fn map_step(&mut self, name: &str, reads: &[BufferIx], write: BufferIx) {
        let pair = InPlace { read: reads[0], write, mandatory: false };
        self.step(name, reads, write).in_place.push(pair);
    }

    /// A convolution of `operand` that accumulates into `sum`.
    fn residual(&mut self, name: &str, operand: BufferIx, sum: BufferIx, write: BufferIx) {
        let pair = InPlace { read: sum, write, mandatory: true };
        self.step(name, &[operand, sum], write).in_place.push(pair);
    }
}

/// MobileNetV2 for 96 x 96: inverted residuals whose last convolution adds into the block's input.
pub(super) fn mobilenet_v2() -> Net {
    let mut net = Net::new();
    let mut x = net.map("stem", 48, 16);
    net.step("conv 3x3 /2", &[], x);
    let (mut side, mut channels) = (48, 16);
    // Output channels, stride, repeats.
    for (block, (out, stride, repeats)) in
        [(8, 1, 1), (12, 2, 2), (16, 2, 3), (32, 2, 4), (48, 1, 3), (80, 2, 3), (160, 1, 1)].into_iter().enumerate()
    {
        for repeat in 0..repeats {
            let stride = if repeat == 0 { stride } else { 1 };
            let tag = format!("{block}.{repeat}");
            let wide = net.map(&format!("{tag} expanded"), side, 6 * channels);
            net.step(&format!("{tag} expand"), &[x], wide);
            let deep = net.map(&format!("{tag} depthwise"), side / stride, 6 * channels);
            let scratch = 4 * 3 * side * 6;
            net.step(&format!("{tag} depthwise"), &[wide], deep).scratch.push(scratch);
            side /= stride;
            let y = net.map(&format!("{tag} out"), side, out);
            if repeat == 0 {
                net.step(&format!("{tag} project"), &[deep], y);
            } else {
                net.residual(&format!("{tag} project + add"), deep, x, y);
            }
            (x, channels) = (y, out);
        }
    }
    let pooled = net.map("pooled", 1, channels);
    net.map_step("mean", &[x], pooled);
    let scores = net.map("scores", 1, 2);
    net.step("dense", &[pooled], scores);
    net.output(scores);
    net
}

/// ResNet-8 for 32 x 32, as in MLPerf Tiny: shortcuts with a convolution where the size changes.
pub(super) fn resnet8() -> Net {
    let mut net = Net::new();
    let mut x = net.map("stem", 32, 16);
    net.step("conv", &[], x);
    let mut side = 32;
    for (stack, channels) in [16, 32, 64].into_iter().enumerate() {
        let stride = if stack == 0 { 1 } else { 2 };
        side /= stride;
        let a = net.map(&format!("{stack} a"), side, channels);
        net.step(&format!("{stack} conv a"), &[x], a);
        let shortcut = if stride == 1 {
            x
        } else {
            let shortcut = net.map(&format!("{stack} shortcut"), side, channels);
            net.step(&format!("{stack} shortcut"), &[x], shortcut);
            shortcut
        };
        let y = net.map(&format!("{stack} out"), side, channels);
        net.residual(&format!("{stack} conv b + add"), a, shortcut, y);
        x = y;
    }
    let pooled = net.map("pooled", 1, 64);
    net.map_step("mean", &[x], pooled);
    let scores = net.map("scores", 1, 10);
    net.step("dense", &[pooled], scores);
    let out = net.map("probabilities", 1, 10);
    net.map_step("softmax", &[scores], out);
    net.output(out);
    net
}

/// Inception blocks: four branches of different depth that write pieces of one result.
pub(super) fn inception(blocks: usize) -> Net {
    let mut net = Net::new();
    let mut x = net.map("stem", 28, 64);
    net.step("conv", &[], x);
    for block in 0..blocks {
        let y = net.map(&format!("{block} out"), 28, 64 + 16 * (block % 3));
        for (branch, depth) in [1, 2, 3, 2].into_iter().enumerate() {
            let mut at = x;
            for level in 1..depth {
                let next = net.map(&format!("{block}.{branch}.{level}"), 28, 8 * (branch + level));
                net.step(&format!("{block}.{branch} conv {level}"), &[at], next);
                at = next;
            }
            net.step(&format!("{block}.{branch} last"), &[at], y);
        }
        x = y;
    }
    net.output(x);
    net
}

/// U-Net: skips written straight into the concatenations of the way up.
pub(super) fn unet(depth: usize) -> Net {
    let mut net = Net::new();
    let mut x = net.map("in", 64, 8);
    net.step("conv", &[], x);
    let mut skips = Vec::new();
    for level in 0..depth {
        let joined = net.map(&format!("join {level}"), 64 >> level, 16 << level);
        net.step(&format!("down {level}"), &[x], joined);
        skips.push(joined);
        x = net.map(&format!("pooled {level}"), 32 >> level, 8 << level);
        net.step(&format!("pool {level}"), &[joined], x);
    }
    for (level, joined) in skips.into_iter().enumerate().rev() {
        net.step(&format!("up {level}"), &[x], joined);
        x = net.map(&format!("mixed {level}"), 64 >> level, 8 << level);
        net.step(&format!("mix {level}"), &[joined], x);
    }
    net.output(x);
    net
}

/// A backbone with detection heads at six sizes, which write pieces of two outputs.
pub(super) fn detector() -> Net {
    let mut net = Net::new();
    let scores = net.map("scores", 1, 12000);
    let boxes = net.map("boxes", 1, 4000);
    net.output(scores);
    net.output(boxes);
    let mut x = net.map("stem", 64, 16);
    net.step("conv", &[], x);
    for level in 0..6 {
        let side = 64 >> level;
        for conv in 0..3 {
            let y = net.map(&format!("{level}.{conv}"), side / (1 + usize::from(conv == 2)), 16 + 8 * level);
            net.step(&format!("{level} conv {conv}"), &[x], y);
            x = y;
        }
        for (output, head) in [(scores, "scores"), (boxes, "boxes")] {
            let hidden = net.map(&format!("{level} {head} hidden"), side / 2, 24);
            net.step(&format!("{level} {head} a"), &[x], hidden);
            net.step(&format!("{level} {head} b"), &[hidden], output);
        }
    }
    net
}

/// A transformer that decodes one token: heads that write pieces, state that is updated.
pub(super) fn transformer(layers: usize, heads: usize) -> Net {
    let mut net = Net::new();
    let state = BufferSpec { bytes: 4 * 64 * 64, live_from_start: true, live_to_end: true };
    let caches: Vec<[BufferIx; 2]> =
        (0..layers).map(|layer| ["keys", "values"].map(|name| net.buffer(&format!("{layer} {name}"), state))).collect();
    let mut x = net.map("embedded", 1, 64);
    net.step("embed", &[], x);
    for (layer, [keys, values]) in caches.into_iter().enumerate() {
        let normed = net.map(&format!("{layer} normed"), 1, 64);
        net.step(&format!("{layer} norm"), &[x], normed);
        let [q, k, v] = ["q", "k", "v"].map(|name| {
            let y = net.map(&format!("{layer} {name}"), 1, 64);
            net.step(&format!("{layer} {name}"), &[normed], y);
            y
        });
        net.step(&format!("{layer} append keys"), &[k, keys], keys);
        net.step(&format!("{layer} append values"), &[v, values], values);
        let mixed = net.map(&format!("{layer} mixed"), 1, 64);
        for head in 0..heads {
            let scores = net.map(&format!("{layer}.{head} scores"), 1, 64);
            net.step(&format!("{layer}.{head} scores"), &[q, keys], scores);
            let weights = net.map(&format!("{layer}.{head} weights"), 1, 64);
            net.map_step(&format!("{layer}.{head} softmax"), &[scores], weights);
            net.step(&format!("{layer}.{head} mix"), &[weights, values], mixed);
        }
        let added = net.map(&format!("{layer} added"), 1, 64);
        net.residual(&format!("{layer} project"), mixed, x, added);
        let wide = net.map(&format!("{layer} wide"), 1, 256);
        net.step(&format!("{layer} up"), &[added], wide);
        x = net.map(&format!("{layer} out"), 1, 64);
        net.residual(&format!("{layer} down"), wide, added, x);
    }
    let logits = net.map("logits", 1, 1000);
    net.step("logits", &[x], logits);
    net.output(logits);
    net
}
