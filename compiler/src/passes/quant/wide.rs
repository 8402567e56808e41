//! How sums of products of 16-bit numbers become numbers of 8 or 16 bits: `(sum * 2^lead * multiplier + bias) / 2^shift`, so finely
//! that results differ from those of real numbers in rounding ties alone.

use crate::ir::{Affine, Epilogue, Node, Target, Tensor, ValueId};
use crate::passes::rewrite::Rewriter;

/// What sums are finished with, channel by channel.
pub(super) struct Ends {
    bias: Vec<i64>,
    multiplier: Vec<i32>,
    shift: Vec<u8>,
    /// Of all channels.
    pub(super) lead: u8,
}

impl Ends {
    /// Operands of the operator.
    pub(super) fn constants(&self) -> Vec<(&'static str, Tensor)> {
        let columns = [self.bias.len()];
        let bias = Tensor::from_elements(columns, &self.bias);
        let multiplier = Tensor::from_elements(columns, &self.multiplier);
        vec![("bias", bias), ("multiplier", multiplier), ("shift", Tensor::from_elements(columns, &self.shift))]
    }
}

/// What is summed.
pub(super) struct Sums<'a> {
    /// The operand, and what its numbers stand for.
    pub(super) x: ValueId,
    pub(super) from: Affine,
    /// The weights less their zero points, and the dimension that the channels are.
    pub(super) w: &'a [i8],
    pub(super) axis: usize,
    /// The scale of each channel's weights.
    pub(super) scales: &'a [f32],
    /// The scale of the result.
    pub(super) sy: f32,
}

/// The ends of a product, or why there are none.
pub(super) fn ends(rw: &Rewriter<'_>, node: &Node, epilogue: &Epilogue, sums: &Sums<'_>) -> Result<Ends, String> {
    let bias = match epilogue.bias {
        true => bias(rw, node.inputs[2]).ok_or("its bias is not a constant of f32")?,
        false => vec![0.0; sums.scales.len()],
    };
    let (sx, sy) = (f64::from(sums.from.scale), f64::from(sums.sy));
    let factors: Vec<f64> = sums.scales.iter().map(|s| sx * f64::from(*s) / sy).collect();
    let lead = lead(factors.iter().copied().fold(0.0, f64::max));
    let mut ends = Ends { bias: vec![], multiplier: vec![], shift: vec![], lead: lead.unwrap_or(0) };
    for ((reach, factor), bias) in reaches(rw, sums).into_iter().zip(factors).zip(bias) {
        let channel = lead.and_then(|lead| end(reach, factor, bias / sy, lead));
        let (bias, multiplier, shift) =
            channel.ok_or("its scales multiplied and divided leave the range of 64 bits")?;
        ends.bias.push(bias);
        ends.multiplier.push(multiplier);
        ends.shift.push(shift);
    }
    Ok(ends)
}

/// The least shift to the left with which multipliers of a largest factor can be below a quarter.
fn lead(largest: f64) -> Option<u8> {
    (0..=30).find(|&lead| largest / ((1u64 << lead) as f64) < 0.2499)
}

/// Bias, multiplier and shift of a channel whose sums reach so far, and whose results are `sum * factor + bias`.
fn end(reach: u64, factor: f64, bias: f64, lead: u8) -> Option<(i64, i32, u8)> {
    let most = reach as f64 * factor + bias.abs() + 1.0;
    let left = (1u64 << lead) as f64;
    // Powers of two are exact.
    let fits = |shift: u8| {
        let unit = (1u64 << shift) as f64;
        most * unit < (1u64 << 62) as f64 && factor / left * unit < f64::from(i32::MAX)
    };
    let shift = (33..=62).rev().find(|&shift| fits(shift))?;
    let unit = (1u64 << shift) as f64;
    let bias = (bias * unit).round_ties_even() as i64 + (1 << (shift - 1));
    Some((bias, (factor / left * unit).round_ties_even() as i32, shift))
}

/// How far from 0 the sum of each channel can be.
fn reaches(rw: &Rewriter<'_>, sums: &Sums<'_>) -> Vec<u64> {
    let whole = Target::new(rw.ty(sums.x).dtype, 0);
    let zero = sums.from.zero;
    let largest = u64::from(zero.abs_diff(whole.lo).max(zero.abs_diff(whole.hi)));
    let channels = sums.scales.len().max(1);
    let inner = if sums.axis == 0 { sums.w.len() / channels } else { 1 };
    let mut reaches = vec![0u64; sums.scales.len()];
    for (i, w) in sums.w.iter().enumerate() {
        reaches[i / inner.max(1) % channels] += u64::from(w.unsigned_abs()) * largest;
    }
    reaches
}

/// The biases as numbers: from the integers that they are stored as, where they are.
fn bias(rw: &Rewriter<'_>, v: ValueId) -> Option<Vec<f64>> {
    let reals = rw.data(v)?.to_vec::<f32>()?;
    let stored = rw.graph.stored.get(&v).filter(|s| s.is_scaled() && s.data.len() == reals.len());
    let scales = |n: usize| n == 1 || n == reals.len();
    let Some((stored, integers)) = stored.filter(|s| scales(s.scale.len())).and_then(|s| Some((s, s.data.to_i64s()?)))
    else {
        return Some(reals.into_iter().map(f64::from).collect());
    };
    let per_channel = |i: usize| if stored.scale.len() == 1 { 0 } else { i };
    let real = |(i, q): (usize, i64)| {
        (q as f64 - stored.zero[per_channel(i)] as f64) * f64::from(stored.scale[per_channel(i)])
    };
    Some(integers.into_iter().enumerate().map(real).collect())
}

#[cfg(test)]
mod tests {
    use super::{end, lead};

    #[test]
    fn factors_are_as_fine_as_64_bits_allow() {
        for (reach, factor, bias, left) in [
            (1u64 << 31, 1e-3, 0.0, 0),
            (1 << 24, 0.2, 100.5, 0),
            (1 << 36, 1e-6, -3e4, 0),
            (1 << 20, 7.0, 1.0, 5),
            (1, 1e-30, 0.0, 0),
        ] {
            assert_eq!(lead(factor), Some(left));
            let (b, m, shift) = end(reach, factor, bias, left).unwrap();
            let unit = (1u64 << shift) as f64;
            let most = (i128::from(reach) << left) * i128::from(m) + i128::from(b).abs();
            assert!((33..=62).contains(&shift) && most < 3 << 61, "{factor}");
            // The error of a result in range, in quanta: what is promised of sums up to 2^36.
            let made = f64::from(m) * f64::from(1u32 << left) / unit;
            assert!((made - factor).abs() * (reach as f64).min(65536.0 / factor) < 1.0 / 2048.0, "{factor}");
            assert!((b as f64 / unit - 0.5 - bias).abs() < 1e-6);
        }
        assert_eq!(lead(1e12), None);
        assert_eq!(lead(f64::INFINITY), None);
        assert_eq!(end(1 << 40, 1e9, 0.0, 30), None);
        assert_eq!(end(1, 1.0, f64::NAN, 3), None);
    }
}
