//! Which token comes next: the most likely one, or one by chance among the likely ones.

/// Chooses tokens by their scores.
#[derive(Clone, Debug)]
pub struct Sampler {
    /// What scores are divided by: less than 1 makes the likely ones likelier; 0 takes the most likely one.
    temperature: f32,
    /// How many of the most likely ones may be taken; 0 is all.
    top_k: usize,
    /// The state of the random numbers, never 0.
    state: u64,
}

impl Sampler {
    /// The most likely token each time.
    pub const fn greedy() -> Sampler {
        Sampler { temperature: 0.0, top_k: 1, state: 1 }
    }

    /// A token by chance; equal seeds give equal texts.
    pub const fn new(temperature: f32, top_k: usize, seed: u64) -> Sampler {
        Sampler { temperature, top_k, state: if seed == 0 { 1 } else { seed } }
    }

    /// The token that comes next, by the scores of all.
    pub fn choose<const N: usize>(&mut self, scores: &[f32; N]) -> usize {
        let (best, most) = scores.iter().enumerate().fold((0, f32::NEG_INFINITY), |best, (at, &score)| {
            if score > best.1 { (at, score) } else { best }
        });
        if self.temperature.is_nan() || self.temperature <= 0.0 || self.top_k == 1 {
            return best;
        }
        let (least, temperature) = (self.least(scores, most), self.temperature);
        let weight = |score: f32| if score < least { 0.0 } else { exp((score - most) / temperature) };
        let sum: f32 = scores.iter().map(|&score| weight(score)).sum();
        let chosen = sum * self.random();
        let mut reached = 0.0;
        for (at, &score) in scores.iter().enumerate() {
            reached += weight(score);
            if reached > chosen {
                return at;
            }
        }
        best
    }

    /// The least score that may be taken: that of the last of the most likely ones.
    fn least(&self, scores: &[f32], most: f32) -> f32 {
        let mut least = most;
        for _ in 1..self.top_k {
            let below = scores.iter().copied().filter(|score| *score < least);
            let next = below.fold(f32::NEG_INFINITY, f32::max);
            if next == f32::NEG_INFINITY {
                return next;
            }
            least = next;
        }
        if self.top_k == 0 { f32::NEG_INFINITY } else { least }
    }

    /// A number from 0 to less than 1: xorshift64* (S. Vigna, 2016).
    fn random(&mut self) -> f32 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let bits = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        bits as f32 / (1u64 << 24) as f32
    }
}

/// e^x for x up to 0, within 1e-5 of it: x is halved sixteen times, the series of e^x is taken, and the result squared as often.
fn exp(x: f32) -> f32 {
    const HALVED: i32 = 16;
    if x < -80.0 {
        return 0.0;
    }
    let x = f64::from(x) / f64::from(1 << HALVED);
    let mut y = 1.0 + x * (1.0 + x * (0.5 + x * (1.0 / 6.0)));
    for _ in 0..HALVED {
        y *= y;
    }
    y as f32
}

#[cfg(test)]
mod tests {
    use super::{Sampler, exp};

    #[test]
    fn the_likely_ones_come_as_often_as_they_should() {
        let scores = [0.0f32, 1.0, 2.0, -1.0];
        let mut sampler = Sampler::new(0.5, 3, 42);
        let mut counts = [0usize; 4];
        for _ in 0..20_000 {
            counts[sampler.choose(&scores)] += 1;
        }
        let sum: f32 = [0.0f32, 2.0, 4.0].map(f32::exp).iter().sum();
        for (count, score) in counts.iter().zip([0.0f32, 2.0, 4.0]) {
            let (share, wanted) = (*count as f32 / 20_000.0, score.exp() / sum);
            assert!((share - wanted).abs() < 0.01, "{counts:?}");
        }
        assert_eq!(counts[3], 0, "it is not among the three");
        assert_eq!(Sampler::greedy().choose(&scores), 2);
        assert_eq!(Sampler::new(f32::NAN, 0, 0).choose(&scores), 2);
        assert!(Sampler::new(1e9, 0, 3).choose(&scores) < 4);
    }

    #[test]
    fn powers_of_e_are_close() {
        for i in 0..800 {
            let x = -i as f32 / 10.0;
            assert!((exp(x) - x.exp()).abs() <= 1e-5 * x.exp() + 1e-30, "{x}");
        }
    }
}
